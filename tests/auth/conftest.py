from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from packyard.auth import accounts, htpasswd, passwords
from packyard.storage.store import Store
from tests.migrated import open_migrated


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes as cheap as bcrypt has them, and a look at what changed every time."""
    monkeypatch.setattr(passwords, "COST", 4)
    monkeypatch.setattr(htpasswd, "_RECHECK", 0.0)
    monkeypatch.setattr(accounts, "_RECHECK", 0.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_migrated(tmp_path / "data")
    yield store
    store.close()
