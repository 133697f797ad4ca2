"""Bodies of requests: in pieces, or whole up to a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from packyard.errors import ClientGone, ClientStalled, ParameterInvalid, TooLarge

PIECE = 1024 * 1024
BROKEN_OFF = (
    "The body of the request broke off before its end: the connection ended, or a chunk of the "
    "body has another size than it says."
)


def length(request: Request) -> int | None:
    """What `Content-Length` announces; None where the body itself says where it ends."""
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ParameterInvalid(f"Content-Length {text[:40]!r} is not a number of bytes.")
    return int(text)


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone; what else it sends is passed over."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of about `PIECE` bytes; raises `ClientGone` or `ClientStalled`.

    While a piece is being used the next one is already received.
    """
    source = gathered(request)
    following = asyncio.ensure_future(anext(source, b""))
    try:
        while piece := await following:
            following = asyncio.ensure_future(anext(source, b""))
            yield piece
    finally:
        following.cancel()


async def gathered(request: Request) -> AsyncIterator[bytes]:
    """The body in such pieces, received only when asked for.

    What came before the client left or fell silent is given first, so that it can be kept.
    """
    gathered: list[bytes] = []
    size = 0
    failure: ClientGone | ClientStalled | None = None
    try:
        async for chunk in request.stream():
            gathered.append(chunk)
            size += len(chunk)
            if size >= PIECE:
                yield b"".join(gathered)
                gathered, size = [], 0
    except ClientDisconnect:
        failure = ClientGone(BROKEN_OFF)
    except ClientStalled as error:
        failure = error
    if size:
        yield b"".join(gathered)
    if failure:
        raise failure


async def whole(request: Request, limit: int, what: str) -> bytes:
    """The body, not read further than `limit` bytes; raises `TooLarge`, which calls it `what`."""
    announced = length(request) or 0
    received: list[bytes] = []
    size = 0
    if announced <= limit:
        async for piece in pieces(request):
            received.append(piece)
            size += len(piece)
            if size > limit:
                break
    if max(size, announced) > limit:
        raise TooLarge(f"{what} has more than {limit} bytes, the limit of this registry.")
    return b"".join(received)
