"""Uploads, where it matters when the bytes come; every other case goes over a socket (`wire`)."""

from __future__ import annotations

import pytest

from packyard.digests import Digest, digest_of
from packyard.server.bodies import PIECE
from packyard.server.edge import Edge
from packyard.storage.store import Store
from tests.server.asgi import ADMIN, READER, Reply, Turn, call
from tests.server.conftest import Made
from tests.server.content import push_blob


def begin(edge: Edge) -> str:
    reply = call(edge, "POST", "/v2/a/blobs/uploads/")
    assert (reply.status, reply["range"], reply["content-length"]) == (202, "0-0", "0")
    assert reply["location"].endswith(reply["docker-upload-uuid"])
    return reply["location"]


def standing(edge: Edge, location: str) -> str:
    reply = call(edge, "GET", location)
    assert (reply.status, reply.body, reply["location"]) == (204, b"", location)
    return reply["range"]


def finish(edge: Edge, location: str, data: bytes) -> Reply:
    return call(edge, "PUT", f"{location}?digest={digest_of(data)}")


@pytest.mark.parametrize("sizes", [[5], [1, 2, 3], [PIECE], [PIECE - 1, 2, PIECE], [700_000] * 5])
def test_a_body_is_stored_however_it_is_cut(edge: Edge, sizes: list[int]) -> None:
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    location = begin(edge)
    reply = call(edge, "PATCH", location, pieces)
    assert (reply.status, reply["range"]) == (202, f"0-{sum(sizes) - 1}")
    data = b"".join(pieces)
    reply = finish(edge, location, data)
    assert (reply.status, reply["location"]) == (201, f"/v2/a/blobs/{digest_of(data)}")
    assert call(edge, "GET", reply["location"]).body == data


@pytest.mark.parametrize("turn", list(Turn))
@pytest.mark.parametrize("came", [b"", b"1234", b"x" * (2 * PIECE + 5)], ids=len)
def test_what_came_before_a_client_stopped_is_kept(make: Made, turn: Turn, came: bytes) -> None:
    edge = make(idle=0.05)
    location = begin(edge)
    reply = call(edge, "PATCH", location, [came, turn])
    assert reply.status == (408 if turn is Turn.SILENT else 400)
    assert reply.codes == ["BLOB_UPLOAD_INVALID"]
    assert standing(edge, location) == f"0-{max(len(came) - 1, 0)}"
    rest = b"rest"
    headers = {**ADMIN, "content-range": f"{len(came)}-{len(came) + 3}"}
    assert call(edge, "PATCH", location, rest, headers).status == 202
    assert finish(edge, location, came + rest).status == 201


@pytest.mark.parametrize("turn", list(Turn))
def test_what_came_of_a_small_last_chunk_is_kept(make: Made, turn: Turn) -> None:
    edge = make(idle=0.05)
    location, data = begin(edge), b"12345678"
    headers = {**ADMIN, "content-length": "8"}
    target = f"{location}?digest={digest_of(data)}"
    reply = call(edge, "PUT", target, [data[:4], turn], headers)
    assert reply.status == (408 if turn is Turn.SILENT else 400)
    assert standing(edge, location) == "0-3"
    late = {**ADMIN, "content-length": "4", "content-range": "5-8"}
    reply = call(edge, "PUT", target, data[4:], late)
    assert (reply.status, reply["range"]) == (416, "0-3")
    last = {**ADMIN, "content-length": "4", "content-range": "4-7"}
    assert call(edge, "PUT", target, data[4:], last).status == 201


@pytest.mark.parametrize("turn", list(Turn))
def test_a_blob_in_one_post_that_is_cut_off_leaves_no_session(
    make: Made, store: Store, turn: Turn
) -> None:
    edge = make(idle=0.05)
    data = b"12345678"
    reply = call(edge, "POST", f"/v2/a/blobs/uploads/?digest={digest_of(data)}", [data[:4], turn])
    assert reply.status in (400, 408)
    assert not [path for path in store.uploads._folder.iterdir() if path.suffix != ".lock"]


