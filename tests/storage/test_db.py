"""One writer at a time over threads and processes; readers see whole states and never wait."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from packyard.errors import Unavailable
from packyard.storage import db
from packyard.storage.db import Database

COUNT_UP = """
import sys
from pathlib import Path
from packyard.storage.db import Database

database = Database(Path(sys.argv[1]))
for _ in range(100):
    with database.write() as connection:
        value = connection.exec_driver_sql("SELECT value FROM counter").scalar_one()
        connection.exec_driver_sql("UPDATE counter SET value = ?", (value + 1,))
database.close()
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path)
    with opened.write() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (value INTEGER NOT NULL UNIQUE)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")
    yield opened
    opened.close()


def value(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT value FROM counter").scalar_one())


def test_every_connection_flushes_and_checks_references(database: Database) -> None:
    with database.read() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert found == ["wal", 2, 1]


def test_no_increment_of_several_processes_is_lost(database: Database, tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT_UP, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert value(database) == 300


def test_a_reader_sees_one_state_while_a_writer_commits(database: Database) -> None:
    with database.read() as connection:
        select = "SELECT value FROM counter"
        assert connection.exec_driver_sql(select).scalar() == 0
        with database.write() as writer:
            writer.exec_driver_sql("UPDATE counter SET value = 1")
        assert connection.exec_driver_sql(select).scalar() == 0
    assert value(database) == 1


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as writer:
        writer.exec_driver_sql("UPDATE counter SET value = 1")
        before = time.monotonic()
        assert value(database) == 0
        assert time.monotonic() - before < 5


def test_writers_take_turns(database: Database) -> None:
    inside: list[int] = []

    def work(number: int) -> None:
        for _ in range(20):
            with database.locked():
                inside.append(number)
                assert inside == [number]
                inside.pop()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == []


def test_a_transaction_inside_another_is_a_fault_not_a_standstill(database: Database) -> None:
    with database.write(), pytest.raises(RuntimeError, match="inside another"), database.write():
        pass
    with database.write():
        pass


def test_the_files_are_for_their_owner_only(database: Database, tmp_path: Path) -> None:
    assert value(database) == 0
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_rehearsal_is_rolled_back(database: Database) -> None:
    with database.write(commit=False) as connection:
        connection.exec_driver_sql("UPDATE counter SET value = 7")
    assert value(database) == 0


def test_a_program_that_does_not_know_the_lock_is_told_of(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "_BUSY_MS", 50)
    impatient = Database(tmp_path)
    stranger = sqlite3.connect(tmp_path / "packyard.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="another program"), impatient.write():
        pass
    stranger.execute("COMMIT")
    with impatient.write() as connection:
        connection.exec_driver_sql("UPDATE counter SET value = 1")
    stranger.close()
    impatient.close()


def test_a_fault_of_the_program_passes_through(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")


@pytest.mark.parametrize("durable", [True, False])
def test_the_generation_counts_commits_of_others_and_our_own(tmp_path: Path, durable: bool) -> None:
    one, two = Database(tmp_path, durable=durable), Database(tmp_path, durable=durable)
    seen = {one.generation()}
    for number, writer in enumerate((one, two, one)):
        with writer.write() as connection:
            connection.exec_driver_sql(f"CREATE TABLE t{number} (x)")
        seen.add(one.generation())
    assert len(seen) == 4
    assert one.generation() in seen
    one.close()
    two.close()


ASKS = """
import fcntl, sys
first, length = map(int, sys.argv[2:])
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, first)
    except OSError:
        sys.exit(0)
sys.exit("nobody holds it")
"""


@pytest.mark.parametrize(
    ("file", "first", "length"),
    [("packyard.db-shm", 128, 1), ("packyard.db", 0x40000002, 510)],
    ids=["index", "database"],
)
def test_the_locks_by_which_sqlite_knows_of_us_are_held(
    tmp_path: Path, file: str, first: int, length: int
) -> None:
    """Without the first the next process empties the index of the log that we work with; without
    the second it deletes the log when it goes (sqlite.org/walformat.html, 2.3)."""
    Database(tmp_path).close()
    database = Database(tmp_path)
    words = [sys.executable, "-c", ASKS, str(tmp_path / file), str(first), str(length)]
    assert subprocess.run(words, check=False).returncode == 0
    database.close()
    assert (
        subprocess.run(words, check=False, capture_output=True).returncode == 1
        or not (tmp_path / file).exists()
    )
