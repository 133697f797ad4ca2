"""The tenant and its projects: names for what belongs together, and for whose it is.

The project `Default` always stays, under that name: clients name it without being told to
(terraform-contract.md, 1). Roles in a project, keys for it and its macros go with it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update

from packyard.auth.secrets import Secrets
from packyard.errors import Conflict, InUse, ParameterInvalid, ProjectUnknown, several
from packyard.hub import profiles, tables
from packyard.hub.tables import macros, projects, tenants
from packyard.storage.audit import Act
from packyard.storage.content import now
from packyard.storage.store import Store

DEFAULT = "Default"
KIND = "project"  # in the audit
_NAME_LIMIT = 255  # characters
_TEXTS_LIMIT = 32 * 1024  # characters of labels and annotations together


class Tenant(NamedTuple):
    uid: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Labels and annotations are kept as they were given; times are in µs since 1970."""

    uid: str = field(default_factory=lambda: secrets.token_hex(12))
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    created_at: int = field(default_factory=now)
    changed_at: int = field(default_factory=now)


# Reading


def tenant(connection: Connection) -> Tenant:
    """The only one."""
    return Tenant(*connection.execute(select(tenants.c.uid, tenants.c.name)).one())


def by_uid(connection: Connection, uid: str) -> Project:
    """Raises `ProjectUnknown`."""
    row = connection.execute(select(projects).where(projects.c.uid == uid)).one_or_none()
    if row is None:
        raise ProjectUnknown(f"There is no project with the uid {uid[:_NAME_LIMIT]}.")
    return _project(row)


def every(connection: Connection) -> list[Project]:
    """By name."""
    return [_project(row) for row in connection.execute(select(projects).order_by(projects.c.name))]


# Changing. Each is one transaction, with its row of the audit.


def create(store: Store, project: Project) -> None:
    """Raises `ParameterInvalid` with all that is wrong, and `Conflict` for a name that is taken."""
    with store.write() as tx:
        _check(tx.connection, project)
        tx.connection.execute(insert(projects).values(_columns(project)))
        message = f"Created the project {project.name}"
        tx.record(Act.CREATE, KIND, project.uid, project.name, message, project=project.uid)


def change(store: Store, project: Project) -> None:
    """Let the row of that uid have name, labels and annotations of `project`.

    Raises as `create`, `ProjectUnknown`, and `Conflict` for another name of the default one.
    """
    with store.write() as tx:
        standing = by_uid(tx.connection, project.uid)
        if standing.name == DEFAULT != project.name:
            raise Conflict(f"The project {DEFAULT} keeps its name: clients rely on it.")
        _check(tx.connection, project)
        told = _difference(standing, project)
        if not told:
            return
        values = _columns(replace(project, created_at=standing.created_at, changed_at=now()))
        tx.connection.execute(update(projects).where(projects.c.uid == project.uid).values(values))
        message = f"Changed the project {standing.name}: {told}"
        tx.record(Act.UPDATE, KIND, project.uid, project.name, message, project=project.uid)


def remove(store: Store, vault: Secrets, uid: str, *, with_profiles: bool = False) -> None:
    """Take a project away, with its macros, and the roles and keys that are for it alone.

    Raises `ProjectUnknown`, `Conflict` for the default one, and `InUse` where it has profiles,
    unless these are to go with it.
    """
    with store.write() as tx:
        project = by_uid(tx.connection, uid)
        if project.name == DEFAULT:
            raise Conflict(f"The project {DEFAULT} stays: clients rely on it.")
        owned = profiles.every(tx.connection, tables.profiles.c.project == uid)
        if owned and not with_profiles:
            names = [f"{kept.profile.name} {kept.profile.version}" for kept in owned]
            raise InUse(
                f"The project {project.name} has the profiles {several(names)}: delete them first, "
                "or with it by cleanupProjectResources=true."
            )
        for kept in owned:
            profiles.remove(tx, vault, kept)
        tx.connection.execute(delete(macros).where(macros.c.scope == uid))
        tx.connection.execute(delete(projects).where(projects.c.uid == uid))
        message = f"Deleted the project {project.name}"
        tx.record(Act.DELETE, KIND, uid, project.name, message, project=uid)


def _check(connection: Connection, project: Project) -> None:
    faults = list(_faults(project))
    if faults:
        raise ParameterInvalid(" ".join(faults))
    same = select(projects.c.uid).where(projects.c.name == project.name)
    if connection.execute(same.where(projects.c.uid != project.uid)).first():
        raise Conflict(f"There is a project {project.name} already.")


def _faults(project: Project) -> Iterator[str]:
    name = project.name
    if not name or len(name) > _NAME_LIMIT or not name.isprintable() or name != name.strip():
        yield (
            f"{name[:_NAME_LIMIT]!r} is not a name for a project: 1 to {_NAME_LIMIT} printable "
            "characters without blanks at the ends."
        )
    texts = json.dumps([dict(project.labels), dict(project.annotations)], ensure_ascii=False)
    if len(texts) > _TEXTS_LIMIT:
        yield f"Labels and annotations of a project have up to {_TEXTS_LIMIT} characters."


def _difference(before: Project, after: Project) -> str:
    """What changed, for the audit."""
    told = [f"the name to {after.name}"] if before.name != after.name else []
    told += ["labels"] if dict(before.labels) != dict(after.labels) else []
    told += ["annotations"] if dict(before.annotations) != dict(after.annotations) else []
    return ", ".join(told)


def _columns(project: Project) -> dict[str, object]:
    return {
        "uid": project.uid,
        "name": project.name,
        "labels": dict(project.labels),
        "annotations": dict(project.annotations),
        "created_at": project.created_at,
        "changed_at": project.changed_at,
    }


def _project(row: Row[Any]) -> Project:
    return Project(**row._mapping)  # noqa: SLF001 - what SQLAlchemy calls it
