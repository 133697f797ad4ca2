"""What people read of a chart, fetched at the first look where a synchronization left it out.

Whoever looks waits for a while; what comes later is kept all the same, for the next look. Several
who look at one chart at once cause one request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from packyard.auth.secrets import Secrets
from packyard.catalog import entries, foreign
from packyard.catalog.entries import Contents, Entry
from packyard.errors import PackUnknown, PackyardError, Unavailable
from packyard.hub import opening, reading, registries
from packyard.remotes.source import Kind, Offer
from packyard.storage.store import Store

PARALLEL = 4
PATIENCE = 10.0
"""Seconds that somebody who looks is kept waiting."""
_AT_ONCE = 50  # charts that one look lets be fetched
_AGAIN = 60.0  # seconds after which one that failed is tried again
_LATER = "It is still to be fetched from its registry: look again in a moment."


class Looks:
    def __init__(self, store: Store, vault: Secrets, settings: opening.Settings) -> None:
        self._store = store
        self._vault = vault
        self._settings = settings
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="look")
        self._running: dict[str, Future[Contents]] = {}
        self._failed: dict[str, tuple[float, str]] = {}  # when, of the monotonic clock, and why

    def contents(self, uid: str, patience: float = PATIENCE) -> Contents:
        """Raises `PackUnknown`, what the registry does wrong, and `Unavailable` after `patience`
        seconds."""
        with self._store.read() as connection:
            entry = entries.by_uid(connection, uid)
            if entry is None:
                raise PackUnknown(f"There is no pack of uid {uid[:100]!r}.")
            try:
                return entries.contents(connection, uid)
            except PackUnknown:
                pass  # not read yet
        try:
            return self._fetching(entry).result(patience)
        except TimeoutError:
            raise Unavailable(
                f"{entry.name} {entry.version} is still being fetched from its registry: look "
                "again in a moment."
            ) from None

    def fetch(self, those: Sequence[Entry], patience: float = PATIENCE) -> dict[str, str]:
        """Let contents be fetched that were not yet, and wait for them that long; by uid why some
        are not there.

        What cannot be fetched is not asked for again within a minute.
        """
        late = time.monotonic() - _AGAIN
        with self._lock:
            self._failed = {uid: (at, why) for uid, (at, why) in self._failed.items() if at > late}
            failed = {uid: why for uid, (_, why) in self._failed.items()}
        wanted = [entry for entry in those if entry.uid not in failed]
        fetching = {entry.uid: self._fetching(entry) for entry in wanted[:_AT_ONCE]}
        done, _ = wait(fetching.values(), patience)
        reasons = {entry.uid: failed.get(entry.uid, _LATER) for entry in those}
        for uid, future in fetching.items():
            if future in done and not future.cancelled():
                error = future.exception()
                reasons[uid] = _said(error) if error else ""
        return {uid: why for uid, why in reasons.items() if why}

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fetching(self, entry: Entry) -> Future[Contents]:
        with self._lock:
            running = self._running.get(entry.uid)
            if running is None:
                running = self._running[entry.uid] = self._pool.submit(self._fetch, entry)
                running.add_done_callback(lambda _: self._running.pop(entry.uid, None))
            return running

    def _fetch(self, entry: Entry) -> Contents:
        try:
            return self._read(entry)
        except BaseException as error:
            with self._lock:
                self._failed[entry.uid] = time.monotonic(), _said(error)
            raise

    def _read(self, entry: Entry) -> Contents:
        with self._store.read() as connection:
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
            if entries.by_uid(tx.connection, entry.uid) == entry:
                foreign.learn(tx.connection, entry, contents)
        return contents


def _said(error: BaseException) -> str:
    if isinstance(error, PackyardError):
        return error.message
    return "A fault of this server; its log tells more."
