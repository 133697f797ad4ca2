"""Blob bodies in an object store, through obstore; for now its memory.

The same functions and the same keys as `files`, but nothing to send from by path. A put is whole
or not there, and durable when it returns.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from packyard.digests import Digest, algorithm_of, parse_digest

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore.store import ObjectStore

_BUFFER = 1 << 20


class Objects:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def path(self, digest: Digest) -> None:  # noqa: ARG002 - the same call as for files
        return None

    def size(self, digest: Digest) -> int | None:
        try:
            return int(self._store.head(_place(digest))["size"])
        except FileNotFoundError:
            return None

    def place(self, source: Path, digest: Digest) -> None:
        """Make the bytes of the local file `source` the body; `source` is gone afterwards."""
        self._store.put(_place(digest), source)
        source.unlink()

    def put(self, data: bytes, digest: Digest) -> None:
        """Make these bytes, which have that digest, the body."""
        self._store.put(_place(digest), data)

    def secure(self, digest: Digest) -> bool:
        """Whether the body is at its place for good, if need be taken back from the trash."""
        if self.size(digest) is not None:
            return True
        try:
            self._store.rename(_trashed(digest), _place(digest))
        except FileNotFoundError:
            return False
        return True

    def discard(self, digest: Digest) -> None:
        """Move the body, where there is one, to the trash."""
        with suppress(FileNotFoundError):
            self._store.rename(_place(digest), _trashed(digest))

    def open(self, digest: Digest) -> BinaryIO:
        """Raises FileNotFoundError; a body in the trash can still be read."""
        for key in (_place(digest), _trashed(digest)):
            with suppress(FileNotFoundError):
                size = int(self._store.head(key)["size"])
                return io.BufferedReader(_Reader(self._store, key, size), _BUFFER)
        raise FileNotFoundError(digest)

    def digests(self) -> Iterator[tuple[Digest, int, int]]:
        """Every body with its size and the time of its last change, in µs since 1970."""
        for page in self._store.list("blobs"):
            for found in page:
                _, algorithm, _, encoded = found["path"].split("/")
                changed = int(found["last_modified"].timestamp() * 1_000_000)
                yield parse_digest(f"{algorithm}:{encoded}"), int(found["size"]), changed

    def empty_trash(self, before: int, *, dry_run: bool = False) -> tuple[int, int]:
        """Delete what came to the trash before that time (µs); how many bodies and bytes."""
        count = size = 0
        for page in self._store.list("trash"):
            for found in page:
                if found["last_modified"].timestamp() * 1_000_000 < before:
                    with suppress(FileNotFoundError):
                        if not dry_run:
                            self._store.delete(found["path"])
                        count += 1
                        size += int(found["size"])
        return count, size


def _place(digest: Digest) -> str:
    algorithm = algorithm_of(digest)
    encoded = digest[len(algorithm) + 1 :]
    return f"blobs/{algorithm}/{encoded[:2]}/{encoded}"


def _trashed(digest: Digest) -> str:
    return f"trash/{digest.replace(':', '-')}"


class _Reader(io.RawIOBase):
    """An object as a file: reads what is asked for, wherever in it."""

    def __init__(self, store: ObjectStore, key: str, size: int) -> None:
        self._store, self._key, self._size, self._offset = store, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._offset, io.SEEK_END: self._size}[whence]
        self._offset = max(0, base + offset)
        return self._offset

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        length = min(len(view), self._size - self._offset)
        if length <= 0:
            return 0
        view[:length] = self._store.get_range(self._key, start=self._offset, length=length)
        self._offset += length
        return length
