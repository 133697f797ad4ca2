"""Signals to end reach children, however early they come."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from packyard.server.processes import end_with, forking


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
    child.join(20)
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
