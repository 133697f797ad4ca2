"""Failed tries to sign in, counted in rows, so that all workers count together.

Each try that fails moves the time at which its buckets are clear (a leaky bucket: a number of
tries at once, then one for each pause). Counted are somebody named from one address, that address
(of IPv6 its network), and somebody named from anywhere, in this order of strictness: so nobody can
be locked out by others for long, and nobody can try passwords from many places for ever.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from sqlalchemy import delete, insert, select

from packyard.auth.tables import tries
from packyard.errors import TooManyRequests
from packyard.storage.content import now
from packyard.storage.store import Store

_SECOND = 1_000_000  # µs
_IPV6_NETWORK = 64  # bits that one customer of a provider usually has


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries at once, and one more after each pause (µs)."""

    tries: int
    pause: int


FROM_THERE = Limit(10, 30 * _SECOND)
ADDRESS = Limit(50, 6 * _SECOND)
NAME = Limit(100, 6 * _SECOND)


def check(store: Store, name: str, address: str) -> None:
    """Raise `TooManyRequests` where a bucket is full, whether or not there is such a user."""
    buckets = dict(_buckets(name, address))
    found = select(tries).where(tries.c.bucket.in_(buckets))
    time, wait = now(), 0
    with store.read() as connection:
        for row in connection.execute(found):
            limit = buckets[row.bucket]
            wait = max(wait, row.clear_at - time - (limit.tries - 1) * limit.pause)
    if wait > 0:
        seconds = math.ceil(wait / _SECOND)
        raise TooManyRequests(
            f"Too many failed tries to sign in: try again in {timedelta(seconds=seconds)}.",
            retry_after=seconds,
        )


def failed(store: Store, name: str, address: str) -> None:
    """Count one, and forget those that are clear."""
    buckets = dict(_buckets(name, address))
    time = now()
    with store.write() as tx:
        tx.connection.execute(delete(tries).where(tries.c.clear_at <= time))
        rows = tx.connection.execute(select(tries).where(tries.c.bucket.in_(buckets))).all()
        standing = {row.bucket: row.clear_at for row in rows}
        tx.connection.execute(delete(tries).where(tries.c.bucket.in_(standing)))
        counted = [
            {"bucket": bucket, "clear_at": standing.get(bucket, time) + limit.pause}
            for bucket, limit in buckets.items()
        ]
        tx.connection.execute(insert(tries), counted)


def succeeded(store: Store, name: str, address: str) -> None:
    """Whoever got in at last is not held up by their own mistakes."""
    bucket, _ = next(_buckets(name, address))
    mine = tries.c.bucket == bucket
    with store.read() as connection:
        if connection.execute(select(tries.c.bucket).where(mine)).first() is None:
            return
    with store.write() as tx:
        tx.connection.execute(delete(tries).where(mine))


def _buckets(name: str, address: str) -> Iterator[tuple[str, Limit]]:
    place = _network(address)
    named = name.lower()
    yield _bucket("from there", named, place), FROM_THERE
    yield _bucket("name", named), NAME
    if place:
        yield _bucket("address", place), ADDRESS


def _bucket(*what: str) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(int(parsed) >> (128 - _IPV6_NETWORK))
    return address
