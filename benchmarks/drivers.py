"""Load: wrk for reads, own processes for pushes. A wrong answer ends the run."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.client import Client
from benchmarks.content import MANIFEST_TYPE, MB, Blob, manifest
from benchmarks.servers import Server

# Exact figures instead of wrk's rounded ones.
SUMMARY = """
done = function(summary, latency)
  io.write(string.format(
    '\\n{"requests":%d,"bytes":%d,"microseconds":%d,"errors":%d,"p99":%d}\\n',
    summary.requests, summary.bytes, summary.duration,
    summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.timeout + summary.errors.status, latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """`bytes_per_second` counts headers, too; `p99` is in seconds."""

    requests_per_second: float
    bytes_per_second: float
    p99: float


def read(
    server: Server,
    target: str,
    *,
    connections: int,
    seconds: float,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Load:
    """GET of one address for `seconds`, over `connections` kept-alive connections; with `more`
    headers."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("wrk is not installed: the rows of reads need it")
    headers = {"Accept": MANIFEST_TYPE, **more}
    if server.authorization:
        headers["Authorization"] = server.authorization
    options = [f"-H{name}: {value}" for name, value in headers.items()]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "summary.lua")
        script.write_text(SUMMARY, encoding="ascii")
        load = ["-t2", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout=30s", f"-s{script}"]
        command = [wrk, *load, *options, f"http://127.0.0.1:{server.port}{target}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.strip().rpartition("\n")[2])
    if figures["errors"]:
        raise RuntimeError(f"{server.name}: {figures['errors']} wrong answers to {target}")
    took = figures["microseconds"] / 1e6
    return Load(figures["requests"] / took, figures["bytes"] / took, figures["p99"] / 1e6)


def put_large(server: Server, *, times: int = 5) -> float:
    """Seconds of the median push of a blob of 100 MB that the server has not seen."""
    took = []
    with Client(server.port, server.push_authorization) as client:
        for _ in range(times):
            blob = Blob.random(100 * MB)
            start = time.perf_counter()
            client.push_blob("bench/large", blob)
            took.append(time.perf_counter() - start)
    return statistics.median(took)


def push_artifacts(server: Server, *, clients: int, seconds: float) -> float:
    """Whole artifacts per second: two new blobs of 1 kB, a manifest, a tag; `clients` processes."""
    arguments = [(server.port, server.push_authorization, n, seconds) for n in range(clients)]
    with multiprocessing.get_context("spawn").Pool(clients) as pool:
        return sum(pool.starmap(_push_for, arguments))


def _push_for(port: int, authorization: str, number: int, seconds: float) -> float:
    repository, count = f"bench/push-{number}", 0
    with Client(port, authorization) as client:
        start = time.perf_counter()
        while time.perf_counter() < start + seconds:
            config, layer = Blob.random(1000), Blob.random(1000)
            client.push_blob(repository, config)
            client.push_blob(repository, layer)
            client.push_manifest(repository, f"v{count}", manifest(config, [layer]))
            count += 1
        return count / (time.perf_counter() - start)
