"""Answers, as ASGI applications: small ones from memory, blobs from their file.

A whole blob is handed to the server by its path, which sends it without Python in between; a range
is read here, in large pieces. Bodies that are gone from the disk are noticed before the answer
starts, so that they can still be told in the protocol's own form.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from packyard.errors import BlobUnknown, RangeUnsatisfiable
from packyard.server.bodies import disconnected
from packyard.storage.content import Blob
from packyard.storage.store import Store

Header = tuple[bytes, bytes]

PIECE = 1024 * 1024
SMALL = 64 * 1024  # read at once, on the event loop: a thread costs more
PATHSEND = "http.response.pathsend"
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_LONGEST = 18  # decimal digits of a position


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` are complete: names in lower case, `content-length` where there is a body."""

    status: int
    headers: Sequence[Header] = ()
    body: bytes = b""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True, slots=True)
class PartsAnswer:
    """An answer whose body lies in memory in parts, which are sent without being joined."""

    status: int
    headers: Sequence[Header]
    parts: Sequence[bytes]

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        parts = () if scope["method"] == "HEAD" else self.parts
        if sum(map(len, parts)) <= SMALL:
            parts = (b"".join(parts),)
        for left, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
            await send({"type": "http.response.body", "body": part, "more_body": left > 0})


def whole(status: int, body: bytes, media_type: bytes, headers: Iterable[Header] = ()) -> Answer:
    """An answer with a body of that type."""
    length = b"%d" % len(body)
    head = (b"content-type", media_type), (b"content-length", length), *headers
    return Answer(status, head, body)


def as_json(
    status: int,
    value: object,
    headers: Iterable[Header] = (),
    media_type: bytes = b"application/json",
) -> Answer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return whole(status, body, media_type, headers)


@dataclass(frozen=True, slots=True)
class BlobAnswer:
    """The bytes from `first` on, `length` of them; `headers` as in `Answer`."""

    store: Store
    blob: Blob
    status: int
    headers: Sequence[Header]
    first: int
    length: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        if scope["method"] == "HEAD":
            await send(start)
            await send({"type": "http.response.body", "body": b""})
        elif self.length <= SMALL:
            data = self._read()
            await send(start)
            await send({"type": "http.response.body", "body": data})
        elif self.blob.path and self.length == self.blob.size and PATHSEND in scope["extensions"]:
            path = str(self.blob.path)
            if not os.path.exists(path):  # noqa: ASYNC240, PTH110 - 2 µs
                raise BlobUnknown(f"The blob {self.blob.digest} is gone.")
            await send(start)
            await send({"type": PATHSEND, "path": path})
        else:
            with await run_in_threadpool(self.store.open_blob, self.blob.digest) as body:
                await send(start)
                await self._stream(body, receive, send)

    def _read(self) -> bytes:
        with self.store.open_blob(self.blob.digest) as body:
            body.seek(self.first)
            return body.read(self.length)

    async def _stream(self, body: BinaryIO, receive: Receive, send: Send) -> None:
        """Stop where the client went away: the server would swallow the rest without a word."""
        gone = asyncio.ensure_future(disconnected(receive))
        left = self.length
        try:
            await run_in_threadpool(body.seek, self.first)
            while left and not gone.done():
                # The server takes several pieces before it waits for the client: who has taken
                # little yet gets small ones, so that hundreds who stall do not cost gigabytes.
                size = min(PIECE, SMALL + (self.length - left) // 64)
                data = await run_in_threadpool(body.read, min(size, left))
                if not data:
                    raise EOFError(f"{self.blob.digest} is shorter than its {self.blob.size} bytes")
                left -= len(data)
                await send({"type": "http.response.body", "body": data, "more_body": left > 0})
        finally:
            gone.cancel()


def blob_answer(
    store: Store, blob: Blob, headers: Sequence[Header], range_: bytes | None = None
) -> BlobAnswer:
    """The whole blob, or the one range of it that the header asks for.

    Other units, several ranges and what is no range are ignored, as RFC 9110 (14.2) allows; raises
    `RangeUnsatisfiable` for a range outside of the blob or one that ends before it begins.
    """
    size = blob.size
    part = parse_range(range_.decode("latin-1"), size) if range_ else None
    first, length = part or (0, size)
    head = *headers, (b"content-length", b"%d" % length), (b"accept-ranges", b"bytes")
    if part is None:
        return BlobAnswer(store, blob, HTTPStatus.OK, head, 0, size)
    told = b"bytes %d-%d/%d" % (first, first + length - 1, size)
    head = *head, (b"content-range", told)
    return BlobAnswer(store, blob, HTTPStatus.PARTIAL_CONTENT, head, first, length)


def parse_range(text: str, size: int) -> tuple[int, int] | None:
    """First byte and length of a single range, None for the whole; may raise (see above)."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or match[0] == "bytes=-" or max(map(len, match.groups())) > _LONGEST:
        return None
    first, last = match.groups()
    if first:
        start, stop = int(first), min(int(last) + 1, size) if last else size
    else:
        start, stop = max(size - int(last), 0), size
    if start >= stop:
        raise RangeUnsatisfiable(
            f"The range {text.strip()} lies outside of the {size} bytes there are.", size=size
        )
    return start, stop - start
