"""Uploads of blobs: at once, in chunks, by mounting; resumed and cancelled ("Pushing blobs").

A session lives in the store, so every request of it may reach another worker, and whatever arrived
before a connection broke stays: the client asks where the upload stands and goes on from there.
A request that finds another one at work on its session asks again for a while, on the event loop:
those who wait for one upload take no thread from everybody else.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.auth.principal import Action, Principal
from packyard.digests import Digest, hasher, parse_digest
from packyard.errors import (
    ClientGone,
    ClientStalled,
    Conflict,
    DigestInvalid,
    RangeInvalid,
    SizeInvalid,
    UploadUnknown,
)
from packyard.references import RepoName, parse_repo
from packyard.server.bodies import gathered, length, pieces
from packyard.server.forwarded import origin
from packyard.server.parts import Parts
from packyard.server.send import SMALL, Answer, Header
from packyard.storage.uploads import Writer

T = TypeVar("T")

_EMPTY: Header = (b"content-length", b"0")
_TURN = 2.0  # seconds that a request waits for another one at its session
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2  # seconds between two tries
_CONTENT_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


class Uploads:
    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._uploads = parts.store.uploads
        self._settings = parts.settings
        self._in_progress = parts.metrics.uploads

    async def begin(self, request: Request, repo: RepoName) -> ASGIApp:
        """Mount, take a blob whole, or begin a session, as the parameters ask."""
        query = request.query_params
        if query.get("mount"):
            digest = parse_digest(query["mount"])
            source = parse_repo(query["from"]) if query.get("from") else None
            allowed = _may_read(request.scope["user"], source)
            if allowed and await run_in_threadpool(self._store.mount, repo, digest, source):
                return self._created(request, repo, digest)
        elif query.get("digest"):
            return await self._take(request, repo, parse_digest(query["digest"]))
        if "digest-algorithm" in query:
            hasher(query["digest-algorithm"])  # refuses what could never be verified
        upload = await run_in_threadpool(self._uploads.begin, repo)
        return Answer(202, (*self._standing(request, repo, upload, 0), _EMPTY))

    async def status(self, request: Request, repo: RepoName, upload: str) -> ASGIApp:
        offset = self._uploads.status(repo, upload)
        return Answer(204, self._standing(request, repo, upload, offset))

    async def append(self, request: Request, repo: RepoName, upload: str) -> ASGIApp:
        with _kept():
            offset = await self._receive(request, repo, upload)
        return Answer(202, (*self._standing(request, repo, upload, offset), _EMPTY))

    async def finish(self, request: Request, repo: RepoName, upload: str) -> ASGIApp:
        """End the session, after the last chunk where the request brings one."""
        digest = parse_digest(_required_digest(request))
        with _kept():
            last, start = await self._last(request, repo, upload)
        with self._telling(request, repo, upload):
            await _in_turn(partial(self._uploads.finish, repo, upload, digest, last, start))
        return self._created(request, repo, digest)

    async def cancel(self, _request: Request, repo: RepoName, upload: str) -> ASGIApp:
        await _in_turn(partial(self._uploads.cancel, repo, upload))
        return Answer(204)

    async def _take(self, request: Request, repo: RepoName, digest: Digest) -> ASGIApp:
        """A blob in a single POST. Nobody knows its session, so it does not outlive a failure."""
        upload = await run_in_threadpool(self._uploads.begin, repo)
        try:
            await self._receive(request, repo, upload)
            await run_in_threadpool(self._uploads.finish, repo, upload, digest)
        except BaseException:
            with suppress(UploadUnknown):
                self._uploads.cancel(repo, upload)
            raise
        return self._created(request, repo, digest)

    async def _last(
        self, request: Request, repo: RepoName, upload: str
    ) -> tuple[bytes, int | None]:
        """The last chunk and its first byte, where it is small: one thread then does all the rest.

        A larger one is appended here, and nothing is left.
        """
        announced = length(request)
        if announced is None or announced > SMALL:
            await self._receive(request, repo, upload)
            return b"", None
        start, last = _chunk(request)[0] if announced else None, b""

        def keep() -> None:
            with self._uploads.append(repo, upload, start) as writer:
                writer.write(last)

        try:
            async for piece in gathered(request):
                last += piece
        except (ClientGone, ClientStalled):
            await _in_turn(keep)
            raise
        return last, start

    async def _receive(self, request: Request, repo: RepoName, upload: str) -> int:
        """Append the body; where the upload stands then."""
        start, left = _chunk(request)
        with ExitStack() as stack, self._in_progress.track_inprogress():

            def begin() -> Writer:
                return stack.enter_context(self._uploads.append(repo, upload, start))

            with self._telling(request, repo, upload):
                writer = await _in_turn(begin)
            async for piece in pieces(request):
                if left is not None and len(piece) > left:
                    raise SizeInvalid("The chunk is longer than its Content-Range.")
                await run_in_threadpool(writer.write, piece)
                left = left and left - len(piece)
            if left:
                raise SizeInvalid(f"The chunk is {left} bytes shorter than its Content-Range.")
            return writer.offset

    @contextmanager
    def _telling(self, request: Request, repo: RepoName, upload: str) -> Iterator[None]:
        """Tell whoever sends what does not follow where the upload stands."""
        try:
            yield
        except RangeInvalid as error:
            told = self._standing(request, repo, upload, self._uploads.status(repo, upload))
            error.detail |= {name.decode(): value.decode() for name, value in told}
            raise

    def _standing(
        self, request: Request, repo: RepoName, upload: str, offset: int
    ) -> tuple[Header, ...]:
        """Where to go on, and from which byte; an empty upload's range reads 0-0 by tradition."""
        location = f"{origin(request.scope, self._settings)}/v2/{repo}/blobs/uploads/{upload}"
        return (
            (b"location", location.encode()),
            (b"range", b"0-%d" % max(offset - 1, 0)),
            (b"docker-upload-uuid", upload.encode()),
        )

    def _created(self, request: Request, repo: RepoName, digest: Digest) -> Answer:
        location = f"{origin(request.scope, self._settings)}/v2/{repo}/blobs/{digest}"
        headers = (b"location", location.encode()), (b"docker-content-digest", digest.encode())
        return Answer(201, (*headers, _EMPTY))


