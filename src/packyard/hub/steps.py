"""What a synchronization leaves behind on its way: versions to be replaced, and what is broken.

A version that people see is replaced at the end, with all others; until then its new row and
contents wait here, and survive the death of whoever read them. (New versions wait in the catalog
itself, unseen: `catalog.foreign`.)
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, insert, select

from packyard.catalog.entries import Contents, Entry, FileInfo
from packyard.catalog.foreign import Arrival
from packyard.hub.tables import sync_faults, sync_steps
from packyard.remotes.chart_fields import cleaned


@dataclass(frozen=True, slots=True)
class Step:
    """A version that was read and is to be replaced."""

    uid: str
    name: str
    label: str
    validator: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be taken; `validator` is "" where another try may fare better."""

    name: str
    tag: str
    reason: str
    validator: str = ""


def left(connection: Connection, registry: str) -> list[Step]:
    """The steps of a run that broke off."""
    columns = sync_steps.c.uid, sync_steps.c.name, sync_steps.c.label, sync_steps.c.validator
    rows = connection.execute(select(*columns).where(sync_steps.c.registry == registry))
    return [Step(row.uid, row.name, row.label, row.validator) for row in rows]


def keep(connection: Connection, registry: str, arrivals: Iterable[Arrival]) -> None:
    """Let these wait, in the place of what waited for the same versions."""
    for arrival in arrivals:
        entry = arrival.entry
        connection.execute(delete(sync_steps).where(sync_steps.c.uid == entry.uid))
        connection.execute(
            insert(sync_steps).values(
                uid=entry.uid,
                registry=registry,
                name=entry.name,
                label=entry.label,
                validator=entry.validator,
                arrival=_dumped(arrival),
            )
        )


def kept(connection: Connection, uids: Iterable[str]) -> Iterator[Arrival]:
    """What waits for these versions, read one by one."""
    for uid in uids:
        text = connection.scalar(select(sync_steps.c.arrival).where(sync_steps.c.uid == uid))
        if text is not None:
            yield _loaded(text)


def clear(connection: Connection, registry: str) -> None:
    connection.execute(delete(sync_steps).where(sync_steps.c.registry == registry))


def report(connection: Connection, registry: str, faults: Iterable[Fault]) -> None:
    """Make these all that is known to be broken in the registry."""
    connection.execute(delete(sync_faults).where(sync_faults.c.registry == registry))
    readable = (
        Fault(cleaned(fault.name), cleaned(fault.tag), cleaned(fault.reason), fault.validator)
        for fault in faults
    )
    rows = {(fault.name, fault.tag): fault for fault in readable}
    if rows:
        connection.execute(
            insert(sync_faults),
            [{"registry": registry, **asdict(fault)} for fault in rows.values()],
        )


def reported(
    connection: Connection, registry: str, *, limit: int | None = None, offset: int = 0
) -> list[Fault]:
    """What the last synchronization could not take, by name and tag; all of it, or a page."""
    rows = connection.execute(
        select(sync_faults)
        .where(sync_faults.c.registry == registry)
        .order_by(sync_faults.c.name, sync_faults.c.tag)
        .limit(limit)
        .offset(offset)
    )
    return [Fault(row.name, row.tag, row.reason, row.validator) for row in rows]


def count_reported(connection: Connection, registry: str) -> int:
    counted = select(func.count()).select_from(sync_faults)
    return connection.scalar(counted.where(sync_faults.c.registry == registry)) or 0


def _dumped(arrival: Arrival) -> str:
    entry = {name: getattr(arrival.entry, name) for name in Entry.__dataclass_fields__}
    entry["annotations"] = dict(arrival.entry.annotations)
    contents = None
    if arrival.contents:
        logo = base64.b64encode(arrival.contents.logo).decode()
        contents = {**asdict(arrival.contents), "logo": logo}
    return json.dumps({"entry": entry, "contents": contents})


def _loaded(text: str) -> Arrival:
    data = json.loads(text)
    entry, contents = data["entry"], data["contents"]
    return Arrival(
        Entry(**{**entry, "clouds": tuple(entry["clouds"])}),
        Contents(
            **{
                **contents,
                "logo": base64.b64decode(contents["logo"]),
                "files": tuple(FileInfo(**file) for file in contents["files"]),
            }
        )
        if contents
        else None,
    )
