"""Signals to end reach children, however early they come."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from packyard.server.processes import bury_orphans, end_by, end_with, forking

_PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture(autouse=True)
def deaf() -> Iterator[None]:
    """Handlers as a main process has them, which a child inherits."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    yield
    signal.signal(signal.SIGTERM, before)


def begin_late(parent: int) -> None:
    time.sleep(0.3)
    end_with(parent)
    time.sleep(60)


def test_a_signal_that_comes_before_a_child_listens_ends_it() -> None:
    child = multiprocessing.get_context("fork").Process(target=begin_late, args=(os.getpid(),))
    with forking():
        child.start()
    child.terminate()
    child.join(60)
    exitcode = child.exitcode
    child.kill()
    assert exitcode == -signal.SIGTERM


def test_the_main_process_has_its_signals_back_after_the_fork() -> None:
    taken = []
    signal.signal(signal.SIGTERM, lambda number, _: taken.append(number))
    with forking():
        # To this thread: another one, of whatever ran before, would take it at once.
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        assert not taken
    assert taken == [signal.SIGTERM]


def as_first_process(pipe: int) -> None:
    """Inherits orphans, as process 1 does; tells how many dead children it has, and its own's end.

    One of its own and one orphan have died when it looks."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    own = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0,))
    own.start()
    middle = os.fork()
    if middle == 0:
        if os.fork() == 0:
            time.sleep(0.2)
        os._exit(0)
    os.waitpid(middle, 0)
    time.sleep(0.5)
    bury_orphans()
    own.join()
    bury_orphans()
    try:
        left = os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        left = 0
    os.write(pipe, f"{left} {own.exitcode}".encode())


def test_the_first_process_buries_orphans_and_leaves_its_own_to_who_waits() -> None:
    reading, writing = os.pipe()
    child = multiprocessing.get_context("fork").Process(target=as_first_process, args=(writing,))
    child.start()
    child.join(60)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert told.read() == "0 0"


def test_a_signal_to_end_works_where_the_system_would_drop_it() -> None:
    def wait() -> None:
        end_by(signal.SIGTERM)
        signal.pause()

    child = multiprocessing.get_context("fork").Process(target=wait)
    child.start()
    time.sleep(0.2)
    child.terminate()
    child.join(60)
    exitcode = child.exitcode
    child.kill()
    assert exitcode == 128 + signal.SIGTERM