def _may_read(principal: Principal, source: RepoName | None) -> bool:
    """Whether they may pull what they would mount; for None, from any repository."""
    everywhere = not principal.limits.repositories
    return principal.may(Action.PULL) and (principal.reaches(source) if source else everywhere)


def _required_digest(request: Request) -> str:
    digest = request.query_params.get("digest")
    if not digest:
        raise DigestInvalid("An upload ends with ?digest=…, the digest of the whole blob.")
    return digest


def _chunk(request: Request) -> tuple[int | None, int | None]:
    """First byte and number of bytes of the chunk, as far as the request tells.

    Raises `RangeInvalid` or `SizeInvalid` where the headers contradict themselves or each other.
    """
    announced = length(request)
    text = request.headers.get("content-range")
    if text is None:
        return None, None
    match = _CONTENT_RANGE.fullmatch(text)
    if match is None:
        raise RangeInvalid(f"Content-Range {text[:60]!r} does not read FIRST-LAST, as 0-1023.")
    first, last = int(match[1]), int(match[2])
    size = last - first + 1
    if size <= 0 or announced not in (None, size):
        raise SizeInvalid(
            f"Content-Range {text} is {max(size, 0)} bytes, but the chunk has {announced}."
        )
    return first, size


async def _in_turn(work: Callable[[], T]) -> T:
    """In a thread; again, while another request is at work on the session."""
    deadline, pause = time.monotonic() + _TURN, _FIRST_PAUSE
    while True:
        try:
            return await run_in_threadpool(work)
        except Conflict:
            if time.monotonic() >= deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


@contextmanager
def _kept() -> Iterator[None]:
    """Tell whoever fell silent that the session goes on."""
    try:
        yield
    except ClientStalled as error:
        raise ClientStalled(
            f"{error.message} What had come of the upload is kept: ask where it stands and go on "
            "from there."
        ) from None
