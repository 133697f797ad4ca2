"""What the packs of layers hold, from the catalog, as checks want it.

A pack that people look at again and again is parsed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, select

from packyard.catalog.tables import pack_contents, packs
from packyard.hub.resolution import Resolved
from packyard.packs.model import Layer, Pack, PackName, parse_pack_json
from packyard.profiles.content import Content, Missing, PackContent
from packyard.storage.batches import batches

_REMEMBERED = 128  # packs


def contents(connection: Connection, uids: Iterable[str]) -> dict[str, PackContent]:
    """By uid of the pack; those that are not there, or not read yet, are left out."""
    found: dict[str, PackContent] = {}
    for batch in batches(dict.fromkeys(uids)):
        rows = connection.execute(
            select(
                packs.c.uid,
                packs.c.name,
                packs.c.version,
                packs.c.display_name,
                packs.c.system_state,
                pack_contents.c.pack_json,
                pack_contents.c["values"],
                pack_contents.c.schema,
                pack_contents.c.presets,
            )
            .join_from(packs, pack_contents)
            .where(packs.c.uid.in_(batch))
        )
        for row in rows:
            if content := _content(row):
                found[row.uid] = content
    return found


def of_layers(
    resolved: Sequence[Resolved], known: Mapping[str, PackContent], names: Sequence[str] = ()
) -> list[Content]:
    """For each layer what its pack holds, or why not; `names` are those of packs that are there."""
    return [
        known.get(one.place.uid) if one.place else _missing(one.missing, names) for one in resolved
    ]


def _missing(missing: Missing | None, names: Sequence[str]) -> Missing | None:
    if missing is None or missing.tags:
        return missing
    return replace(missing, names=tuple(names))


def _content(row: Row[*tuple[Any, ...]]) -> PackContent | None:
    texts = row.pack_json, row.values, row.schema, row.presets
    if row.pack_json:
        return _of_pack(*texts)
    return _of_chart(row.name, row.version, row.display_name, row.system_state, *texts[1:])


@lru_cache(_REMEMBERED)
def _of_pack(pack_json: str, values: str, schema: str, presets: str) -> PackContent | None:
    pack, _ = parse_pack_json(pack_json.encode())
    return PackContent.read(pack, values, schema, presets) if pack else None


@lru_cache(_REMEMBERED)
def _of_chart(
    name: str,
    version: str,
    display_name: str,
    state: str,
    values: str,
    schema: str,
    presets: str,
) -> PackContent:
    pack = Pack(
        name=PackName(name),
        display_name=display_name,
        version=version,
        layer=Layer.ADDON,
        cloud_types=("all",),
        annotations={"system_state": state} if state else {},
    )
    return PackContent.read(pack, values, schema, presets)
