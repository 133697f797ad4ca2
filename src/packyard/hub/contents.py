"""What people read of a chart, fetched at the first look where a synchronization left it out.

Whoever looks waits for a while; what comes later is kept all the same, for the next look. Several
who look at one chart at once cause one request. Each registry has threads of its own, while there
is something to fetch, so that a slow one holds up nobody who looks at another; what somebody looked
at last is fetched first, so that a chart of hundreds of versions holds up no other.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import dataclass

from packyard.auth.secrets import Secrets
from packyard.catalog import entries, foreign
from packyard.catalog.entries import Entry
from packyard.errors import PackyardError, Unavailable
from packyard.hub import opening, packs, reading, registries
from packyard.hub.description import Registry
from packyard.remotes.source import Kind, Offer, Source
from packyard.storage.store import Store

PARALLEL = 4
"""Charts of one registry that are fetched at once."""
PATIENCE = 10.0
"""Seconds that somebody who looks is kept waiting."""
_AT_ONCE = 500  # charts that one look lets be fetched, however few of them it waits for
_MOST = 2000  # charts of one registry that are still to be fetched
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
        # By registry and uid, what comes next at the end.
        self._wanted: dict[str, dict[str, Entry]] = {}
        self._busy: Counter[str] = Counter()  # threads by registry
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
            running = {one.uid: self._fetching(one) for one in reversed(wanted[:_AT_ONCE])}
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
        """Fetch nothing more."""
        with self._lock:
            left = [uid for wanted in self._wanted.values() for uid in wanted]
            self._wanted.clear()
            for uid in left:
                self._running.pop(uid).cancel()

    def _fetching(self, entry: Entry) -> Fetching:
        """Put it before all others of its registry; needs the lock."""
        wanted = self._wanted.setdefault(entry.source, {})
        running = self._running.get(entry.uid)
        if running is None or entry.uid in wanted:
            wanted.pop(entry.uid, None)
            wanted[entry.uid] = entry
        if running is None:
            running = self._running[entry.uid] = Future()
        while len(wanted) > _MOST:
            oldest = next(iter(wanted))
            del wanted[oldest]
            self._running.pop(oldest).cancel()
        if wanted and self._busy[entry.source] < PARALLEL:
            self._busy[entry.source] += 1
            threading.Thread(
                target=self._work, args=[entry.source], name="look", daemon=True
            ).start()
        return running

    def _work(self, uid: str) -> None:
        """Fetch what is wanted of a registry until there is nothing more."""
        with _Opened(self._settings) as opened:
            while entry := self._next(uid):
                fault = self._fetch(entry, opened)
                with self._lock:
                    running = self._running.pop(entry.uid)
                running.set_result(fault)

    def _next(self, uid: str) -> Entry | None:
        """What was looked at last; None at the end."""
        with self._lock:
            wanted = self._wanted.get(uid)
            while wanted:
                chart, entry = wanted.popitem()
                if self._running[chart].set_running_or_notify_cancel():
                    return entry
                self._running.pop(chart)
            self._wanted.pop(uid, None)
            self._busy[uid] -= 1
            self._busy += Counter()  # without those of zero
            return None

    def _fetch(self, entry: Entry, opened: _Opened) -> PackyardError | None:
        try:
            with reading.one_version(entry.name, entry.version):
                return self._read(entry, opened)
        except PackyardError as error:
            error.__cause__ = error.__context__ = None  # what is kept keeps no archive alive
            with self._lock:
                self._failed[entry.uid] = time.monotonic(), error.with_traceback(None)
            return error

    def _read(self, entry: Entry, opened: _Opened) -> PackyardError | None:
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
        contents = reading.chart_contents(opened.source(registry), offer)
        with self._store.write() as tx:
            if entries.by_uid(tx.connection, entry.uid) != entry:
                return Unavailable("Its registry has another one by now: look again.")
            foreign.learn(tx.connection, entry, contents)
        return None


class _Opened(ExitStack):
    """The source of a registry, opened once for many charts, and anew where that has changed."""

    def __init__(self, settings: opening.Settings) -> None:
        super().__init__()
        self._settings = settings
        self._known: tuple[Registry, Source] | None = None

    def source(self, registry: Registry) -> Source:
        if self._known and self._known[0] == registry:
            return self._known[1]
        self._known = None
        self.close()
        source = self.enter_context(opening.opened(registry, self._settings))
        self._known = registry, source
        return source
