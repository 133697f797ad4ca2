"""The users' table: the first place where a name is looked up (design.md, "People")."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from packyard.auth import passwords
from packyard.auth.principal import Role
from packyard.auth.tables import users
from packyard.errors import Conflict, ParameterInvalid, UserUnknown
from packyard.storage.store import Store

ADMIN = "admin"
_NAME_LIMIT = 255


@dataclass(frozen=True, slots=True)
class User:
    name: str
    password_hash: str
    role: Role


def find(connection: Connection, name: str) -> User | None:
    row = connection.execute(
        select(users.c.name, users.c.password_hash, users.c.role).where(users.c.name == name)
    ).one_or_none()
    return User(row.name, row.password_hash, Role(row.role)) if row else None


def create(store: Store, name: str, password: str, role: Role) -> None:
    """Raises `ParameterInvalid` for a name or password that cannot be used, `Conflict` where the
    name is taken."""
    if not name or len(name) > _NAME_LIMIT or ":" in name or not name.isprintable():
        raise ParameterInvalid(
            f"{name[:_NAME_LIMIT]!r} is not a user name: 1 to {_NAME_LIMIT} printable characters "
            "without a colon."
        )
    password_hash = passwords.hash_password(password)
    with store.write() as tx:
        if find(tx.connection, name):
            raise Conflict(f"There is a user {name} already.")
        _insert(tx.connection, User(name, password_hash, role))


def reset_password(store: Store, name: str, password: str | None = None) -> str:
    """Give a user a new password, a generated one where none is given; answers it.

    Also the way back in where nobody knows a password: the admin is created if there is none.
    Raises `UserUnknown` for any other name that the table does not hold.
    """
    password = password or passwords.generate()
    password_hash = passwords.hash_password(password)
    with store.write() as tx:
        changed = tx.connection.execute(
            update(users)
            .where(users.c.name == name)
            .values(password_hash=password_hash, changed_at=_now())
        )
        if changed.rowcount == 0:
            if name != ADMIN:
                raise UserUnknown(f"There is no user {name} in the users' table.")
            _insert(tx.connection, User(ADMIN, password_hash, Role.ADMIN))
    return password


def ensure_admin(store: Store, initial_password: str | None) -> str | None:
    """Make the first admin if the table is empty; answers the password that was generated, once.

    With an initial password given, that one is set and nothing is answered.
    """
    password = initial_password or passwords.generate()
    with store.read() as connection:
        if connection.scalar(select(func.count()).select_from(users)):
            return None
    password_hash = passwords.hash_password(password)
    with store.write() as tx:
        if tx.connection.scalar(select(func.count()).select_from(users)):
            return None
        _insert(tx.connection, User(ADMIN, password_hash, Role.ADMIN))
    return None if initial_password else password


def _insert(connection: Connection, user: User) -> None:
    connection.execute(
        insert(users).values(
            name=user.name,
            password_hash=user.password_hash,
            role=user.role.value,
            changed_at=_now(),
        )
    )


def _now() -> int:
    return time.time_ns() // 1000
