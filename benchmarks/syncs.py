"""`python -m benchmarks.syncs`: how long other registries take to come into the catalog, and what
that asks of them; written into `syncs.md`. All of it runs on this machine; PACKYARD_PACKS names a
folder of real packs.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import httpx

from benchmarks import report, servers
from packyard.auth.secrets import Secrets
from packyard.digests import digest_of
from packyard.hub import registries, schedule
from packyard.hub.description import Auth, Kind, Provider, Registry
from packyard.hub.opening import Settings
from packyard.hub.schedule import Times
from packyard.hub.sync import Sync
from packyard.packs import artifact, lint
from packyard.packs.archive import read_archive
from packyard.packs.files import Files
from packyard.packs.folder import read_folder
from packyard.remotes import transport
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from packyard.remotes.oci import Repository
from packyard.remotes.pack import prepare, push
from packyard.storage.content import now
from packyard.storage.store import Store

VERSIONS, CHARTS = 10_000, 200
NOTES = """\
To reach: 10,000 versions of charts 10 s at first, 0.2 s when nothing changed; 53 packs 5 s.
The contents of the newest version of each chart are read with the first synchronization. The
registry shares the processors; distribution runs bcrypt for each request.
"""
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Outcome:
    seconds: float
    requests: Counter[str]
    message: str

    def row(self, what: str) -> str:
        counted = ", ".join(f"{count} {method}" for method, count in sorted(self.requests.items()))
        return f"| {what} | {self.seconds:.2f} s | {counted} | {self.message} |"


class Hub:
    """A store with one registry, synchronized by hand."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self._store = Store.open(folder)
        self._store.migrate()
        self._vault = Secrets.load()
        self._vault.prepare(self._store)
        self._times = Times()
        settings = Settings(networks=(ip_network("127.0.0.0/8"),))
        self._sync = Sync(self._store, self._vault, settings, self._times)
        with self._store.write() as tx:
            self._uid = registries.add(tx, self._vault, registry).uid
            schedule.enrol(tx, self._uid, due=True)

    def sync(self) -> Outcome:
        with self._store.write() as tx:
            schedule.ask(tx, self._uid, self._times)
            run = schedule.take(tx, f"benchmarks {now()}", self._times)
        assert run is not None
        with _counting() as requests:
            start = time.perf_counter()
            self._sync.work(run, threading.Event())
            seconds = time.perf_counter() - start
        with self._store.read() as connection:
            status = schedule.status(connection, self._uid)
        assert status.status == schedule.COMPLETED, status.message
        return Outcome(seconds, requests, status.message)


