"""What every backend of the store does."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from packyard.digests import Digest, digest_of
from packyard.errors import (
    BlobUnknown,
    ConfigurationInvalid,
    DigestInvalid,
    ManifestUnknown,
    RepositoryUnknown,
    Unavailable,
)
from packyard.references import RepoName, parse_repo, parse_tag
from packyard.storage.content import now
from packyard.storage.store import INLINE_LIMIT, Store
from packyard.storage.transaction import MANIFEST_LIMIT
from tests.migrated import open_migrated
from tests.storage.examples import (
    LARGE,
    LATEST,
    NOWHERE,
    OTHER,
    REPO,
    SMALL,
    UNKNOWN,
    commit,
    manifest,
    push,
    read,
)

SIZES = [b"", SMALL, b"x" * INLINE_LIMIT, b"x" * (INLINE_LIMIT + 1), LARGE]


class TestBlobs:
    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    @pytest.mark.parametrize("data", SIZES, ids=len)
    def test_come_back_as_they_were_put(self, store: Store, data: bytes, algorithm: str) -> None:
        digest = digest_of(data, algorithm)
        put = store.put_blob(REPO, digest, data)
        assert put == store.blob(REPO, digest)
        assert (put.digest, put.size) == (digest, len(data))
        assert read(store, digest) == data

    def test_have_a_path_only_where_a_file_can_be_sent(self, disk: Store) -> None:
        small, large = (disk.blob(REPO, push(disk, data)).path for data in (SMALL, LARGE))
        assert small is None
        assert large is not None
        assert large.read_bytes() == LARGE

    def test_can_be_read_from_any_place(self, store: Store) -> None:
        with store.open_blob(push(store, LARGE)) as body:
            assert body.seek(-10, io.SEEK_END) == len(LARGE) - 10
            assert body.read() == LARGE[-10:]
            assert body.seek(7) == 7
            assert body.read(5) == LARGE[7:12]
            assert body.seek(3, io.SEEK_CUR) == 15
            assert body.read(INLINE_LIMIT * 3) == LARGE[15 : 15 + INLINE_LIMIT * 3]
            assert body.seek(len(LARGE) + 5) == len(LARGE) + 5
            assert body.read() == b""

    def test_of_wrong_digest_are_refused_and_leave_nothing(self, store: Store) -> None:
        with pytest.raises(DigestInvalid, match=r"has the digest sha256:.*, not sha256:"):
            store.put_blob(REPO, UNKNOWN, LARGE)
        assert not list(store.bodies.digests())
        with pytest.raises(RepositoryUnknown):
            store.blob(REPO, UNKNOWN)

    def test_belong_to_the_repositories_that_hold_them(self, store: Store) -> None:
        digest = push(store, SMALL)
        with pytest.raises(RepositoryUnknown, match=f"no repository {OTHER}"):
            store.blob(OTHER, digest)
        store.put_blob(OTHER, digest_of(LARGE), LARGE)
        with pytest.raises(BlobUnknown, match=f"{OTHER} holds no blob {digest}"):
            store.blob(OTHER, digest)

    @pytest.mark.parametrize("source", [REPO, None], ids=["from", "anonymous"])
    def test_are_mounted_from_another_repository(
        self, store: Store, source: RepoName | None
    ) -> None:
        digest = push(store, LARGE)
        assert store.mount(OTHER, digest, source)
        assert store.mount(OTHER, digest, source), "mounting again changes nothing"
        assert store.blob(OTHER, digest).size == len(LARGE)

    def test_are_not_mounted_from_where_they_are_not(self, store: Store) -> None:
        digest = push(store, SMALL)
        assert not store.mount(OTHER, UNKNOWN, None)
        assert not store.mount(OTHER, UNKNOWN, REPO)
        assert not store.mount(REPO, digest, OTHER)
        assert not store.mount(OTHER, digest, NOWHERE)
        with pytest.raises(RepositoryUnknown):
            store.tags(OTHER)

    def test_are_deleted_from_one_repository_only(self, store: Store) -> None:
        digest = push(store, LARGE)
        store.mount(OTHER, digest, REPO)
        store.delete_blob(REPO, digest)
        with pytest.raises(BlobUnknown):
            store.blob(REPO, digest)
        assert store.blob(OTHER, digest)
        assert read(store, digest) == LARGE
        with pytest.raises(BlobUnknown):
            store.delete_blob(REPO, digest)
        with pytest.raises(RepositoryUnknown):
            store.delete_blob(NOWHERE, digest)

    def test_unknown_ones_cannot_be_opened(self, store: Store) -> None:
        with pytest.raises(BlobUnknown, match="is gone"):
            store.open_blob(UNKNOWN)

    def test_are_renewed_only_when_a_quarter_of_the_grace_is_over(self, store: Store) -> None:
        fresh = store.blob(REPO, push(store, SMALL))
        assert not store.renewal_due(fresh)
        generation = store.generation()
        store.renew(fresh.digest)
        assert store.generation() == generation, "nothing was written"
        aged(store, fresh.digest, store.grace / 3)
        old = store.blob(REPO, fresh.digest)
        assert store.renewal_due(old)
        store.renew(old.digest)
        assert store.blob(REPO, old.digest).touched_at >= fresh.touched_at
        store.renew(UNKNOWN)

    def test_mounting_and_pushing_again_renews(self, store: Store) -> None:
        digest = push(store, SMALL)
        for again in (lambda: store.mount(OTHER, digest, REPO), lambda: push(store, SMALL)):
            aged(store, digest, timedelta(days=1))
            again()
            assert not store.renewal_due(store.blob(REPO, digest))


class TestManifests:
    @pytest.mark.parametrize("size", [2, MANIFEST_LIMIT, MANIFEST_LIMIT + 1])
    def test_come_back_as_they_were_put(self, store: Store, size: int) -> None:
        put = manifest(b"m" * size, subject=UNKNOWN, artifact_type="text/plain")
        with store.write() as transaction:
            assert transaction.put_manifest(REPO, put, [])
            assert not transaction.put_manifest(REPO, put, []), "known by now"
            transaction.set_tag(REPO, LATEST, put.digest)
        assert store.manifest(REPO, put.digest) == put
        assert store.manifest(REPO, LATEST) == put
        assert store.manifest(REPO, put.digest).size == size

    def test_larger_ones_are_no_blobs_of_the_repository(self, store: Store) -> None:
        digest = commit(store, b"m" * (MANIFEST_LIMIT + 1))
        with pytest.raises(BlobUnknown):
            store.blob(REPO, digest)

    def test_unknown_ones_tell_whether_the_repository_is(self, store: Store) -> None:
        commit(store, b"{}")
        for reference in (UNKNOWN, LATEST):
            with pytest.raises(ManifestUnknown, match=f"{REPO} has no manifest {reference}"):
                store.manifest(REPO, reference)
            with pytest.raises(RepositoryUnknown, match=f"no repository {NOWHERE}"):
                store.manifest(NOWHERE, reference)

    def test_pushed_again_under_another_media_type_change_it(self, store: Store) -> None:
        first = manifest(b"{}")
        second = type(first)(first.digest, "application/json", first.content)
        with store.write() as transaction:
            transaction.put_manifest(REPO, first, [UNKNOWN])
            transaction.put_manifest(REPO, second, [])
        assert store.manifest(REPO, first.digest) == second


class TestReferrers:
    def test_are_listed_by_their_subject(self, store: Store) -> None:
        subject = commit(store, b"the subject")
        signature = manifest(b"1", subject=subject, artifact_type="sig")
        report = manifest(b"2", subject=subject, artifact_type="sbom")
        with store.write() as transaction:
            for each in (signature, report, manifest(b"3", subject=UNKNOWN)):
                transaction.put_manifest(REPO, each, [])
        found = store.referrers(REPO, subject)
        assert {referrer.digest for referrer in found} == {signature.digest, report.digest}
        (only,) = store.referrers(REPO, subject, "sig")
        assert only.digest == signature.digest
        assert (only.media_type, only.size, only.artifact_type) == (signature.media_type, 1, "sig")
        assert only.annotations == signature.annotations

    def test_none_is_no_error(self, store: Store) -> None:
        assert store.referrers(NOWHERE, UNKNOWN) == []

    def test_may_come_before_their_subject(self, store: Store) -> None:
        with store.write() as transaction:
            transaction.put_manifest(REPO, manifest(b"1", subject=digest_of(b"later")), [])
        assert len(store.referrers(REPO, commit(store, b"later"))) == 1


class TestLists:
    def test_tags_come_in_lexical_order_by_pages(self, store: Store) -> None:
        names = ["1.10", "1.9", "A", "_", "a", "a.1", "a_1"]
        for name in reversed(names):
            commit(store, b"{}", tag=parse_tag(name))
        assert store.tags(REPO) == names == sorted(names)
        assert store.tags(REPO, 3) == names[:3]
        assert store.tags(REPO, 3, names[2]) == names[3:6]
        assert store.tags(REPO, 3, "b") == []
        assert store.tags(REPO, 0) == []
        assert store.tags(REPO, 2, "Z") == ["_", "a"], "last need not exist"

    def test_tags_of_an_unknown_repository_are_an_error(self, store: Store) -> None:
        with pytest.raises(RepositoryUnknown):
            store.tags(NOWHERE)
        commit(store, b"{}")
        assert store.tags(REPO) == []

    def test_repositories_have_a_manifest(self, store: Store) -> None:
        names = [parse_repo(name) for name in ("a", "a/b", "a-b", "b")]
        with store.write() as transaction:
            for name in names:
                transaction.put_manifest(name, manifest(b"{}"), [])
        push(store, SMALL)
        assert store.repositories() == sorted(names)
        assert store.repositories(2) == ["a", "a-b"]
        assert store.repositories(2, "a-b") == ["a/b", "b"]
        assert store.repositories(0) == []


class TestGeneration:
    def test_changes_with_every_commit(self, store: Store) -> None:
        before = store.generation()
        assert store.generation() == before
        push(store, SMALL)
        after = store.generation()
        assert after != before
        assert store.generation() == after

    def test_does_not_change_by_what_is_rolled_back(self, store: Store) -> None:
        before = store.generation()
        with pytest.raises(ManifestUnknown), store.write() as transaction:  # noqa: PT012
            transaction.put_manifest(REPO, manifest(b"{}"), [])
            transaction.delete_manifest(REPO, UNKNOWN)
        assert store.generation() == before
        with pytest.raises(RepositoryUnknown):
            store.tags(REPO)

    def test_sees_what_another_process_commits(self, disk: Store, tmp_path: Path) -> None:
        before = disk.generation()
        other = Store.open(tmp_path / "data")
        push(other, SMALL)
        other.close()
        assert disk.generation() != before


def test_threads_read_and_write_one_store_at_once(store: Store) -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        try:
            for step in range(10):
                data = f"{number} {step}".encode() * (1 if step % 2 else INLINE_LIMIT)
                digest = push(store, data)
                commit(store, data, refers_to=[digest], tag=parse_tag(f"{number}.{step}"))
                assert read(store, digest) == data
                assert store.manifest(REPO, parse_tag(f"{number}.{step}")).content == data
        except Exception as error:  # noqa: BLE001 - told by the main thread
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(store.tags(REPO)) == 60


def test_a_large_blob_pushed_twice_is_written_once(disk: Store) -> None:
    push(disk, LARGE)
    path = disk.blob(REPO, digest_of(LARGE)).path
    assert path is not None
    before = path.stat().st_ino
    push(disk, LARGE)
    upload = disk.uploads.begin(REPO)
    with disk.uploads.append(REPO, upload) as writer:
        writer.write(LARGE)
    disk.uploads.finish(REPO, upload, digest_of(LARGE))
    assert path.stat().st_ino == before


def test_nothing_is_left_of_a_store_in_memory() -> None:
    store = open_migrated(None)
    push(store, LARGE)
    folder = store._private
    assert folder is not None
    assert Path(folder.name).exists()
    store.close()
    assert not Path(folder.name).exists()


class TestOpening:
    def test_makes_the_folder_for_its_owner_only(self, tmp_path: Path) -> None:
        root = tmp_path / "a" / "b"
        Store.open(root).close()
        assert root.stat().st_mode & 0o777 == 0o700

    def test_keeps_what_was_stored(self, tmp_path: Path) -> None:
        for data in (SMALL, LARGE):
            store = Store.open(tmp_path)
            store.migrate()
            push(store, data)
            store.close()
        store = Store.open(tmp_path)
        assert [read(store, digest_of(data)) for data in (SMALL, LARGE)] == [SMALL, LARGE]
        store.close()

    def test_a_store_without_its_tables_is_not_ready(self, tmp_path: Path) -> None:
        store = Store.open(tmp_path)
        for ask in (store.check_ready, lambda: push(store, SMALL), lambda: store.tags(REPO)):
            with pytest.raises(Unavailable, match="not been migrated"):
                ask()
        store.migrate()
        store.check_ready()
        store.close()

    def test_refuses_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.touch()
        for root in (path, path / "data"):
            with pytest.raises(ConfigurationInvalid, match="is a file, or leads through one"):
                Store.open(root)

    @pytest.mark.parametrize(("mode", "sub"), [(0o500, "data"), (0o500, "."), (0, ".")])
    def test_refuses_a_folder_without_rights(self, tmp_path: Path, mode: int, sub: str) -> None:
        folder = tmp_path / "foreign"
        folder.mkdir(mode=mode)
        with pytest.raises(ConfigurationInvalid, match="may not be written by the user"):
            as_nobody(folder / sub)

    @pytest.mark.parametrize("name", ["blobs", "packyard.db"])
    def test_refuses_a_folder_with_what_somebody_else_made(self, tmp_path: Path, name: str) -> None:
        tmp_path.chmod(0o777)
        (tmp_path / "lost+found").mkdir(mode=0)  # not ours
        as_nobody(tmp_path)
        (tmp_path / name).chmod(0)
        if os.geteuid() == 0:
            os.chown(tmp_path / name, 4711, -1)
        with pytest.raises(ConfigurationInvalid, match=f"holds {name}, which belongs to the user"):
            as_nobody(tmp_path)

    def test_refuses_a_database_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "packyard.db").write_text("some words, and certainly no database\n" * 100)
        with pytest.raises(Unavailable, match="is no database"):
            Store.open(tmp_path)


def as_nobody(path: Path) -> None:
    """Open a store there in a process without root's rights, raising what it raises."""
    if os.geteuid() != 0:
        Store.open(path)
        return
    for parent in path.parents:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o711)  # pytest's own folders, closed to others
    script = (
        "import os, sys; from pathlib import Path; from packyard.storage.store import Store\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: Store.open(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    name, _, message = done.stdout.partition(" ")
    if name:
        raise {"ConfigurationInvalid": ConfigurationInvalid}[name](message)


def aged(store: Store, digest: Digest, age: timedelta) -> None:
    """Make the blob's last touch that long ago."""
    then = now() - age // timedelta(microseconds=1)
    with store.write() as transaction:
        transaction.connection.exec_driver_sql(
            "UPDATE blobs SET touched_at = ? WHERE digest = ?", (then, digest)
        )
