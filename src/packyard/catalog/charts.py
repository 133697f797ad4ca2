"""Rows of Helm charts: where each version stands, and which of several the index lists.

A chart stands in a repository of its own, or inside a pack that carries it. Charts that would be
downloaded under one name, `NAME-VERSION.tgz`, are one file to Helm: the index lists one of them,
and the others are kept. Invariants, after every transaction:

- a name that stands at home, in the folder of uploaded charts, is listed from there alone: who may
  push elsewhere, such as a key for one folder, adds nothing to it and replaces nothing of it;
- of the rows of one file that may be listed exactly one is: one at home, then a chart of its own
  before one that a pack carries, then the one that came last;
- whatever changes what the index says of a name gives that name the next number of `change`.

Functions take the connection of a transaction that somebody else opened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, func, insert, select, update

from packyard.catalog.tables import chart_names, charts
from packyard.digests import Digest
from packyard.errors import ChartUnknown
from packyard.packs.artifact import pack_of_repository
from packyard.packs.chart_artifact import joined
from packyard.packs.charts import Chart
from packyard.packs.version import sort_key
from packyard.references import RepoName, Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartEntry:
    """One place of one version of a chart: a row of `charts`. Times are µs.

    `tag` is that of the chart, or of the pack that carries it at `path`. `digest` and `size` are
    of the archive, `provenance` is "" where there is none. `entry` is the index's text about it.
    """

    source: str
    repository: RepoName
    tag: Tag
    path: str
    name: str
    version: str
    digest: Digest
    size: int
    provenance: str
    manifest: Digest
    created_at: int
    entry: str
    listed: bool = False

    @property
    def file(self) -> str:
        """The name of its archive, without `.tgz`."""
        return Chart(self.name, self.version).file

    @property
    def pack(self) -> str:
        """`name:label` of the pack that carries it; "" for a chart of its own."""
        return f"{pack_of_repository(self.repository)}:{self.tag}" if self.path else ""

    def __str__(self) -> str:
        where = f"{self.repository}:{self.tag}"
        return f"{self.path} in {where}" if self.path else where


@dataclass(frozen=True, slots=True)
class Clash:
    """Other bytes under the name of one file: `listed` stands in the index, `hidden` do not, best
    first."""

    listed: ChartEntry
    hidden: tuple[ChartEntry, ...]


# Asked at every push of a tag, whatever it is: made once, since making it costs more than asking.
_ANYTHING_AT = (
    select(charts.c.path)
    .where(
        charts.c.source == bindparam("source"),
        charts.c.repository == bindparam("repository"),
        charts.c.tag == bindparam("tag"),
    )
    .limit(1)
)


def put(
    connection: Connection,
    source: str,
    repository: RepoName,
    tag: Tag,
    found: Sequence[ChartEntry],
    now: int,
    *,
    folder: str,
) -> list[Clash]:
    """Make `found` all the charts that stand at this tag; clashes that came, or changed, by it.

    A row whose archive and provenance stay the same keeps its time. The home of a name is its
    repository below `folder`.
    """
    place = {"source": source, "repository": repository, "tag": tag}
    if not found and connection.execute(_ANYTHING_AT, place).first() is None:
        return []
    here = (charts.c.source == source, charts.c.repository == repository, charts.c.tag == tag)
    rows = connection.execute(select(charts).where(*here)).mappings()
    standing = {row["path"]: _entry(row) for row in rows}
    wanted = {entry.path: entry for entry in found}
    index = _Index(connection, source, folder)
    at_home = {entry.name for entry in (*standing.values(), *found) if index.is_at_home(entry)}
    homed = {name for name in at_home if index.has_home(name)}
    changed: dict[str, ChartEntry] = {}
    for path in standing.keys() | wanted.keys():
        old, new = standing.get(path), wanted.get(path)
        of_path = and_(*here, charts.c.path == path)
        if old and new and _is_same(old, new):
            connection.execute(update(charts).where(of_path).values(manifest=new.manifest))
            continue
        if old:
            connection.execute(delete(charts).where(of_path))
            changed[old.file] = old
        if new:
            connection.execute(insert(charts).values(_row(new)))
            changed[new.file] = new
    if not changed:
        return []
    moved = {name for name in at_home if index.has_home(name) != (name in homed)}
    touched = {file: index.list_one(file) for file in changed.keys() | index.files(moved)}
    names = {entry.name for entry in (*changed.values(), *chain.from_iterable(touched.values()))}
    _note_change(connection, source, names, now)
    return [clash for file in changed if (clash := _clash(touched[file]))]


def listed(connection: Connection, source: str, file: str) -> ChartEntry:
    """What the index lists under the name of a file, without `.tgz`; raises `ChartUnknown`."""
    found = _select(connection, source, charts.c.file == file, charts.c.listed)
    if not found:
        raise ChartUnknown(f"There is no chart {file}.tgz.")
    return found[0]


def version(connection: Connection, source: str, name: str, version: str) -> ChartEntry:
    """The listed chart of a version; raises `ChartUnknown`."""
    file = Chart(name, version).file
    found = _select(connection, source, charts.c.file == file, charts.c.name == name)
    entry = next((entry for entry in found if entry.listed), None)
    if entry is None:
        raise ChartUnknown(f"There is no version {version} of a chart {name}.")
    return entry


def versions(connection: Connection, source: str, name: str) -> list[ChartEntry]:
    """The listed versions of a chart, newest first; empty where there is none."""
    return _in_order(connection, source, charts.c.name == name, charts.c.listed)


def at(connection: Connection, source: str, repository: RepoName, tag: Tag) -> list[ChartEntry]:
    """The charts that stand at a tag: one of its own, or those that the pack there carries."""
    return _select(connection, source, charts.c.repository == repository, charts.c.tag == tag)


def places(connection: Connection, source: str, name: str = "") -> list[ChartEntry]:
    """Every place of every chart, or of those of one name, listed or not."""
    return _in_order(connection, source, *((charts.c.name == name,) if name else ()))


def clashes(
    connection: Connection, source: str, reaches: Callable[[str], bool] = lambda _: True
) -> list[Clash]:
    """Every file under whose name other bytes stand in several places, by name, newest first; of
    the places in repositories that `reaches` holds for."""
    several = (
        select(charts.c.file)
        .where(charts.c.source == source)
        .group_by(charts.c.file)
        .having(func.count(charts.c.digest.distinct()) > 1)
    )
    by_file: dict[str, list[ChartEntry]] = {}
    for entry in _in_order(connection, source, charts.c.file.in_(several)):
        if reaches(entry.repository):
            by_file.setdefault(entry.file, []).append(entry)
    return [clash for rows in by_file.values() if (clash := _clash(rows))]


def names(connection: Connection, source: str) -> list[str]:
    """Of the charts that the index lists, in order."""
    of_source = charts.c.source == source, charts.c.listed
    return list(
        connection.scalars(
            select(charts.c.name).where(*of_source).distinct().order_by(charts.c.name)
        )
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since: the names, the number of the newest change and its time (µs)."""

    names: list[str]
    number: int
    time: int


