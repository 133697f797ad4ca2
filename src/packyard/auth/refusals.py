"""Sign-ins that fail, told in the log and counted.

Each is a warning with the name that was given and the address it came from, never with what was to
prove it. Strangers can make as many as they like, so a process writes `_AT_ONCE` lines and then one
a second; a line says how many before it were left out. Counted are all of them. They are no rows of
the audit: that is kept for ever and has the changes of people who are known.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import StrEnum

_log = logging.getLogger(__name__)

_AT_ONCE = 100  # lines
_SHOWN = 100  # characters of a name


class Way(StrEnum):
    """What somebody tried to sign in by; `LIMIT` for who tried too often."""

    PASSWORD = "password"  # noqa: S105 - a word
    KEY = "key"
    OPENID = "openid"
    LIMIT = "limit"


class Refusals:
    """`count` is called for each, from any thread."""

    def __init__(self, count: Callable[[Way], None] = lambda _: None) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._clear_at = 0.0  # when all lines that were written are a second each ago
        self._left_out = 0

    def tell(self, way: Way, reason: str, *, name: str = "", address: str = "") -> None:
        """`reason` is the end of a sentence, for administrators alone."""
        self._count(way)
        with self._lock:
            time_now = time.monotonic()
            if self._clear_at - time_now > _AT_ONCE - 1:
                self._left_out += 1
                return
            self._clear_at = max(self._clear_at, time_now) + 1
            left_out, self._left_out = self._left_out, 0
        fields: dict[str, object] = {"by": str(way), "user": name[:_SHOWN], "remote": address}
        if left_out:
            fields["left_out"] = left_out
        _log.warning("sign-in failed: %s", reason, extra={"fields": fields})
