"""When registries are synchronized, and by whom: rows of `syncs`, the only coordinator.

A synchronization that is due is taken with a lease, by one transaction of the only writer, so two
processes never take one. Whoever holds it renews the lease; where it has run out, its holder is
dead and another takes it up: one that was asked for by force stays that until it has ended. What is
asked for while it runs comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from packyard.errors import RegistryUnknown
from packyard.hub.tables import syncs
from packyard.storage.content import now
from packyard.storage.transaction import Transaction

_FORCED = ":forced"  # at the end of the name of whoever holds one that was asked for by force
PENDING, IN_PROGRESS, COMPLETED, FAILED = "Pending", "InProgress", "Completed", "Failed"
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """`interval` between two synchronizations of a registry, `retry` after the first failure (twice
    that after the second, and so on); a running one can be forced to begin anew after
    `force_after`; a `lease` not renewed that long is nobody's."""

    interval: timedelta = timedelta(hours=24)
    retry: timedelta = timedelta(minutes=5)
    force_after: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Run:
    """A synchronization that somebody holds: `number` is when it began (µs), and `holder` says
    whether it was asked for by force."""

    registry: str
    holder: str
    number: int
    forced: bool
    marks: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Status:
    """What people are shown; times are µs, 0 for never, `total` 0 while it is not known."""

    status: str
    message: str
    started_at: int
    synced_at: int
    done: int
    total: int


class LeaseLost(Exception):
    """Another holds the synchronization now, or its registry is gone."""


def enrol(tx: Transaction, registry: str, *, due: bool, later: timedelta | None = None) -> None:
    """Begin to keep the state of a new registry; `due` asks for its first synchronization, which
    otherwise comes `later`, or never."""
    after = timedelta() if due else later
    tx.connection.execute(
        insert(syncs).values(
            registry=registry,
            status=PENDING if due else "",
            message="",
            due_at=None if after is None else now() + _micros(after),
            forced=False,
            holder="",
            lease_until_at=0,
            started_at=0,
            synced_at=0,
            done=0,
            total=0,
            failures=0,
            marks={},
        )
    )


def ask(tx: Transaction, registry: str, times: Times, *, forced: bool = False) -> None:
    """Let it be synchronized now, or again after the one that runs; where that has run for long,
    `forced` ends it and begins anew. Raises `RegistryUnknown`."""
    row = _row(tx.connection, registry)
    time = now()
    running = row.holder != "" and row.lease_until_at > time
    is_young = 0 <= time - row.started_at < _micros(times.force_after)
    if running and not (forced and not is_young):
        _set(tx, registry, due_at=time, forced=forced or row.forced)
        return
    forced = forced or row.forced or _is_forced(row.holder)
    _set(tx, registry, status=PENDING, due_at=time, holder="", forced=forced)


def reset(tx: Transaction, registry: str, *, due: bool) -> None:
    """After a change of the registry: end what runs, forget what its source left, begin anew."""
    status = PENDING if due else ""
    time = now() if due else None
    _set(
        tx,
        registry,
        status=status,
        message="",
        due_at=time,
        forced=False,
        holder="",
        marks={},
        failures=0,
    )


def leave(tx: Transaction, registry: str, message: str) -> None:
    """Of one that nobody reads say so, as of one that is over: clients wait for an end."""
    _set(tx, registry, status=COMPLETED, message=message, due_at=None)


