"""A server over TLS that may call registries of this machine, and a Helm repository to register."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select

from packyard.catalog.tables import packs
from packyard.storage.store import Store
from tests import live
from tests.hub.syncing import Charts
from tests.live import Live
from tests.remotes.certificates import make_certificate
from tests.remotes.scripted import Scripted, answering
from tests.server.hub.conftest import Caller


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("server")
    made = make_certificate(folder)
    config = {
        "http": {"tls": {"certificate": str(made.path), "key": str(made.key)}},
        "hub": {"networks": ["127.0.0.0/8"], "rate": 10_000, "connections": 32},
    }
    trusting = ssl.create_default_context(cafile=made.path)
    with live.start(folder, workers=2, config=config, tls=trusting) as running:
        yield running


@pytest.fixture(scope="module")
def charts() -> Charts:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("web", "1.1.0")
    charts.put("db", "2.0.0")
    return charts


@pytest.fixture(scope="module")
def repository(charts: Charts) -> Iterator[Scripted]:
    with answering(charts) as running:
        yield running


def settled(caller: Caller, path: str, seconds: float = 60) -> dict[str, object]:
    """The status at that path, once it is none that a client waits at."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status: dict[str, object] = caller("GET", path).json()
        if status["status"] not in ("Pending", "InProgress"):
            return status
        time.sleep(0.05)
    raise AssertionError(f"{path} is still {status}")


def held(server: Live, uid: str) -> set[tuple[str, str]]:
    """What the catalog shows of a registry, by name and version."""
    store = Store.open(server.root)
    try:
        with store.read() as connection:
            chosen = select(packs.c.name, packs.c.version)
            there = packs.c.source == uid, packs.c.gone_at == 0
            rows = connection.execute(chosen.where(*there))
            return {(row.name, row.version) for row in rows}
    finally:
        store.close()


def created(answer: httpx.Response) -> str:
    """The uid of what was made."""
    assert answer.status_code == 201, answer.text
    assert answer.json().keys() == {"uid"}
    return str(answer.json()["uid"])
