"""Long runs that end: tests marked `soak` go on in rounds, each with other examples, for a time."""

from __future__ import annotations

import time
from collections.abc import Iterator


def rounds(minutes: float) -> Iterator[int]:
    """Numbers to draw each round's examples by, other ones in every run, until the time is over.

    A failure names the number of its round; the same number makes the same examples.
    """
    first = time.time_ns() // 1_000_000
    until = time.monotonic() + minutes * 60
    number = first
    while number == first or time.monotonic() < until:
        print(f"round {number - first + 1}, of the number {number}")  # noqa: T201 - shown by pytest
        yield number
        number += 1
