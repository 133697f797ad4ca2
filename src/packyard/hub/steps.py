"""The steps of a synchronization that must survive its death: what was listed, what was read.

Each step is one short transaction. Whoever takes a broken-off synchronization up lists anew, and
then finds here what was read already: content with the same validator is not read again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from packyard.catalog.entries import Contents, Entry, FileInfo
from packyard.hub.tables import sync_faults, sync_items
from packyard.remotes.source import Kind, Offer

_BATCH = 200
_FIELDS = tuple(Offer.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of an offer: its row, and its contents where they were asked for."""

    entry: Entry
    contents: Contents | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be taken; `validator` is "" where another try may fare better."""

    name: str
    tag: str
    reason: str
    validator: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A step: an offer and what came of it so far. A `lasting` fault is the content's own."""

    offer: Offer
    found: Found | None = None
    fault: str = ""
    lasting: bool = False


def stage(connection: Connection, registry: str, run: int, offers: Iterable[Offer]) -> None:
    """Note what is new or changed; what was read of the same content before stays."""
    for batch in _batched(offers):
        offered = {(offer.name, offer.tag): offer for offer in batch}
        here = (
            sync_items.c.registry == registry,
            tuple_(sync_items.c.name, sync_items.c.tag).in_(list(offered)),
        )
        rows = connection.execute(
            select(
                sync_items.c.name, sync_items.c.tag, sync_items.c.validator, sync_items.c.arrival
            ).where(*here)
        )
        read = {
            (row.name, row.tag): row.arrival
            for row in rows
            if row.validator and row.validator == offered[row.name, row.tag].validator
        }
        connection.execute(delete(sync_items).where(*here))
        connection.execute(
            insert(sync_items),
            [
                {
                    "registry": registry,
                    "name": offer.name,
                    "tag": offer.tag,
                    "run": run,
                    "offer": {name: getattr(offer, name) for name in _FIELDS},
                    "validator": offer.validator,
                    "arrival": read.get((offer.name, offer.tag)),
                    "fault": "",
                    "lasting": False,
                }
                for offer in batch
            ],
        )


def keep(connection: Connection, registry: str, items: Iterable[Item]) -> None:
    """What came of offers that were staged."""
    for item in items:
        here = (
            sync_items.c.registry == registry,
            sync_items.c.name == item.offer.name,
            sync_items.c.tag == item.offer.tag,
        )
        arrival = _dumped(item.found) if item.found else None
        connection.execute(
            update(sync_items)
            .where(*here)
            .values(arrival=arrival, fault=item.fault, lasting=item.lasting)
        )


def unread(connection: Connection, registry: str, run: int) -> Iterator[Offer]:
    """Staged offers of which nothing was read, in order."""
    for row in _rows(connection, registry, run, sync_items.c.arrival.is_(None)):
        yield _offer(row.offer)


def staged(connection: Connection, registry: str, run: int) -> Iterator[Item]:
    """Every step of this run, in order."""
    for row in _rows(connection, registry, run):
        found = _loaded(row.arrival) if row.arrival else None
        yield Item(_offer(row.offer), found, row.fault, row.lasting)


def read(connection: Connection, registry: str, run: int) -> set[tuple[str, str]]:
    """Name and tag of the offers of which something was read."""
    rows = connection.execute(
        select(sync_items.c.name, sync_items.c.tag).where(
            sync_items.c.registry == registry,
            sync_items.c.run == run,
            sync_items.c.arrival.is_not(None),
        )
    )
    return {(row.name, row.tag) for row in rows}


def clear(connection: Connection, registry: str) -> None:
    connection.execute(delete(sync_items).where(sync_items.c.registry == registry))


def report(connection: Connection, registry: str, faults: Iterable[Fault]) -> None:
    """Make these all that is known to be broken in the registry."""
    connection.execute(delete(sync_faults).where(sync_faults.c.registry == registry))
    rows = {(fault.name, fault.tag): fault for fault in faults}
    if rows:
        connection.execute(
            insert(sync_faults),
            [{"registry": registry, **asdict(fault)} for fault in rows.values()],
        )


def reported(connection: Connection, registry: str) -> list[Fault]:
    """What the last synchronization could not take, by name and tag."""
    rows = connection.execute(
        select(sync_faults)
        .where(sync_faults.c.registry == registry)
        .order_by(sync_faults.c.name, sync_faults.c.tag)
    )
    return [Fault(row.name, row.tag, row.reason, row.validator) for row in rows]


def _rows(connection: Connection, registry: str, run: int, *conditions: Any) -> Iterator[Any]:
    """By key, so that rows may change between two batches."""
    last: tuple[str, str] = ("", "")
    columns = tuple_(sync_items.c.name, sync_items.c.tag)
    while True:
        rows = connection.execute(
            select(sync_items)
            .where(
                sync_items.c.registry == registry,
                sync_items.c.run == run,
                columns > last,
                *conditions,
            )
            .order_by(sync_items.c.name, sync_items.c.tag)
            .limit(_BATCH)
        ).all()
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1].name, rows[-1].tag


def _batched(offers: Iterable[Offer]) -> Iterator[list[Offer]]:
    every = list({(offer.name, offer.tag): offer for offer in offers}.values())
    for start in range(0, len(every), _BATCH):
        yield every[start : start + _BATCH]


def _offer(row: dict[str, Any]) -> Offer:
    return Offer(**{**row, "kind": Kind(row["kind"]), "tags": tuple(row["tags"])})


def _dumped(found: Found) -> str:
    contents = None
    if found.contents:
        logo = base64.b64encode(found.contents.logo).decode()
        contents = {**asdict(found.contents), "logo": logo}
    entry = {name: getattr(found.entry, name) for name in Entry.__dataclass_fields__}
    entry["annotations"] = dict(found.entry.annotations)
    return json.dumps({"entry": entry, "contents": contents})


def _loaded(text: str) -> Found:
    data = json.loads(text)
    entry, contents = data["entry"], data["contents"]
    return Found(
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
