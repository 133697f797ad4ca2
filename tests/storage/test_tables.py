"""The tables' own rules, and that their documentation lists them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, insert, select
from sqlalchemy.exc import IntegrityError

from packyard.storage.store import Store
from packyard.storage.tables import blobs, manifest_refs, metadata, repo_blobs, tags
from tests.storage.examples import LATEST, OTHER, REPO, SMALL, UNKNOWN, commit, push

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "tables.md"


def test_every_table_and_column_is_documented() -> None:
    sections = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    documented = {
        section.split("\n", 1)[0]: {
            name.strip()
            for names in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)
            for name in names.split(",")
        }
        - {"column", "---"}
        for section in sections
    }
    actual = {name: set(table.c.keys()) for name, table in metadata.tables.items()}
    assert documented == actual


def test_times_and_sizes_are_wide_enough() -> None:
    for table in metadata.tables.values():
        for column in table.c:
            if column.name == "size" or column.name.endswith("_at"):
                assert isinstance(column.type, BigInteger), column


def test_no_repository_holds_a_blob_that_is_not_there(store: Store) -> None:
    push(store, SMALL)
    with pytest.raises(IntegrityError), store.write() as transaction:
        transaction.connection.execute(insert(repo_blobs).values(repo_id=1, digest=UNKNOWN))


def test_no_tag_leads_to_a_manifest_that_is_not_there(store: Store) -> None:
    commit(store, b"{}")
    with pytest.raises(IntegrityError), store.write() as transaction:
        transaction.connection.execute(
            insert(tags).values(repo_id=1, name=LATEST, digest=UNKNOWN, updated_at=0)
        )


def test_what_belongs_to_a_row_goes_with_it(store: Store) -> None:
    digest = push(store, SMALL)
    store.mount(OTHER, digest, REPO)
    manifest = commit(store, b"{}", refers_to=[digest])
    with store.write() as transaction:
        transaction.delete_manifest(REPO, manifest)
        transaction.connection.execute(blobs.delete())
    with store.read() as connection:
        for table in (repo_blobs, manifest_refs):
            assert connection.execute(select(table)).all() == []
