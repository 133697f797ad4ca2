"""Rows of sources that are not ours, as a synchronization finds them.

Nothing is deleted and inserted: a version keeps its uid for ever, what is new or changed is written
over it, what the source holds no longer gets `gone_at`. All of a source's change happens in the one
transaction whose connection is handed in, so readers see the old catalog or the new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from packyard.catalog.entries import Contents, Entry, put_contents, row_of
from packyard.catalog.tables import pack_clouds, pack_contents, pack_tags, packs
from packyard.references import Tag

_BATCH = 500
"""Rows in one statement."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog has of one version of a source, gone or not."""

    uid: str
    name: str
    label: str
    version_key: str
    place: str
    validator: str
    gone: bool
    has_contents: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A version that is new or changed; without `contents` they are read when asked for."""

    entry: Entry
    contents: Contents | None = None


def known(connection: Connection, source: str) -> list[Known]:
    """Every version of a source that the catalog has, gone ones too."""
    rows = connection.execute(
        select(
            packs.c.uid,
            packs.c.name,
            packs.c.label,
            packs.c.version_key,
            packs.c.place,
            packs.c.validator,
            packs.c.gone_at,
            pack_contents.c.pack.is_not(None),
        )
        .join_from(packs, pack_contents, isouter=True)
        .where(packs.c.source == source)
    )
    return [
        Known(uid, name, label, version_key, place, validator, gone_at != 0, bool(has_contents))
        for uid, name, label, version_key, place, validator, gone_at, has_contents in rows
    ]


def arrive(connection: Connection, source: str, arrivals: Iterable[Arrival]) -> None:
    """Write versions that are new or changed; they are there, whatever was gone before."""
    standing = set(connection.scalars(select(packs.c.uid).where(packs.c.source == source)))
    for batch in _batches(arrivals):
        uids = [arrival.entry.uid for arrival in batch]
        _write_rows(connection, batch, standing)
        for table in (pack_clouds, pack_contents):
            connection.execute(delete(table).where(table.c.pack.in_(uids)))
        clouds = [
            {"pack": arrival.entry.uid, "cloud": cloud}
            for arrival in batch
            for cloud in arrival.entry.clouds
        ]
        if clouds:
            connection.execute(insert(pack_clouds), clouds)
        for arrival in batch:
            if arrival.contents:
                put_contents(connection, arrival.entry.uid, arrival.contents)
        standing.update(uids)


def _write_rows(
    connection: Connection, batch: Sequence[Arrival], standing: Collection[str]
) -> None:
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for arrival in batch:
        readme = arrival.contents.readme if arrival.contents else ""
        rows[arrival.entry.uid in standing].append(row_of(arrival.entry, readme))
    if rows[False]:
        connection.execute(insert(packs), rows[False])
    if rows[True]:
        columns = [name for name in rows[True][0] if name != "uid"]
        changed = update(packs).where(packs.c.uid == bindparam("its_uid"))
        connection.execute(
            changed.values({name: bindparam(f"new_{name}") for name in columns}),
            [
                {"its_uid": row["uid"], **{f"new_{name}": row[name] for name in columns}}
                for row in rows[True]
            ],
        )


def learn(connection: Connection, entry: Entry, contents: Contents) -> None:
    """Keep contents that were read after the synchronization; they can be searched from now on."""
    put_contents(connection, entry.uid, contents)
    text = row_of(entry, contents.readme)["search_text"]
    connection.execute(update(packs).where(packs.c.uid == entry.uid).values(search_text=text))


def confirm(connection: Connection, uids: Iterable[str], places: Mapping[str, str]) -> None:
    """Versions whose content is what it was are there; `places` says where those that moved are."""
    for batch in _batches(uids):
        connection.execute(
            update(packs).where(packs.c.uid.in_(batch), packs.c.gone_at != 0).values(gone_at=0)
        )
    for uid, place in places.items():
        connection.execute(update(packs).where(packs.c.uid == uid).values(place=place))


def depart(connection: Connection, uids: Iterable[str], now: int) -> None:
    """Mark versions that the source holds no longer; no tag leads to them from now on."""
    for batch in _batches(uids):
        connection.execute(
            update(packs).where(packs.c.uid.in_(batch), packs.c.gone_at == 0).values(gone_at=now)
        )
        connection.execute(delete(pack_tags).where(pack_tags.c.pack.in_(batch)))


def lead(
    connection: Connection, source: str, tags: Mapping[str, Mapping[Tag, tuple[str, bool]]]
) -> None:
    """Make `tags`, by name and tag (pack uid, parent), all that the catalog says of these names."""
    for names in _batches(tags):
        of_names = pack_tags.c.source == source, pack_tags.c.name.in_(names)
        standing = {
            (row.name, row.tag): (row.pack, row.parent)
            for row in connection.execute(select(pack_tags).where(*of_names))
        }
        wanted = {(name, tag): led for name in names for tag, led in tags[name].items()}
        changed = {name for (name, _), _ in standing.items() ^ wanted.items()}
        connection.execute(delete(pack_tags).where(of_names[0], pack_tags.c.name.in_(changed)))
        rows = [
            {"source": source, "name": name, "tag": tag, "pack": uid, "parent": parent}
            for (name, tag), (uid, parent) in wanted.items()
            if name in changed
        ]
        if rows:
            connection.execute(insert(pack_tags), rows)


def forget(connection: Connection, before: int, *, kept: ColumnElement[bool]) -> int:
    """Delete what was gone `before` (µs), but for what `kept` says; how many versions that were."""
    gone = select(packs.c.uid).where(packs.c.gone_at != 0, packs.c.gone_at < before, ~kept)
    uids = list(connection.scalars(gone))
    _delete(connection, uids)
    return len(uids)


def remove_source(connection: Connection, source: str) -> None:
    """Delete every row of a source, but not its own."""
    _delete(connection, connection.scalars(select(packs.c.uid).where(packs.c.source == source)))


def _delete(connection: Connection, uids: Iterable[str]) -> None:
    for batch in _batches(list(uids)):
        for table in (pack_clouds, pack_contents, pack_tags):
            connection.execute(delete(table).where(table.c.pack.in_(batch)))
        connection.execute(delete(packs).where(packs.c.uid.in_(batch)))


_Item = TypeVar("_Item")


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
