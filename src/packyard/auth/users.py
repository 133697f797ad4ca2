"""The users' table: the first place where a name is looked up (design.md, "People").

People sign in by their name or e-mail address, so no name may be another's address. One enabled
administrator of the tenant has to stay: what would take the last one is refused.
"""

from __future__ import annotations

import logging
import re
import secrets
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from packyard.auth import passwords
from packyard.auth.principal import Role
from packyard.auth.tables import projects, sessions, user_roles, users
from packyard.errors import Conflict, ParameterInvalid, ProjectUnknown, UserUnknown
from packyard.storage.audit import Act
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

_log = logging.getLogger(__name__)

ADMIN = "admin"
KIND = "user"  # in the audit
_LIMIT = 255  # characters of a name or an address
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`email` is "" for none, `role` the one for the whole tenant, `projects` those by uid.

    Times are in µs since 1970. Without a `password_hash` somebody signs in elsewhere (OIDC).
    """

    uid: str = field(default_factory=lambda: secrets.token_hex(12))
    name: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    password_hash: str = field(default="", repr=False)
    role: Role | None = None
    projects: Mapping[str, Role] = field(default_factory=dict)
    disabled: bool = False
    created_at: int = field(default_factory=now)
    changed_at: int = field(default_factory=now)
    signed_in_at: int | None = None


# Reading


def find(connection: Connection, name: str) -> User | None:
    """By name, or by e-mail address."""
    if len(name) > _LIMIT or not is_text(name):
        return None
    return _one(connection, or_(users.c.name == name, users.c.email == address(name)))


def by_uid(connection: Connection, uid: str) -> User:
    """Raises `UserUnknown`."""
    user = _one(connection, users.c.uid == uid)
    if user is None:
        raise UserUnknown(f"There is no user with the uid {uid[:_LIMIT]}.")
    return user


def by_name(connection: Connection, name: str) -> User:
    """As `find`; raises `UserUnknown`."""
    user = find(connection, name)
    if user is None:
        raise UserUnknown(f"There is no user {name[:_LIMIT]} in the users' table.")
    return user


def everybody(connection: Connection) -> list[User]:
    """By name."""
    roles: dict[str, dict[str, Role]] = {}
    for row in connection.execute(select(user_roles)):
        roles.setdefault(row.user_uid, {})[row.project] = Role(row.role)
    rows = connection.execute(select(users).order_by(users.c.name)).all()
    return [_user(row, roles.get(row.uid, {})) for row in rows]


# Changing. Each is one transaction, with its row of the audit.


def create(store: Store, user: User, password: str | None = None) -> User:
    """Add the user, with that password, or without any.

    Raises `ParameterInvalid` for a name, an address or a password that cannot be used, `Conflict`
    where the name or the address is taken, `ProjectUnknown` for a role in no project.
    """
    hashed = passwords.hash_password(password) if password is not None else ""
    with store.write() as tx:
        return add(tx, replace(user, password_hash=hashed))


def add(tx: Transaction, user: User) -> User:
    """As `create`, inside a transaction."""
    user = _checked(tx.connection, user)
    tx.connection.execute(insert(users).values(**_columns(user)))
    _put_roles(tx, user)
    tx.record(Act.CREATE, KIND, user.uid, user.name, f"Created the user {user.name}")
    return user


def change(store: Store, uid: str, changed: Callable[[User], User]) -> None:
    """Let a user be what `changed` makes of them as they are at that moment, so that nothing else
    that is changed meanwhile is undone; password and times stay.

    Raises as `create`, `UserUnknown`, and `Conflict` where no administrator would be left.
    """
    with store.write() as tx:
        put(tx, changed(by_uid(tx.connection, uid)))


def put(tx: Transaction, user: User) -> None:
    """As `change`, inside a transaction, with what was made of the user there."""
    standing = by_uid(tx.connection, user.uid)
    user = _checked(tx.connection, replace(user, password_hash=standing.password_hash))
    _keep_an_admin(tx.connection, standing, stays=user.role is Role.ADMIN and not user.disabled)
    told = _difference(standing, user)
    if not told:
        return
    values = _columns(replace(user, created_at=standing.created_at, changed_at=now()))
    tx.connection.execute(update(users).where(users.c.uid == user.uid).values(values))
    tx.connection.execute(delete(user_roles).where(user_roles.c.user_uid == user.uid))
    _put_roles(tx, user)
    if user.disabled:
        tx.connection.execute(delete(sessions).where(sessions.c.user_uid == user.uid))
    tx.record(Act.UPDATE, KIND, user.uid, user.name, f"Changed the user {user.name}: {told}")


def remove(store: Store, uid: str) -> None:
    """Take a user away, with roles, keys and sessions. Raises `UserUnknown`, `Conflict`."""
    with store.write() as tx:
        user = by_uid(tx.connection, uid)
        _keep_an_admin(tx.connection, user, stays=False)
        tx.connection.execute(delete(users).where(users.c.uid == uid))
        tx.record(Act.DELETE, KIND, uid, user.name, f"Deleted the user {user.name}")


def set_password(store: Store, uid: str, password: str) -> None:
    """Also ends every session of the user. Raises `ParameterInvalid`, `UserUnknown`."""
    password_hash = passwords.hash_password(password)
    with store.write() as tx:
        _set_password(tx, by_uid(tx.connection, uid), password_hash)


def reset_password(store: Store, name: str, password: str | None = None) -> str:
    """Give a user a new password, a generated one where none is given; answers it.

    Also the way back in where nobody knows a password: the admin is created if there is none.
    Raises `UserUnknown` for any other name that the table does not hold.
    """
    password = password or passwords.generate()
    password_hash = passwords.hash_password(password)
    with store.write() as tx:
        user = find(tx.connection, name)
        if user:
            _set_password(tx, user, password_hash)
        elif name == ADMIN:
            add(tx, User(name=ADMIN, password_hash=password_hash, role=Role.ADMIN))
        else:
            by_name(tx.connection, name)
    return password


def ensure_admin(store: Store, initial_password: str | None) -> str | None:
    """Make the first admin if the table is empty; answers the password that was generated, once.

    With an initial password given, that one is set and nothing is answered. One that is shorter
    than a password should be is warned of, not refused: a server that does not start helps nobody.
    """
    password = initial_password or passwords.generate()
    with store.read() as connection:
        if connection.scalar(select(func.count()).select_from(users)):
            return None
    password_hash = passwords.hash_password(password, least=1)
    with store.write() as tx:
        if tx.connection.scalar(select(func.count()).select_from(users)):
            return None
        add(tx, User(name=ADMIN, password_hash=password_hash, role=Role.ADMIN))
    if len(password) < passwords.LEAST:
        _log.warning("the admin's initial password has less than %d characters", passwords.LEAST)
    return None if initial_password else password


# What these rest on


def address(text: str) -> str:
    """An e-mail address as it is kept and compared: the letters A to Z small, no others, for that
    is what `lower` of every database does at least."""
    return text.translate(_SMALL)


def is_text(name: str) -> bool:
    """Not where JSON brought half a surrogate pair."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def _one(connection: Connection, condition: ColumnElement[bool]) -> User | None:
    row = connection.execute(select(users).where(condition)).one_or_none()
    if row is None:
        return None
    roles = connection.execute(select(user_roles).where(user_roles.c.user_uid == row.uid))
    return _user(row, {role.project: Role(role.role) for role in roles})


