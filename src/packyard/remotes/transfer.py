"""Blobs over the wire, whole: verified, and taken up again where a connection broke."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from packyard.digests import Digest, algorithm_of, finish, hasher
from packyard.errors import NotFound, RangeInvalid, RemoteFailed, TooLarge, UploadUnknown
from packyard.remotes.oci import Descriptor, Repository, Upload

PIECE = 16 * 1024 * 1024
"""Bytes of an upload sent in one request; what is left at the end goes with the closing one."""
STEP = 256 * 1024
"""Bytes between two looks at how far an upload is."""
ATTEMPTS = 4
"""Tries at one transfer without a byte of progress between them."""
TRIES = 100
"""Tries at one download in all, whatever progress they make."""
PAUSE = 0.5
"""Seconds between them, beside those that the client waits."""

Watch = Callable[[int], None]
"""Told how many bytes are over; fewer than before where some have to go again."""


def unwatched(_: int) -> None:
    """For transfers that nobody watches."""


def push_blob(repository: Repository, digest: Digest, data: bytes, watch: Watch) -> None:
    """Store `data` under its `digest`, unless it is there.

    After a break the upload goes on at the offset that the registry tells, or begins anew where
    the registry has forgotten it.
    """
    upload: Upload | None = None
    best, left = -1, ATTEMPTS
    while True:
        try:
            upload = _standing(repository, digest, upload)
            while upload is not None:
                if upload.offset > best:
                    best, left = upload.offset, ATTEMPTS
                upload = _send(repository, digest, data, upload, watch)
        except (RemoteFailed, RangeInvalid, UploadUnknown) as error:
            left -= 1
            if not left or not _passing(error):
                raise
            time.sleep(PAUSE)
        else:
            watch(len(data))
            return


def _standing(repository: Repository, digest: Digest, upload: Upload | None) -> Upload | None:
    """The session to go on with; None where the registry has the blob."""
    if upload is not None:
        try:
            return repository.upload_status(upload)
        except (NotFound, RangeInvalid):  # ended, forgotten, or not to be found by this address
            pass
    return None if repository.has_blob(digest) else repository.begin_upload()


def _send(
    repository: Repository, digest: Digest, data: bytes, upload: Upload, watch: Watch
) -> Upload | None:
    """Send the next piece; None after the last one."""
    rest = len(data) - upload.offset
    if rest > PIECE:
        return repository.append(upload, _Piece(data, upload.offset, PIECE, watch), PIECE)
    repository.finish_upload(upload, digest, _Piece(data, upload.offset, rest, watch), rest)
    return None


class _Piece:
    """A part of `data` as a body that can be sent again, telling how far it is."""

    def __init__(self, data: bytes, start: int, size: int, watch: Watch) -> None:
        self._data = data
        self._start = start
        self._end = start + size
        self._watch = watch

    def __iter__(self) -> Iterator[bytes]:
        for start in range(self._start, self._end, STEP):
            self._watch(start)
            yield self._data[start : min(start + STEP, self._end)]


def pull_blob(repository: Repository, descriptor: Descriptor, out: BinaryIO, watch: Watch) -> None:
    """Write the blob to `out`.

    Raise `RemoteFailed` or `TooLarge` where its bytes or their number are not those of
    `descriptor`; what was written until then is worth nothing.
    """
    running, got, left = hasher(algorithm_of(descriptor.digest)), 0, ATTEMPTS
    for tries in range(TRIES, 0, -1):
        before = got
        try:
            for part in repository.blob(descriptor.digest, start=got):
                got += len(part)
                if got > descriptor.size:
                    raise TooLarge(
                        f"{repository} sends more than the {descriptor.size} bytes announced for "
                        f"{descriptor.digest}."
                    )
                running.update(part)
                out.write(part)
                watch(got)
            break
        except RemoteFailed as error:
            if got == descriptor.size:
                break
            left = min(ATTEMPTS if got > before else left - 1, tries - 1)
            if not left or not _passing(error):
                raise
            time.sleep(PAUSE)
    if finish(running) != descriptor.digest:
        raise RemoteFailed(
            f"{repository} sent {got} bytes of digest {finish(running)} in place of the "
            f"{descriptor.size} of {descriptor.digest}."
        )


def _passing(error: Exception) -> bool:
    """Whether another try can help: the connection broke, or the registry failed, not refused."""
    status = getattr(error, "detail", {}).get("status")
    return not isinstance(error, RemoteFailed) or status is None or status >= 500
