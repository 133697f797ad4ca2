"""`python -m benchmarks.charts`: the index of a Helm repository of 100 to 50,000 chart versions.

A server with two workers and sign-in, filled with rows of charts, fifty versions of each name; the
load comes from the same machine. What was measured is written to `benchmarks/charts.md`.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import io
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import drivers, report, servers
from benchmarks.content import MB
from benchmarks.servers import PASSWORD, Server
from packyard.digests import digest_of
from packyard.packs.charts import Chart
from packyard.references import RepoName, Tag
from packyard.registry.charts import ReadChart, enter
from packyard.registry.registry import Registry
from packyard.storage.content import now
from packyard.storage.store import Store

HERE = Path(__file__).parent
INDEX = "/helm/index.yaml"
SIZES = (100, 1_000, 10_000, 50_000)
VERSIONS = 50  # of each name
PUSHES = 20
CONNECTIONS = 32
BATCH = 1000  # rows of one transaction
ZIPPED = {"Accept-Encoding": "gzip"}
HELMS = ("helm", "helm3")

HEAD = """\
| chart versions | index | compressed | first GET after one push | compressed | unchanged GET \
| compressed | 304 | memory | `helm repo update` 4 | 3 |
|---|---|---|---|---|---|---|---|---|---|---|"""
NOTES = f"""\
First GET after one push: the median of {PUSHES}, each after the upload of another version, over a
kept connection, the whole body read. Rates: wrk with {CONNECTIONS} connections on the same cores,
every request with Basic credentials; what bounds the plain index is copying it over the loopback.
Memory: all processes after all that, pages that they share counted once. `helm repo update`, of
Helm 4 and 3, downloads and reads the plain index.
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in seconds, sizes in bytes, rates in requests per second; [0] plain, [1] compressed."""

    versions: int
    sizes: tuple[int, int]
    after_push: tuple[float, float]
    rates: tuple[float, float]
    unchanged: float
    memory: int
    updates: Sequence[float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.charts", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load for each rate")
    parser.add_argument("--size", type=int, action="append", help="only this one; repeatable")
    options = parser.parse_args()
    facts = report.machine()
    scratch = HERE.parent / "build"  # on a disk, unlike many a /tmp
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch))
    rows = []
    try:
        for size in options.size or SIZES:
            rows.append(row(measure(folder / str(size), size, options.seconds)))
            print(rows[-1], file=sys.stderr)
    finally:
        shutil.rmtree(folder)
    title = ["# The index of charts", "", "Written by `python -m benchmarks.charts`; do not edit."]
    machine = ["", "| | |", "|---|---|", *(f"| {name} | {fact} |" for name, fact in facts.items())]
    text = "\n".join([*title, *machine, "", HEAD, *rows, "", NOTES])
    print(text)
    if not options.size:
        (HERE / "charts.md").write_text(text, encoding="utf-8")


def measure(folder: Path, size: int, seconds: float) -> Figures:
    kind = next(kind for kind in servers.kinds() if kind.name == "packyard")
    with servers.running(kind, folder, signed_in=True) as server:
        fill(folder / "data", size)
        modes: tuple[Mapping[str, str], Mapping[str, str]] = {}, ZIPPED
        sizes = [len(ask(server, "GET", INDEX, headers=mode)[1]) for mode in modes]
        pushed = [
            after_pushes(server, f"{9 + number}.0", mode) for number, mode in enumerate(modes)
        ]
        tag = ask(server, "HEAD", INDEX)[0]["etag"]
        known = {"If-None-Match": tag}
        rates = [
            drivers.read(server, INDEX, connections=CONNECTIONS, seconds=seconds, more=more)
            for more in (*modes, known)
        ]
        plain, zipped, unchanged = (load.requests_per_second for load in rates)
        return Figures(
            versions=size,
            sizes=(sizes[0], sizes[1]),
            after_push=(pushed[0], pushed[1]),
            rates=(plain, zipped),
            unchanged=unchanged,
            memory=server.memory(),
            updates=[update(server, helm, folder) for helm in HELMS],
        )


def fill(data: Path, size: int) -> None:
    """Rows as pushes leave them, beside the running server."""
    store = Store.open(data)
    registry = Registry(store)
    for start in range(0, size, BATCH):
        with store.write() as tx:
            for number in range(start, min(start + BATCH, size)):
                chart = chart_of(number)
                repo, tag = RepoName(f"charts/{chart.name}"), Tag(chart.version)
                archive = str(number).encode()
                read = ReadChart(chart, digest_of(archive), archive)
                enter(tx, registry.source, registry.charts, repo, tag, read.digest, [read], now())
    store.close()


def chart_of(number: int) -> Chart:
    """What a usual Chart.yaml says."""
    name, version = f"chart-{number // VERSIONS:05}", f"1.{number % VERSIONS}.0"
    return Chart(
        name,
        version,
        {
            "name": name,
            "home": f"https://charts.example.com/{name}",
            "sources": [f"https://git.example.com/charts/{name}"],
            "version": version,
            "description": f"The {name} of a platform team, with its dashboards and alerts",
            "keywords": ["platform", "web", "metrics"],
            "maintainers": [
                {"name": "Ann Example", "email": "ann@example.com"},
                {"name": "Bob Example", "email": "bob@example.com"},
            ],
            "icon": f"https://charts.example.com/{name}/icon.png",
            "apiVersion": "v2",
            "appVersion": f"2.{number % VERSIONS}.1",
            "kubeVersion": ">=1.27.0-0",
            "type": "application",
        },
    )


def after_pushes(server: Server, train: str, headers: Mapping[str, str]) -> float:
    """Seconds of the median first GET after a push."""
    times = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    for number in range(PUSHES):
        ask(server, "POST", "/helm/api/charts", archive(f"{train}.{number}"))
        start = time.perf_counter()
        ask(server, "GET", INDEX, headers=headers, over=connection)
        times.append(time.perf_counter() - start)
    connection.close()
    return statistics.median(times)


def archive(version: str) -> bytes:
    text = f"apiVersion: v2\nname: chart-00000\nversion: {version}\n".encode()
    info = tarfile.TarInfo("chart-00000/Chart.yaml")
    info.size = len(text)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(info, io.BytesIO(text))
    return gzip.compress(out.getvalue())


def ask(
    server: Server,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    headers: Mapping[str, str] | None = None,
    over: http.client.HTTPConnection | None = None,
) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of an answer, which must be a good one."""
    connection = over or http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    sent = {"Authorization": server.push_authorization, **(headers or {})}
    connection.request(method, target, body=body or None, headers=sent)
    answer = connection.getresponse()
    read = answer.read()
    if answer.status >= 400:
        raise RuntimeError(f"{method} {target}: {answer.status} {read[:300]!r}")
    if over is None:
        connection.close()
    return {name.lower(): value for name, value in answer.headers.items()}, read


def update(server: Server, helm: str, folder: Path) -> float:
    """Seconds of the median `helm repo update` of three."""
    program = servers.find(helm)
    home = folder / helm
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    url = f"http://127.0.0.1:{server.port}/helm"

    def run(*words: str) -> float:
        start = time.perf_counter()
        subprocess.run([program, "repo", *words], env=environment, check=True, capture_output=True)
        return time.perf_counter() - start

    run("add", "team", url, "--username", "admin", "--password", PASSWORD)
    return statistics.median(run("update") for _ in range(3))


def row(figures: Figures) -> str:
    cells = [
        f"{figures.versions:,}",
        *(f"{size / MB:.2f} MB" for size in figures.sizes),
        *(f"{seconds * 1000:.1f} ms" for seconds in figures.after_push),
        *(f"{rate:,.0f} /s" for rate in (*figures.rates, figures.unchanged)),
        f"{figures.memory / MB:.0f} MB",
        *(f"{seconds:.2f} s" for seconds in figures.updates),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
