"""The audit read: what was changed, by whom and from where (`storage.audit` writes it).

Administrators of the tenant see all of it, those of a project what was changed there, and everybody
what they changed themselves. Rows are only ever added, and their uids grow with time, so a page
begins after the row that the one before ended with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, false, func, or_, select, true

from packyard.auth.principal import Action, Principal
from packyard.auth.tables import users
from packyard.errors import AuditUnknown
from packyard.hub.tables import projects
from packyard.storage.audit import Act, earliest
from packyard.storage.store import Store
from packyard.storage.tables import audits

_BATCH = 1000  # rows that an export reads at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Rows to look for; empty texts and None ask for nothing. Times are in µs since 1970."""

    since: int | None = None
    until: int | None = None
    user: str = ""  # a uid
    project: str = ""  # a uid
    kind: str = ""
    resource: str = ""  # a uid or digest
    act: Act | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        row = audits.c
        asked = (
            (self.since is not None, row.uid >= earliest(self.since or 0)),
            (self.until is not None, row.uid < earliest((self.until or 0) + 1)),
            (self.user, row.actor_uid == self.user),
            (self.project, row.project == self.project),
            (self.kind, row.kind == self.kind),
            (self.resource, row.resource == self.resource),
            (self.act, row.action == self.act),
        )
        return [condition for wanted, condition in asked if wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row; `email`, `first_name`, `last_name` and `project_name` as they are now, or ""."""

    uid: str
    at: int
    actor: str
    actor_uid: str
    address: str
    via: str
    request: str
    action: Act
    kind: str
    resource: str
    name: str
    project: str
    message: str
    email: str
    first_name: str
    last_name: str
    project_name: str


def count(connection: Connection, person: Principal, query: Query) -> int:
    found = select(func.count()).select_from(audits)
    return connection.scalar(found.where(_visible(person), *query.conditions())) or 0


def newest(
    connection: Connection,
    person: Principal,
    query: Query,
    *,
    limit: int,
    before: str = "",
    skipped: int = 0,
) -> list[Change]:
    """Those that the person may see, newest first: from before that uid on, if one is given, else
    leaving out so many."""
    found = _SELECTED.where(_visible(person), *query.conditions())
    found = found.where(audits.c.uid < before) if before else found.offset(skipped)
    return _changes(connection.execute(found.order_by(audits.c.uid.desc()).limit(limit)))


def by_uid(connection: Connection, person: Principal, uid: str) -> Change:
    """Raises `AuditUnknown`, also for a row that the person may not see."""
    row = connection.execute(_SELECTED.where(audits.c.uid == uid, _visible(person))).one_or_none()
    if row is None:
        raise AuditUnknown(f"There is no row of the audit with the uid {uid[:255]}.")
    return _change(row)


def export(store: Store, person: Principal, query: Query) -> Iterator[list[Change]]:
    """Those that the person may see, oldest first, up to the newest there is at the beginning.

    In batches, each of which is read by itself, so that who reads slowly holds nothing.
    """
    with store.read() as connection:
        end = connection.scalar(select(func.max(audits.c.uid))) or ""
    after = ""
    while True:
        found = _SELECTED.where(_visible(person), *query.conditions())
        found = found.where(audits.c.uid > after, audits.c.uid <= end)
        with store.read() as connection:
            batch = _changes(connection.execute(found.order_by(audits.c.uid).limit(_BATCH)))
        yield batch
        if len(batch) < _BATCH:
            return
        after = batch[-1].uid


def _visible(person: Principal) -> ColumnElement[bool]:
    if person.may(Action.ADMIN):
        return true()
    led = [uid for uid in person.projects if person.may(Action.ADMIN, uid)]
    only = person.limits.project
    if only and person.may(Action.ADMIN, only):
        led.append(only)
    own = audits.c.actor_uid == person.uid if person.uid else false()
    if only:  # a key for one project tells nothing of others
        own = and_(own, audits.c.project.in_(["", only]))
    return or_(own, audits.c.project.in_(led))


_SELECTED = (
    select(
        audits,
        users.c.email,
        users.c.first_name,
        users.c.last_name,
        projects.c.name.label("project_name"),
    )
    .outerjoin(users, users.c.uid == audits.c.actor_uid)
    .outerjoin(projects, projects.c.uid == audits.c.project)
)


def _changes(rows: Iterable[Row[Any]]) -> list[Change]:
    return [_change(row) for row in rows]


def _change(row: Row[Any]) -> Change:
    known = {name: value or "" for name, value in row._mapping.items()}  # noqa: SLF001
    return Change(**{**known, "at": row.at, "action": Act(row.action)})
