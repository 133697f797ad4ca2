"""The processes that answer requests: Granian's workers, kept alive.

Granian ends the whole server when a worker dies twice within seconds, and it can miss one of two
that die at the same moment. Here the main process looks at the workers themselves: whoever is dead
is replaced. Only workers that cannot even start, time after time, end the server, so that whatever
runs it sees the failure.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess
from starlette.types import ASGIApp

from packyard.config.kinds import Address
from packyard.server.processes import bury_orphans, end_with, forking, hold, release, say_ready
from packyard.server.tls import Certificates, Context

_log = logging.getLogger(__name__)

_LOOK = 0.5  # seconds between two looks at everything, if nothing happens before
_OVERLAP = 1.5  # seconds that a new worker has to get ready before the old one is told to end
_YOUNG = 5.0  # seconds: who fails earlier could not start
_FAILED_STARTS = 6  # in a row, over all workers
_PAUSE = 0.2  # seconds before a worker that died young is replaced
_CONNECTIONS = 8192  # of each worker at once; others wait to be accepted
_LONGEST_TIMEOUT = 2**31 - 1  # in the milliseconds that the system counts, 24 days
_OTHER_FILES = 256  # open at once beside those of connections


class Workers(MPServer):
    """`load` makes the application, in each worker. `look` runs twice a second in the main process,
    `buried` with the process id of each worker that ended. In seconds: `idle` is how long a
    connection may wait for the head of a request, or its client take nothing of an answer;
    `draining` is how long requests under way may go on at an end."""

    def __init__(
        self,
        load: Callable[[], ASGIApp],
        *,
        address: Address,
        workers: int,
        certificates: Certificates,
        idle: float,
        draining: int,
        debug: bool,
        look: Callable[[], None],
        buried: Callable[[int], None],
    ) -> None:
        super().__init__(
            "packyard",
            address=address.host,
            port=address.port,
            interface=Interfaces.ASGINL,
            # Telling HTTP/2 from its first bytes would wait for them without an end.
            http=HTTPModes.http1,
            workers=workers,
            websockets=False,
            backlog=2048,
            backpressure=_room(),
            http1_settings=HTTP1Settings(header_read_timeout=round(idle * 1000)),
            respawn_interval=_OVERLAP,
            workers_kill_timeout=max(draining, 1),
            log_level=LogLevels.info if debug else LogLevels.warning,
            # Only levels: handlers and forms are ours (`logs`).
            log_dictconfig={"version": 1, "incremental": True, "handlers": {}, "loggers": {}},
            **_ssl(certificates.context()),
        )
        self._load = load
        self._idle = idle
        self._certificates = certificates
        self._look = look
        self._buried = buried
        self._failed_starts = 0

    def run(self) -> bool:
        """Serve until a signal to end; False where the workers could not be kept up."""
        main = os.getpid()

        def load() -> ASGIApp:
            end_with(main)
            loaded = self._load()
            hold()  # the loop takes signals from here on, but acts on them only when it runs
            loop = asyncio.get_event_loop()
            loop.call_soon(release)
            loop.call_soon(_give_up_on_stalled, self._idle)  # once the worker listens
            loop.call_soon(say_ready)
            return loaded

        self.serve(target_loader=load, wrap_loader=False)
        return self._failed_starts < _FAILED_STARTS

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        while not self.interrupt_signal and self._failed_starts < _FAILED_STARTS:
            self.main_loop_interrupt.wait(_LOOK)
            self.main_loop_interrupt.clear()
            self.interrupt_children.clear()  # Granian's own account of the dead; see below
            if self._certificates.changed():
                _log.info("the certificates changed: new workers take over")
                self._take_certificates()
                self.reload_signal = True
            if self.reload_signal and not self.interrupt_signal:
                self._reload(spawn_target, target_loader)  # type: ignore[no-untyped-call]
            dead = [worker for worker in self.wrks if not worker.inner.is_alive()]
            if dead and not self.interrupt_signal:
                self._replace(dead, spawn_target, target_loader)
            self._look()
            bury_orphans()

    def _replace(self, dead: list[WorkerProcess], spawn_target: Any, target_loader: Any) -> None:
        now = time.monotonic()
        for worker in dead:
            if now - worker.birth >= _YOUNG:
                self._failed_starts = 0
            elif (worker.inner.exitcode or 0) > 0:  # ended by itself; below 0 it was killed
                self._failed_starts += 1
        if self._failed_starts >= _FAILED_STARTS:
            _log.error("workers fail as soon as they start, so the server ends")
            return
        if any(now - worker.birth < _YOUNG for worker in dead):
            time.sleep(_PAUSE)
        self._respawn_workers([worker.idx for worker in dead], spawn_target, target_loader)

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        with forking():
            super()._spawn_workers(spawn_target, target_loader)  # type: ignore[no-untyped-call]

    def _respawn_workers(
        self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0
    ) -> None:
        ended = [worker.inner.pid for worker in self.wrks if worker.idx in workers]
        with forking():
            super()._respawn_workers(workers, spawn_target, target_loader, delay)
        for pid in ended:
            self._buried(pid)

    def _take_certificates(self) -> None:
        ssl = _ssl(self._certificates.context())
        self.build_ssl_context(
            ssl["ssl_cert"],
            ssl["ssl_key"],
            None,
            ssl["ssl_protocol_min"],
            ssl["ssl_ca"],
            [],
            ssl["ssl_client_verify"],
        )


def _give_up_on_stalled(seconds: float) -> None:
    """Let the system end connections whose client takes nothing for so long.

    Whole blobs are sent without Python in between, so only the system sees how far one has got.
    Connections inherit this from the socket that listens; where a system knows no such limit there
    is none.
    """
    if sys.platform != "linux":
        return
    for entry in list(Path("/proc/self/fd").iterdir()):
        descriptor = int(entry.name)
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
        except OSError:
            continue  # the listing's own, closed since
        sock = socket.socket(fileno=descriptor)
        try:
            internet = sock.family in (socket.AF_INET, socket.AF_INET6)
            if internet and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                milliseconds = min(round(seconds * 1000), _LONGEST_TIMEOUT)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        finally:
            sock.detach()


def _room() -> int:
    """How many connections a worker takes, each with a file being sent, as far as the system lets
    a process have files open; from here on as many as that may be open."""
    wanted = 2 * _CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max((wanted - _OTHER_FILES) // 2, 1)


def _ssl(context: Context | None) -> dict[str, Any]:
    if context is None:
        return {}
    return {
        "ssl_cert": context.certificate,
        "ssl_key": context.key,
        "ssl_protocol_min": context.minimum,
        "ssl_ca": context.client_authorities,
        "ssl_client_verify": context.client_authorities is not None,
    }
