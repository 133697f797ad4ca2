"""What the routers of packs read beside rows of versions: contents, logos, scopes, clashes.

Charts whose contents a synchronization left out are fetched where somebody looks at few of them;
what does not come in time is left empty, and kept for the next look. Who waits for that holds no
thread, so that nobody else waits with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import Connection, func, select

from packyard.catalog import clashes
from packyard.catalog.entries import Entry, all_contents
from packyard.catalog.tables import pack_contents, sources
from packyard.errors import PackyardError
from packyard.hub import layer_contents
from packyard.hub import packs as hub_packs
from packyard.hub.contents import PATIENCE, Look
from packyard.hub.packs import Versions
from packyard.hub.tables import registries
from packyard.server.hub.packs.forms import PackTags, PackValues
from packyard.server.parts import Parts

_AT_ONCE = 20  # versions whose contents are in memory for an answer


def look(parts: Parts, connection: Connection, those: Sequence[Entry]) -> Look:
    """Let contents that are missing be fetched, newest first."""
    return parts.looks.begin(hub_packs.unread(connection, [one.uid for one in reversed(those)]))


async def looked(look: Look) -> dict[str, PackyardError]:
    """Wait a while for what is fetched; by uid why some is not there."""
    if look.running:
        running = [asyncio.wrap_future(one) for one in look.running.values()]
        await asyncio.wait(running, timeout=PATIENCE)
    return look.faults()


def heading(parts: Parts, versions: Versions) -> PackTags:
    """The answer about versions of a pack, without the values of any."""
    newest = versions.newest
    with parts.store.read() as connection:
        differing = clashes.differing(connection, versions.entries)
        logo = newest.uid in with_logo(connection, [newest.uid])
    return PackTags.of(newest, versions.rows(), [], differing, logo=logo)


def values(
    parts: Parts,
    those: Sequence[Entry],
    faults: Mapping[str, PackyardError],
    *,
    readme: bool = False,
) -> Iterator[PackValues]:
    """What each holds, with the README or without, a few at a time in memory.

    Of several those that are still to be fetched are left out: clients take empty values for the
    whole truth, and none for a reason to ask again.
    """
    for start in range(0, len(those), _AT_ONCE):
        batch = those[start : start + _AT_ONCE]
        uids = [entry.uid for entry in batch]
        with parts.store.read() as connection:
            held = all_contents(connection, uids)
            readable = layer_contents.contents(connection, uids)
        for entry in batch:
            fault = None if entry.uid in held else faults.get(entry.uid)
            is_told = entry.uid in held or (fault is not None and not is_late(fault))
            if is_told or len(those) == 1:
                contents, content = held.get(entry.uid), readable.get(entry.uid)
                yield PackValues.of(entry, contents, content, readme=readme, fault=said(fault))


def written(head: PackTags, rows: Iterator[PackValues]) -> Iterator[str]:
    """The answer as JSON, row by row: all values of a pack may have hundreds of megabytes."""
    yield head.model_dump_json(by_alias=True).removesuffix("]}")
    joint = ""
    for row in rows:
        yield f"{joint}{row.model_dump_json(by_alias=True)}"
        joint = ","
    yield "]}"


def said(fault: PackyardError | None) -> str:
    return fault.message if fault else ""


def is_late(fault: PackyardError | None) -> bool:
    """Whether the contents come later."""
    return fault is not None and fault.detail.get("later") is True


def values_of(connection: Connection, uids: Collection[str]) -> dict[str, str]:
    """The values alone, which a list has of many; by uid, without those nobody read yet."""
    columns = pack_contents.c.pack, pack_contents.c["values"]
    found = connection.execute(select(*columns).where(pack_contents.c.pack.in_(uids)))
    return {row[0]: row[1] for row in found}


def with_logo(connection: Connection, uids: Collection[str]) -> set[str]:
    has_logo = pack_contents.c.pack.in_(uids), func.length(pack_contents.c.logo) > 0
    return set(connection.scalars(select(pack_contents.c.pack).where(*has_logo)))


def kinds(connection: Connection) -> dict[str, str]:
    """By uid of the registry."""
    return {row.uid: row.kind for row in connection.execute(select(sources.c.uid, sources.c.kind))}


def names(connection: Connection) -> dict[str, str]:
    """By uid of the registry."""
    return {row.uid: row.name for row in connection.execute(select(sources.c.uid, sources.c.name))}


def scopes(connection: Connection) -> dict[str, str]:
    """By uid of the registry; the built-in one is not among them."""
    found = connection.execute(select(registries.c.uid, registries.c.scope))
    return {row.uid: row.scope for row in found}