def test_a_chunk_out_of_order_is_told_where_to_go_on(edge: Edge) -> None:
    location = begin(edge)
    call(edge, "PATCH", location, b"0123456789")
    reply = call(edge, "PATCH", location, b"xx", {**ADMIN, "content-range": "5-6"})
    assert (reply.status, reply.codes) == (416, ["BLOB_UPLOAD_INVALID"])
    assert (reply["location"], reply["range"]) == (location, "0-9")


@pytest.mark.parametrize(
    ("headers", "pieces", "status"),
    [
        ({"content-range": "0-4"}, [b"123"], 400),
        ({"content-range": "0-4"}, [b"1234567"], 400),
        ({"content-range": "0-4", "content-length": "6"}, [b"123456"], 400),
        ({"content-range": "4-0"}, [b"12345"], 400),
        ({"content-range": "bytes 0-4/5"}, [b"12345"], 416),
        ({"content-range": "0-4", "content-length": "5"}, [b"12345"], 202),
        ({"content-length": "-5"}, [b"12345"], 400),
    ],
)
def test_a_chunk_has_the_length_that_its_headers_tell(
    edge: Edge, headers: dict[str, str], pieces: list[bytes], status: int
) -> None:
    assert call(edge, "PATCH", begin(edge), pieces, {**ADMIN, **headers}).status == status


@pytest.mark.parametrize("query", ["", "?digest=", "?digest=sha256:0", "?digest=md5:" + "0" * 32])
def test_an_upload_is_not_ended_without_a_digest(edge: Edge, query: str) -> None:
    location = begin(edge)
    call(edge, "PATCH", location, b"data")
    reply = call(edge, "PUT", f"{location}{query}", b"more")
    assert (reply.status, reply.codes) == (400, ["DIGEST_INVALID"])
    assert standing(edge, location) == "0-3", "nothing was appended"


def test_an_algorithm_that_cannot_be_verified_is_refused_at_the_beginning(edge: Edge) -> None:
    for algorithm, status in (("sha256", 202), ("sha512", 202), ("md5", 400)):
        target = f"/v2/a/blobs/uploads/?digest-algorithm={algorithm}"
        assert call(edge, "POST", target).status == status


@pytest.mark.parametrize("source", ["&from=a", ""])
def test_a_blob_is_mounted_from_a_named_repository_or_any(edge: Edge, source: str) -> None:
    digest = push_blob(edge, "a", b"data")
    reply = call(edge, "POST", f"/v2/b/blobs/uploads/?mount={digest}{source}")
    assert (reply.status, reply["location"]) == (201, f"/v2/b/blobs/{digest}")
    assert reply["docker-content-digest"] == digest


def test_what_cannot_be_mounted_begins_an_upload(edge: Edge) -> None:
    digest = Digest("sha256:" + "0" * 64)
    assert call(edge, "POST", f"/v2/b/blobs/uploads/?mount={digest}&from=a").status == 202


def test_a_reader_cannot_begin_look_at_or_cancel_an_upload(edge: Edge) -> None:
    location = begin(edge)
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert call(edge, method, location, headers=READER).codes == ["DENIED"]
    assert call(edge, "POST", "/v2/a/blobs/uploads/", headers=READER).codes == ["DENIED"]


def test_a_cancelled_upload_is_unknown(edge: Edge) -> None:
    location = begin(edge)
    assert call(edge, "DELETE", location).status == 204
    assert call(edge, "GET", location).codes == ["BLOB_UPLOAD_UNKNOWN"]


def test_only_requests_that_are_writing_are_counted_as_such(make: Made) -> None:
    edge = make(idle=0.05)
    call(edge, "PATCH", begin(edge), [b"x", Turn.SILENT])
    assert edge.parts.metrics.registry.get_sample_value("packyard_uploads_in_progress") == 0
