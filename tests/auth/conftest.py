from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from packyard.auth import accounts, htpasswd, passwords
from packyard.storage.store import Store


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes as cheap as bcrypt has them, and a look at what changed every time."""
    monkeypatch.setattr(passwords, "COST", 4)
    monkeypatch.setattr(htpasswd, "_RECHECK", 0.0)
    monkeypatch.setattr(accounts, "_RECHECK", 0.0)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty store, to be copied: migrating takes longer than most tests."""
    folder = tmp_path_factory.mktemp("migrated") / "data"
    store = Store.open(folder)
    store.migrate()
    store.close()
    return folder


@pytest.fixture
def store(tmp_path: Path, migrated: Path) -> Iterator[Store]:
    shutil.copytree(migrated, tmp_path / "data")
    store = Store.open(tmp_path / "data")
    yield store
    store.close()
