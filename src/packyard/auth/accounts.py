"""Who can be asked for: people by name, API keys by hash, sessions by uid, as they are now.

What the tables say is kept until somebody commits to the store, which is looked at every
`_RECHECK`. While others push that is all the time, so then it is only asked whether the rows are
those that an account was made of. What the htpasswd file says follows it within a second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from packyard.auth import keys, sessions, users
from packyard.auth.htpasswd import Htpasswd
from packyard.auth.principal import Principal, Role
from packyard.auth.users import User
from packyard.errors import Unauthenticated, UserUnknown
from packyard.storage.content import now
from packyard.storage.store import Store

_log = logging.getLogger(__name__)

_RECHECK = 0.01  # seconds between two looks at whether somebody committed
_KEPT = 4096  # accounts

# All that an account is made of, in the driver's own form (`storage.statements`).
_ROWS = {
    "name": """
SELECT u.*, r.project, r.role
FROM users u LEFT JOIN user_roles r ON r.user_uid = u.uid
WHERE u.name = :name OR u.email = :email
ORDER BY r.project
""",
    "key": """
SELECT t.*, u.*, r.project, r.role
FROM api_keys t JOIN users u ON u.uid = t.user_uid LEFT JOIN user_roles r ON r.user_uid = u.uid
WHERE t.hash = :name
ORDER BY r.project
""",
    "session": """
SELECT t.*, u.*, r.project, r.role
FROM sessions t JOIN users u ON u.uid = t.user_uid LEFT JOIN user_roles r ON r.user_uid = u.uid
WHERE t.uid = :name
ORDER BY r.project
""",
}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who gets in by what `hash` is made of, by nothing where that is empty.

    `ends_at` is from when on not any more, `used_at` when that was last noted (µs since 1970); two
    accounts that differ in these alone are the same.
    """

    principal: Principal
    hash: str = field(repr=False)
    uid: str = ""  # of the key or session
    ends_at: int | None = field(default=None, compare=False)
    used_at: int | None = field(default=None, compare=False)

    def ended(self) -> bool:
        return self.ends_at is not None and self.ends_at <= now()


class Accounts:
    """`writers` of the htpasswd file push and delete, its other users pull."""

    def __init__(
        self, store: Store, htpasswd: Htpasswd | None = None, writers: Collection[str] = ("admin",)
    ) -> None:
        self._store = store
        self._htpasswd = htpasswd
        self._writers = frozenset(writers)
        # What the tables say, with the rows that say it; whose rows were looked at since the last
        # commit.
        self._kept: dict[tuple[str, str], tuple[list[Any], Account | None]] = {}
        self._looked_at: set[tuple[str, str]] = set()
        self._generation = -1
        self._next_look = 0.0
        # What the htpasswd file says; one value, so that threads see both halves change together.
        self._filed: tuple[Mapping[str, str], dict[str, Account]] = ({}, {})
        self._overshadowed: set[str] = set()

    def named(self, name: str) -> Account | None:
        """Somebody with a password: by name or address in the users' table, else by name in the
        htpasswd file."""
        listed, filed = self._listed("name", name, _named), self._from_file(name)
        if listed and filed and name not in self._overshadowed:
            self._overshadowed.add(name)
            _log.warning(
                "%s is in the users' table and in the htpasswd file: the table counts", name
            )
        return listed if listed is not None else filed

    def keyed(self, hashed: str) -> Account | None:
        """The owner of an API key, with the key's limits. Raises `Unauthenticated` with the reason
        for a key that is known, but not good any more."""
        return self._listed("key", hashed, _keyed)

    def signed_in(self, session: str) -> Account | None:
        return self._listed("session", session, _signed_in)

    def filed_hashes(self) -> Collection[str]:
        """Of all users of the htpasswd file."""
        return self._htpasswd.users().values() if self._htpasswd else ()

    def is_filed(self, name: str) -> bool:
        return self._htpasswd is not None and name in self._htpasswd.users()

    def _listed(
        self, kind: str, name: str, look: Callable[[Connection, str], Account | None]
    ) -> Account | None:
        at = time.monotonic()
        if at >= self._next_look:
            self._next_look = at + _RECHECK
            generation = self._store.generation()
            if len(self._kept) > _KEPT:
                self._kept = {}
            if generation != self._generation:
                self._looked_at, self._generation = set(), generation
        looked_at, key = self._looked_at, (kind, name)  # by now another thread may have begun anew
        known = self._kept.get(key)
        if known and key in looked_at:
            return known[1]
        rows = self._rows(kind, name)
        if known is None or known[0] != rows:
            with self._store.read() as connection:  # newer than the rows, if anything
                known = rows, look(connection, name)
            self._kept[key] = known
        looked_at.add(key)
        return known[1]

    def _rows(self, kind: str, name: str) -> list[Any]:
        if not users.is_text(name):
            return []
        more = {"email": users.address(name)} if kind == "name" else {}
        return self._store.rows(_ROWS[kind], name=name, **more)

    def _from_file(self, name: str) -> Account | None:
        if self._htpasswd is None:
            return None
        hashes = self._htpasswd.users()
        known, filed = self._filed
        if known is not hashes:
            filed = {}
            self._filed = hashes, filed
        if name not in filed and name in hashes:
            writer = name in self._writers
            role = Role.EDITOR if writer else Role.VIEWER
            filed[name] = Account(Principal(name, role, deletes=writer), hashes[name])
        return filed.get(name)


def _named(connection: Connection, name: str) -> Account | None:
    user = users.find(connection, name)
    if user is None:
        return None
    return Account(principal_of(user), "" if user.disabled else user.password_hash)


def _keyed(connection: Connection, hashed: str) -> Account | None:
    key = keys.by_hash(connection, hashed)
    user = _enabled(connection, key.user_uid) if key else None
    if key is None or user is None:
        return None
    if not key.active:
        raise Unauthenticated(f"The API key {key.name} was deactivated.")
    if not key.usable():
        raise Unauthenticated(f"The API key {key.name} has expired.")
    principal = replace(principal_of(user), limits=key.limits, key=key.name)
    return Account(principal, key.hash, key.uid, key.expires_at, key.used_at)


def _signed_in(connection: Connection, uid: str) -> Account | None:
    session = sessions.find(connection, uid)
    user = _enabled(connection, session.user_uid) if session else None
    if session is None or user is None:
        return None
    principal = replace(principal_of(user), session=uid)
    return Account(principal, session.hash, uid, session.ends_at, session.used_at)


def _enabled(connection: Connection, uid: str) -> User | None:
    try:
        user = users.by_uid(connection, uid)
    except UserUnknown:
        return None
    return None if user.disabled else user


def principal_of(user: User) -> Principal:
    return Principal(user.name, user.role, uid=user.uid, projects=user.projects)