def take(tx: Transaction, holder: str, times: Times) -> Run | None:
    """The synchronization that is due for the longest, held from now on; None where none is."""
    time = now()
    row = tx.connection.execute(
        select(syncs)
        .where(syncs.c.due_at <= time, or_(syncs.c.holder == "", syncs.c.lease_until_at < time))
        .order_by(syncs.c.due_at)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    forced = row.forced or _is_forced(row.holder)
    held = f"{holder}{_FORCED}" if forced else holder
    _set(
        tx,
        row.registry,
        status=IN_PROGRESS,
        due_at=time,
        forced=False,
        holder=held,
        lease_until_at=time + _micros(times.lease),
        started_at=time,
        done=0,
        total=0,
    )
    return Run(row.registry, held, time, forced, {} if forced else row.marks)


def next_due(connection: Connection) -> int | None:
    """When the next one is due (µs); a held one when its lease ends. None for never."""
    due = select(syncs.c.due_at, syncs.c.holder, syncs.c.lease_until_at)
    times = [
        max(row.due_at, row.lease_until_at + 1 if row.holder else 0)
        for row in connection.execute(due.where(syncs.c.due_at.is_not(None)))
    ]
    return min(times, default=None)


def free(tx: Transaction, is_dead: Callable[[str], bool]) -> None:
    """Let others take up at once what dead holders left, without waiting for their leases."""
    held = select(syncs).where(syncs.c.holder != "")
    for row in tx.connection.execute(held).all():
        if is_dead(row.holder):
            _set(tx, row.registry, holder="", forced=row.forced or _is_forced(row.holder))


def mend(tx: Transaction, times: Times) -> None:
    """After a clock that was ahead was set right: what lies further ahead than it can is due, and
    held by nobody."""
    time = now()
    furthest = time + _micros(times.interval + times.retry)
    late = update(syncs).where(syncs.c.due_at > furthest)
    tx.connection.execute(late.values(due_at=time))
    held = update(syncs).where(syncs.c.lease_until_at > time + _micros(2 * times.lease))
    tx.connection.execute(held.values(holder="", lease_until_at=0))


def renew(tx: Transaction, run: Run, times: Times, done: int, total: int) -> None:
    """Raises `LeaseLost` where `run` is no longer its holder's."""
    _held(tx, run, lease_until_at=now() + _micros(times.lease), done=done, total=total)


def release(tx: Transaction, run: Run) -> None:
    """Let another take it up at once, as when this server ends."""
    _held(tx, run, holder="", status=PENDING, **({"forced": True} if run.forced else {}))


def complete(
    tx: Transaction,
    run: Run,
    times: Times,
    message: str,
    *,
    marks: Mapping[str, str],
    done: int,
    again: bool = True,
) -> None:
    """It succeeded; the next is due after the interval, or only when somebody asks where it is not
    to come `again`. Where it was asked for meanwhile that is now."""
    _held(
        tx,
        run,
        **_after(tx.connection, run, COMPLETED, times.interval if again else None),
        message=message,
        synced_at=now(),
        failures=0,
        marks=dict(marks),
        done=done,
        total=done,
    )


def fail(
    tx: Transaction,
    run: Run,
    times: Times,
    message: str,
    *,
    wait: float = 0.0,
    again: bool = True,
) -> None:
    """It failed; it is tried again later and later, not before `wait` seconds, if that is before
    the interval is over, or not `again`."""
    failures = _row(tx.connection, run.registry).failures + 1
    later = min(times.retry * 2 ** min(failures - 1, 16), times.interval)
    pause = min(max(later, timedelta(seconds=wait)), times.interval)
    ended = _after(tx.connection, run, FAILED, pause if again else None)
    _held(tx, run, **ended, message=message, failures=failures)


def status(connection: Connection, registry: str) -> Status:
    """Raises `RegistryUnknown`."""
    row = _row(connection, registry)
    return Status(row.status, row.message, row.started_at, row.synced_at, row.done, row.total)


def _after(connection: Connection, run: Run, ended: str, pause: timedelta | None) -> dict[str, Any]:
    if _row(connection, run.registry).due_at not in (None, run.number):  # asked for meanwhile
        return {"status": PENDING, "due_at": now(), "holder": ""}
    due_at = None if pause is None else now() + _micros(pause)
    return {"status": ended, "due_at": due_at, "holder": ""}


def _is_forced(holder: str) -> bool:
    return holder.endswith(_FORCED)


def _held(tx: Transaction, run: Run, **values: object) -> None:
    held = (
        syncs.c.registry == run.registry,
        syncs.c.holder == run.holder,
        syncs.c.started_at == run.number,
    )
    if not tx.connection.execute(update(syncs).where(*held).values(**values)).rowcount:
        raise LeaseLost


def _set(tx: Transaction, registry: str, **values: object) -> None:
    tx.connection.execute(update(syncs).where(syncs.c.registry == registry).values(**values))


def _row(connection: Connection, registry: str) -> Any:
    row = connection.execute(select(syncs).where(syncs.c.registry == registry)).one_or_none()
    if row is None:
        raise RegistryUnknown(f"There is no registry {registry[:100]!r} that is synchronized.")
    return row


def _micros(duration: timedelta) -> int:
    return duration // _MICROSECOND
