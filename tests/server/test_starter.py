from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from packyard.packs.archive import write_archive
from packyard.packs.artifact import repository
from packyard.packs.folder import write_folder
from packyard.packs.lint import check
from packyard.references import Tag, parse_tag
from packyard.registry.registry import Registry
from packyard.registry.tables import starter_packs
from packyard.server import starter
from packyard.storage.store import Store
from tests.migrated import open_migrated
from tests.packs.samples import pack

SAMPLE = repository("sample")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_migrated(tmp_path / "data")
    yield store
    store.close()


@pytest.fixture
def registry(store: Store) -> Registry:
    return Registry(store)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of starter packs, with one version of one pack in it."""
    shelf = tmp_path / "starter"
    monkeypatch.setattr(starter, "folder", lambda: shelf)
    add(shelf, "1.0.0")
    return shelf


def add(shelf: Path, version: str) -> None:
    write_folder(pack(version=version), shelf / f"sample-{version}")


def load(store: Store, registry: Registry) -> list[str]:
    """Load what is new; the folders whose turn it was."""
    told: list[str] = []
    starter.load_starter(store, registry, lambda name, number, total: told.append(name))
    return told


def versions(store: Store) -> list[Tag]:
    """The versions of the sample, without parent tags."""
    return [tag for tag in store.tags(SAMPLE) if not tag.endswith("x")]


def test_they_are_loaded_once(store: Store, registry: Registry, shelf: Path) -> None:
    assert not starter.loaded(store)
    assert load(store, registry) == ["sample-1.0.0"]
    assert versions(store) == ["1.0.0"]
    assert starter.loaded(store)
    assert load(store, registry) == []


def test_a_newer_program_adds_only_what_is_new(
    store: Store, registry: Registry, shelf: Path
) -> None:
    load(store, registry)
    add(shelf, "1.1.0")
    assert load(store, registry) == ["sample-1.1.0"]
    assert versions(store) == ["1.0.0", "1.1.0"]


def test_what_was_deleted_does_not_come_back(store: Store, registry: Registry, shelf: Path) -> None:
    load(store, registry)
    registry.untag(SAMPLE, parse_tag("1.0.0"))
    add(shelf, "1.1.0")
    load(store, registry)
    assert versions(store) == ["1.1.0"]


def test_what_people_pushed_under_the_same_version_stays(
    store: Store, registry: Registry, shelf: Path
) -> None:
    files = pack({"README.md": "# Ours\n"}, version="1.0.0")
    ours, _ = check(files)
    assert ours
    archive = io.BytesIO()
    write_archive(files, "sample", archive)
    pushed = registry.push_archive(ours, files, archive.getvalue(), actor="ann").digest
    load(store, registry)
    assert store.manifest(SAMPLE, parse_tag("1.0.0")).digest == pushed
    with store.read() as connection:
        (row,) = connection.execute(select(starter_packs))
    assert row.digest == pushed
    registry.untag(SAMPLE, parse_tag("1.0.0"))
    assert load(store, registry) == []


def test_one_that_breaks_the_rules_is_logged_and_the_others_are_loaded(
    store: Store, registry: Registry, shelf: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_folder(pack(name="Not A Name", version="1.0.0"), shelf / "broken-1.0.0")
    with caplog.at_level(logging.ERROR):
        load(store, registry)
    assert "the starter pack broken-1.0.0 was not loaded" in caplog.text
    assert "pack.json" in caplog.text
    assert versions(store) == ["1.0.0"]


def test_those_that_come_with_packyard_are_found_and_good(store: Store, registry: Registry) -> None:
    folder = starter.folder()
    assert folder
    told = load(store, registry)
    assert told == sorted(place.name for place in folder.iterdir() if place.is_dir())
    with store.read() as connection:
        assert len(connection.execute(select(starter_packs)).all()) == len(told)
