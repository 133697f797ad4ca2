"""What all clients of this process together ask of one host: requests at once, and in a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Host:
    places: threading.BoundedSemaphore
    lock: threading.Lock = field(default_factory=threading.Lock)
    free_at: float = 0.0
    """When the requests so far are paid for, on the monotonic clock."""


class Budget:
    """`rate` requests in a second, as many at once from a rest; `connections` open at a time."""

    def __init__(self, *, connections: int = 8, rate: float = 100.0) -> None:
        self._connections = connections
        self._rate = rate
        self._lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}

    def enter(self, host: str, timeout: float) -> Callable[[], None] | None:
        """Wait for a place and for the turn; what gives the place back, None after `timeout` s."""
        with self._lock:
            known = self._hosts.get(host)
            if known is None:
                known = self._hosts[host] = _Host(threading.BoundedSemaphore(self._connections))
        if not known.places.acquire(timeout=timeout):
            return None
        time.sleep(self._turn(known))
        return known.places.release

    def _turn(self, host: _Host) -> float:
        """Seconds until the next request is due."""
        with host.lock:
            now = time.monotonic()
            host.free_at = max(host.free_at, now - 1.0) + 1.0 / self._rate
            return max(host.free_at - now, 0.0)
