"""The reads of every pull, on a connection of each thread's own. Each is one consistent state."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from packyard.storage import faults, statements

ManifestRow = tuple[str, str, bytes | None, str, str | None, str]
ReferrerRow = tuple[str, str, int, str, str]


class _Owned:
    """A connection that closes with its holder."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class _Reader(threading.local):
    """One connection for each thread that asks, until the thread or the store ends."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self.owned = _Owned(connect())


class Lookups:
    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._reader = _Reader(connect)

    def has_repository(self, repo: str) -> bool:
        return bool(self._all(statements.REPOSITORY, repo=repo))

    def blob(self, repo: str, digest: str) -> tuple[int, int] | None:
        """Size and time of last touch of a blob that the repository holds."""
        return next(iter(self._all(statements.BLOB, repo=repo, digest=digest)), None)

    def content(self, digest: str) -> bytes | None:
        """Of a blob that is kept in its row."""
        found = self._all(statements.CONTENT, digest=digest)
        return found[0][0] if found else None

    def touched(self, digest: str) -> int | None:
        """When a blob was last pushed, mounted or renewed, in whichever repository."""
        found = self._all(statements.TOUCHED_AT, digest=digest)
        return found[0][0] if found else None

    def manifest(self, repo: str, digest: str) -> ManifestRow | None:
        return next(iter(self._all(statements.MANIFEST, repo=repo, digest=digest)), None)

    def tagged(self, repo: str, tag: str) -> ManifestRow | None:
        return next(iter(self._all(statements.TAGGED_MANIFEST, repo=repo, tag=tag)), None)

    def tags(self, repo: str, n: int | None, last: str) -> list[str]:
        if n is None:
            rows = self._all(statements.TAGS, repo=repo, last=last)
        else:
            rows = self._all(statements.PAGE_OF_TAGS, repo=repo, last=last, n=n)
        return [name for (name,) in rows]

    def referrers(self, repo: str, digest: str) -> list[ReferrerRow]:
        return self._all(statements.REFERRERS, repo=repo, digest=digest)

    def rows(self, statement: str, **values: str | int) -> list[Any]:
        """What a statement in the driver's own form gives (`storage.statements`)."""
        return self._all(statement, **values)

    def _all(self, statement: str, **values: str | int) -> list[Any]:
        try:
            return self._reader.owned.connection.execute(statement, values).fetchall()
        except sqlite3.Error:
            with faults.of_database():
                raise
