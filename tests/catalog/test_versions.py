"""Lists of versions against a plain reading of every row: any filter, any order, any page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from packyard.catalog import facets, foreign, search
from packyard.catalog.entries import Entry, addon_key, built_in_source
from packyard.catalog.foreign import Arrival
from packyard.catalog.query import Condition, Field, Op, Query
from packyard.catalog.tables import facets as facet_rows
from packyard.catalog.tables import sources
from packyard.digests import digest_of
from packyard.packs.version import sort_key
from packyard.storage.store import Store
from tests.catalog.rows import version
from tests.migrated import open_migrated

CHARTS = "c" * 24
NAMES = ["a", "b", "web", "web-ui"]
VERSIONS = ["1.0.0", "1.0", "1.10.0", "1.9.0", "2.0.0-rc.1", "latest"]
LAYERS, ADDON_TYPES, SUB_TYPES = ["addon", "os"], ["", "app services", "app-services"], ["", "x"]
DIGESTS = [digest_of(b"one"), digest_of(b"other")]
GROUPS, CLOUDS = ["", "edge"], [(), ("aws",), ("aws", "maas"), ("all",)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_migrated(tmp_path_factory.mktemp("data"))
    with store.write() as tx:
        built_in_source(tx.connection)
        tx.connection.execute(insert(sources).values(uid=CHARTS, kind="helm", name="charts"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def rows(store: Store) -> list[Entry]:
    """What is there; beside it stand versions that are gone, or on their way."""
    some = random.Random(1)  # noqa: S311
    with store.write() as tx:
        own = tx.connection.scalar(select(sources.c.uid).where(sources.c.kind == "default")) or ""
        everything = [
            _entry(some, source, name, label)
            for source in (own, CHARTS)
            for name in NAMES
            for label in VERSIONS
        ]
        there, gone, coming = everything[::2], everything[1::4], everything[3::4]
        foreign.arrive(tx.connection, map(Arrival, [*there, *gone]))
        foreign.depart(tx.connection, [entry.uid for entry in gone], 5)
        foreign.prepare(tx.connection, map(Arrival, coming))
    return there


def _entry(some: random.Random, source: str, name: str, label: str) -> Entry:
    return version(
        source,
        name,
        label,
        group=some.choice(GROUPS),
        display_name=some.choice([name.title(), "Shown"]),
        layer=some.choice(LAYERS),
        addon_type=some.choice(ADDON_TYPES),
        addon_sub_type=some.choice(SUB_TYPES),
        digest=some.choice(DIGESTS),
        pushed_at=some.randrange(3),
        clouds=some.choice(CLOUDS),
    )


VALUES = {
    Field.NAME: [*NAMES, "absent"],
    Field.DISPLAY_NAME: ["Web", "Shown"],
    Field.VERSION: [*VERSIONS, "1.9", "0.1", "none"],
    Field.GROUP: GROUPS,
    Field.LAYER: [*LAYERS, "cni"],
    Field.TYPE: ["helm", "spectro", "oci"],
    Field.ADDON_TYPE: ["", "App Services"],
    Field.ADDON_SUB_TYPE: SUB_TYPES,
    Field.CLOUD: ["aws", "maas", "all", "none"],
    Field.REGISTRY: [CHARTS, "0" * 24],
    Field.DIGEST: [str(DIGESTS[0]), ""],
}
ORDERED = [Op.ABOVE, Op.FROM, Op.BELOW, Op.UP_TO]


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    field = draw(st.sampled_from(list(VALUES)))
    op = draw(st.sampled_from([Op.IS, Op.IS_NOT, *(ORDERED if field is Field.VERSION else [])]))
    most = 1 if op in ORDERED else 3
    values = draw(st.lists(st.sampled_from(VALUES[field]), min_size=1, max_size=most))
    return Condition(field, op, tuple(values))


QUERIES = st.lists(st.lists(conditions(), max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)
ORDERS = st.lists(st.tuples(st.sampled_from(list(search.ORDERS)), st.booleans()), max_size=2)


@given(query=QUERIES, order=ORDERS, few=st.sampled_from([0, 1000]), offset=st.integers(0, 9))
@settings(max_examples=250)
def test_any_filter(
    store: Store,
    rows: list[Entry],
    query: Query,
    order: list[tuple[str, bool]],
    few: int,
    offset: int,
) -> None:
    expected = [entry for entry in rows if _is_wanted(entry, query)]
    with pytest.MonkeyPatch.context() as patch, store.read() as connection:
        patch.setattr(search, "_FEW", few)
        whole = search.versions(connection, query, order=order, limit=100)
        assert whole.count == len(expected)
        assert {entry.uid for entry in whole.items} == {entry.uid for entry in expected}
        if not order:
            by_name = sorted(expected, key=lambda entry: entry.uid)
            by_name.sort(key=lambda entry: sort_key(entry.version), reverse=True)
            assert whole.items == sorted(by_name, key=lambda entry: entry.name)
        page = search.versions(connection, query, order=order, limit=3, offset=offset)
        assert page == search.Found(whole.items[offset : offset + 3], whole.count)
        found = search.search(connection, query).entries
        assert {entry.uid for entry in found} == {entry.uid for entry in expected}


def _is_wanted(entry: Entry, query: Query) -> bool:
    return any(all(_holds(entry, condition) for condition in each) for each in query)


def _holds(entry: Entry, condition: Condition) -> bool:
    said: dict[Field, set[str]] = {
        Field.NAME: {entry.name},
        Field.DISPLAY_NAME: {entry.display_name},
        Field.VERSION: {entry.version},
        Field.GROUP: {entry.group},
        Field.LAYER: {entry.layer},
        Field.TYPE: {"helm" if entry.source == CHARTS else "spectro"},
        Field.ADDON_TYPE: {addon_key(entry.addon_type)},
        Field.ADDON_SUB_TYPE: {entry.addon_sub_type},
        Field.CLOUD: set(entry.clouds),
        Field.REGISTRY: {entry.source},
        Field.DIGEST: {str(entry.digest)},
    }
    values = set(condition.values)
    if condition.field is Field.ADDON_TYPE:
        values = set(map(addon_key, values))
    if condition.op in ORDERED:
        mine, bound = sort_key(entry.version), sort_key(condition.values[0])
        compared = {
            Op.ABOVE: mine > bound,
            Op.FROM: mine >= bound,
            Op.BELOW: mine < bound,
            Op.UP_TO: mine <= bound,
        }
        return compared[condition.op] and mine >= "1"  # what is no version has no order
    return bool(said[condition.field] & values) is (condition.op is Op.IS)


def test_what_nobody_has_in_common_any_more_is_forgotten(tmp_path: Path) -> None:
    def known(connection: Connection) -> list[str]:
        order = select(facet_rows.c.layer).order_by(facet_rows.c.layer)
        return list(connection.scalars(order.where(facet_rows.c.source == CHARTS)))

    store = open_migrated(tmp_path)
    entry = version(CHARTS, "web", "1.0.0")
    first, second = replace(entry, layer="os"), replace(entry, layer="cni")
    with store.write() as tx:
        tx.connection.execute(insert(sources).values(uid=CHARTS, kind="helm", name="charts"))
        foreign.arrive(tx.connection, [Arrival(first)])
        foreign.arrive(tx.connection, [Arrival(first)])
        assert known(tx.connection) == ["os"]
        foreign.arrive(tx.connection, [Arrival(second)])
        facets.forget_unused(tx.connection)
        assert known(tx.connection) == ["cni"]
        foreign.remove_source(tx.connection, CHARTS)
        assert known(tx.connection) == []
    store.close()
