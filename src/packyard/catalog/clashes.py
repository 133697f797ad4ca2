"""Equal names and versions whose content is not equal, in several registries.

A chart is held against charts, of which the archive is the content, and a pack against packs, of
which it is what the archive holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, distinct, func, select

from packyard.catalog import entries
from packyard.catalog.entries import Entry
from packyard.catalog.search import Found
from packyard.catalog.tables import pack_names, packs
from packyard.references import Tag

_THERE = (packs.c.gone_at == 0, packs.c.content_digest != "")


@dataclass(frozen=True, slots=True)
class Clash:
    """A version of that name as each of several registries has it, by their uids."""

    name: str
    label: Tag
    copies: tuple[Entry, ...]


def clashes(connection: Connection, *, limit: int, offset: int = 0) -> Found[Clash]:
    """All there are, by name and then newest first."""
    in_several = select(pack_names.c.name).group_by(pack_names.c.name).having(func.count() > 1)
    is_chart = packs.c.content_digest == packs.c.archive_digest
    keys = packs.c.name, packs.c.version_key, packs.c.label, is_chart
    differing = (
        select(*keys)
        .where(*_THERE, packs.c.name.in_(in_several))
        .group_by(*keys)
        .having(func.count(distinct(packs.c.content_digest)) > 1)
    )
    order = packs.c.name, packs.c.version_key.desc(), packs.c.label, is_chart
    rows = connection.execute(differing.order_by(*order).limit(limit).offset(offset)).all()
    count = select(func.count()).select_from(differing.subquery())
    wanted = [(name, label, bool(chart)) for name, _, label, chart in rows]
    copies = _copies(connection, wanted)
    items = [Clash(name, Tag(label), tuple(copies[name, label, chart]))
             for name, label, chart in wanted]  # fmt: skip
    return Found(items, connection.scalar(count) or 0)


def _copies(
    connection: Connection, wanted: Sequence[tuple[str, str, bool]]
) -> dict[tuple[str, str, bool], list[Entry]]:
    found: dict[tuple[str, str, bool], list[Entry]] = {}
    rows = _like(select(packs), ((name, label) for name, label, _ in wanted))
    for entry in map(entries.of_row, connection.execute(rows).mappings()):
        found.setdefault((entry.name, entry.label, _is_chart(entry)), []).append(entry)
    return found


def differing(connection: Connection, those: Sequence[Entry]) -> dict[str, list[str]]:
    """By uid of these versions, the other registries that have the same name and version with
    other content."""
    columns = select(packs.c.source, packs.c.name, packs.c.label, packs.c.content_digest,
                     packs.c.archive_digest)  # fmt: skip
    found = _like(columns, ((one.name, one.label) for one in those))
    held: dict[tuple[str, str, bool], list[tuple[str, str]]] = {}
    for source, name, label, content, archive in connection.execute(found):
        held.setdefault((name, label, content == archive), []).append((source, content))
    others: dict[str, list[str]] = {}
    for one in those:
        content = one.content_digest
        same_name = held.get((one.name, one.label, _is_chart(one)), ())
        if different := [source for source, other in same_name if content and other != content]:
            others[one.uid] = different
    return others


def _like(rows: Select[Any], versions: Iterable[tuple[str, str]]) -> Select[Any]:
    """Of the rows those of these names and labels, by registry: a few more than these pairs."""
    pairs = set(versions)
    names, labels = {name for name, _ in pairs}, {label for _, label in pairs}
    of_them = packs.c.name.in_(names), packs.c.label.in_(labels)
    return rows.where(*_THERE, *of_them).order_by(packs.c.source)


def _is_chart(entry: Entry) -> bool:
    return entry.content_digest == entry.archive_digest
