"""Rows of sources that are not ours, as a synchronization finds them.

Nothing is deleted and inserted: a version keeps its uid for ever, what changed is written over it,
what the source holds no longer gets `gone_at`. New versions are written in steps beforehand, with
`ON_ITS_WAY` in the place of that time, and seen by nobody; all of a source's change then becomes
visible in the one transaction whose connection is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from packyard.catalog import facets, names
from packyard.catalog.entries import ON_ITS_WAY, Contents, Entry, put_contents, row_of
from packyard.catalog.tables import pack_contents, pack_tags, packs
from packyard.references import Tag
from packyard.storage.batches import batches

Tags = Mapping[Tag, tuple[str, bool]]
"""By tag: the uid of the pack that it leads to, and whether it is a parent tag."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog has of one version of a source, on its way and gone ones too."""

    uid: str
    name: str
    label: str
    place: str
    validator: str
    gone_at: int
    has_contents: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A version that is new or changed; without `contents` they are read when asked for."""

    entry: Entry
    contents: Contents | None = None


def known(connection: Connection, source: str) -> list[Known]:
    """Every version of a source that the catalog has."""
    rows = connection.execute(
        select(
            packs.c.uid,
            packs.c.name,
            packs.c.label,
            packs.c.place,
            packs.c.validator,
            packs.c.gone_at,
            pack_contents.c.pack.is_not(None),
        )
        .join_from(packs, pack_contents, isouter=True)
        .where(packs.c.source == source)
    )
    return [
        Known(uid, name, label, place, validator, gone_at, bool(has_contents))
        for uid, name, label, place, validator, gone_at, has_contents in rows
    ]


def count(connection: Connection, source: str) -> int:
    """How many versions of a source are there."""
    there = packs.c.source == source, packs.c.gone_at == 0
    return connection.scalar(select(func.count()).select_from(packs).where(*there)) or 0


def prepare(connection: Connection, arrivals: Iterable[Arrival]) -> None:
    """Write versions that nobody has seen yet, and nobody sees before `reveal`."""
    _write(connection, arrivals, ON_ITS_WAY)


def arrive(connection: Connection, arrivals: Iterable[Arrival]) -> None:
    """Write versions that changed; they are there, whatever was gone before."""
    changed: dict[str, set[str]] = {}

    def noted() -> Iterator[Arrival]:
        for arrival in arrivals:
            changed.setdefault(arrival.entry.source, set()).add(arrival.entry.name)
            yield arrival

    _write(connection, noted(), 0)
    for source, those in changed.items():
        names.describe(connection, source, those)


def name_by_hand(connection: Connection, entry: Entry, now: int) -> None:
    """A version that somebody says is in a source that does not tell what it holds: known to those
    who use it, and otherwise as one that is gone."""
    if connection.scalar(select(packs.c.uid).where(packs.c.uid == entry.uid)) is None:
        _write(connection, [Arrival(entry)], now)


def reveal(connection: Connection, source: str, stale: Iterable[str]) -> None:
    """Let what was prepared be seen, but for `stale` uids, which are given up."""
    _delete(connection, stale)
    on_its_way = packs.c.source == source, packs.c.gone_at == ON_ITS_WAY
    changed = connection.scalars(select(packs.c.name).where(*on_its_way).distinct()).all()
    connection.execute(update(packs).where(*on_its_way).values(gone_at=0))
    names.describe(connection, source, changed)


def learn(connection: Connection, entry: Entry, contents: Contents) -> None:
    """Keep contents of a version that is there; they can be searched from now on."""
    put_contents(connection, entry.uid, contents)
    names.describe(connection, entry.source, [entry.name])


def confirm(connection: Connection, returned: Iterable[str], moved: Mapping[str, str]) -> None:
    """Versions whose content is what it was: those that were gone, and the places of those that
    moved in their source."""
    changed = _by_name(connection, returned)
    for batch in _in_order(changed):
        connection.execute(update(packs).where(packs.c.uid.in_(batch)).values(gone_at=0))
    _describe(connection, changed)
    for uid, place in moved.items():
        connection.execute(update(packs).where(packs.c.uid == uid).values(place=place))


def depart(connection: Connection, uids: Iterable[str], now: int) -> None:
    """Mark versions that the source holds no longer; no tag leads to them from now on."""
    changed = _by_name(connection, uids)
    for batch in _in_order(changed):
        connection.execute(update(packs).where(packs.c.uid.in_(batch)).values(gone_at=now))
        connection.execute(delete(pack_tags).where(pack_tags.c.pack.in_(batch)))
    _describe(connection, changed)


def withdraw(connection: Connection, source: str, now: int) -> None:
    """Mark everything of a source as gone, as one that is synchronized no longer."""
    there = packs.c.source == source, packs.c.gone_at == 0
    connection.execute(update(packs).where(*there).values(gone_at=now))
    connection.execute(delete(pack_tags).where(pack_tags.c.source == source))
    names.forget(connection, source)


def lead(connection: Connection, source: str, tags: Iterable[tuple[str, Tags]]) -> None:
    """Make these, by name, all that the catalog says of the tags of these names."""
    for batch in batches(tags):
        of_source = pack_tags.c.source == source
        led_names = [name for name, _ in batch]
        standing: dict[str, dict[Tag, tuple[str, bool]]] = {name: {} for name in led_names}
        found = select(pack_tags).where(of_source, pack_tags.c.name.in_(led_names))
        for row in connection.execute(found):
            standing[row.name][row.tag] = row.pack, row.parent
        changed = [(name, led) for name, led in batch if standing[name] != led]
        former = [name for name, _ in changed if standing[name]]
        if former:
            connection.execute(delete(pack_tags).where(of_source, pack_tags.c.name.in_(former)))
        rows = [
            {"source": source, "name": name, "tag": tag, "pack": uid, "parent": parent}
            for name, led in changed
            for tag, (uid, parent) in led.items()
        ]
        if rows:
            connection.execute(insert(pack_tags), rows)


def forget(connection: Connection, before: int, *, kept: ColumnElement[bool]) -> int:
    """Delete what was gone `before` (µs), but for what `kept` says; how many versions that were."""
    gone = select(packs.c.uid).where(packs.c.gone_at > 0, packs.c.gone_at < before, ~kept)
    uids = list(connection.scalars(gone))
    _delete(connection, uids)
    facets.forget_unused(connection)
    return len(uids)


def remove_source(connection: Connection, source: str) -> None:
    """Delete every row of a source, but not its own."""
    names.forget(connection, source)
    connection.execute(delete(pack_tags).where(pack_tags.c.source == source))
    connection.execute(delete(packs).where(packs.c.source == source))  # and contents with them
    facets.forget(connection, source)


_ByName = Mapping[tuple[str, str], list[str]]
"""Uids by source and name: neighbours in the tables, which are written much faster together."""


def _by_name(connection: Connection, uids: Iterable[str]) -> _ByName:
    found: dict[tuple[str, str], list[str]] = {}
    for batch in batches(uids):
        of_batch = select(packs.c.source, packs.c.name, packs.c.uid).where(packs.c.uid.in_(batch))
        for source, name, uid in connection.execute(of_batch):
            found.setdefault((source, name), []).append(uid)
    return dict(sorted(found.items()))


def _in_order(uids: _ByName) -> Iterator[list[str]]:
    return batches(chain.from_iterable(uids.values()))


def _describe(connection: Connection, changed: _ByName) -> None:
    """Each name once, however many of its versions changed."""
    for source, those in groupby(changed, key=itemgetter(0)):
        names.describe(connection, source, [name for _, name in those])


def _write(connection: Connection, arrivals: Iterable[Arrival], gone_at: int) -> None:
    for batch in batches(arrivals):
        uids = [arrival.entry.uid for arrival in batch]
        standing = set(connection.scalars(select(packs.c.uid).where(packs.c.uid.in_(uids))))
        if standing:
            connection.execute(delete(pack_contents).where(pack_contents.c.pack.in_(standing)))
        rows = [row_of(arrival.entry) | {"gone_at": gone_at} for arrival in batch]
        rows = facets.numbered(connection, rows)
        new = [row for row in rows if row["uid"] not in standing]
        if new:
            connection.execute(insert(packs), new)
        _overwrite(connection, [row for row in rows if row["uid"] in standing])
        for arrival in batch:
            if arrival.contents:
                put_contents(connection, arrival.entry.uid, arrival.contents)


def _overwrite(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = [name for name in rows[0] if name != "uid"]
    changed = update(packs).where(packs.c.uid == bindparam("its_uid"))
    connection.execute(
        changed.values({name: bindparam(f"new_{name}") for name in columns}),
        [{"its_uid": row["uid"], **{f"new_{name}": row[name] for name in columns}} for row in rows],
    )


def _delete(connection: Connection, uids: Iterable[str]) -> None:
    for batch in batches(uids):
        for table in (pack_contents, pack_tags):
            connection.execute(delete(table).where(table.c.pack.in_(batch)))
        connection.execute(delete(packs).where(packs.c.uid.in_(batch)))