def _user(row: Row[Any], projects: Mapping[str, Role]) -> User:
    values = {**row._mapping, "projects": projects}  # noqa: SLF001 - what SQLAlchemy calls it
    values["email"] = row.email or ""
    values["role"] = Role(row.role) if row.role else None
    return User(**values)


def _columns(user: User) -> dict[str, object]:
    values = {name: getattr(user, name) for name in users.c.keys()}  # noqa: SIM118
    role = user.role.value if user.role else None
    return {**values, "email": user.email or None, "role": role}


def _checked(connection: Connection, user: User) -> User:
    """The user in the form that is kept; raises where name, address or roles cannot be."""
    user = replace(user, email=address(user.email))
    faults = list(_faults(user))
    if faults:
        raise ParameterInvalid(" ".join(faults))
    taken = or_(users.c.name == user.name, users.c.email == address(user.name))
    if user.email:
        as_name = func.lower(users.c.name) == user.email
        taken = or_(taken, users.c.email == user.email, as_name)
    other = connection.execute(
        select(users.c.name, users.c.email).where(users.c.uid != user.uid, taken)
    ).first()
    if other is None:
        return user
    if other.name == user.name:
        raise Conflict(f"There is a user {user.name} already.")
    raise Conflict(f"{user.name} cannot sign in by name and address: {other.name} has one of them.")


