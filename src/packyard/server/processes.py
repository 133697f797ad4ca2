"""Children of the main process: they end with it, whatever ends it; and what a process has to do
that may be the first of a container, where no init stands above it, or be kept up by systemd."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import active_children, get_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_PR_SET_PDEATHSIG = 1
_NOTIFY_SECONDS = 1.0
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def end_with(parent: int) -> None:
    """In a child just forked by `parent`: be killed when it dies; take signals as by default.

    Without this a killed main process would leave workers that keep the port and the old data.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)
    release()


def end_by(*numbers: signal.Signals) -> None:
    """Let these signals end this process at once, for as long as nobody else handles them: the
    system does not do so for the first process of a container."""
    for number in numbers:
        signal.signal(number, lambda number, _: os._exit(128 + number))


def pass_over_reloads() -> None:
    """What a SIGHUP would have read again is only being read; nor does a server end by one. Good
    until somebody handles it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def say_ready() -> None:
    """Tell whoever started the server that it answers, if they asked to be told (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.settimeout(_NOTIFY_SECONDS)
        told.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
        told.send(b"READY=1")


def bury_orphans() -> None:
    """Wait for the dead that are not our own: the first process of a container inherits the
    children of those that were killed. Our own are waited for by who started them."""
    own = {child.pid for child in active_children()}
    with suppress(ChildProcessError):
        while dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if dead.si_pid in own:
                return  # its turn comes before the next look
            os.waitpid(dead.si_pid, 0)


def hold() -> None:
    """Let signals to end wait. Who cannot act on one yet would take it and forget it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def release() -> None:
    """Deliver those that waited, and all from here on."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


@contextmanager
def forking() -> Iterator[None]:
    """Fork in this block: the child has its own way with signals from `end_with` on."""
    hold()
    try:
        yield
    finally:
        release()


def in_child(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call in a forked process, so that this one opens no database and starts no thread before
    its workers fork. What it returns or raises has to be picklable."""
    context = get_context("fork")
    with ProcessPoolExecutor(1, context, initializer=end_with, initargs=(os.getpid(),)) as pool:
        with forking():
            outcome = pool.submit(function, *args, **kwargs)
        return outcome.result()
