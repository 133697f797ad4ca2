"""Many values for statements that take few: SQLite bounds the parameters of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

BATCH = 500


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """All of them in order, so many at a time; none where there are none."""
    pending = iter(items)
    while batch := list(islice(pending, size)):
        yield batch
