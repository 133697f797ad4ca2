from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from packyard.auth import htpasswd, passwords, policy
from packyard.storage.store import Store


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes as cheap as bcrypt has them, and a look at what changed every time."""
    monkeypatch.setattr(passwords, "COST", 4)
    monkeypatch.setattr(htpasswd, "_RECHECK", 0.0)
    monkeypatch.setattr(policy, "_RECHECK", 0.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "data")
    store.migrate()
    yield store
    store.close()
