"""Whose password is verified next: one at a time, and places take turns.

Verifying takes a good part of a second of a processor, by design. Of those who come from one
address (of IPv6 its network) one stands in the common queue, the others behind it in their own: so
whoever sends many passwords from one place holds up that place, and others by one try each. Where
too many wait already, the next is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from packyard.auth.tries import network
from packyard.errors import TooManyRequests

T = TypeVar("T")

WAITING = 16  # from one address, in each worker
_PAUSE = 2  # seconds until it is worth asking again


class Turns:
    def __init__(self) -> None:
        self._one = CapacityLimiter(1)
        self._places: dict[str, CapacityLimiter] = {}

    async def take(self, address: str, work: Callable[[], T]) -> T:
        """What `work` gives, in a thread, when its turn has come. Raises `TooManyRequests`."""
        place = network(address)
        queue = self._places.setdefault(place, CapacityLimiter(1))
        if queue.statistics().tasks_waiting >= WAITING:
            raise TooManyRequests(
                "Too many people are signing in from there at this moment: try again.",
                retry_after=_PAUSE,
            )
        try:
            async with queue:
                return await to_thread.run_sync(work, limiter=self._one)
        finally:
            if not (queue.borrowed_tokens or queue.statistics().tasks_waiting):
                self._places.pop(place, None)
