"""Routes whose bodies hold a few texts: no more of one is read, whoever sends it.

FastAPI reads a body before it asks who sends it, so without a bound anybody could fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from packyard.errors import TooLarge

_SMALL = 64 * 1024  # bytes


class SmallRoute(APIRoute):
    """Reads no more of a body than these routes can need, whoever sends it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def limited(request: Request) -> Response:
            return await handler(Request(request.scope, _limited(request.receive)))

        return limited


def _limited(receive: Receive) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > _SMALL:
            raise TooLarge(f"The body has more than {_SMALL} bytes, the limit of this address.")
        return message

    return counted
