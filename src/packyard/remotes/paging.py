"""Lists of others that come in pages, each naming the next one: read to an end, which there is.

A page that was there already, pages without end, a list that takes for ever, and more bytes than
names of any registry have, end the reading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from packyard.errors import RemoteFailed, TooLarge

T = TypeVar("T")

PAGES = 10_000
PATIENCE = 900.0
"""Seconds for all of them."""
LIMIT = 64 * 1024 * 1024
"""Bytes of all pages together, where whoever reads keeps them."""


def pages(
    host: str, what: str, first: str, read: Callable[[str], tuple[T, str, int]]
) -> Iterator[T]:
    """Each page of a list of `what`, from the place `first` on.

    `read` gives the page at a place, the place of the next one, "" for none, and how many bytes of
    it are kept. Raises `RemoteFailed` and `TooLarge`.
    """
    end = time.monotonic() + PATIENCE
    place, size, seen = first, 0, {first}
    for _ in range(PAGES):
        page, place, kept = read(place)
        yield page
        if not place:
            return
        if place in seen:
            raise RemoteFailed(f"{host} lists {what} in circles: a page leads back to one.")
        seen.add(place)
        if time.monotonic() > end:
            raise RemoteFailed(f"{host} has not listed its {what} in {PATIENCE:.0f} seconds.")
        size += kept
        if size > LIMIT:
            raise TooLarge(f"{host} lists more than {LIMIT} bytes of {what}.")
    raise RemoteFailed(f"{host} lists more than {PAGES} pages of {what}.")
