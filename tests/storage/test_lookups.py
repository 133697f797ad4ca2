"""Every thread reads on a connection of its own, which does not outlive it."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from packyard.storage.lookups import Lookups
from packyard.storage.store import Store
from tests.storage.examples import REPO, SMALL, push


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


@pytest.mark.parametrize("end", ["of the thread", "of the store"])
def test_connections_close_at_the_end(store: Store, end: str) -> None:
    digest = push(store, SMALL)
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(store.database.raw())
        return opened[-1]

    lookups = Lookups(connect)
    done, leave = threading.Event(), threading.Event()

    def work() -> None:
        nonlocal lookups
        for _ in range(2):
            found = lookups.blob(REPO, digest)
            assert found is not None
            assert found[0] == len(SMALL)
        done.set()
        leave.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    assert done.wait(60)
    (own,) = opened[1:] or opened
    assert is_open(own)
    if end == "of the store":
        del lookups
        assert not is_open(own)
    leave.set()
    thread.join()
    assert not is_open(own)
