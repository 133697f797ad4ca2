"""Failures of the disk and of the database, told as `PackyardError`s.

A message never holds a path: clients read it. The error it came from stays as its cause, for logs.
What is no failure of the surroundings (a broken constraint, say) is a fault of ours and passes
through as it is.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from packyard.errors import PackyardError, StorageFull, Unavailable

_FULL = "No room is left on the store's device, so nothing was stored. Free some and try again."
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_SQLITE = {
    sqlite3.SQLITE_BUSY: "another program holds its database locked",
    sqlite3.SQLITE_LOCKED: "its database is locked",
    sqlite3.SQLITE_READONLY: "its database cannot be written",
    sqlite3.SQLITE_IOERR: "its device fails to read or write",
    sqlite3.SQLITE_CORRUPT: "its database is damaged; restore it from a backup",
    sqlite3.SQLITE_NOTADB: "its database file is no database",
    sqlite3.SQLITE_CANTOPEN: "its database cannot be opened",
    sqlite3.SQLITE_PERM: "its database may not be opened",
}


@contextmanager
def of_disk() -> Iterator[None]:
    """Raise `StorageFull` or `Unavailable` for an OSError inside."""
    try:
        yield
    except OSError as error:
        raise _disk_refusal(error) from error


@contextmanager
def of_database() -> Iterator[None]:
    """Raise `StorageFull` or `Unavailable` for what the database raises inside."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        refusal = _database_refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def _disk_refusal(error: OSError) -> PackyardError:
    if error.errno in _NO_ROOM:
        return StorageFull(_FULL)
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return Unavailable(f"The store cannot be used now: {reason}.")


def _database_refusal(error: DBAPIError | sqlite3.Error) -> PackyardError | None:
    """What to raise in its place; None where it is a fault of the program."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", 0)
    # Growing the index of the write-ahead log fails as an I/O error of its own on a full device.
    if code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return StorageFull(_FULL)
    if "no such table" in str(origin):
        return Unavailable("The store is not ready: its database has not been migrated.")
    reason = _SQLITE.get(code & 0xFF)
    return Unavailable(f"The store cannot be used now: {reason}.") if reason else None
