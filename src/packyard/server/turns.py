"""Whose password is verified next: one at a time, and places take turns.

Verifying takes a good part of a second of a processor, by design. Of those who come from one
address (of IPv6 its network) one stands in the common queue, the others behind it in their own: so
whoever sends many passwords from one place holds up that place, and others by one try each. Where
too many others wait already, the next is refused at once. The same one sent many times counts once:
when it was verified, all who wait for it are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from packyard.auth.tries import network
from packyard.errors import TooManyRequests

T = TypeVar("T")

WAITING = 16  # passwords from one address, in each worker
_PAUSE = 2  # seconds until it is worth asking again


class _Place:
    """`asked` counts who is at work or waits, by what they sent."""

    def __init__(self) -> None:
        self.queue = CapacityLimiter(1)
        self.asked: Counter[Hashable] = Counter()


class Turns:
    def __init__(self) -> None:
        self._one = CapacityLimiter(1)
        self._places: dict[str, _Place] = {}

    async def take(self, address: str, sent: Hashable, work: Callable[[], T]) -> T:
        """What `work` gives, in a thread, when its turn has come. Raises `TooManyRequests`."""
        name = network(address)
        place = self._places.setdefault(name, _Place())
        if sent not in place.asked and len(place.asked) > WAITING:
            raise TooManyRequests(
                "Too many people are signing in from there at this moment: try again.",
                retry_after=_PAUSE,
            )
        place.asked[sent] += 1
        try:
            async with place.queue:
                return await to_thread.run_sync(work, limiter=self._one)
        finally:
            place.asked[sent] -= 1
            place.asked += Counter()  # without those of zero
            if not place.asked:
                self._places.pop(name, None)
