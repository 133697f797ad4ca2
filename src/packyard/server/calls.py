"""Calls to other registries that somebody waits for: few at once, and each with an end.

A call takes a thread, and slow registries would take those of everybody else, so there are few
places. Who finds none free within `PATIENCE` is told to come again. A call is given up after
`LONGEST`, and as soon as its client has gone, so that its place is free again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.types import Receive

from packyard.errors import ClientGone, Unavailable
from packyard.server.bodies import disconnected

T = TypeVar("T")

AT_ONCE = 4  # in each worker
PATIENCE = 20.0  # seconds
LONGEST = 120.0  # seconds
_AGAIN = 10  # seconds after which it is worth asking again

Wanted = Callable[[], bool]
"""Whether somebody waits for a call still; asked by the call, in its thread."""


class Calls:
    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._threads = CapacityLimiter(at_once)

    async def make(self, receive: Receive, work: Callable[[Wanted], T]) -> T:
        """What `work` gives, in a thread, for the client that `receive` tells of.

        Raises `Unavailable` where no place became free, and `ClientGone`.
        """
        gone = asyncio.ensure_future(disconnected(receive))
        try:
            async with self._place(gone):
                end = time.monotonic() + LONGEST

                def wanted() -> bool:
                    return not gone.done() and time.monotonic() < end

                return await to_thread.run_sync(work, wanted, limiter=self._threads)
        finally:
            gone.cancel()

    @asynccontextmanager
    async def _place(self, gone: asyncio.Future[None]) -> AsyncIterator[None]:
        taking = asyncio.ensure_future(self._places.acquire())
        first: list[asyncio.Future[Any]] = [taking, gone]
        try:
            await asyncio.wait(first, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise ClientGone("Nobody waits for the answer any more.")
            if not taking.done():
                raise Unavailable(
                    "Too many other registries are being looked at for others at this moment: try "
                    f"again in {_AGAIN} seconds.",
                    retry_after=_AGAIN,
                )
            yield
        finally:
            if not taking.cancel():
                self._places.release()


@dataclass(frozen=True, slots=True)
class Call:
    """The one that a request may make."""

    calls: Calls
    receive: Receive

    async def make(self, work: Callable[[Wanted], T]) -> T:
        """As `Calls.make`."""
        return await self.calls.make(self.receive, work)
