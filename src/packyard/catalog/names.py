"""Rows of `pack_names`: what people search a catalog by, one for each name in a source.

Such a row says what the newest version of a name says; a name of which nothing is there has none.
Everything in it follows from `packs` and `pack_contents`: whatever changes these says which names
it changed, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from packyard.catalog import words
from packyard.catalog.tables import pack_contents, pack_names, packs, sources
from packyard.storage.batches import batches

TYPES = {"helm": "helm", "oci": "oci", "ecr": "oci"}
"""What a pack is called by the kind of its registry; `spectro` in all others."""
SPECTRO = "spectro"
_README = 64 * 1024  # characters of one that are searched

_COLUMNS = (
    packs.c.uid,
    packs.c.name,
    packs.c.display_name,
    packs.c.layer,
    packs.c.addon_type,
    packs.c.addon_key,
    packs.c.addon_sub_type,
    packs.c.clouds,
    packs.c.system_state,
    packs.c.annotations,
    (packs.c.content_digest == packs.c.archive_digest).label("is_chart"),
)


def describe(connection: Connection, source: str, names: Iterable[str]) -> None:
    """Make the rows of these names follow from the versions that are there."""
    kind = connection.scalar(select(sources.c.kind).where(sources.c.uid == source)) or ""
    for batch in batches(dict.fromkeys(names)):
        _describe(connection, source, TYPES.get(kind, SPECTRO), batch)


def forget(connection: Connection, source: str) -> None:
    """Every name of a source."""
    _drop(connection, source, list(_standing(connection, source)))


def _describe(connection: Connection, source: str, type_: str, names: list[str]) -> None:
    newest = _newest(connection, source, names)
    standing = _standing(connection, source, names)
    _drop(connection, source, [name for name in standing if name not in newest])
    rows = {name: _row(row) | {"source": source, "type": type_} for name, row in newest.items()}
    new = [row for name, row in rows.items() if name not in standing]
    for name, row in rows.items():
        if name in standing:
            connection.execute(
                update(pack_names).where(pack_names.c.id == standing[name]).values(row)
            )
    if new:
        connection.execute(insert(pack_names), new)
        standing = _standing(connection, source, names)
    readmes = _readmes(connection, [row["uid"] for row in newest.values()])
    words.write(
        connection,
        {standing[name]: _text(row, readmes.get(row["uid"], "")) for name, row in newest.items()},
    )


def _newest(connection: Connection, source: str, names: list[str]) -> dict[str, RowMapping]:
    rank = func.row_number().over(
        partition_by=packs.c.name, order_by=(packs.c.version_key.desc(), packs.c.label.desc())
    )
    there = packs.c.source == source, packs.c.name.in_(names), packs.c.gone_at == 0
    ranked = select(packs.c.uid, rank.label("rank")).where(*there).subquery()
    newest = select(ranked.c.uid).where(ranked.c.rank == 1)
    found = connection.execute(select(*_COLUMNS).where(packs.c.uid.in_(newest))).mappings()
    return {row["name"]: row for row in found}


def _standing(
    connection: Connection, source: str, names: list[str] | None = None
) -> dict[str, int]:
    """Numbers of the rows of these names, or of all."""
    found = select(pack_names.c.name, pack_names.c.id).where(pack_names.c.source == source)
    if names is not None:
        found = found.where(pack_names.c.name.in_(names))
    return {row.name: row.id for row in connection.execute(found)}


def _drop(connection: Connection, source: str, names: list[str]) -> None:
    for batch in batches(names):
        words.erase(connection, _standing(connection, source, batch).values())
        of_batch = pack_names.c.source == source, pack_names.c.name.in_(batch)
        connection.execute(delete(pack_names).where(*of_batch))


def _readmes(connection: Connection, uids: list[str]) -> Mapping[str, str]:
    found = select(pack_contents.c.pack, func.substr(pack_contents.c.readme, 1, _README))
    rows = connection.execute(found.where(pack_contents.c.pack.in_(uids)))
    return {row[0]: row[1] for row in rows}


def _row(newest: RowMapping) -> dict[str, Any]:
    said: Mapping[str, str] = newest["annotations"]
    copied = ("name", "is_chart", "layer", "addon_type", "addon_key", "addon_sub_type", "clouds")
    return {name: newest[name] for name in copied} | {
        "newest": newest["uid"],
        "display_name": newest["display_name"],
        "name_key": newest["name"].lower(),
        "display_key": newest["display_name"].lower(),
        "state": "disabled" if said.get("disabled") == "true" else newest["system_state"],
        "origin": said.get("source", ""),
        "fips": said.get("isFips", ""),
    }


def _text(newest: RowMapping, readme: str) -> str:
    description = newest["annotations"].get("description", "")
    return "\n".join((newest["name"], newest["display_name"], description, readme))