def _faults(user: User) -> Iterator[str]:
    if not user.name or len(user.name) > _LIMIT or ":" in user.name or not user.name.isprintable():
        yield (
            f"{user.name[:_LIMIT]!r} is not a user name: 1 to {_LIMIT} printable characters "
            "without a colon."
        )
    if user.email and (len(user.email) > _LIMIT or not _EMAIL.fullmatch(user.email)):
        yield f"{user.email[:_LIMIT]!r} is not an e-mail address."
    for name in (user.first_name, user.last_name):
        if len(name) > _LIMIT or (not name.isprintable() and name):
            yield f"{name[:_LIMIT]!r} is not a name: up to {_LIMIT} printable characters."


def _put_roles(tx: Transaction, user: User) -> None:
    """Raises `ProjectUnknown` where there is no project of one of the uids."""
    rows = [
        {"user_uid": user.uid, "project": project, "role": role.value}
        for project, role in user.projects.items()
    ]
    if rows:
        require_projects(tx.connection, user.projects)
        tx.connection.execute(insert(user_roles), rows)


def require_projects(connection: Connection, uids: Iterable[str]) -> None:
    """Raise `ProjectUnknown` for the first of them that is no project's."""
    for uid in uids:
        found = connection.execute(select(projects.c.uid).where(projects.c.uid == uid)).first()
        if found is None:
            raise ProjectUnknown(f"There is no project with the uid {uid[:_LIMIT]}.")


def project_uid(connection: Connection, name: str) -> str | None:
    """The uid of the project of that name."""
    uid: str | None = connection.scalar(select(projects.c.uid).where(projects.c.name == name))
    return uid


def _keep_an_admin(connection: Connection, user: User, *, stays: bool) -> None:
    """Raise `Conflict` where `user` is the last administrator and would not stay one."""
    if stays or user.role is not Role.ADMIN or user.disabled:
        return
    others = select(users.c.uid).where(
        users.c.uid != user.uid, users.c.role == Role.ADMIN.value, users.c.disabled.is_(False)
    )
    if connection.execute(others.limit(1)).first() is None:
        raise Conflict(
            f"{user.name} is the last administrator: give somebody else that role first."
        )


def _set_password(tx: Transaction, user: User, password_hash: str) -> None:
    values = {"password_hash": password_hash, "changed_at": now()}
    tx.connection.execute(update(users).where(users.c.uid == user.uid).values(values))
    tx.connection.execute(delete(sessions).where(sessions.c.user_uid == user.uid))
    tx.record(Act.UPDATE, KIND, user.uid, user.name, f"Set a new password for {user.name}")


def _difference(before: User, after: User) -> str:
    """What changed, for the audit: the rights in full, of the rest only that."""
    told = [
        words
        for words, old, new in (
            ("the name", before.name, after.name),
            ("the e-mail address", before.email, after.email),
            ("the first name", before.first_name, after.first_name),
            ("the last name", before.last_name, after.last_name),
            (f"the role to {_said(after.role)}", before.role, after.role),
            ("disabled" if after.disabled else "enabled", before.disabled, after.disabled),
        )
        if old != new
    ]
    for project in sorted(before.projects.keys() | after.projects.keys()):
        role = after.projects.get(project)
        if role != before.projects.get(project):
            told.append(f"the role in project {project} to {_said(role)}")
    return ", ".join(told)


def _said(role: Role | None) -> str:
    return role.value if role else "none"
