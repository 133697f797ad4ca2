"""Rows of the catalog, written and read one pack at a time.

Functions take the connection of a transaction that somebody else opened: for the built-in source
that is `Registry.commit`'s own, so a pack and its row become visible together.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, and_, delete, insert, select, update

from packyard.catalog import facets
from packyard.catalog import names as name_rows
from packyard.catalog.tables import pack_contents, pack_tags, packs, sources
from packyard.digests import Digest
from packyard.errors import ConfigurationInvalid, PackUnknown
from packyard.packs.files import Files
from packyard.packs.model import Pack
from packyard.packs.version import sort_key
from packyard.references import Tag
from packyard.storage.batches import batches

BUILT_IN = "Public Repo"
ON_ITS_WAY = -1
"""In the place of `gone_at`: written by a synchronization that goes on, and seen by nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One version of a pack in one source: a row of `packs`. Times are µs.

    `place` and `validator` are a foreign source's own (`remotes.source`); `gone_at` is 0 for what
    is there. A chart of another source is a pack of one chart.
    """

    uid: str
    source: str
    name: str
    label: Tag
    group: str
    version: str
    display_name: str
    layer: str
    addon_type: str
    addon_sub_type: str
    system_state: str
    annotations: Mapping[str, str]
    digest: Digest
    content_digest: Digest
    archive_digest: Digest
    size: int
    message: str
    pushed_by: str
    pushed_at: int
    clouds: tuple[str, ...] = field(default=())
    place: str = ""
    validator: str = ""
    gone_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    path: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What people read of a pack; an absent file is an empty text."""

    pack_json: str
    values: str
    readme: str
    schema: str
    presets: str
    logo: bytes
    files: tuple[FileInfo, ...]


def built_in_source(connection: Connection, name: str = BUILT_IN) -> str:
    """The uid of our own registry: random at the first call, then for ever; `name` from now on.

    Raises `ConfigurationInvalid` where another registry has that name.
    """
    own = sources.c.kind == "default"
    if connection.scalar(select(sources.c.uid).where(sources.c.name == name, ~own)):
        raise ConfigurationInvalid(
            f"The own registry cannot be listed as {name!r}: another one has that name. Choose "
            "another name in hub.defaultregistry, or rename that one."
        )
    found = connection.execute(select(sources).where(own)).one_or_none()
    if found is None:
        uid = secrets.token_hex(12)
        connection.execute(insert(sources).values(uid=uid, kind="default", name=name))
        return uid
    if found.name != name:
        connection.execute(update(sources).where(own).values(name=name))
    return str(found.uid)


def pack_uid(source: str, name: str, label: str) -> str:
    """24 hex digits; the same after a forced push (design, Identity)."""
    return hashlib.sha256(f"{source}\0{name}\0{label}".encode()).hexdigest()[:24]


def entry_of(
    pack: Pack,
    *,
    source: str,
    digest: Digest,
    content_digest: Digest,
    archive_digest: Digest,
    size: int,
    message: str,
    pushed_by: str,
    pushed_at: int,
) -> Entry:
    return Entry(
        uid=pack_uid(source, pack.name, pack.label),
        source=source,
        name=pack.name,
        label=pack.label,
        group=pack.group,
        version=pack.version,
        display_name=pack.display_name,
        layer=str(pack.layer),
        addon_type=pack.addon_type,
        addon_sub_type=pack.addon_sub_type,
        system_state=pack.annotations.get("system_state", ""),
        annotations=pack.annotations,
        digest=digest,
        content_digest=content_digest,
        archive_digest=archive_digest,
        size=size,
        message=message,
        pushed_by=pushed_by,
        pushed_at=pushed_at,
        clouds=tuple(dict.fromkeys(pack.cloud_types)),
    )


def contents_of(files: Files) -> Contents:
    def text(path: str) -> str:
        return files[path].data.decode(errors="replace") if path in files else ""

    return Contents(
        pack_json=text("pack.json"),
        values=text("values.yaml"),
        readme=text("README.md"),
        schema=text("schema.yaml"),
        presets=text("presets.yaml"),
        logo=files["logo.png"].data if "logo.png" in files else b"",
        files=tuple(
            FileInfo(path=path, size=len(files[path].data), executable=files[path].executable)
            for path in sorted(files)
        ),
    )


def addon_key(addon_type: str) -> str:
    """`app services` and `app-services` group together."""
    return re.sub(r"[\s-]+", "", addon_type).lower()


def put(connection: Connection, entry: Entry, contents: Contents) -> None:
    """Insert the row, or replace what stands there under the same name and label."""
    [row] = facets.numbered(connection, [row_of(entry)])
    if connection.execute(update(packs).where(packs.c.uid == entry.uid).values(row)).rowcount == 0:
        connection.execute(insert(packs).values(row))
    put_contents(connection, entry.uid, contents)
    name_rows.describe(connection, entry.source, [entry.name])


def row_of(entry: Entry) -> dict[str, Any]:
    """The row of `packs`, but for its `facet`."""
    row = {
        column.name: getattr(entry, column.name)
        for column in packs.c
        if column.name in Entry.__dataclass_fields__
    }
    return row | {
        "annotations": dict(entry.annotations),
        "addon_key": addon_key(entry.addon_type),
        "version_key": sort_key(entry.version),
        "clouds": f",{','.join(entry.clouds)}," if entry.clouds else "",
    }


def put_contents(connection: Connection, uid: str, contents: Contents) -> None:
    """What people read of a pack that has its row, in place of what stands there."""
    connection.execute(delete(pack_contents).where(pack_contents.c.pack == uid))
    connection.execute(
        insert(pack_contents).values(
            pack=uid,
            pack_json=contents.pack_json,
            values=contents.values,
            readme=contents.readme,
            schema=contents.schema,
            presets=contents.presets,
            logo=contents.logo,
            files=[[info.path, info.size, info.executable] for info in contents.files],
        )
    )


