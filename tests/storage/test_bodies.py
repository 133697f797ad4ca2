"""Bodies of blobs: the same behaviour in files and in an object store."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from packyard.digests import Digest, digest_of
from packyard.storage.content import now
from packyard.storage.files import Files, make_folder
from packyard.storage.objects import Objects

DATA = b"the body of a blob"
DIGESTS = [digest_of(DATA), digest_of(DATA, "sha512")]


@pytest.fixture(params=["files", "objects"])
def bodies(request: pytest.FixtureRequest, tmp_path: Path) -> Files | Objects:
    return Files(tmp_path) if request.param == "files" else Objects(MemoryStore())


def read(bodies: Files | Objects, digest: Digest) -> bytes:
    with bodies.open(digest) as body:
        return body.read()


@pytest.mark.parametrize("digest", DIGESTS)
def test_a_body_is_placed_from_a_file(
    bodies: Files | Objects, tmp_path: Path, digest: Digest
) -> None:
    assert bodies.size(digest) is None
    assert not bodies.secure(digest)
    source = tmp_path / "source"
    source.write_bytes(DATA)
    bodies.place(source, digest)
    assert not source.exists()
    assert bodies.secure(digest)
    assert bodies.size(digest) == len(DATA)
    assert read(bodies, digest) == DATA


def test_a_body_in_the_trash_is_taken_back(bodies: Files | Objects) -> None:
    digest = DIGESTS[0]
    bodies.put(DATA, digest)
    bodies.discard(digest)
    assert bodies.size(digest) is None
    assert read(bodies, digest) == DATA, "it can still be read"
    assert bodies.secure(digest)
    assert bodies.size(digest) == len(DATA)
    assert bodies.empty_trash(now() + 1_000_000) == (0, 0)


def test_the_trash_is_emptied_by_age(bodies: Files | Objects) -> None:
    digest = DIGESTS[0]
    bodies.put(DATA, digest)
    time.sleep(0.02)
    before = now()
    time.sleep(0.02)
    bodies.discard(digest)
    assert bodies.empty_trash(before) == (0, 0), "its age is its time in the trash"
    assert bodies.empty_trash(now() + 1, dry_run=True) == (1, len(DATA))
    assert bodies.empty_trash(now() + 1) == (1, len(DATA))
    assert not bodies.secure(digest)
    with pytest.raises(FileNotFoundError):
        bodies.open(digest)


def test_discarding_what_is_not_there_does_nothing(bodies: Files | Objects) -> None:
    bodies.discard(DIGESTS[0])
    assert bodies.empty_trash(now() + 1_000_000) == (0, 0)


def test_every_body_is_listed(bodies: Files | Objects) -> None:
    before = now() - 1_000_000
    for digest in DIGESTS:
        bodies.put(DATA, digest)
    bodies.put(b"", digest_of(b""))
    bodies.discard(digest_of(b""))
    listed = {digest: (size, changed) for digest, size, changed in bodies.digests()}
    assert set(listed) == set(DIGESTS)
    for size, changed in listed.values():
        assert size == len(DATA)
        assert before <= changed <= now() + 1_000_000


def test_files_have_a_path(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.put(DATA, DIGESTS[0])
    encoded = DIGESTS[0].removeprefix("sha256:")
    assert files.path(DIGESTS[0]) == tmp_path / "blobs" / "sha256" / encoded[:2] / encoded
    assert files.path(DIGESTS[0]).read_bytes() == DATA


def test_objects_have_no_path() -> None:
    bodies: Files | Objects = Objects(MemoryStore())
    assert bodies.path(DIGESTS[0]) is None


def test_a_body_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    files = Files(tmp_path)
    (tmp_path / "blobs" / "sha256").touch()
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        files.put(DATA, DIGESTS[0])
    assert list((tmp_path / "uploads").iterdir()) == []


def test_folders_are_made_down_to_the_last(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