def main() -> None:
    scratch = ROOT / "build"  # on a disk, unlike many a /tmp
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="syncs-", dir=scratch))
    lines = ["# Synchronization", "", "Written by `python -m benchmarks.syncs`; do not edit.", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {name} | {fact} |" for name, fact in report.machine().items()]
    lines += ["", "| what | time | requests | outcome |", "|---|---|---|---|"]
    try:
        for form in ("JSON", "YAML"):
            lines += _helm(folder / form, form)
        packs = _packs()
        for kind in servers.kinds():
            if kind.program and not kind.holds_files_only:
                lines += _registry(folder / kind.name, kind, packs)
    finally:
        shutil.rmtree(folder)
    text = "\n".join([*lines, "", NOTES])
    (Path(__file__).parent / "syncs.md").write_text(text, encoding="utf-8")


def _measured(what: str, hub: Hub) -> list[str]:
    rows = [hub.sync().row(f"{what}, {turn}") for turn in ("first", "second")]
    print("\n".join(rows))
    return rows


def _helm(folder: Path, form: str) -> list[str]:
    site = folder / "site"
    site.mkdir(parents=True)
    _write_charts(site, form)
    with _served(site) as port:
        registry = Registry(
            name="charts",
            kind=Kind.HELM,
            provider=Provider.HELM,
            endpoint=f"http://127.0.0.1:{port}",
        )
        what = f"Helm repository of {VERSIONS:,} versions, index in {form}"
        return _measured(what, Hub(folder / "data", registry))


def _registry(folder: Path, kind: servers.Kind, packs: list[Files]) -> list[str]:
    with servers.running(kind, folder / "server", signed_in=True) as server:
        login = Credentials("admin", servers.PASSWORD)
        with Client(parse_address(f"http://127.0.0.1:{server.port}"), login) as client:
            for files in packs:
                pack, _ = lint.check(files, allow_missing=True)
                assert pack is not None
                repository = Repository(client, artifact.repository(pack.name))
                push(repository, prepare(pack, files), watch=lambda _: None, allow_missing=True)
        ours = kind.name == "packyard"
        registry = Registry(
            name="packs",
            kind=Kind.PACK if ours else Kind.OCI,
            provider=Provider.PACK,
            endpoint=f"http://127.0.0.1:{server.port}",
            auth=Auth(kind="basic", username=login.username, password=login.password),
        )
        return _measured(f"{len(packs)} packs at {kind.name}", Hub(folder / "data", registry))


def _packs() -> list[Files]:
    given = os.environ.get("PACKYARD_PACKS")
    if given:
        archives = sorted(Path(given).glob("*.tar.gz"))
        return [read_archive(io.BytesIO(path.read_bytes())) for path in archives]
    return [read_folder(path.parent) for path in sorted(ROOT.glob("packs/*/pack.json"))]


def _write_charts(site: Path, form: str) -> None:
    entries: dict[str, list[dict[str, object]]] = {}
    for number in range(VERSIONS):
        name, version = f"chart-{number % CHARTS:03}", f"1.{number // CHARTS}.0"
        archive = _chart(name, version)
        (site / f"{name}-{version}.tgz").write_bytes(archive)
        row: dict[str, object] = {
            "apiVersion": "v2",
            "appVersion": version,
            "created": "2026-01-02T03:04:05.678Z",
            "description": f"The chart {name}, which is described in a sentence of some length.",
            "digest": digest_of(archive).removeprefix("sha256:"),
            "home": "https://charts.example.com",
            "icon": f"https://charts.example.com/{name}.svg",
            "keywords": ["monitoring", "network", name],
            "maintainers": [{"name": "team", "email": "team@example.com"}],
            "name": name,
            "sources": ["https://code.example.com/charts"],
            "type": "application",
            "urls": [f"{name}-{version}.tgz"],
            "version": version,
        }
        entries.setdefault(name, []).append(row)
    index = {"apiVersion": "v1", "entries": entries}
    text = json.dumps(index) if form == "JSON" else _as_yaml(index)
    (site / "index.yaml").write_text(text, encoding="utf-8")


def _as_yaml(value: object, indent: str = "") -> str:
    """As Helm writes it: block style, texts in quotes."""
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            nested = isinstance(inner, dict | list)
            lines.append(f"{indent}{key}:" + (f"\n{_as_yaml(inner, indent + '  ')}" if nested else
                                              f" {json.dumps(inner)}"))  # fmt: skip
        return "\n".join(lines)
    if isinstance(value, list):
        items = (_as_yaml(item, indent + "  ").removeprefix(indent + "  ") for item in value)
        return "\n".join(f"{indent}- {item}" for item in items)
    return f"{indent}{json.dumps(value)}"


def _chart(name: str, version: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        texts = {
            "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n",
            "values.yaml": "replicas: 1\nimage: registry.example.com/app:1.0\n",
            "README.md": f"# {name}\n",
        }
        for path, text in texts.items():
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


@contextmanager
def _served(site: Path) -> Iterator[int]:
    """The files by a plain server of its own process, which knows `If-Modified-Since`."""
    port = servers.free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    silent = subprocess.DEVNULL
    process = subprocess.Popen([*command, "--directory", str(site)], stdout=silent, stderr=silent)
    try:
        servers.wait(port, process, site / "log")
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _counting() -> Iterator[Counter[str]]:
    """How many requests go out while the block runs, by method and kind."""
    counted: Counter[str] = Counter()
    send = transport.Transport.handle_request

    def count(self: transport.Transport, request: httpx.Request) -> httpx.Response:
        kind = next((k for k in ("manifests", "blobs", "tags") if f"/{k}/" in request.url.path), "")
        counted[f"{request.method} {kind}".strip()] += 1
        return send(self, request)

    transport.Transport.handle_request = count  # type: ignore[method-assign]
    try:
        yield counted
    finally:
        transport.Transport.handle_request = send  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
