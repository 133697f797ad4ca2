"""Failed tries to sign in, counted in rows, so that all workers count together.

Each try that fails moves the time at which its buckets are clear (a leaky bucket: a number of
tries at once, then one for each pause). Counted are somebody named from one address, that address
(of IPv6 its network), and somebody named from anywhere, in this order of strictness: so nobody can
try passwords from many places for ever. What others try from elsewhere keeps nobody out of where
they got in lately, for there the third is not asked.
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
AT_HOME = timedelta(days=30)  # for which an address is known as one where somebody got in


def check(store: Store, name: str, address: str) -> None:
    """Raise `TooManyRequests` where a bucket is full, whether or not there is such a user."""
    buckets, home = dict(_buckets(name, address)), _home(name, address)
    found = select(tries).where(tries.c.bucket.in_([*buckets, home]))
    time, wait = now(), 0
    with store.read() as connection:
        standing = {row.bucket: row.clear_at for row in connection.execute(found)}
    if standing.pop(home, 0) > time:
        standing.pop(_named(name), None)
    for bucket, clear_at in standing.items():
        limit = buckets[bucket]
        wait = max(wait, clear_at - time - (limit.tries - 1) * limit.pause)
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
    """Whoever got in at last is not held up by their own mistakes, nor there by others."""
    (mine, _), home = next(_buckets(name, address)), _home(name, address)
    both, life = tries.c.bucket.in_([mine, home]), AT_HOME // timedelta(microseconds=1)
    with store.read() as connection:
        rows = connection.execute(select(tries).where(both)).all()
    standing = {row.bucket: row.clear_at for row in rows}
    if mine not in standing and standing.get(home, 0) > now() + life // 2:
        return
    with store.write() as tx:
        tx.connection.execute(delete(tries).where(both))
        tx.connection.execute(insert(tries).values(bucket=home, clear_at=now() + life))


def _buckets(name: str, address: str) -> Iterator[tuple[str, Limit]]:
    place = network(address)
    named = name.lower()
    yield _bucket("from there", named, place), FROM_THERE
    yield _named(name), NAME
    if place:
        yield _bucket("address", place), ADDRESS


def _named(name: str) -> str:
    return _bucket("name", name.lower())


def _home(name: str, address: str) -> str:
    """Of a row that says that somebody got in from there."""
    return _bucket("home", name.lower(), network(address))


def _bucket(*what: str) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def network(address: str) -> str:
    """What is counted as one place: an address, of IPv6 the network of one customer."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(int(parsed) >> (128 - _IPV6_NETWORK))
    return address
