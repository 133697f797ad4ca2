"""Pulling and deleting blobs, on both backends."""

from __future__ import annotations

from pathlib import Path

import pytest

from packyard.digests import digest_of
from packyard.references import RepoName
from packyard.server.edge import Edge
from packyard.storage.store import Store
from tests.server.asgi import ADMIN, READER, call
from tests.server.content import push_blob

SIZES = [0, 1, 64 * 1024, 64 * 1024 + 1, 3_000_000]


def blob_of(size: int) -> bytes:
    return bytes(range(256)) * (size // 256) + b"x" * (size % 256)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pathsend", [True, False])
def test_a_blob_is_served_whole(edge: Edge, size: int, pathsend: bool) -> None:
    data = blob_of(size)
    digest = push_blob(edge, "a", data)
    reply = call(edge, "GET", f"/v2/a/blobs/{digest}", pathsend=pathsend)
    assert (reply.status, reply.body) == (200, data)
    assert reply["content-length"] == str(size)
    assert reply["docker-content-digest"] == digest
    assert reply["content-type"] == "application/octet-stream"
    assert reply["accept-ranges"] == "bytes"


@pytest.mark.parametrize("size", SIZES)
def test_head_tells_the_same_without_a_body(edge: Edge, size: int) -> None:
    digest = push_blob(edge, "a", blob_of(size))
    got, head = (call(edge, method, f"/v2/a/blobs/{digest}") for method in ("GET", "HEAD"))
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "docker-content-digest", "etag", "accept-ranges"):
        assert head[name] == got[name]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 70_000), (100, 2_500_000), (0, 2_999_999)])
def test_a_range_is_served_from_either_backend(edge: Edge, first: int, last: int) -> None:
    data = blob_of(3_000_000)
    digest = push_blob(edge, "a", data)
    headers = {**ADMIN, "range": f"bytes={first}-{last}"}
    reply = call(edge, "GET", f"/v2/a/blobs/{digest}", headers=headers)
    assert reply.status == 206
    assert reply["content-range"] == f"bytes {first}-{last}/3000000"
    assert reply.body == data[first : last + 1]


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"{digest}"', 304), ("{digest}", 304), ('W/"{digest}"', 304), ('"x", "{digest}"', 304),
     ("*", 304), ('"other"', 200), ("", 200)],
)  # fmt: skip
def test_if_none_match_saves_the_body(edge: Edge, condition: str, status: int) -> None:
    digest = push_blob(edge, "a", b"data")
    headers = {**ADMIN, "if-none-match": condition.format(digest=digest)}
    reply = call(edge, "GET", f"/v2/a/blobs/{digest}", headers=headers)
    assert reply.status == status
    assert reply["etag"] == f'"{digest}"'
    assert reply.body == (b"" if status == 304 else b"data")


@pytest.mark.parametrize(("condition", "status"), [('"{digest}"', 206), ('"other"', 200)])
def test_if_range_must_name_the_blob(edge: Edge, condition: str, status: int) -> None:
    digest = push_blob(edge, "a", b"0123456789")
    headers = {**ADMIN, "range": "bytes=2-3", "if-range": condition.format(digest=digest)}
    assert call(edge, "GET", f"/v2/a/blobs/{digest}", headers=headers).status == status


def test_a_body_that_is_gone_from_the_disk_is_told_in_the_protocols_form(
    edge: Edge, tmp_path: Path
) -> None:
    digest = push_blob(edge, "a", blob_of(100_000))
    for path in tmp_path.glob(f"data/blobs/*/*/{digest.partition(':')[2]}"):
        path.unlink()
        reply = call(edge, "GET", f"/v2/a/blobs/{digest}")
        assert (reply.status, reply.codes) == (404, ["BLOB_UNKNOWN"])


def test_asking_for_an_old_blob_renews_its_grace(
    edge: Edge, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is told by HEAD that a blob is there will not push it."""
    repo, digest = RepoName("a"), push_blob(edge, "a", b"data")
    before = store.blob(repo, digest).touched_at
    call(edge, "HEAD", f"/v2/a/blobs/{digest}")
    assert store.blob(repo, digest).touched_at == before, "young enough: nothing is written"
    monkeypatch.setattr("packyard.storage.store.now", lambda: before + 3_600_000_000)
    call(edge, "HEAD", f"/v2/a/blobs/{digest}")
    monkeypatch.undo()
    assert store.blob(repo, digest).touched_at > before


def test_a_deleted_blob_is_gone_at_once(edge: Edge) -> None:
    digest = push_blob(edge, "a", b"data")
    assert call(edge, "DELETE", f"/v2/a/blobs/{digest}").status == 202
    reply = call(edge, "GET", f"/v2/a/blobs/{digest}")
    assert (reply.status, reply.codes) == (404, ["BLOB_UNKNOWN"])


def test_a_reader_may_not_delete(edge: Edge) -> None:
    digest = push_blob(edge, "a", b"data")
    reply = call(edge, "DELETE", f"/v2/a/blobs/{digest}", headers=READER)
    assert (reply.status, reply.codes) == (403, ["DENIED"])
    assert call(edge, "GET", f"/v2/a/blobs/{digest}", headers=READER).body == b"data"


def test_an_unknown_repository_is_told_apart_from_an_unknown_blob(edge: Edge) -> None:
    push_blob(edge, "a", b"data")
    absent = digest_of(b"absent")
    assert call(edge, "GET", f"/v2/a/blobs/{absent}").codes == ["BLOB_UNKNOWN"]
    assert call(edge, "GET", f"/v2/b/blobs/{absent}").codes == ["NAME_UNKNOWN"]
