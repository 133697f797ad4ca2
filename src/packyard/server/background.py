"""Work that nobody asks for: synchronization of other registries, garbage collection, abandoned
uploads, starter packs of an upgrade.

One process of its own beside the workers; in memory, a thread of the one worker. A job that fails
is logged and tried again when it is due again; every job may be killed at any point.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from packyard.catalog import foreign
from packyard.config import Config
from packyard.hub import usage
from packyard.hub.sync import Sync
from packyard.hub.worker import Worker
from packyard.registry.chart_backlog import record_backlog
from packyard.server import starter
from packyard.server.parts import Parts
from packyard.storage.content import now
from packyard.storage.gc import collect

_log = logging.getLogger(__name__)

_FIRST_WAIT = timedelta(minutes=5)  # the longest, so that servers often restarted collect too
_DAY = timedelta(days=1)
_GONE_FOR = timedelta(days=30)  # that long what vanished from a registry is kept
_MICROSECOND = timedelta(microseconds=1)
_NEVER = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    interval: timedelta
    run: Callable[[], None]


def run(parts: Parts, config: Config, stop: threading.Event) -> None:
    """Do what is due until `stop` is set."""
    if config.starterpacks.enabled:
        _attempt("starter packs", lambda: _load_new(parts))
    _attempt("recording charts", lambda: _record_charts(parts))
    _synchronize(parts, config.hub.sync.parallel, stop)
    pending = jobs(parts, config)
    due = {job.name: time.monotonic() + _first(job.interval) for job in pending}
    while not stop.is_set():
        for job in pending:
            if due[job.name] <= time.monotonic():
                _attempt(job.name, job.run)
                due[job.name] = time.monotonic() + job.interval.total_seconds()
        wait = min(due.values(), default=time.monotonic() + 3600) - time.monotonic()
        stop.wait(max(wait, 0))


def jobs(parts: Parts, config: Config) -> list[Job]:
    """What the configuration asks for, by interval."""
    purging = config.storage.maintenance.uploadpurging
    found = []
    if config.gc.enabled:
        found.append(Job("garbage collection", config.gc.interval, lambda: _collect(parts)))
    if purging.enabled:
        found.append(Job("upload purging", purging.interval, lambda: _purge(parts, purging.age)))
    found.append(Job("forgetting what is gone", _DAY, lambda: _forget(parts)))
    return found


def _synchronize(parts: Parts, parallel: int, stop: threading.Event) -> None:
    """Begin to look for registries that are due."""
    sync = Sync(parts.store, parts.secrets, parts.remotes, parts.sync_times)
    for number in range(parallel):
        worker = Worker(parts.store, sync, parts.sync_times)
        threading.Thread(
            target=worker.work, args=(stop,), name=f"synchronization {number}", daemon=True
        ).start()


def _forget(parts: Parts) -> None:
    with parts.store.write() as tx:
        count = foreign.forget(tx.connection, now() - _GONE_FOR // _MICROSECOND, kept=usage.KEPT)
    if count:
        _log.info("forgot %d packs and charts that their registries hold no longer", count)


def _first(interval: timedelta) -> float:
    return min(interval, _FIRST_WAIT).total_seconds()


def _attempt(name: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # noqa: BLE001 - whatever failed, the other jobs go on
        _log.exception("%s failed; it is tried again when it is due again", name)


def _collect(parts: Parts) -> None:
    try:
        # Uploads are ended by their own job, at their own age.
        done = collect(parts.store, upload_age=_NEVER)
    except Exception:
        parts.metrics.collection_failed()
        raise
    parts.metrics.collected(
        blobs=done.blobs + done.orphans, freed=done.blob_bytes + done.orphan_bytes
    )
    if done.blobs or done.orphans or done.emptied:
        _log.info(
            "garbage collection moved %d blobs (%d bytes) to the trash and emptied %d (%d bytes)",
            done.blobs + done.orphans,
            done.blob_bytes + done.orphan_bytes,
            done.emptied,
            done.emptied_bytes,
        )


def _purge(parts: Parts, age: timedelta) -> None:
    count, size = parts.store.uploads.expire(age)
    if count:
        _log.info("ended %d abandoned uploads (%d bytes)", count, size)


def _load_new(parts: Parts) -> None:
    count = starter.load_starter(parts.store, parts.registry, lambda *_: None)
    if count:
        _log.info("loaded %d new starter packs", count)


def _record_charts(parts: Parts) -> None:
    count = record_backlog(parts.registry)
    if count:
        _log.info("recorded the charts at %d places that came before an upgrade", count)
