"""The hub under test."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import packyard
from packyard.remotes import client, transfer
from tests.hub.syncing import Hub
from tests.migrated import open_migrated

for tables in Path(packyard.__file__).parent.glob("*/tables.py"):
    import_module(f"packyard.{tables.parent.name}.tables")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSES", (0.001, 0.001, 0.001))
    monkeypatch.setattr(transfer, "PAUSE", 0.001)


@pytest.fixture
def hub() -> Iterator[Hub]:
    store = open_migrated(None)
    yield Hub(store)
    store.close()
