"""Garbage collection takes what nobody refers to, and nothing else."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from packyard.digests import Digest, digest_of
from packyard.errors import BlobUnknown, NotFound
from packyard.references import parse_tag
from packyard.storage.gc import BATCH, Collected, collect
from packyard.storage.store import Store
from packyard.storage.transaction import MANIFEST_LIMIT
from tests.storage.examples import (
    LARGE,
    LATEST,
    OTHER,
    REPO,
    SMALL,
    UNKNOWN,
    commit,
    manifest,
    push,
    read,
)

NOW = timedelta(0)


def held(store: Store, digest: Digest) -> bool:
    try:
        return read(store, digest) != b"" and store.blob(REPO, digest).size > 0
    except NotFound:
        return False


def known(store: Store, *digests: Digest) -> list[bool]:
    def has(digest: Digest) -> bool:
        try:
            return store.manifest(REPO, digest).digest == digest
        except NotFound:
            return False

    return [has(digest) for digest in digests]


class TestBlobs:
    @pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
    def test_without_a_reference_go(self, store: Store, data: bytes) -> None:
        digest = push(store, data)
        collected = collect(store, grace=NOW)
        assert (collected.blobs, collected.blob_bytes) == (1, len(data))
        with pytest.raises(NotFound):
            store.blob(REPO, digest)
        assert collect(store, grace=NOW, trash_age=timedelta(days=1)) == Collected()

    @pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
    def test_that_a_manifest_refers_to_stay(self, store: Store, data: bytes) -> None:
        digest = push(store, data)
        commit(store, b"{}", refers_to=[digest])
        assert collect(store, grace=NOW, trash_age=NOW) == Collected()
        assert held(store, digest)

    def test_that_a_manifest_of_another_repository_refers_to_stay(self, store: Store) -> None:
        digest = push(store, LARGE)
        store.mount(OTHER, digest, REPO)
        with store.write() as transaction:
            transaction.put_manifest(OTHER, manifest(b"{}"), [digest])
        store.delete_blob(REPO, digest)
        assert collect(store, grace=NOW, trash_age=NOW).blobs == 0
        assert read(store, digest) == LARGE

    def test_within_the_grace_stay(self, store: Store) -> None:
        digest = push(store, LARGE)
        assert collect(store).blobs == 0
        assert held(store, digest)

    def test_held_by_others_stay_until_they_are_released(self, store: Store) -> None:
        digest = push(store, LARGE)
        with store.write() as transaction:
            transaction.hold(digest, "a profile")
        assert collect(store, grace=NOW).blobs == 0
        with store.write() as transaction:
            transaction.release(digest, "a profile")
        assert collect(store, grace=NOW).blobs == 1

    def test_go_when_their_manifest_went(self, store: Store) -> None:
        digest = push(store, LARGE)
        parent = commit(store, b"m" * (MANIFEST_LIMIT + 1), refers_to=[digest])
        assert collect(store, grace=NOW).blobs == 0, "the manifest's own body is a blob too"
        with store.write() as transaction:
            transaction.delete_manifest(REPO, parent)
        assert collect(store, grace=NOW).blobs == 2

    def test_can_be_pushed_again_out_of_the_trash(self, store: Store) -> None:
        digest = push(store, LARGE)
        collect(store, grace=NOW)
        assert read(store, digest) == LARGE, "who is sending it goes on"
        with store.write() as transaction:
            transaction.put_blob(REPO, digest, len(LARGE))
        assert held(store, digest)
        assert collect(store, trash_age=NOW) == Collected()
        assert held(store, digest)

    def test_in_many_batches(self, store: Store) -> None:
        kept = [push(store, f"kept {number}".encode()) for number in range(3)]
        commit(store, b"{}", refers_to=kept)
        for number in range(2 * BATCH + 1):
            push(store, b"%d" % number)
        assert collect(store, grace=NOW).blobs == 2 * BATCH + 1
        assert all(held(store, digest) for digest in kept)


class TestTrash:
    def test_is_emptied_only_after_a_while(self, store: Store) -> None:
        digest = push(store, LARGE)
        assert collect(store, grace=NOW).emptied == 0
        assert collect(store, grace=NOW).emptied == 0
        emptied = collect(store, grace=NOW, trash_age=NOW)
        assert (emptied.emptied, emptied.emptied_bytes) == (1, len(LARGE))
        with pytest.raises(BlobUnknown):
            store.open_blob(digest)


class TestOrphans:
    def test_bodies_without_a_row_go_after_the_grace(self, store: Store, tmp_path: Path) -> None:
        digest = digest_of(LARGE)
        store.bodies.put(LARGE, digest)
        assert collect(store).orphans == 0
        collected = collect(store, grace=NOW)
        assert (collected.orphans, collected.orphan_bytes) == (1, len(LARGE))
        assert store.bodies.size(digest) is None

    def test_files_of_other_names_are_left_alone(self, disk: Store, tmp_path: Path) -> None:
        push(disk, LARGE)
        note = tmp_path / "data" / "blobs" / "sha256" / digest_of(LARGE)[7:9] / "README"
        note.touch()
        collect(disk, grace=NOW, trash_age=NOW)
        assert note.exists()

    def test_remains_of_uploads_go(self, disk: Store, tmp_path: Path) -> None:
        upload = disk.uploads.begin(REPO)
        with disk.uploads.append(REPO, upload) as writer:
            writer.write(SMALL)
        rest = tmp_path / "data" / "uploads" / f"{'0' * 32}.body"
        rest.write_bytes(b"of a crash")
        os.utime(rest, (0, 0))
        assert collect(disk, grace=NOW).uploads == 1
        assert disk.uploads.status(REPO, upload) == len(SMALL), "an upload in progress is a root"
        assert collect(disk, grace=NOW, upload_age=NOW).upload_bytes == len(SMALL)

    def test_repositories_without_content_go(self, store: Store) -> None:
        push(store, SMALL)
        assert store.tags(REPO) == []
        collect(store, grace=NOW)
        with pytest.raises(NotFound):
            store.tags(REPO)


class TestUntagged:
    def test_manifests_stay_unless_asked_for(self, store: Store) -> None:
        digest = commit(store, b"untagged")
        assert collect(store, grace=NOW).manifests == 0
        assert known(store, digest) == [True]
        assert collect(store, untagged=True).manifests == 0, "within the grace"
        assert collect(store, grace=NOW, untagged=True).manifests == 1
        assert known(store, digest) == [False]

    def test_those_that_a_tagged_index_leads_to_stay(self, store: Store) -> None:
        layer = push(store, LARGE)
        image = commit(store, b"image", refers_to=[layer])
        nested = commit(store, b"nested index", refers_to=[image])
        commit(store, b"index", refers_to=[nested, UNKNOWN], tag=LATEST)
        lost = commit(store, b"lost index", refers_to=[lost_image := commit(store, b"lost")])
        assert collect(store, grace=NOW, untagged=True).manifests == 2
        assert known(store, image, nested, lost, lost_image) == [True, True, False, False]
        assert held(store, layer)

    def test_referrers_stay_and_go_with_their_subject(self, store: Store) -> None:
        subjects = [commit(store, b"tagged", tag=LATEST), commit(store, b"untagged")]
        referrers = [manifest(b"of %d" % n, subject=subjects[n]) for n in range(2)]
        second = [manifest(b"2nd of %d" % n, subject=referrers[n].digest) for n in range(2)]
        with store.write() as transaction:
            for each in (*referrers, *second, manifest(b"of nobody", subject=UNKNOWN)):
                transaction.put_manifest(REPO, each, [])
        assert collect(store, grace=NOW, untagged=True).manifests == 4
        digests = [each.digest for each in (*referrers, *second)]
        assert known(store, *subjects, *digests) == [True, False, True, False, True, False]

    def test_held_ones_stay(self, store: Store) -> None:
        digest = commit(store, b"held", refers_to=[push(store, SMALL)])
        with store.write() as transaction:
            transaction.hold(digest, "a lock")
        assert collect(store, grace=NOW, untagged=True) == Collected()

    def test_go_in_every_repository(self, store: Store) -> None:
        for repo in (REPO, OTHER):
            with store.write() as transaction:
                transaction.put_manifest(repo, manifest(b"{}"), [])
        assert collect(store, grace=NOW, untagged=True).manifests == 2
        assert store.repositories() == []


@pytest.mark.parametrize("untagged", [False, True])
def test_a_dry_run_says_what_a_run_takes_and_changes_nothing(
    disk: Store, tmp_path: Path, untagged: bool
) -> None:
    push(disk, b"garbage")
    push(disk, LARGE + b"garbage")
    commit(disk, b"tagged", refers_to=[push(disk, LARGE)], tag=parse_tag("v1"))
    commit(disk, b"untagged", refers_to=[push(disk, SMALL), digest_of(LARGE)])
    disk.bodies.put(LARGE + b"orphan", digest_of(LARGE + b"orphan"))
    disk.uploads.begin(REPO)

    def run(*, dry_run: bool) -> Collected:
        return collect(disk, dry_run=dry_run, grace=NOW, untagged=untagged, upload_age=NOW)

    def files() -> dict[Path, int]:
        data = tmp_path / "data"
        return {path: path.stat().st_mtime_ns for path in data.rglob("*") if "db" not in path.name}

    before = files(), disk.generation()
    promised = run(dry_run=True)
    assert (files(), disk.generation()) == before
    assert promised == run(dry_run=False)
    assert promised.manifests == (1 if untagged else 0)
    assert promised.blobs == (3 if untagged else 2)
    assert (promised.orphans, promised.uploads) == (1, 1)