def remove(connection: Connection, uid: str) -> None:
    """Take the pack out, with its tags and contents; nothing where it is not there."""
    for table in (pack_contents, pack_tags):
        connection.execute(delete(table).where(table.c.pack == uid))
    gone = delete(packs).where(packs.c.uid == uid).returning(packs.c.source, packs.c.name)
    for source, name in connection.execute(gone).all():
        name_rows.describe(connection, source, [name])


def replace_tags(
    connection: Connection, source: str, name: str, tags: Mapping[Tag, tuple[str, bool]]
) -> None:
    """Make `tags`, from tag to (pack uid, parent), all that the catalog says of this name."""
    of_name = and_(pack_tags.c.source == source, pack_tags.c.name == name)
    connection.execute(delete(pack_tags).where(of_name))
    if tags:
        connection.execute(
            insert(pack_tags),
            [
                {"source": source, "name": name, "tag": tag, "pack": uid, "parent": parent}
                for tag, (uid, parent) in tags.items()
            ],
        )


def versions(connection: Connection, source: str, name: str) -> list[Entry]:
    """Every version of a name in one source, newest first; empty where there is none."""
    rows = (
        connection.execute(
            select(packs)
            .where(packs.c.source == source, packs.c.name == name, packs.c.gone_at == 0)
            .order_by(packs.c.version_key.desc(), packs.c.label.desc())
        )
        .mappings()
        .all()
    )
    return [of_row(row) for row in rows]


def find(connection: Connection, source: str, name: str, tag: str) -> Entry:
    """The version that any kind of tag leads to; raises `PackUnknown`."""
    rows = (
        connection.execute(
            select(packs)
            .join(pack_tags, pack_tags.c.pack == packs.c.uid)
            .where(pack_tags.c.source == source, pack_tags.c.name == name, pack_tags.c.tag == tag)
        )
        .mappings()
        .all()
    )
    if not rows:
        raise PackUnknown(f"There is no pack {name}:{tag}.")
    return of_row(rows[0])


def by_uid(connection: Connection, uid: str) -> Entry | None:
    """Also one that its source holds no longer: those who use it learn so."""
    seen = packs.c.uid == uid, packs.c.gone_at != ON_ITS_WAY
    rows = connection.execute(select(packs).where(*seen)).mappings().all()
    return of_row(rows[0]) if rows else None


def tags(connection: Connection, source: str, name: str) -> dict[Tag, tuple[str, bool]]:
    """Every tag of a name: (pack uid, whether the registry moves it by itself)."""
    rows = connection.execute(
        select(pack_tags.c.tag, pack_tags.c.pack, pack_tags.c.parent)
        .where(pack_tags.c.source == source, pack_tags.c.name == name)
        .order_by(pack_tags.c.tag)
    )
    return {Tag(row.tag): (row.pack, row.parent) for row in rows}


def leading(connection: Connection, uids: Iterable[str]) -> dict[str, list[Tag]]:
    """The tags that lead to each pack, in their order."""
    found: dict[str, list[Tag]] = {uid: [] for uid in uids}
    rows = connection.execute(
        select(pack_tags.c.pack, pack_tags.c.tag)
        .where(pack_tags.c.pack.in_(list(found)))
        .order_by(pack_tags.c.tag)
    )
    for uid, tag in rows:
        found[uid].append(Tag(tag))
    return found


def names(connection: Connection, source: str) -> list[str]:
    here = packs.c.source == source, packs.c.gone_at == 0
    found = select(packs.c.name).where(*here).distinct().order_by(packs.c.name)
    return list(connection.scalars(found))


def last_change(connection: Connection, source: str) -> int:
    """Microseconds since 1970 of the newest push, 0 where there was none."""
    newest = (
        select(packs.c.pushed_at)
        .where(packs.c.source == source)
        .order_by(packs.c.pushed_at.desc())
        .limit(1)
    )
    return connection.scalar(newest) or 0


def contents(connection: Connection, uid: str) -> Contents:
    """Raises `PackUnknown`, also where they were not read yet."""
    found = all_contents(connection, [uid])
    if uid not in found:
        raise PackUnknown(f"There is no pack of uid {uid}.")
    return found[uid]


def all_contents(connection: Connection, uids: Sequence[str]) -> dict[str, Contents]:
    """By uid; what was not read yet is left out."""
    found: dict[str, Contents] = {}
    for batch in batches(uids):
        rows = connection.execute(select(pack_contents).where(pack_contents.c.pack.in_(batch)))
        found |= {row.pack: _contents(row) for row in rows}
    return found


def _contents(row: Row[Any]) -> Contents:
    return Contents(
        pack_json=row.pack_json,
        values=row.values,
        readme=row.readme,
        schema=row.schema,
        presets=row.presets,
        logo=row.logo,
        files=tuple(
            FileInfo(path=path, size=size, executable=executable)
            for path, size, executable in row.files
        ),
    )


def of_row(row: RowMapping) -> Entry:
    """Of a row of `packs`."""
    clouds = clouds_of(row["clouds"])
    fields = [name for name in Entry.__dataclass_fields__ if name != "clouds"]
    return Entry(clouds=clouds, **{name: row[name] for name in fields})


def clouds_of(column: str) -> tuple[str, ...]:
    """What the column `clouds` names, in the pack's order."""
    return tuple(column[1:-1].split(",")) if column else ()


def by_version(entry: Entry) -> tuple[str, str]:
    """Orders versions, also those of several sources."""
    return sort_key(entry.version), entry.label
