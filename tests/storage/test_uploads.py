"""Upload sessions: what is received is kept, by whichever worker, until its digest is known."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from packyard.digests import digest_of
from packyard.errors import (
    BlobUnknown,
    Conflict,
    DigestInvalid,
    RangeInvalid,
    RepositoryUnknown,
    StorageFull,
    Unavailable,
    UploadUnknown,
)
from packyard.storage.store import INLINE_LIMIT, Store
from tests.storage.examples import LARGE, OTHER, REPO, SMALL, UNKNOWN, push, read


def append(store: Store, upload: str, data: bytes, start: int | None = None) -> None:
    with store.uploads.append(REPO, upload, start) as writer:
        writer.write(data)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("data", [b"", SMALL, b"x" * (INLINE_LIMIT + 1), LARGE], ids=len)
@pytest.mark.parametrize("parts", [1, 3])
def test_a_session_becomes_a_blob(store: Store, data: bytes, parts: int, algorithm: str) -> None:
    upload = store.uploads.begin(REPO)
    step = len(data) // parts + 1
    for start in range(0, len(data), step):
        append(store, upload, data[start : start + step], start)
        assert store.uploads.status(REPO, upload) == min(len(data), start + step)
    digest = digest_of(data, algorithm)
    blob = store.uploads.finish(REPO, upload, digest)
    assert blob == store.blob(REPO, digest)
    assert read(store, digest) == data
    with pytest.raises(UploadUnknown):
        store.uploads.status(REPO, upload)


def test_any_worker_continues_a_session(disk: Store, tmp_path: Path) -> None:
    workers = [disk, Store.open(tmp_path / "data")]
    upload = disk.uploads.begin(REPO)
    for number in range(7):
        append(workers[number % 2], upload, bytes([number]) * 5000, number * 5000)
    data = b"".join(bytes([number]) * 5000 for number in range(7))
    assert workers[0].uploads.finish(REPO, upload, digest_of(data)).size == 35000
    workers[1].close()


def test_a_session_is_known_only_in_its_repository(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    with pytest.raises(UploadUnknown):
        store.uploads.status(OTHER, upload)
    with pytest.raises(UploadUnknown):
        store.uploads.finish(OTHER, upload, digest_of(b""))
    assert store.uploads.status(REPO, upload) == 0


@pytest.mark.parametrize("upload", ["", "..", "../../etc/passwd", "0" * 32, "a" * 33, "A" * 32])
def test_other_ids_are_unknown(store: Store, upload: str) -> None:
    for ask in (store.uploads.status, store.uploads.cancel):
        with pytest.raises(UploadUnknown, match="begin a new one"):
            ask(REPO, upload)


def test_a_chunk_out_of_order_is_refused_with_the_place_to_go_on(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    append(store, upload, b"12345")
    for start in (0, 4, 6):
        with pytest.raises(RangeInvalid, match="stands at 5") as refused:
            append(store, upload, b"x", start)
        assert refused.value.detail == {"offset": 5}
    assert store.uploads.status(REPO, upload) == 5


def test_a_wrong_digest_ends_the_session_and_stores_nothing(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    append(store, upload, LARGE)
    with pytest.raises(DigestInvalid, match=r"have the digest sha256:.* nothing was stored"):
        store.uploads.finish(REPO, upload, UNKNOWN)
    with pytest.raises(UploadUnknown):
        store.uploads.status(REPO, upload)
    for digest in (UNKNOWN, digest_of(LARGE)):
        with pytest.raises(RepositoryUnknown):
            store.blob(REPO, digest)
    assert not list(store.bodies.digests())


def test_a_cut_off_upload_keeps_what_came_and_is_resumed(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    with pytest.raises(ConnectionError), store.uploads.append(REPO, upload) as writer:  # noqa: PT012
        writer.write(LARGE[:5000])
        raise ConnectionError("the client went away")
    assert store.uploads.status(REPO, upload) == 5000
    with pytest.raises(RepositoryUnknown):
        store.blob(REPO, digest_of(LARGE))
    append(store, upload, LARGE[5000:], 5000)
    assert store.uploads.finish(REPO, upload, digest_of(LARGE)).size == len(LARGE)


def test_a_cancelled_session_is_gone(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    append(store, upload, SMALL)
    store.uploads.cancel(REPO, upload)
    for ask in (store.uploads.status, store.uploads.cancel):
        with pytest.raises(UploadUnknown):
            ask(REPO, upload)


def test_one_request_at_a_time_writes(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    with store.uploads.append(REPO, upload) as writer:
        writer.write(b"first")
        for second in (
            lambda: append(store, upload, b"second"),
            lambda: store.uploads.finish(REPO, upload, digest_of(b"first")),
            lambda: store.uploads.cancel(REPO, upload),
        ):
            with pytest.raises(Conflict, match="Another request is writing"):
                second()
        writer.write(b", still")
    assert store.uploads.finish(REPO, upload, digest_of(b"first, still")).size == 12


def test_of_many_who_finish_a_session_one_does(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    append(store, upload, LARGE)
    outcomes: list[str] = []

    def finish() -> None:
        try:
            store.uploads.finish(REPO, upload, digest_of(LARGE))
            outcomes.append("stored")
        except (UploadUnknown, Conflict):
            outcomes.append("refused")

    threads = [threading.Thread(target=finish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "refused", "refused", "stored"]
    assert read(store, digest_of(LARGE)) == LARGE


def test_what_is_appended_while_a_session_ends_is_in_the_blob_or_refused(disk: Store) -> None:
    for _ in range(20):
        upload = disk.uploads.begin(REPO)
        append(disk, upload, LARGE)
        outcomes: list[str] = []

        def late(upload: str = upload, outcomes: list[str] = outcomes) -> None:
            try:
                append(disk, upload, b"too late")
                outcomes.append("appended")
            except (UploadUnknown, Conflict):
                outcomes.append("refused")

        thread = threading.Thread(target=late)
        thread.start()
        try:
            disk.uploads.finish(REPO, upload, digest_of(LARGE))
            outcomes.append("stored")
        except (DigestInvalid, Conflict):
            outcomes.append("not stored")
        thread.join()
        assert sorted(outcomes) in (["refused", "stored"], ["appended", "not stored"])
        if "stored" in outcomes:
            assert read(disk, digest_of(LARGE)) == LARGE


def test_sessions_expire_by_their_last_byte(disk: Store, tmp_path: Path) -> None:
    old, young = disk.uploads.begin(REPO), disk.uploads.begin(REPO)
    append(disk, old, SMALL)
    (file,) = (tmp_path / "data" / "uploads").glob(f"{old}.*")
    os.utime(file, (0, 0))
    assert disk.uploads.expire(timedelta(days=1), dry_run=True) == (1, len(SMALL))
    assert disk.uploads.expire(timedelta(days=1)) == (1, len(SMALL))
    assert disk.uploads.status(REPO, young) == 0
    with pytest.raises(UploadUnknown):
        disk.uploads.status(REPO, old)


def test_a_session_in_use_does_not_expire(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    with store.uploads.append(REPO, upload) as writer:
        assert store.uploads.expire(timedelta(0)) == (0, 0)
        writer.write(SMALL)
    assert store.uploads.expire(timedelta(0)) == (1, len(SMALL))


def test_finishing_a_blob_that_was_collected_meanwhile_can_be_repeated(disk: Store) -> None:
    """The body was there, so the session's file was not moved; then the body went for good."""
    digest = push(disk, LARGE)
    upload = disk.uploads.begin(REPO)
    append(disk, upload, LARGE)
    path = disk.blob(REPO, digest).path
    assert path is not None
    with disk.database.locked():  # finish waits here, after it saw the body
        outcome: list[Exception] = []

        def finish() -> None:
            try:
                disk.uploads.finish(REPO, upload, digest)
            except Unavailable as error:
                outcome.append(error)

        thread = threading.Thread(target=finish)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        path.unlink()
    thread.join()
    assert "push it again" in str(outcome[0])
    assert disk.uploads.finish(REPO, upload, digest).size == len(LARGE)
    assert read(disk, digest) == LARGE


def test_a_failing_disk_leaves_the_offset_of_what_was_written(store: Store) -> None:
    upload = store.uploads.begin(REPO)
    with pytest.raises(Unavailable), store.uploads.append(REPO, upload) as writer:  # noqa: PT012
        writer.write(b"12345")
        writer._fd = os.open(os.devnull, os.O_RDONLY)
        writer.write(b"678")
    assert store.uploads.status(REPO, upload) == 5
    append(store, upload, b"678", 5)
    assert store.uploads.finish(REPO, upload, digest_of(b"12345678")).size == 8


def test_a_full_disk_is_told(disk: Store) -> None:
    upload = disk.uploads.begin(REPO)
    with pytest.raises(StorageFull, match="No room"), disk.uploads.append(REPO, upload) as writer:  # noqa: PT012
        writer._fd = os.open("/dev/full", os.O_RDWR)
        writer.write(b"1")
    assert disk.uploads.status(REPO, upload) == 0
    with pytest.raises((BlobUnknown, RepositoryUnknown)):
        disk.blob(REPO, digest_of(b"1"))
