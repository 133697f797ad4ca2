"""The store under test, once for each backend; every package's tables are known here."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import packyard
from packyard.storage.store import Store
from tests.migrated import open_migrated

for tables in Path(packyard.__file__).parent.glob("*/tables.py"):
    import_module(f"packyard.{tables.parent.name}.tables")


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_migrated(tmp_path / "data" if request.param == "disk" else None)
    yield opened
    opened.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Store]:
    """A store in `tmp_path / "data"`, where the test is about files or several processes."""
    opened = open_migrated(tmp_path / "data")
    yield opened
    opened.close()
