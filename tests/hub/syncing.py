"""A hub of one store, driven by hand, and registries that tests serve to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from packyard.auth.secrets import Secrets
from packyard.catalog import entries
from packyard.catalog.entries import Contents, Entry
from packyard.catalog.tables import packs
from packyard.digests import digest_of
from packyard.hub import registries, schedule, steps
from packyard.hub.description import Kind, Provider, Registry
from packyard.hub.opening import Settings
from packyard.hub.schedule import Run, Status, Times
from packyard.hub.steps import Fault
from packyard.hub.sync import Sync
from packyard.packs import lint
from packyard.packs.files import Files
from packyard.packs.model import Pack
from packyard.remotes import transport
from packyard.remotes.budget import Budget
from packyard.storage.store import Store
from tests.packs import samples
from tests.remotes.scripted import Reply, Request

HERE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
TIMES = Times(
    interval=timedelta(hours=24),
    retry=timedelta(minutes=5),
    force_after=timedelta(hours=1),
    lease=timedelta(seconds=5),
)


def settings(**changes: Any) -> Settings:
    budget = Budget(connections=16, rate=10_000.0)
    return Settings(**{"networks": HERE, "budget": budget, "connect": 2.0, "read": 2.0, **changes})


@dataclass
class Hub:
    store: Store
    times: Times = TIMES
    settings: Settings = field(default_factory=settings)
    vault: Secrets = field(default_factory=Secrets.load)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.vault.prepare(self.store)

    def add(self, endpoint: str, kind: Kind = Kind.HELM, **more: Any) -> Registry:
        provider = Provider.PACK if kind is Kind.PACK else Provider.HELM
        described = {"name": "other", "provider": provider, **more}
        with self.store.write() as tx:
            registry = registries.add(
                tx, self.vault, Registry(kind=kind, endpoint=endpoint, **described)
            )
            schedule.enrol(tx, registry.uid, due=registry.synchronizes)
        return registry

    def sync(self, registry: Registry, *, forced: bool = False) -> Status:
        """One synchronization, now; its outcome."""
        with self.store.write() as tx:
            schedule.ask(tx, registry.uid, self.times, forced=forced)
        run = self.take()
        assert run is not None
        assert run.registry == registry.uid
        self.work(run)
        return self.status(registry)

    def take(self) -> Run | None:
        with self.store.write() as tx:
            return schedule.take(tx, "tests", self.times)

    def work(self, run: Run) -> None:
        Sync(self.store, self.vault, self.settings, self.times).work(run, self.stop)

    def status(self, registry: Registry) -> Status:
        with self.store.read() as connection:
            return schedule.status(connection, registry.uid)

    def faults(self, registry: Registry) -> list[Fault]:
        with self.store.read() as connection:
            return steps.reported(connection, registry.uid)

    def held(self, registry: Registry, *, gone: bool = False) -> dict[tuple[str, str], Entry]:
        """What the catalog has of the registry, by name and label."""
        with self.store.read() as connection:
            rows = connection.execute(
                select(packs).where(packs.c.source == registry.uid, (packs.c.gone_at != 0) == gone)
            )
            found = [entries.of_row(row) for row in rows.mappings()]
        return {(entry.name, entry.label): entry for entry in found}

    def tags(self, registry: Registry, name: str) -> dict[str, str]:
        """Every tag of a name, with the label that it leads to."""
        with self.store.read() as connection:
            led = entries.tags(connection, registry.uid, name)
            versions = {
                one.uid: one.label for one in entries.versions(connection, registry.uid, name)
            }
        return {tag: versions[uid] for tag, (uid, _) in led.items()}

    def contents(self, entry: Entry) -> Contents:
        with self.store.read() as connection:
            return entries.contents(connection, entry.uid)


@dataclass
class Charts:
    """A Helm repository whose charts tests change; a script for `tests.remotes.scripted`."""

    archives: dict[tuple[str, str], bytes] = field(default_factory=dict)
    rows: dict[str, list[Any]] = field(default_factory=dict)
    conditional: bool = True
    archives_reply: Reply | None = None
    count: int = 0

    def put(self, name: str, version: str, **more: Any) -> None:
        """Another archive each time, whatever its name and version."""
        self.count += 1
        metadata = f"apiVersion: v2\nname: {name}\nversion: {version}\n"
        archive = samples.tarball(
            {
                f"{name}/Chart.yaml": metadata,
                f"{name}/values.yaml": "a: 1\n",
                f"{name}/count": f"{self.count}",
            }
        )
        self.archives[name, version] = archive
        digest = digest_of(archive).removeprefix("sha256:")
        row = {"name": name, "version": version, "urls": [f"{name}-{version}.tgz"]}
        self.rows.setdefault(name, []).append({**row, "digest": digest, **more})

    def drop(self, name: str, version: str) -> None:
        self.rows[name] = [row for row in self.rows[name] if row["version"] != version]

    def __call__(self, request: Request) -> Reply:
        path = request.path.rpartition("/")[2]
        if path == "index.yaml":
            return self._index(request.headers)
        if self.archives_reply is not None:
            return self.archives_reply
        for (name, version), archive in self.archives.items():
            if path == f"{name}-{version}.tgz":
                return Reply(body=archive)
        return Reply(404)

    def _index(self, headers: Mapping[str, str]) -> Reply:
        body = json.dumps({"apiVersion": "v1", "entries": self.rows}).encode()
        tag = f'"{digest_of(body)}"'
        if self.conditional and headers.get("if-none-match") == tag:
            return Reply(304)
        return Reply(headers={"ETag": tag} if self.conditional else {}, body=body)


def checked(files: Files) -> tuple[Pack, Files]:
    """A pack that passes its check, with its files."""
    pack, findings = lint.check(files)
    assert pack is not None, findings
    return pack, files


@contextmanager
def counted_by(hub: Hub) -> Iterator[list[str]]:
    """Every request to other registries while the block runs, as `METHOD path`."""
    seen: list[str] = []
    send = transport.Transport.handle_request

    def count(self: transport.Transport, request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url.path}")
        return send(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport.Transport, "handle_request", count)
        yield seen