def changes(connection: Connection, source: str, since: int) -> Changes:
    rows = connection.execute(
        select(chart_names)
        .where(chart_names.c.source == source, chart_names.c.change > since)
        .order_by(chart_names.c.change)
    ).all()
    names = [row.name for row in rows]
    return Changes(names, rows[-1].change, rows[-1].changed_at) if rows else Changes([], since, 0)


def index_texts(
    connection: Connection,
    source: str,
    names: Collection[str],
    reaches: Callable[[str], bool] | None = None,
) -> dict[str, list[str]]:
    """The index's texts about the listed versions of these charts, newest first; of those in
    repositories that `reaches` holds for, where it is given."""
    rows = connection.execute(
        select(charts.c.name, charts.c.entry, charts.c.repository)
        .where(charts.c.source == source, charts.c.name.in_(names), charts.c.listed)
        .order_by(charts.c.name, charts.c.version_key.desc(), charts.c.version.desc())
    )
    texts: dict[str, list[str]] = {}
    for name, entry, repository in rows:
        if reaches is None or reaches(repository):
            texts.setdefault(name, []).append(entry)
    return texts


@dataclass(frozen=True, slots=True)
class _Index:
    """Which rows the index lists: those at home, and those of names that have no home."""

    connection: Connection
    source: str
    folder: str

    def is_at_home(self, entry: ChartEntry) -> bool:
        return not entry.path and entry.repository == joined(self.folder, entry.name)

    def has_home(self, name: str) -> bool:
        home = charts.c.repository == joined(self.folder, name)
        found = select(charts.c.tag).where(
            charts.c.source == self.source, home, charts.c.path == ""
        )
        return self.connection.execute(found.limit(1)).first() is not None

    def files(self, names: Collection[str]) -> set[str]:
        if not names:
            return set()
        of_names = charts.c.source == self.source, charts.c.name.in_(names)
        return set(self.connection.scalars(select(charts.c.file).where(*of_names).distinct()))

    def list_one(self, file: str) -> list[ChartEntry]:
        """Mark the one row of a file that the index lists, if any; all rows as they are then."""
        rows = _select(self.connection, self.source, charts.c.file == file)
        homed = {name for name in {row.name for row in rows} if self.has_home(name)}
        able = [row for row in rows if self.is_at_home(row) or row.name not in homed]
        first = min(able, key=lambda row: (not self.is_at_home(row), _rank(row)), default=None)
        for row in rows:
            if row.listed != (row is first):
                place = (
                    charts.c.source == self.source,
                    charts.c.repository == row.repository,
                    charts.c.tag == row.tag,
                    charts.c.path == row.path,
                )
                self.connection.execute(update(charts).where(*place).values(listed=row is first))
        return [replace(row, listed=row is first) for row in rows]


