"""Secrets at rest: sealed in rows of the database, by a key that is not in it.

The key comes from a file, which is made at the first start, or from the configuration. Each row
says which key sealed it; the row of `_CURRENT` says which one seals from now on, and is read in the
transaction that seals, so that nobody uses an old key once a rotation has committed. A row's owner
is bound to its text (AES-GCM): rows cannot be exchanged. Where the key of a store that holds
secrets is lost, nothing starts and nothing is destroyed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, delete, insert, select, update

from packyard.auth import tables
from packyard.auth.keyring import KeyFile, Ring
from packyard.errors import ConfigurationInvalid, Conflict
from packyard.storage.audit import Act
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

_CURRENT = "current-key"
_NONCE_BYTES = 12
_rows = tables.secrets


class Secrets:
    """Values by their owner, a text such as `registry/<uid>/password`."""

    def __init__(self, ring: Ring, file: KeyFile | None = None) -> None:
        self._ring = ring
        self._file = file

    @classmethod
    def load(cls, keys: Iterable[str] = (), file: Path | None = None) -> Secrets:
        """From configured keys, else from the file, whose key may be made by `prepare`; from
        neither, keys that end with the process. Raises `ConfigurationInvalid`."""
        given = Ring.parse(keys, "secrets.keys")
        if given.keys:
            return cls(given)
        if file is None:
            return cls(Ring.generate())
        key_file = KeyFile(file)
        return cls(key_file.read() or Ring({}), key_file)

    def prepare(self, store: Store) -> None:
        """At a start, before anything is sealed: make the first key where there is none.

        Raises `ConfigurationInvalid` where the store's secrets are sealed with a key that is lost.
        """
        with store.read() as connection:
            row = _row(connection, _CURRENT)
        if row is None:
            self._begin(store)
            return
        if row.key_id not in self._ring.keys and self._file:
            self._ring = self._file.read() or self._ring  # another start may just have made it
        if row.key_id not in self._ring.keys:
            raise self._lost(store, row.key_id)
        self._open(_CURRENT, row.key_id, row.sealed)

    def put(self, tx: Transaction, owner: str, value: str | bytes) -> None:
        """Keep a value, in place of the one that the owner had."""
        plain = value.encode() if isinstance(value, str) else value
        row = _row(tx.connection, _CURRENT)
        if row is None:
            raise ConfigurationInvalid("The store has no key for secrets: start the server first.")
        _put(tx.connection, owner, self._sealed(owner, row.key_id, plain))

    def get(self, connection: Connection, owner: str) -> bytes | None:
        row = _row(connection, owner)
        return self._open(owner, row.key_id, row.sealed) if row else None

    def owners(self, connection: Connection, prefix: str) -> list[str]:
        """Those that begin so and have a value, in lexical order."""
        found = select(_rows.c.owner).where(_rows.c.owner.startswith(prefix, autoescape=True))
        return list(connection.scalars(found.order_by(_rows.c.owner)))

    def forget(self, tx: Transaction, owner: str) -> None:
        tx.connection.execute(delete(_rows).where(_rows.c.owner == owner))

    def rotate(self, store: Store) -> int:
        """Seal everything with another key, in one transaction; how many values that were.

        With a key file the new key is made, and stands there beside the old one until all is
        sealed anew. Configured keys: the first one counts from now on; raises `Conflict` where
        that is the case already.
        """
        with store.database.locked():
            with store.database.transaction() as connection:
                count = self._seal_anew(Transaction(connection, store.bodies))
            if self._file:
                self._ring = Ring({self._ring.first: self._ring.keys[self._ring.first]})
                self._file.write(self._ring)
        return count

    def start_anew(self, store: Store) -> int:
        """Where the key is lost for good: forget every value, and make a new key; how many."""
        with store.write() as tx:
            count = tx.connection.execute(delete(_rows).where(_rows.c.owner != _CURRENT)).rowcount
            tx.connection.execute(delete(_rows))
            tx.record(Act.ACTION, "secrets", "", "secrets", "Forgot all secrets: their key is lost")
        self._begin(store)
        return count

    def _begin(self, store: Store) -> None:
        if not self._ring.keys and self._file:
            # Another process may be at it too; the writers' lock lets one of them in at a time.
            with store.database.locked():
                self._ring = self._file.read() or Ring.generate()
                self._file.write(self._ring)
        with store.write() as tx:
            if _row(tx.connection, _CURRENT) is None:
                first = self._ring.first
                _put(tx.connection, _CURRENT, self._sealed(_CURRENT, first, b"packyard"))

    def _seal_anew(self, tx: Transaction) -> int:
        current = _row(tx.connection, _CURRENT)
        if current is None:
            raise ConfigurationInvalid("The store has no secrets yet: start the server first.")
        self._key(current.key_id)
        if self._file:
            self._ring = Ring({**Ring.generate().keys, **self._ring.keys})
            self._file.write(self._ring)
        new = self._ring.first
        if new == current.key_id:
            raise Conflict(
                "The secrets are sealed with the first of secrets.keys already: put a new key in "
                "front of it, and take the old one away after `packyard secrets rotate`."
            )
        rows = tx.connection.execute(select(_rows)).all()
        for row in rows:
            plain = self._open(row.owner, row.key_id, row.sealed)
            _put(tx.connection, row.owner, self._sealed(row.owner, new, plain))
        tx.record(Act.ACTION, "secrets", new, "secrets", "Sealed all secrets with another key")
        return len(rows) - 1

    def _sealed(self, owner: str, key_id: str, plain: bytes) -> dict[str, object]:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = AESGCM(self._key(key_id)).encrypt(nonce, plain, owner.encode())
        return {"key_id": key_id, "sealed": nonce + text, "changed_at": now()}

    def _open(self, owner: str, key_id: str, sealed: bytes) -> bytes:
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self._key(key_id)).decrypt(nonce, text, owner.encode())
        except InvalidTag:
            raise ConfigurationInvalid(
                f"The secret {owner} was damaged or moved: it does not open with its key {key_id}."
            ) from None

    def _key(self, key_id: str) -> bytes:
        """Also one that another process has put into the file since."""
        if key_id not in self._ring.keys and self._file:
            self._ring = self._file.read() or self._ring
        try:
            return self._ring.keys[key_id]
        except KeyError:
            raise ConfigurationInvalid(f"The key {key_id} of the secrets is not there.") from None

    def _lost(self, store: Store, key_id: str) -> ConfigurationInvalid:
        with store.read() as connection:
            count = len(self.owners(connection, "")) - 1
        place = f"The file {self._file.path}" if self._file else "The list secrets.keys"
        what = "does not hold the key" if self._ring.keys else "is not there; it held the key"
        return ConfigurationInvalid(
            f"{place} {what} {key_id}, with which this store's secrets ({count}) are sealed. Put "
            "it back, from where you keep its copy; nothing was changed. Where it is lost for "
            "good, `packyard secrets reset` forgets the secrets, and they have to be given again."
        )


def _row(connection: Connection, owner: str) -> Row[Any, Any] | None:
    return connection.execute(
        select(_rows.c.key_id, _rows.c.sealed).where(_rows.c.owner == owner)
    ).one_or_none()


def _put(connection: Connection, owner: str, values: Mapping[str, object]) -> None:
    changed = connection.execute(update(_rows).where(_rows.c.owner == owner).values(values))
    if not changed.rowcount:
        connection.execute(insert(_rows).values(owner=owner, **values))
