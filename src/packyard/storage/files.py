"""Blob bodies on the local disk.

    blobs/<algorithm>/<first two hex digits>/<hex>     a body; its bytes have that digest
    trash/<algorithm>-<hex>                            taken out by garbage collection

A body arrives by rename, already flushed, and never changes. Whoever wants to write a row for it
calls `secure` first, under the writers' lock. `docs/formats/store.md` has the whole tree.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from packyard.digests import Digest, parse_digest
from packyard.errors import DigestInvalid


class Files:
    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._trash = root / "trash"
        self._uploads = root / "uploads"
        self._prefix = f"{self._blobs}/"
        self._known: set[Path] = set()
        for folder in (self._blobs, self._trash, self._uploads):
            make_folder(folder)

    def path(self, digest: Digest) -> Path:
        algorithm, _, encoded = digest.partition(":")
        return Path(f"{self._prefix}{algorithm}/{encoded[:2]}/{encoded}")

    def size(self, digest: Digest) -> int | None:
        """None where no body is at its place."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def place(self, source: Path, digest: Digest) -> None:
        """Make `source`, a file of this file system with these very bytes, the body."""
        flush(source)
        path = self.path(digest)
        self._prepare(path.parent)
        source.rename(path)
        flush(path.parent)

    def put(self, data: bytes, digest: Digest) -> None:
        """Make these bytes, which have that digest, the body."""
        source = self._uploads / f"{secrets.token_hex(16)}.body"
        try:
            source.write_bytes(data)
            self.place(source, digest)
        finally:
            source.unlink(missing_ok=True)

    def secure(self, digest: Digest) -> bool:
        """Whether the body is at its place for good, if need be taken back from the trash.

        Flushes also what it finds there: another process may have come no further than the rename.
        """
        path = self.path(digest)
        if not path.exists():
            try:
                self._trashed(digest).rename(path)
            except FileNotFoundError:
                return False
        self._prepare(path.parent)
        flush(path.parent)
        return True

    def discard(self, digest: Digest) -> None:
        """Move the body, where there is one, to the trash."""
        path = self.path(digest)
        with suppress(FileNotFoundError):
            os.utime(path)  # its age in the trash
            path.rename(self._trashed(digest))

    def open(self, digest: Digest) -> BinaryIO:
        """Raises FileNotFoundError; a body in the trash can still be read."""
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            return self._trashed(digest).open("rb")

    def digests(self) -> Iterator[tuple[Digest, int, int]]:
        """Every body with its size and the time of its last change, in µs since 1970."""
        for algorithm in os.scandir(self._blobs):
            for folder in os.scandir(algorithm):
                for body in os.scandir(folder):
                    with suppress(FileNotFoundError, DigestInvalid):
                        digest = parse_digest(f"{algorithm.name}:{body.name}")
                        status = body.stat()
                        yield digest, status.st_size, status.st_mtime_ns // 1000

    def empty_trash(self, before: int, *, dry_run: bool = False) -> tuple[int, int]:
        """Delete what came to the trash before that time (µs); how many bodies and bytes."""
        count = size = 0
        for path in self._trash.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                if status.st_mtime_ns // 1000 < before:
                    if not dry_run:
                        path.unlink()
                    count += 1
                    size += status.st_size
        return count, size

    def _trashed(self, digest: Digest) -> Path:
        return self._trash / digest.replace(":", "-")

    def _prepare(self, folder: Path) -> None:
        """Have the folder there, flushed, before anything in it counts.

        Once for each process, also where the folder exists, for the same reason as in `secure`.
        """
        if folder not in self._known:
            make_folder(folder)
            flush(folder.parent)
            flush(folder.parent.parent)
            self._known.add(folder)


def make_folder(folder: Path) -> None:
    """Make it, readable to its owner only, and what is missing above it; flushed."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        flush(path.parent)


def flush(path: Path) -> None:
    """fsync a file or a folder."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