def _clash(rows: Sequence[ChartEntry]) -> Clash | None:
    """Of the rows of one file."""
    first = next((row for row in rows if row.listed), None)
    if first is None:
        return None
    hidden = sorted((row for row in rows if row.digest != first.digest), key=_rank)
    return Clash(first, tuple(hidden)) if hidden else None


def _rank(entry: ChartEntry) -> tuple[bool, int, str, str, str]:
    """The lowest is best; the places decide where times are equal, so that all agree."""
    return bool(entry.path), -entry.created_at, entry.repository, entry.tag, entry.path


def _note_change(connection: Connection, source: str, names: Iterable[str], now: int) -> None:
    """One writer at a time, so numbers become visible in their order."""
    of_source = chart_names.c.source == source
    number = connection.scalar(select(func.max(chart_names.c.change)).where(of_source)) or 0
    for name in sorted(names):
        number += 1
        row = {"change": number, "changed_at": now}
        standing = update(chart_names).where(of_source, chart_names.c.name == name)
        if connection.execute(standing.values(row)).rowcount == 0:
            connection.execute(insert(chart_names).values(source=source, name=name, **row))


def _select(connection: Connection, source: str, *conditions: Any) -> list[ChartEntry]:
    """In no order: asked for one, SQLite would go through all names for the few rows of a file."""
    rows = connection.execute(select(charts).where(charts.c.source == source, *conditions))
    return [_entry(row) for row in rows.mappings()]


def _in_order(connection: Connection, source: str, *conditions: Any) -> list[ChartEntry]:
    """By name, newest version first, the listed place of a version first."""
    rows = connection.execute(
        select(charts)
        .where(charts.c.source == source, *conditions)
        .order_by(
            charts.c.name,
            charts.c.version_key.desc(),
            charts.c.version.desc(),
            charts.c.listed.desc(),
            charts.c.created_at.desc(),
            charts.c.repository,
            charts.c.tag,
            charts.c.path,
        )
    )
    return [_entry(row) for row in rows.mappings()]


def _is_same(one: ChartEntry, other: ChartEntry) -> bool:
    return (one.file, one.digest, one.provenance) == (other.file, other.digest, other.provenance)


def _entry(row: RowMapping) -> ChartEntry:
    return ChartEntry(**{name: row[name] for name in ChartEntry.__dataclass_fields__})


def _row(entry: ChartEntry) -> Mapping[str, object]:
    row = {name: getattr(entry, name) for name in ChartEntry.__dataclass_fields__}
    return row | {"file": entry.file, "version_key": sort_key(entry.version)}
