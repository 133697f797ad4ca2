"""What can be done with a registry, whatever its kind: one function for each thing.

Calls to other servers happen outside of any transaction, and a few at a time, so that slow ones do
not take the threads of everybody else. A registry and its first synchronization become visible
together.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from anyio import to_thread
from sqlalchemy import Connection, select

from packyard.catalog import entries
from packyard.catalog.tables import sources
from packyard.errors import Denied, RegistryUnknown
from packyard.hub import description, opening, registries, schedule
from packyard.hub.description import Kind, Provider, Registry
from packyard.hub.schedule import Status
from packyard.server.calls import Call, Wanted
from packyard.server.hub.registries.forms import SyncStatus
from packyard.server.parts import Parts
from packyard.storage.audit import Act
from packyard.storage.transaction import Transaction

SYSTEM, TENANT = "system", "tenant"
PACKS = (Kind.DEFAULT, Kind.PACK)
OCI = (Kind.OCI, Kind.ECR)
"""Clients ask for the synchronization of all of these at the address of basic ones
(terraform-contract.md, 7)."""


def find(parts: Parts, connection: Connection, uid: str, *kinds: Kind) -> Registry:
    """The registry of that uid and of one of these kinds, or of any, without its secrets; raises
    `RegistryUnknown`."""
    if uid == parts.registry.source:
        found = built_in(parts, connection)
    else:
        found = registries.find(connection, uid)
    if kinds and found.kind not in kinds:
        raise RegistryUnknown(f"There is no such registry {uid[:100]!r} of this kind.")
    return found


def built_in(parts: Parts, connection: Connection) -> Registry:
    """Our own store, as the one that nobody can change; its endpoint is where it is asked."""
    uid = parts.registry.source
    name = connection.scalar(select(sources.c.name).where(sources.c.uid == uid))
    return Registry(
        uid=uid,
        name=str(name),
        kind=Kind.DEFAULT,
        provider=Provider.PACK,
        endpoint="",
        scope=SYSTEM,
        is_sync_supported=True,
    )


def every(parts: Parts, connection: Connection, scope: str, *kinds: Kind) -> list[Registry]:
    """Those of a scope (`system`, `tenant`, `all`) and of these kinds, or of all: the own one
    first, then by name; without their secrets."""
    found: list[Registry] = []
    if scope != TENANT and (not kinds or Kind.DEFAULT in kinds):
        found.append(built_in(parts, connection))
    if scope != SYSTEM:
        found += registries.every(connection, *kinds)
    return found


def named(parts: Parts, connection: Connection, name: str) -> Registry:
    """The registry of that name, without its secrets; raises `RegistryUnknown`."""
    for registry in every(parts, connection, "all"):
        if registry.name == name:
            return registry
    raise RegistryUnknown(f"There is no registry named {name[:100]!r}.")


def status(connection: Connection, registry: Registry) -> SyncStatus:
    """Of its synchronization; our own store is always as its last change left it."""
    if registry.kind is not Kind.DEFAULT:
        status = schedule.status(connection, registry.uid)
    else:
        changed = entries.last_change(connection, registry.uid)
        message = "This registry is the server's own, and always current."
        status = Status(schedule.COMPLETED, message, changed, changed, 0, 0)
    return SyncStatus.of(status, supported=registry.shows_sync)


async def validate(parts: Parts, call: Call, given: Registry, uid: str = "") -> None:
    """Raise `RegistryInvalid` with every fault of what was given or, where there is none, with the
    reason why it leads nowhere. Secrets that are missing are those of the registry `uid`."""

    def look(wanted: Wanted) -> None:
        described = replace(given, name=given.name or "nameless")
        if uid:
            with parts.store.read() as connection:
                find(parts, connection, uid, given.kind)
                former = registries.get(connection, parts.secrets, uid)
            described = description.with_kept_secrets(described, former)
        registries.require_sound(described)
        opening.probe(described, replace(parts.remotes, wanted=wanted))

    await call.make(look)


async def create(
    parts: Parts,
    call: Call,
    given: Registry,
    *,
    skip: bool,
    charts: Collection[opening.Chart] = (),
) -> str:
    """Keep a new registry; its uid. What is to be synchronized has to answer, and `charts` have to
    be there; `skip` leaves the first synchronization for later."""

    def look(wanted: Wanted) -> None:
        settings = replace(parts.remotes, wanted=wanted)
        if charts:
            opening.require_charts(given, settings, charts)
        else:
            opening.probe(given, settings)

    registries.require_sound(given)
    if charts or given.shows_sync:
        await call.make(look)

    def keep() -> str:
        later = parts.sync_times.interval if given.synchronizes else None
        with parts.store.write() as tx:
            kept = registries.add(tx, parts.secrets, given)
            schedule.enrol(tx, kept.uid, due=bool(charts) or not skip, later=later)
            _leave_unread(tx, kept)
        return kept.uid

    return await to_thread.run_sync(keep)


def change(parts: Parts, uid: str, given: Registry) -> None:
    """Put what was given in the place of the registry of that uid and kind; a name that was not
    given stays, as do secrets. It is synchronized anew."""
    kinds = PACKS if given.kind is Kind.PACK else (given.kind,)
    with parts.store.write() as tx:
        former = _changeable(parts, tx.connection, uid, *kinds)
        kept = registries.change(
            tx, parts.secrets, replace(given, uid=uid, name=given.name or former.name)
        )
        schedule.reset(tx, uid, due=True)
        _leave_unread(tx, kept)


def _leave_unread(tx: Transaction, registry: Registry) -> None:
    """What comes later is read where somebody asks for it, who is told so (hub.md)."""
    if reason := opening.unread(registry):
        schedule.leave(tx, registry.uid, reason)


def remove(parts: Parts, uid: str, *kinds: Kind, force: bool) -> None:
    """Raises `InUse` without `force` where cluster profiles have packs of it."""
    with parts.store.write() as tx:
        standing = _changeable(parts, tx.connection, uid, *kinds)
        registries.remove(tx, parts.secrets, standing.uid, force=force)


def synchronize(parts: Parts, uid: str, *kinds: Kind, forced: bool) -> None:
    """Let a registry be synchronized now; our own is at once."""
    with parts.store.write() as tx:
        found = find(parts, tx.connection, uid, *kinds)
        if found.kind is not Kind.DEFAULT:
            schedule.ask(tx, uid, parts.sync_times, forced=forced)
            message = f"Asked for a synchronization of the registry {found.name}"
            tx.record(Act.ACTION, "registry", uid, found.name, message)


def _changeable(parts: Parts, connection: Connection, uid: str, *kinds: Kind) -> Registry:
    found = find(parts, connection, uid, *kinds)
    if found.kind is Kind.DEFAULT:
        raise Denied(f"{found.name} is the server's own registry, which stays as it is.")
    return found
