"""What people read of a chart, fetched at the first look where a synchronization left it out.

Whoever looks waits for a while; what comes later is kept all the same, for the next look. Several
who look at one chart at once cause one request. Each registry has threads of its own, so that a
slow one holds up nobody who looks at another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from packyard.auth.secrets import Secrets
from packyard.catalog import entries, foreign
from packyard.catalog.entries import Entry
from packyard.errors import PackyardError, Unavailable
from packyard.hub import opening, packs, reading, registries
from packyard.remotes.source import Kind, Offer
from packyard.storage.store import Store

PARALLEL = 4
"""Charts of one registry that are fetched at once."""
PATIENCE = 10.0
"""Seconds that somebody who looks is kept waiting."""
_AT_ONCE = 500  # charts that one look lets be fetched, however few of them it waits for
_WAITING = 8  # that wait in a thread; who comes besides takes what is there
_AGAIN = 60.0  # seconds after which one that failed is tried again

Fetching = Future[PackyardError | None]
"""Of one chart: why its contents are not kept now, None where they are."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is fetched for somebody who looks, and why others are not; by uid."""

    running: Mapping[str, Fetching]
    others: Mapping[str, PackyardError]

    def faults(self) -> dict[str, PackyardError]:
        """Why contents are not there by now."""
        found = dict(self.others)
        for uid, fetching in self.running.items():
            ended = fetching.done() and not fetching.cancelled()
            if error := fetching.result() if ended else _later():
                found[uid] = error
        return found


def _later() -> PackyardError:
    message = "It is still to be fetched from its registry: look again in a moment."
    return Unavailable(message, later=True)


class Looks:
    def __init__(self, store: Store, vault: Secrets, settings: opening.Settings) -> None:
        self._store = store
        self._vault = vault
        self._settings = settings
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_WAITING)
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._running: dict[str, Fetching] = {}
        self._failed: dict[str, tuple[float, PackyardError]] = {}  # when, of the monotonic clock

    def begin(self, those: Sequence[Entry]) -> Look:
        """Let contents be fetched that were not yet; waits for nothing.

        What cannot be fetched is not asked for again within a minute.
        """
        late = time.monotonic() - _AGAIN
        with self._lock:
            self._failed = {uid: (at, why) for uid, (at, why) in self._failed.items() if at > late}
            failed = {one.uid: self._failed[one.uid][1] for one in those if one.uid in self._failed}
            wanted = [entry for entry in those if entry.uid not in failed]
            running = {entry.uid: self._fetching(entry) for entry in wanted[:_AT_ONCE]}
        later = {entry.uid: _later() for entry in wanted[_AT_ONCE:]}
        return Look(running, failed | later)

    def fetch(self, those: Sequence[Entry], patience: float = PATIENCE) -> dict[str, PackyardError]:
        """The same, and wait for them that many seconds where few others do; by uid why some are
        not there."""
        look = self.begin(those)
        if self._places.acquire(blocking=False):
            try:
                wait(look.running.values(), patience)
            finally:
                self._places.release()
        return look.faults()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _fetching(self, entry: Entry) -> Fetching:
        running = self._running.get(entry.uid)
        if running is None:
            pool = self._pools.get(entry.source)
            if pool is None:
                pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="look")
                self._pools[entry.source] = pool
            running = self._running[entry.uid] = pool.submit(self._fetch, entry)
            running.add_done_callback(lambda _: self._running.pop(entry.uid, None))
        return running

    def _fetch(self, entry: Entry) -> PackyardError | None:
        try:
            with reading.one_version(entry.name, entry.version):
                return self._read(entry)
        except PackyardError as error:
            error.__cause__ = error.__context__ = None  # what is kept keeps no archive alive
            with self._lock:
                self._failed[entry.uid] = time.monotonic(), error.with_traceback(None)
            return error

    def _read(self, entry: Entry) -> PackyardError | None:
        with self._store.read() as connection:
            if not packs.unread(connection, [entry.uid]):
                return None
            registry = registries.get(connection, self._vault, entry.source)
        offer = Offer(
            kind=Kind.CHART,
            name=entry.name,
            tag=entry.version,
            tags=(entry.version,),
            place=entry.place,
            validator=entry.validator,
        )
        with opening.opened(registry, self._settings) as source:
            contents = reading.chart_contents(source, offer)
        with self._store.write() as tx:
            if entries.by_uid(tx.connection, entry.uid) != entry:
                return Unavailable("Its registry has another one by now: look again.")
            foreign.learn(tx.connection, entry, contents)
        return None
