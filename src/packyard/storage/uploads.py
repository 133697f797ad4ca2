"""Upload sessions: content on its way, until its digest is known.

    uploads/<id>.<repository>      bytes received so far; the offset is the file's size

The id is random, `<repository>` a short hash of the name, so a session is found only under the
repository that it was begun in. There is no row and no state in memory that matters: any worker
continues any session. Whoever writes or finishes holds the file's flock; nobody waits for it here,
so that no thread is kept from others. A session that was finished or cancelled is unknown.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from packyard.digests import Digest, algorithm_of, finish, hasher
from packyard.errors import Conflict, DigestInvalid, RangeInvalid, UploadUnknown
from packyard.references import RepoName
from packyard.storage import faults
from packyard.storage.content import Blob

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_ID = re.compile(r"[0-9a-f]{32}")
_READ = 1 << 20
_REMEMBERED = 256  # running hashes
_WRITE_BACK = 8 << 20  # bytes

Settle = Callable[[RepoName, Digest, int, Path], Blob]


class Uploads:
    """Sessions in `folder`; `settle` makes a verified session's file a blob."""

    def __init__(self, folder: Path, settle: Settle) -> None:
        self._folder = folder
        self._settle = settle
        self._hashes = _Hashes()

    def begin(self, repo: RepoName) -> str:
        """A new session's id."""
        upload = secrets.token_hex(16)
        with faults.of_disk():
            os.close(os.open(self._path(repo, upload), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        return upload

    def status(self, repo: RepoName, upload: str) -> int:
        """How many bytes have been received; raises `UploadUnknown`."""
        try:
            return self._path(repo, upload).stat().st_size
        except FileNotFoundError:
            raise _unknown(upload) from None

    @contextmanager
    def append(self, repo: RepoName, upload: str, start: int | None = None) -> Iterator[Writer]:
        """Write on from `start`, or from where the session stands.

        What was written stays, also when the block ends by an exception: the client asks for the
        offset and goes on. Raises `RangeInvalid` where the session does not stand at `start`, and,
        as `finish` and `cancel` do, `Conflict` where another request is writing.
        """
        with _locked(self._path(repo, upload)) as fd:
            offset = os.fstat(fd).st_size
            if start is not None and start != offset:
                raise RangeInvalid(
                    f"The chunk starts at byte {start}, but the upload stands at {offset}.",
                    offset=offset,
                )
            writer = Writer(fd, offset, self._hashes.take(upload, offset))
            try:
                yield writer
            finally:
                self._hashes.keep(upload, writer.offset, writer.hash)

    def finish(
        self,
        repo: RepoName,
        upload: str,
        expected: Digest,
        last: bytes = b"",
        start: int | None = None,
    ) -> Blob:
        """Make the session, with `last` appended, a blob of the repository, durable when this
        returns. `start` is as in `append`.

        Where the bytes have another digest the session ends and `DigestInvalid` is raised.
        """
        path = self._path(repo, upload)
        with faults.of_disk(), self.append(repo, upload, start) as writer:
            writer.write(last)
            actual = writer.end(algorithm_of(expected))
            if actual != expected:
                path.unlink()
                raise DigestInvalid(
                    f"The {writer.offset} bytes received have the digest {actual}, not {expected}: "
                    "nothing was stored."
                )
            return self._settle(repo, expected, writer.offset, path)

    def cancel(self, repo: RepoName, upload: str) -> None:
        """End the session, its bytes are gone; raises `UploadUnknown`."""
        path = self._path(repo, upload)
        with faults.of_disk(), _locked(path):
            path.unlink()

    def expire(self, older_than: timedelta, *, dry_run: bool = False) -> tuple[int, int]:
        """End sessions without a byte for that long; how many, and their bytes."""
        before = time.time() - older_than.total_seconds()
        count = size = 0
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError, Conflict, UploadUnknown):
                if path.stat().st_mtime > before:
                    continue
                with _locked(path) as fd:
                    status = os.fstat(fd)
                    if status.st_mtime <= before:
                        if not dry_run:
                            path.unlink()
                        count += 1
                        size += status.st_size
        return count, size

    def _path(self, repo: RepoName, upload: str) -> Path:
        if not _ID.fullmatch(upload):
            raise _unknown(upload)
        owner = hashlib.blake2s(repo.encode(), digest_size=8).hexdigest()
        return self._folder / f"{upload}.{owner}"


class Writer:
    """Appends to a session; the lock of the session is held while it is in use."""

    def __init__(self, fd: int, offset: int, running: Hash | None) -> None:
        self._fd = fd
        self._handed_over = offset
        self.offset = offset
        self.hash = running

    def write(self, data: bytes) -> None:
        """All of `data`, or an error and the part of it that `offset` shows."""
        view = memoryview(data)
        with faults.of_disk():
            while view:
                written = os.pwrite(self._fd, view, self.offset)
                self.offset += written
                if self.hash is not None:
                    self.hash.update(view[:written])
                view = view[written:]
            if self.offset - self._handed_over >= _WRITE_BACK:
                self._write_back()

    def end(self, algorithm: str) -> Digest:
        """The digest of everything; the running hash is of no use to a later request."""
        running, self.hash = self.hash, None
        if running is None or running.name != algorithm:
            running = hasher(algorithm)
            os.lseek(self._fd, 0, os.SEEK_SET)
            while data := os.read(self._fd, _READ):
                running.update(data)
        return finish(running)

    def _write_back(self) -> None:
        """Start the disk on what was written, so that less is left to flush at the end.

        Of pages that are still dirty, which these are, the advice drops none: it has them written
        in the background (measured for 100 MB: the last flush takes 16 ms instead of 47).
        """
        if sys.platform == "linux":
            length = self.offset - self._handed_over
            os.posix_fadvise(self._fd, self._handed_over, length, os.POSIX_FADV_DONTNEED)
        self._handed_over = self.offset


class _Hashes:
    """Running hashes of sessions that this process wrote last, by id: (offset, hash)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: OrderedDict[str, tuple[int, Hash]] = OrderedDict()

    def take(self, upload: str, offset: int) -> Hash | None:
        """The hash of the first `offset` bytes, where it is known."""
        if offset == 0:
            return hasher("sha256")
        with self._lock:
            at, running = self._running.pop(upload, (0, None))
        return running if at == offset else None

    def keep(self, upload: str, offset: int, running: Hash | None) -> None:
        if running is not None and offset:
            with self._lock:
                self._running[upload] = (offset, running)
                if len(self._running) > _REMEMBERED:
                    self._running.popitem(last=False)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold the file's lock; raises `Conflict` where another one has it, `UploadUnknown` where the
    file is gone by then."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _unknown(path.stem) from None
    try:
        _lock(fd)
        if not _same(fd, path):  # it ended between the opening and the lock
            raise _unknown(path.stem)
        yield fd
    finally:
        os.close(fd)


def _same(fd: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(fd), path.stat())
    return False


def _lock(fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict(
            "Another request is writing to this upload: let it end, ask where the upload stands, "
            "and go on from there."
        ) from None


def _unknown(upload: str) -> UploadUnknown:
    return UploadUnknown(f"There is no upload {upload[:64]!r} here: begin a new one.")
