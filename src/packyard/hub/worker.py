"""Whoever looks for synchronizations that are due, and does them one after another."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from contextlib import suppress
from pathlib import Path

from packyard.errors import PackyardError
from packyard.hub import schedule
from packyard.hub.schedule import Run, Times
from packyard.hub.sync import Sync
from packyard.storage.content import now
from packyard.storage.store import Store

_log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks for changes of the schedule."""
_REST = 10.0
"""Seconds after a failure of the store."""


_HOST = socket.gethostname()[:24]
_TOKEN = secrets.token_hex(4)  # a process of the same number is not the same process


def _is_dead(holder: str) -> bool:
    """Whether a holder was a process of this machine that is no more."""
    host, _, rest = holder.partition(":")
    pid, _, rest = rest.partition(":")
    if host != _HOST or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return not rest.startswith(f"{_TOKEN}:")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_ended(int(pid))


def _is_ended(pid: int) -> bool:
    """Whether it has ended, and only waits for its parent to ask how."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]


class Worker:
    """One of any number, in one process or several, that share a store."""

    def __init__(self, store: Store, sync: Sync, times: Times) -> None:
        self._store = store
        self._sync = sync
        self._times = times
        self._holder = f"{_HOST}:{os.getpid()}:{_TOKEN}:{secrets.token_hex(4)}"
        self._seen = -1
        self._due: int | None = None

    def work(self, stop: threading.Event) -> None:
        """Do what is due until `stop` is set; first of all what dead processes left."""
        with suppress(PackyardError), self._store.write() as tx:
            schedule.free(tx, _is_dead)
        seen_at = 2**63
        while not stop.is_set():
            try:
                before, seen_at = seen_at, now()
                if seen_at < before:  # at the start, and where the clock was set back
                    with self._store.write() as tx:
                        schedule.mend(tx, self._times)
                run = self._take()
                if run is not None:
                    self._sync.work(run, stop)
                    continue
            except PackyardError as error:
                _log.warning("synchronization has to wait: %s", error.message)
                stop.wait(_REST)
            stop.wait(LOOK)

    def _take(self) -> Run | None:
        """Look at the schedule only where it changed, or where its time has come."""
        generation = self._store.generation()
        if generation != self._seen:
            with self._store.read() as connection:
                self._due = schedule.next_due(connection)
            self._seen = generation
        if self._due is None or self._due > now():
            return None
        self._seen = -1
        with self._store.write() as tx:
            return schedule.take(tx, self._holder, self._times)
