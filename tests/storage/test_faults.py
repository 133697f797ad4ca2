"""Failures of disk and database are told in sentences; a full disk leaves the store whole."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from packyard.digests import digest_of
from packyard.errors import ConfigurationInvalid, StorageFull, Unavailable
from packyard.storage import faults
from packyard.storage.gc import collect
from packyard.storage.store import Store
from tests.migrated import open_migrated
from tests.storage.examples import LARGE, LATEST, REPO, SMALL, commit, push, read

SIZE = 8 << 20


@pytest.mark.parametrize(
    ("number", "expected", "message"),
    [
        (errno.ENOSPC, StorageFull, "No room is left"),
        (errno.EDQUOT, StorageFull, "No room is left"),
        (errno.EIO, Unavailable, "Input/output error"),
        (errno.EROFS, Unavailable, "Read-only file system"),
    ],
)
def test_errors_of_the_disk(number: int, expected: type[Exception], message: str) -> None:
    with pytest.raises(expected, match=message) as told, faults.of_disk():
        raise OSError(number, os.strerror(number), "/secret/path")
    assert "/secret" not in str(told.value)
    assert isinstance(told.value.__cause__, OSError)


def test_errors_without_a_number_are_named() -> None:
    with pytest.raises(Unavailable, match="cannot be used now: TimeoutError"), faults.of_disk():
        raise TimeoutError


def test_a_fault_of_the_program_is_not_told_as_one_of_the_disk() -> None:
    with pytest.raises(sqlite3.OperationalError, match="syntax error"), faults.of_database():
        sqlite3.connect(":memory:").execute("SELEKT 1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a device of its own of 8 MiB."""
    folder = tmp_path / "device"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "packyard-test", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Take up all room of the device but `leave` bytes; delete the file to make room again."""
    path = folder / "filler"
    with path.open("wb") as file:
        while True:
            try:
                os.write(file.fileno(), bytes(1 << 16))
            except OSError:
                break
        file.truncate(path.stat().st_size - leave)
    return path


@pytest.mark.parametrize("leave", [0, 1 << 15, 1 << 17, 1 << 18])
def test_on_a_full_disk_nothing_is_half_and_reads_go_on(small_disk: Path, leave: int) -> None:
    store = open_migrated(small_disk / "data")
    digest = push(store, LARGE)
    tagged = commit(store, b"{}", refers_to=[digest], tag=LATEST)
    filler = fill(small_disk, leave)

    acknowledged = []
    refused = 0
    for number in range(60):
        for data in (b"%d" % number * 2000, b"%d" % number * 20000):
            try:
                acknowledged.append((push(store, data), data))
            except StorageFull:
                refused += 1
    assert refused
    with pytest.raises(StorageFull):
        upload_all(store, bytes(2 << 20))

    assert store.manifest(REPO, LATEST).digest == tagged
    assert read(store, digest) == LARGE
    for known, data in acknowledged:
        assert read(store, known) == data
    filler.unlink()
    whole_again(store)
    store.close()

    reopened = Store.open(small_disk / "data")
    for known, data in acknowledged:
        assert read(reopened, known) == data
    whole_again(reopened)
    reopened.close()


def upload_all(store: Store, data: bytes) -> None:
    upload = store.uploads.begin(REPO)
    with store.uploads.append(REPO, upload) as writer:
        writer.write(data)
    store.uploads.finish(REPO, upload, digest_of(data))


def whole_again(store: Store) -> None:
    """Rows and bodies agree, and pushes go on."""
    with store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        found = connection.exec_driver_sql("SELECT digest FROM blobs WHERE content IS NULL")
        digests = set(found.scalars())
    assert digests <= {digest for digest, _, _ in store.bodies.digests()}
    assert read(store, push(store, SMALL + LARGE)) == SMALL + LARGE
    collect(store)


def test_a_read_only_device_cannot_hold_a_data_folder(small_disk: Path) -> None:
    (small_disk / "data").mkdir()
    read_only = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(read_only, check=True)
    for folder in (small_disk / "data", small_disk / "other"):
        with pytest.raises(ConfigurationInvalid, match="is on a read-only file system"):
            Store.open(folder)
