"""The metadata database: SQLite in write-ahead mode, one writer at a time over all processes.

Writers queue at a lock file, because SQLite's own waiting polls (measured: worst wait 14 ms
instead of 1 s). Whoever holds `locked()` is the only writer, and may also move files with nobody
pushing; garbage collection relies on that. Readers never wait.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from sqlalchemy import URL, Connection, Engine, create_engine, event

from packyard.storage import faults

_BUSY_MS = 10_000  # only for programs that do not know the lock file, such as a backup

# Of the "WalIndexHdr" (sqlite.org/walformat.html, 2.1): the number of changes to the checksums.
_INDEX_HEADER = slice(8, 48)


class Database:
    """`durable=False` skips flushing, for a store that ends with its process."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._thread_lock = threading.Lock()
        self._holder = 0  # the thread that has it
        self._lock_fd = _open_private(folder / "write.lock")
        _make_private(folder / "packyard.db")
        self._synchronous = "FULL" if durable else "OFF"
        self.engine = self._connectable(folder / "packyard.db")
        with faults.of_database(), self.locked():
            raw = self.raw()
            raw.execute("PRAGMA journal_mode = WAL")
            raw.close()
            self._writer = self.engine.connect().execution_options(immediate=True)
            self._watcher = self.raw()
            self._watcher.execute("PRAGMA data_version").fetchone()  # makes the log's index
            # Kept open: closing it would let go of SQLite's own locks on that file (POSIX), and the
            # next process to come would think itself alone and empty the index under our hands.
            self._index_fd = os.open(folder / "packyard.db-shm", os.O_RDONLY | os.O_CLOEXEC)
            self._index = mmap.mmap(self._index_fd, _INDEX_HEADER.stop, access=mmap.ACCESS_READ)

    def _connectable(self, path: Path) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            pool_size=16,
            max_overflow=-1,
            connect_args={"check_same_thread": False, "cached_statements": 256},
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: sqlite3.Connection, _: object) -> None:
            connection.isolation_level = None  # transactions begin where we say so
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            immediate = connection.get_execution_options().get("immediate", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

        return engine

    def raw(self) -> sqlite3.Connection:
        """A prepared connection of the driver's own, outside of the pool; the caller closes it."""
        pooled = self.engine.raw_connection()
        connection = cast(sqlite3.Connection, pooled.dbapi_connection)
        pooled.detach()
        return connection

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer of all threads and processes; never inside itself."""
        if self._holder == threading.get_ident():
            raise RuntimeError("A transaction of the store was begun inside another one.")
        with self._thread_lock:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = 0
                fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    @contextmanager
    def transaction(self, *, commit: bool = True) -> Iterator[Connection]:
        """Inside `locked()`: commit at the end of the block, or roll back on an exception."""
        with faults.of_database(), self._writer.begin() as transaction:
            yield self._writer
            if not commit:
                transaction.rollback()

    @contextmanager
    def write(self, *, commit: bool = True) -> Iterator[Connection]:
        """One transaction of the only writer; a rehearsal where it is not to be committed."""
        with self.locked(), self.transaction(commit=commit) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent state, however long the block takes."""
        with faults.of_database(), self.engine.connect() as connection:
            yield connection

    def generation(self) -> int:
        """Differs from its last value here once any process has committed.

        Read from the header of the log's index, which is memory that all processes share and every
        commit changes: asking SQLite by `PRAGMA data_version` takes three system calls and lets go
        of the interpreter's lock, which cost a fifth of a pull's time.
        """
        return int.from_bytes(self._index[_INDEX_HEADER], "little")

    def close(self) -> None:
        self._writer.close()
        self._index.close()
        self._watcher.close()
        self.engine.dispose()
        os.close(self._index_fd)
        os.close(self._lock_fd)


def _make_private(path: Path) -> None:
    """Where there is none yet: to open and close one that is in use would end SQLite's locks."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path)) from None


def _open_private(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
