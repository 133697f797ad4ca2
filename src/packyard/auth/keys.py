"""API keys: shown once when made, kept as a hash, with rights of their owner or fewer.

A key is random enough that a plain sha256 of it cannot be turned back, so verifying one takes
microseconds. It serves in the header `ApiKey`, and as a password on the registry protocols.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from packyard.auth.principal import ALL_ACTIONS, UNLIMITED, Action, Limits, parse_pattern
from packyard.auth.tables import api_keys
from packyard.auth.users import by_uid as user_by_uid
from packyard.auth.users import require_projects
from packyard.errors import Conflict, KeyUnknown, ParameterInvalid
from packyard.storage.audit import Act
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

KIND = "apikey"  # in the audit
_PREFIX = "pyk_"
_RANDOM_BYTES = 30  # 40 characters
_FORM = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{40}}")
_LIMIT = 255  # characters of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`hash` is the sha256 of the key in hex, times are in µs since 1970."""

    uid: str = field(default_factory=lambda: secrets.token_hex(12))
    name: str
    hash: str = field(default="", repr=False)
    user_uid: str
    limits: Limits = UNLIMITED
    active: bool = True
    created_at: int = field(default_factory=now)
    changed_at: int = field(default_factory=now)
    expires_at: int | None = None
    used_at: int | None = None

    def usable(self) -> bool:
        return self.active and (self.expires_at is None or now() < self.expires_at)


def is_key(text: str) -> bool:
    """Whether it has the form of a key, known or not."""
    return _FORM.fullmatch(text) is not None


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


# Reading


def by_hash(connection: Connection, hashed: str) -> Key | None:
    row = connection.execute(select(api_keys).where(api_keys.c.hash == hashed)).one_or_none()
    return _key(row) if row else None


def by_uid(connection: Connection, uid: str) -> Key:
    """Raises `KeyUnknown`."""
    row = connection.execute(select(api_keys).where(api_keys.c.uid == uid)).one_or_none()
    if row is None:
        raise KeyUnknown(f"There is no API key with the uid {uid[:_LIMIT]}.")
    return _key(row)


def of_user(connection: Connection, user_uid: str | None = None) -> list[Key]:
    """Those of one user, or of all, oldest first."""
    found = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.uid)
    if user_uid is not None:
        found = found.where(api_keys.c.user_uid == user_uid)
    return [_key(row) for row in connection.execute(found)]


# Changing. Each is one transaction, with its row of the audit.


def create(store: Store, key: Key) -> str:
    """Add the key; the secret, which nobody can be told again.

    Raises `ParameterInvalid` with all that is wrong, `Conflict` where its owner has one of that
    name, `UserUnknown`, `ProjectUnknown`.
    """
    secret = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    _check(key)
    with store.write() as tx:
        owner = user_by_uid(tx.connection, key.user_uid)
        require_projects(tx.connection, filter(None, [key.limits.project]))
        _require_free(tx, key)
        tx.connection.execute(insert(api_keys).values(_columns(replace(key, hash=hash_of(secret)))))
        message = f"Created the API key {key.name} of {owner.name}{_narrowed(key.limits)}"
        tx.record(Act.CREATE, KIND, key.uid, key.name, message, project=key.limits.project)
    return secret


def change(store: Store, uid: str, made: Callable[[Key], Key]) -> None:
    """Let a key have name, expiry and state of what is `made` of it as it is at that moment.

    Raises `KeyUnknown`, and as `create`.
    """
    with store.write() as tx:
        standing = by_uid(tx.connection, uid)
        key = made(standing)
        changed = replace(
            standing, name=key.name, active=key.active, expires_at=key.expires_at, changed_at=now()
        )
        if changed.expires_at != standing.expires_at or changed.name != standing.name:
            _check(changed)
        _require_free(tx, changed)
        tx.connection.execute(
            update(api_keys).where(api_keys.c.uid == uid).values(_columns(changed))
        )
        what = "Changed"
        if changed.active != standing.active:
            what = "Activated" if changed.active else "Deactivated"
        told = "" if changed.expires_at == standing.expires_at else ": when it expires"
        message = f"{what} the API key {changed.name}{told}"
        tx.record(Act.UPDATE, KIND, uid, key.name, message, project=key.limits.project)


def remove(store: Store, uid: str) -> None:
    """Revoke a key for good. Raises `KeyUnknown`."""
    with store.write() as tx:
        key = by_uid(tx.connection, uid)
        tx.connection.execute(delete(api_keys).where(api_keys.c.uid == uid))
        message = f"Deleted the API key {key.name}"
        tx.record(Act.DELETE, KIND, uid, key.name, message, project=key.limits.project)


def touch(store: Store, uid: str) -> None:
    """Remember that it was used now."""
    with store.write() as tx:
        tx.connection.execute(update(api_keys).where(api_keys.c.uid == uid).values(used_at=now()))


def parse_actions(words: Iterable[str]) -> frozenset[Action]:
    """The actions of these words, all of them for none. Raises `ParameterInvalid`."""
    given = list(words)
    unknown = [word for word in given if word not in list(Action)]
    if unknown:
        raise ParameterInvalid(
            f"{', '.join(word[:_LIMIT] for word in unknown)}: an action is one of "
            f"{', '.join(Action)}."
        )
    return frozenset(map(Action, given)) or ALL_ACTIONS


def _check(key: Key) -> None:
    faults = []
    if not key.name or len(key.name) > _LIMIT or not key.name.isprintable():
        faults.append(f"A key has a name of 1 to {_LIMIT} printable characters.")
    if key.expires_at is not None and key.expires_at <= now():
        faults.append("A key expires in the future.")
    if key.limits.repositories:
        try:
            parse_pattern(key.limits.repositories)
        except ParameterInvalid as error:
            faults.append(error.message)
    if faults:
        raise ParameterInvalid(" ".join(faults))


def _require_free(tx: Transaction, key: Key) -> None:
    same = (api_keys.c.user_uid == key.user_uid) & (api_keys.c.name == key.name)
    other = select(api_keys.c.uid).where(same, api_keys.c.uid != key.uid)
    if tx.connection.execute(other).first():
        raise Conflict(f"There is an API key {key.name} of this user already.")


def _narrowed(limits: Limits) -> str:
    """What the audit says of a key's limits."""
    told = [f" to {', '.join(sorted(limits.actions))}"] if limits.actions != ALL_ACTIONS else []
    told += [f" in {limits.repositories}"] if limits.repositories else []
    told += [" in one project"] if limits.project else []
    return f", narrowed{''.join(told)}" if told else ""


def _columns(key: Key) -> dict[str, object]:
    limits = key.limits
    whole = limits.actions == ALL_ACTIONS
    return {
        **{name: getattr(key, name) for name in _PLAIN},
        "actions": "" if whole else ",".join(sorted(limits.actions)),
        "repositories": limits.repositories,
        "project": limits.project or None,
    }


def _key(row: Row[Any]) -> Key:
    actions = frozenset(map(Action, row.actions.split(","))) if row.actions else ALL_ACTIONS
    limits = Limits(actions, row.repositories, row.project or "")
    return Key(limits=limits, **{name: getattr(row, name) for name in _PLAIN})


_PLAIN = tuple(name for name in api_keys.c.keys() if name not in Limits.__dataclass_fields__)  # noqa: SIM118
