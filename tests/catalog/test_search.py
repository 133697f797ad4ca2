"""Search: each condition by itself, together, and pages that lose and repeat nothing."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from packyard.catalog import entries
from packyard.catalog.query import EVERYTHING, Condition, Field, Op, Query, both, words
from packyard.catalog.search import packs_of, search, versions
from packyard.digests import digest_of
from packyard.errors import ParameterInvalid
from packyard.packs.files import File
from packyard.packs.model import parse_pack_json
from tests.migrated import open_migrated

PACKS = [
    ("nginx", "1.9.0", "addon", "ingress", ["all"], "Routes traffic"),
    ("nginx", "1.10.0", "addon", "ingress", ["all"], "Routes traffic"),
    ("calico", "3.27.1", "cni", "", ["aws", "maas"], "Networking, 100% native"),
    ("edge-os", "1.0", "os", "", ["edge"], ""),
    ("web", "0.1.0", "addon", "app-services", ["aws"], "An under_score"),
]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    store = open_migrated(tmp_path / "data")
    with store.write() as tx:
        source = entries.built_in_source(tx.connection)
        for name, version, layer, addon_type, clouds, description in PACKS:
            _put(tx.connection, source, name, version, layer, addon_type, clouds, description)
    with store.read() as reading:
        yield reading
    store.close()


def _put(
    connection: Connection,
    source: str,
    name: str,
    version: str,
    layer: str,
    addon_type: str,
    clouds: list[str],
    description: str,
) -> None:
    data = json.dumps(
        {
            "name": name,
            "displayName": name.upper(),
            "version": version,
            "layer": layer,
            "addonType": addon_type,
            "cloudTypes": clouds,
            "annotations": {"description": description},
        }
    ).encode()
    pack, _ = parse_pack_json(data)
    assert pack is not None
    digest = digest_of(data)
    entry = entries.entry_of(
        pack,
        source=source,
        digest=digest,
        content_digest=digest,
        archive_digest=digest,
        size=1,
        message="",
        pushed_by="",
        pushed_at=1,
    )
    files = {"pack.json": File(data, executable=False)}
    entries.put(connection, entry, entries.contents_of(files))


def of(*, text: str = "", **asked: str) -> Query:
    exactly = (Condition(Field[name.upper()], Op.IS, (value,)) for name, value in asked.items())
    return both(words(text), (tuple(exactly),))


def found(connection: Connection, query: Query, *, newest: bool = False) -> list[str]:
    page = search(connection, query, newest=newest)
    return [f"{entry.name}:{entry.label}" for entry in page.entries]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EVERYTHING, ["calico:3.27.1", "edge-os:1.0", "nginx:1.10.0", "nginx:1.9.0", "web:0.1.0"]),
        (of(name="nginx"), ["nginx:1.10.0", "nginx:1.9.0"]),
        (of(layer="cni"), ["calico:3.27.1"]),
        (of(addon_type="App Services"), ["web:0.1.0"]),
        (
            of(environment="aws"),
            ["calico:3.27.1", "nginx:1.10.0", "nginx:1.9.0", "web:0.1.0"],
        ),
        (of(environment="edge"), ["edge-os:1.0", "nginx:1.10.0", "nginx:1.9.0"]),
        (of(cloud="aws"), ["calico:3.27.1", "web:0.1.0"]),
        (of(version="1.9.0"), ["nginx:1.9.0"]),
        (of(text="TRAFFIC routes"), ["nginx:1.10.0", "nginx:1.9.0"]),
        (of(text="100%"), ["calico:3.27.1"]),
        (of(text="lic"), ["calico:3.27.1"]),
        (of(text="under_sc"), ["web:0.1.0"]),
        (of(text="raffic"), []),
        (of(text='%" OR *'), []),
        (of(environment="aws", layer="addon", text="web"), ["web:0.1.0"]),
        (of(name="absent"), []),
        (of(registry="0" * 24), []),
    ],
)
def test_conditions(connection: Connection, query: Query, expected: list[str]) -> None:
    assert found(connection, query) == expected


def test_only_the_newest_of_each_name(connection: Connection) -> None:
    newest = ["calico:3.27.1", "edge-os:1.0", "nginx:1.10.0", "web:0.1.0"]
    assert found(connection, EVERYTHING, newest=True) == newest


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["web", "calico"], ["calico:3.27.1", "web:0.1.0"]),
        ([], []),
        (["it's", *map(str, range(40_000)), "web"], ["web:0.1.0"]),
    ],
    ids=len,
)
def test_only_these_names(connection: Connection, only: list[str], expected: list[str]) -> None:
    page = search(connection, EVERYTHING, only=only)
    assert [f"{entry.name}:{entry.label}" for entry in page.entries] == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_pages_hold_every_entry_once(connection: Connection, limit: int) -> None:
    seen, after = [], ""
    for _ in range(len(PACKS) + 1):
        page = search(connection, EVERYTHING, limit=limit, after=after)
        seen += [f"{entry.name}:{entry.label}" for entry in page.entries]
        after = page.next
        if not after:
            break
    assert seen == found(connection, EVERYTHING)


def place(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "after",
    [
        *("x", "e30", "bnVsbA", "WzEsMiwzXQ", "%00"),
        place('"abc"'),
        place('["a","b"]'),
        place('["\\ud800","a","b"]'),
        place("[" * 20_000),
    ],
    ids=lambda text: str(len(text)),
)
def test_a_foreign_place_is_refused(connection: Connection, after: str) -> None:
    with pytest.raises(ParameterInvalid, match="next"):
        search(connection, EVERYTHING, after=after)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_a_bounded_size(connection: Connection, limit: int) -> None:
    with pytest.raises(ParameterInvalid, match="limit"):
        search(connection, EVERYTHING, limit=limit)


@pytest.mark.parametrize(
    "query",
    [
        *(of(cloud="aws"), of(cloud="all"), of(cloud="nowhere"), of(layer="addon", cloud="aws")),
        ((Condition(Field.CLOUD, Op.IS_NOT, ("aws",)),),),
        both(of(cloud="maas"), ((Condition(Field.CLOUD, Op.IS, ("aws", "edge")),),)),
        (*of(cloud="maas"), *of(layer="os")),
    ],
)  # fmt: skip
def test_versions_are_counted_as_they_are_listed(connection: Connection, query: Query) -> None:
    whole = versions(connection, query, limit=50)
    assert len(whole.items) == whole.count
    for offset in range(whole.count + 1):
        part = versions(connection, query, limit=1, offset=offset)
        assert part.count == whole.count
        assert part.items == whole.items[offset : offset + 1]


@pytest.mark.parametrize("text", ["", "nginx", "routes traffic", "n o", "nothing at all"])
@pytest.mark.parametrize("sort", [[], [("displayName", True)], [("layer", False), ("name", True)]])
def test_packs_are_counted_as_they_are_listed(
    connection: Connection, text: str, sort: list[tuple[str, bool]]
) -> None:
    whole = packs_of(connection, words(text), sort=sort, limit=50)
    assert len(whole.items) == whole.count
    assert (whole.count > 0) == (text != "nothing at all")
    for offset in range(whole.count + 1):
        part = packs_of(connection, words(text), sort=sort, limit=1, offset=offset)
        assert part.count == whole.count
        assert part.items == whole.items[offset : offset + 1]
