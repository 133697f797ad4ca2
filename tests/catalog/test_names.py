"""What names are searched by follows from their versions, whatever happened to these; and what is
counted, told apart and flagged in lists of packs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, text

from packyard.catalog import clashes, entries, foreign, names, search
from packyard.catalog.entries import Contents, Entry
from packyard.catalog.foreign import Arrival
from packyard.catalog.query import EVERYTHING, words
from packyard.catalog.tables import pack_names, packs, sources
from packyard.catalog.wanted import Text, Wanted
from packyard.digests import digest_of
from packyard.storage.store import Store
from tests.catalog.rows import version
from tests.migrated import open_migrated

CHARTS, TEAM, MIRROR = "c" * 24, "d" * 24, "e" * 24


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with _opened(tmp_path_factory.mktemp("store")) as opened:
        yield opened


@contextmanager
def _opened(folder: Path) -> Iterator[Store]:
    store = open_migrated(folder)
    with store.write() as tx:
        entries.built_in_source(tx.connection)
        for uid, kind in ((CHARTS, "helm"), (TEAM, "pack"), (MIRROR, "oci")):
            tx.connection.execute(insert(sources).values(uid=uid, kind=kind, name=kind))
    yield store
    store.close()


def contents(readme: str) -> Contents:
    return Contents(
        pack_json="", values="", readme=readme, schema="", presets="", logo=b"", files=()
    )


def rows(connection: Connection) -> list[tuple[Any, ...]]:
    """Of `pack_names` and its words, but for their numbers."""
    columns = [column for column in pack_names.c if column.name != "id"]
    told = connection.execute(
        select(*columns, text("pack_words.text"))
        .select_from(pack_names)
        .join(text("pack_words"), text("pack_words.rowid = pack_names.id"))
        .order_by(pack_names.c.source, pack_names.c.name)
    )
    found = [tuple(row) for row in told]
    assert len(found) == connection.scalar(text("SELECT count(*) FROM pack_names"))
    assert len(found) == connection.scalar(text("SELECT count(*) FROM pack_words"))
    return found


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "remove", "arrive", "depart", "confirm", "prepare", "reveal",
                         "learn", "forget"]),
        st.sampled_from(["web", "db"]),
        st.sampled_from(["1.9.0", "1.10.0", "2.0.0"]),
    ),
    max_size=14,
)  # fmt: skip


@given(STEPS)
@settings(max_examples=40)
def test_they_follow_from_versions(store: Store, steps: list[tuple[str, str, str]]) -> None:
    with store.write() as tx:
        connection = tx.connection
        foreign.remove_source(connection, CHARTS)
        for step, name, label in steps:
            _do(connection, step, version(CHARTS, name, label))
        standing = rows(connection)
        names.forget(connection, CHARTS)
        assert rows(connection) == []
        there = select(packs.c.name).where(packs.c.source == CHARTS).distinct()
        names.describe(connection, CHARTS, connection.scalars(there).all())
        assert rows(connection) == standing
        foreign.remove_source(connection, CHARTS)


def _do(connection: Connection, step: str, entry: Entry) -> None:
    known = entries.by_uid(connection, entry.uid)
    match step:
        case "put":
            entries.put(connection, entry, contents("put"))
        case "remove":
            entries.remove(connection, entry.uid)
        case "arrive":
            foreign.arrive(connection, [Arrival(entry, contents("arrived"))])
        case "depart":
            foreign.depart(connection, [entry.uid], 1)
        case "confirm":
            foreign.confirm(connection, [entry.uid], {})
        case "prepare" if known is None:
            foreign.prepare(connection, [Arrival(entry)])
        case "reveal":
            foreign.reveal(connection, CHARTS, [])
        case "learn" if known:
            foreign.learn(connection, known, contents("learnt"))
        case "forget":
            names.forget(connection, TEAM)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with _opened(tmp_path) as opened:
        with opened.write() as tx:
            own = entries.built_in_source(tx.connection)
            foreign.arrive(
                tx.connection,
                [
                    Arrival(version(CHARTS, "web", "1.9.0")),
                    Arrival(version(CHARTS, "web", "1.10.0"), contents("Balances loads")),
                    Arrival(version(TEAM, "web", "0.9.0", archive_digest=digest_of(b"t"))),
                    Arrival(version(own, "web", "0.9.0", size=2, archive_digest=digest_of(b"o"))),
                    Arrival(version(own, "db", "2.0.0", archive_digest=digest_of(b"d"))),
                    Arrival(version(TEAM, "db", "2.0.0", archive_digest=digest_of(b"e"))),
                    Arrival(version(CHARTS, "db", "2.0.0")),
                    Arrival(version(MIRROR, "db", "2.1.0", archive_digest=digest_of(b"m"))),
                ],
            )
        with opened.read() as reading:
            yield reading


def test_a_pack_is_listed_once_for_all_registries(connection: Connection) -> None:
    found = search.packs_of(connection, EVERYTHING, limit=10)
    told = [
        (pack.name, pack.leading.type, [(one.name, one.newest.version) for one in pack.holdings])
        for pack in found.items
    ]
    assert told == [
        ("db", "oci", [("Public Repo", "2.0.0"), ("oci", "2.1.0"), ("pack", "2.0.0")]),
        ("db", "helm", [("helm", "2.0.0")]),
        ("web", "spectro", [("Public Repo", "0.9.0"), ("pack", "0.9.0")]),
        ("web", "helm", [("helm", "1.10.0")]),
    ]
    assert found.count == 4


@pytest.mark.parametrize("offset", range(6))
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_tell_how_many_there_are(connection: Connection, limit: int, offset: int) -> None:
    every = search.packs_of(connection, EVERYTHING, limit=10).items
    found = search.packs_of(connection, EVERYTHING, limit=limit, offset=offset)
    assert (found.items, found.count) == (every[offset : offset + limit], 4)
    versions = search.versions(connection, EVERYTHING, limit=limit, offset=offset)
    all_versions = search.versions(connection, EVERYTHING, limit=10).items
    assert (versions.items, versions.count) == (all_versions[offset : offset + limit], 8)


def test_what_is_searched_is_what_the_newest_version_says(connection: Connection) -> None:
    def named(text: str) -> list[tuple[str, str]]:
        found = search.packs_of(connection, words(text), limit=10).items
        return [(pack.name, pack.leading.type) for pack in found]

    assert named("balances LOAD") == [("web", "helm")]
    assert named("says-1-10") == [("web", "helm")]
    assert named("says-1-9") == []
    assert named("eb") == [("web", "spectro"), ("web", "helm")]
    assert named("we load") == [("web", "helm")]


def test_only_registries_that_were_asked_for_are_told(connection: Connection) -> None:
    query = Wanted(registries=[TEAM], name=Text(eq="WEB")).query()
    (pack,) = search.packs_of(connection, query, limit=10).items
    assert [one.registry for one in pack.holdings] == [TEAM]


def test_other_content_under_one_name_and_version_is_flagged(connection: Connection) -> None:
    found = search.versions(connection, EVERYTHING, limit=10).items
    differing = clashes.differing(connection, found)
    flagged = {(one.source, one.name, one.version): differing.get(one.uid) for one in found}
    (mine,) = {one.source for one in found} - {CHARTS, TEAM, MIRROR}
    assert flagged == {
        (mine, "db", "2.0.0"): [TEAM],
        (TEAM, "db", "2.0.0"): [mine],
        (CHARTS, "db", "2.0.0"): None,
        (MIRROR, "db", "2.1.0"): None,
        (CHARTS, "web", "1.10.0"): None,
        (CHARTS, "web", "1.9.0"): None,
        (mine, "web", "0.9.0"): [TEAM],
        (TEAM, "web", "0.9.0"): [mine],
    }


def test_a_name_is_described_once_however_many_of_its_versions_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[list[str]] = []

    def noted(connection: Connection, source: str, those: Iterable[str]) -> None:
        described.append(list(those))
        describe(connection, source, those)

    describe = names.describe
    several = [version(TEAM, name, f"1.{number}.0") for number in range(300) for name in "ab"]
    uids = [entry.uid for entry in several]
    with _opened(tmp_path / "store") as opened, opened.write() as tx:
        foreign.arrive(tx.connection, map(Arrival, several))
        monkeypatch.setattr(names, "describe", noted)
        foreign.depart(tx.connection, uids, 5)
        assert rows(tx.connection) == []
        foreign.confirm(tx.connection, uids, {})
        assert described == [["a", "b"], ["a", "b"]]
        assert [row[3] for row in rows(tx.connection)] == uids[-2:]
