"""OCI distribution 1.1, "Pushing blobs": at once, in chunks, resumed, cancelled (end-4 to 14)."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from urllib.parse import urlsplit

import httpx
import pytest

from tests.live import Live, start
from tests.wire.oci import Repo, digest, end_of, random_bytes, refused
from tests.wire.raw import Wire

DATA = random_bytes(100_000, "uploads")


# Monolithic


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_post_then_put(repo: Repo, algorithm: str, size: int) -> None:
    data = random_bytes(size)
    begun = repo.begin()
    assert begun.status_code == 202
    answer = repo.close(begun.headers["location"], digest(data, algorithm), data)
    assert answer.status_code == 201, answer.text
    assert answer.headers["docker-content-digest"] == digest(data, algorithm)
    assert repo.client.get(answer.headers["location"]).content == data


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 100_000])
def test_a_single_post(repo: Repo, algorithm: str, size: int) -> None:
    data = random_bytes(size)
    of = digest(data, algorithm)
    answer = repo.call("POST", "blobs/uploads/", params={"digest": of}, content=data)
    assert answer.status_code == 201, answer.text
    assert answer.headers["docker-content-digest"] == of
    assert repo.client.get(answer.headers["location"]).content == data


def test_a_body_without_a_length(repo: Repo) -> None:
    """`Transfer-Encoding: chunked`, as docker and skopeo send layers."""
    pieces = [DATA[start : start + 1000] for start in range(0, len(DATA), 1000)]
    location = repo.location()
    answer = repo.client.patch(location, content=iter(pieces))
    assert answer.status_code == 202, answer.text
    assert end_of(answer) == len(DATA)
    assert repo.close(answer.headers["location"], digest(DATA)).status_code == 201
    assert repo.blob(digest(DATA)).content == DATA


def test_every_upload_has_its_own_unguessable_address(repo: Repo) -> None:
    seen = {repo.location() for _ in range(5)}
    assert len(seen) == 5
    assert all(re.search(r"[0-9a-zA-Z_-]{20,}", location) for location in seen)


def test_pushing_a_blob_again_is_accepted(repo: Repo) -> None:
    of = repo.push(DATA)
    assert repo.push(DATA) == of
    assert repo.blob(of).content == DATA


# In chunks


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("parameter", [True, False], ids=["announced", "not announced"])
@pytest.mark.parametrize("last_in_put", [True, False], ids=["last in PUT", "last in PATCH"])
def test_chunks_in_order(repo: Repo, algorithm: str, parameter: bool, last_in_put: bool) -> None:
    location = repo.location(**({"digest-algorithm": algorithm} if parameter else {}))
    bounds = [0, 1, 40_000, 70_001, len(DATA)]
    chunks = list(pairwise(bounds))
    for first, end in chunks[:-1] if last_in_put else chunks:
        answer = repo.patch(location, DATA[first:end], f"{first}-{end - 1}")
        assert answer.status_code == 202, answer.text
        assert answer.headers["range"] == f"0-{end - 1}"
        location = answer.headers["location"]
    of = digest(DATA, algorithm)
    if last_in_put:
        first, end = chunks[-1]
        headers = {"content-range": f"{first}-{end - 1}"}
        answer = repo.close(location, of, DATA[first:end], **headers)
    else:
        answer = repo.close(location, of)
    assert answer.status_code == 201, answer.text
    assert answer.headers["docker-content-digest"] == of
    assert repo.blob(of).content == DATA


def test_chunks_without_ranges_are_appended(repo: Repo) -> None:
    location = repo.location()
    for first in range(0, len(DATA), 30_000):
        answer = repo.patch(location, DATA[first : first + 30_000])
        assert answer.status_code == 202
        location = answer.headers["location"]
    assert repo.close(location, digest(DATA)).status_code == 201
    assert repo.blob(digest(DATA)).content == DATA


def test_the_state_of_an_upload_is_told(repo: Repo) -> None:
    location = repo.location()
    fresh = repo.client.get(location)
    assert fresh.status_code == 204
    assert re.fullmatch(r"0-\d+", fresh.headers["range"])
    location = repo.patch(location, DATA[:500], "0-499").headers["location"]
    answer = repo.client.get(location)
    assert answer.status_code == 204
    assert answer.headers["range"] == "0-499"
    assert answer.content == b""
    assert repo.patch(answer.headers["location"], DATA[500:600], "500-599").status_code == 202


OUT_OF_ORDER = [
    ("a gap", 1, "600-699"),
    ("from the start again", 1, "0-99"),
    ("an overlap", 1, "400-499"),
    ("not from the start", 0, "100-199"),
]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(("what", "sent", "asked"), OUT_OF_ORDER, ids=[r[0] for r in OUT_OF_ORDER])
def test_a_chunk_out_of_order_is_416_and_changes_nothing(
    repo: Repo, method: str, what: str, sent: int, asked: str
) -> None:
    location = repo.location()
    if sent:
        location = repo.patch(location, DATA[:500], "0-499").headers["location"]
    chunk = b"x" * 100
    if method == "PATCH":
        answer = repo.patch(location, chunk, asked)
    else:
        answer = repo.close(location, digest(DATA), chunk, **{"content-range": asked})
    assert answer.status_code == 416, what
    state = repo.client.get(location)
    assert state.status_code == 204
    if sent:
        assert end_of(state) == 500
    rest = DATA[500:] if sent else DATA
    first = len(DATA) - len(rest)
    resumed = repo.patch(state.headers["location"], rest, f"{first}-{len(DATA) - 1}")
    assert resumed.status_code == 202
    assert repo.close(resumed.headers["location"], digest(DATA)).status_code == 201
    assert repo.blob(digest(DATA)).content == DATA


@pytest.mark.parametrize(
    "asked",
    ["bytes 0-9", "a-b", "0-", "-9", "9-0", "0-9/10", "0-8", "0-10", "0-99999999999999999999"],
)
def test_a_content_range_that_is_none_or_not_the_chunks_is_refused(repo: Repo, asked: str) -> None:
    location = repo.location()
    answer = repo.patch(location, b"0123456789", asked)
    assert answer.status_code in (400, 416), answer.text
    state = repo.client.get(location)
    assert state.status_code == 204
    assert end_of(state) <= 1, "a refused chunk left bytes behind"
    assert repo.close(location, digest(DATA), DATA).status_code == 201


# Wrong ends


@pytest.mark.parametrize("way", ["POST", "PUT", "PATCH then PUT"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_bytes_of_another_digest_are_never_stored(repo: Repo, way: str, algorithm: str) -> None:
    repo.push(b"so that the repository exists")
    data = random_bytes(1000)
    wrong = digest(b"other" + data, algorithm)
    if way == "POST":
        answer = repo.call("POST", "blobs/uploads/", params={"digest": wrong}, content=data)
    elif way == "PUT":
        answer = repo.close(repo.location(), wrong, data)
    else:
        begun = repo.patch(repo.location(), data, "0-999")
        answer = repo.close(begun.headers["location"], wrong)
    refused(answer, 400, "DIGEST_INVALID")
    assert repo.blob(wrong).status_code == 404
    assert repo.blob(digest(data, algorithm)).status_code == 404


@pytest.mark.parametrize(
    "of",
    [
        "sha256:1234",
        "sha256:" + "A" * 64,
        "sha256:" + "0" * 65,
        "sha512:" + "0" * 64,
        "md5:" + "0" * 32,
        "sha1:" + "0" * 40,
        "baddigeststring",
        "sha256:",
        ":",
        "",
    ],
)
def test_a_malformed_or_unsupported_digest_is_refused(repo: Repo, of: str) -> None:
    refused(repo.close(repo.location(), of, b"data"), 400, "DIGEST_INVALID")
    if of:
        single = repo.call("POST", "blobs/uploads/", params={"digest": of}, content=b"data")
        refused(single, 400, "DIGEST_INVALID")


def test_an_upload_ends_only_with_a_digest(repo: Repo) -> None:
    answer = repo.client.put(repo.location(), content=b"data")
    refused(answer, 400, "DIGEST_INVALID")


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "SHA256", "x"])
def test_an_unsupported_algorithm_is_refused_at_the_start(repo: Repo, algorithm: str) -> None:
    refused(repo.begin(**{"digest-algorithm": algorithm}), 400, "DIGEST_INVALID")


UNKNOWN_UPLOAD: list[tuple[str, Callable[[Repo, str], httpx.Response]]] = [
    ("GET", lambda repo, location: repo.client.get(location)),
    ("PATCH", lambda repo, location: repo.patch(location, b"x")),
    ("PUT", lambda repo, location: repo.close(location, digest(b"x"), b"x")),
    ("DELETE", lambda repo, location: repo.client.delete(location)),
]


@pytest.mark.parametrize(("method", "call"), UNKNOWN_UPLOAD, ids=[r[0] for r in UNKNOWN_UPLOAD])
@pytest.mark.parametrize("state", ["ended", "cancelled", "never begun", "of another repository"])
def test_an_upload_that_is_not_there_is_404(
    repo: Repo,
    other: Repo,
    method: str,
    call: Callable[[Repo, str], httpx.Response],
    state: str,
) -> None:
    location = repo.location()
    if state == "ended":
        assert repo.close(location, digest(b"y"), b"y").status_code == 201
    elif state == "cancelled":
        assert repo.client.delete(location).status_code == 204
    elif state == "never begun":
        location = repo.path("blobs/uploads/00000000-0000-4000-8000-000000000000")
    else:
        other.push(b"so that the repository exists")
        location = location.replace(repo.name, other.name)
    refused(call(repo, location), 404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "%2e%2e", "a%00b", "..", "x" * 5000])
def test_an_upload_address_of_ones_own_making_is_not_followed(repo: Repo, name: str) -> None:
    repo.push(b"so that the repository exists")
    with Wire(str(repo.client.base_url)) as wire:
        path = repo.path(f"blobs/uploads/{name}")
        wire.send("PATCH", path, repo.client, b"data")
        assert wire.status() in (400, 404, 405, 414, 431)


def test_a_cancelled_upload_is_gone(repo: Repo) -> None:
    location = repo.patch(repo.location(), DATA, f"0-{len(DATA) - 1}").headers["location"]
    answer = repo.client.delete(location)
    assert answer.status_code == 204
    assert answer.content == b""
    assert repo.client.get(location).status_code == 404
    assert repo.blob(digest(DATA)).status_code == 404


def test_an_upload_in_progress_is_not_visible(repo: Repo) -> None:
    repo.push(b"so that the repository exists")
    data = random_bytes(1000)
    repo.patch(repo.location(), data, "0-999")
    assert repo.blob(digest(data)).status_code == 404
    assert repo.blob(digest(data), "HEAD").status_code == 404


# Connections that end or stand still


def _settled(repo: Repo, location: str) -> tuple[str, int]:
    """Where an upload goes on, and from which byte, once its former client is given up."""
    deadline = time.monotonic() + 60
    held = -1
    while time.monotonic() < deadline:
        answer = repo.client.get(location)
        assert answer.status_code == 204, answer.text
        if end_of(answer) == held:
            return answer.headers["location"], held
        held = end_of(answer)
        time.sleep(0.2)
    pytest.fail("the upload did not come to rest")


def _resume(repo: Repo, location: str, data: bytes) -> None:
    """Continue where the upload stands; again while the server still sees the former client."""
    deadline = time.monotonic() + 60
    status = 0
    while status != 202:
        assert time.monotonic() < deadline, f"not resumed: {status}"
        location, held = _settled(repo, location)
        # `0-0` stands for one byte and, as nothing shorter can be written, also for none.
        for start_ in {held, 0} if held == 1 else {held}:
            answer = repo.patch(location, data[start_:], f"{start_}-{len(data) - 1}")
            status = answer.status_code
            if status == 202:
                break
    assert repo.close(answer.headers["location"], digest(data)).status_code == 201
    assert repo.blob(digest(data)).content == data


@pytest.mark.parametrize("sent", [0, 1, 65_536, 1_500_000])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_an_upload_is_resumed_after_a_cut_connection(repo: Repo, sent: int, how: str) -> None:
    data = random_bytes(2_000_000)
    location = repo.location()
    with Wire(str(repo.client.base_url)) as wire:
        wire.head("PATCH", location, repo.client, {"Content-Length": str(len(data))})
        wire.write(data[:sent])
        wire.close(reset=how == "reset")
    assert _settled(repo, location)[1] <= max(sent, 1)
    _resume(repo, location, data)


@pytest.mark.parametrize("way", ["POST", "PUT"])
def test_a_body_shorter_than_announced_stores_nothing(repo: Repo, way: str) -> None:
    repo.push(b"so that the repository exists")
    data = random_bytes(1000)
    path = (
        repo.path(f"blobs/uploads/?digest={digest(data)}")
        if way == "POST"
        else repo.closing(repo.location(), digest(data))
    )
    with Wire(str(repo.client.base_url)) as wire:
        wire.head(way, path, repo.client, {"Content-Length": "2000"})
        wire.write(data)
        wire.shutdown()
        status = wire.status()
    assert status in (0, 400, 408, 499), "a cut-off body was taken for a whole one"
    time.sleep(0.3)
    assert repo.blob(digest(data)).status_code == 404


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "0x10", "5, 6"])
def test_a_length_that_is_no_number_is_refused(repo: Repo, length: str) -> None:
    with Wire(str(repo.client.base_url)) as wire:
        wire.head("PATCH", repo.location(), repo.client, {"Content-Length": length})
        wire.write(b"hello")
        wire.shutdown()
        assert wire.status() in (0, 400)


def test_a_client_that_leaves_a_download_disturbs_nobody(repo: Repo) -> None:
    data = random_bytes(8_000_000)
    of = repo.push(data)
    for _ in range(5):
        with Wire(str(repo.client.base_url)) as wire:
            wire.head("GET", repo.path(f"blobs/{of}"), repo.client)
            assert wire.status() == 200
            wire.close(reset=True)
    assert repo.blob(of).content == data


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    live = start(tmp_path_factory.mktemp("idle"), config={"http": {"timeouts": {"idle": "1s"}}})
    yield live
    live.stop()


@pytest.mark.parametrize("way", ["PATCH", "PUT"])
@pytest.mark.parametrize("sent", [0, 1, 70_000])
def test_a_client_that_falls_silent_gets_408_and_may_resume(
    impatient: Live, way: str, sent: int
) -> None:
    auth = ("admin", impatient.admin_password)
    with httpx.Client(base_url=impatient.url, auth=auth, timeout=30) as client:
        repo = Repo(client)
        data = random_bytes(100_000)
        location = repo.location()
        path = location if way == "PATCH" else repo.closing(location, digest(data))
        with Wire(impatient.url) as wire:
            began = time.monotonic()
            wire.head(way, path, client, {"Content-Length": str(len(data))})
            wire.write(data[:sent])
            assert wire.status(timeout=60) == 408
            assert 0.8 < time.monotonic() - began < 60
        _resume(repo, location, data)


def test_a_slow_client_that_keeps_sending_is_served(impatient: Live) -> None:
    auth = ("admin", impatient.admin_password)
    with httpx.Client(base_url=impatient.url, auth=auth, timeout=30) as client:
        repo = Repo(client)
        data = random_bytes(20)
        location = repo.location()
        with Wire(impatient.url) as wire:
            wire.head("PATCH", location, client, {"Content-Length": str(len(data))})
            for start_ in range(0, len(data), 2):
                wire.write(data[start_ : start_ + 2])
                time.sleep(0.25)
            assert wire.status(timeout=60) == 202
        location, held = _settled(repo, location)
        assert held == len(data)
        assert repo.close(location, digest(data)).status_code == 201


def test_a_client_that_stands_still_in_a_manifest_gets_408(impatient: Live) -> None:
    auth = ("admin", impatient.admin_password)
    with httpx.Client(base_url=impatient.url, auth=auth, timeout=30) as client:
        repo = Repo(client)
        content = repo.image()
        with Wire(impatient.url) as wire:
            headers = {
                "Content-Length": str(len(content.body)),
                "Content-Type": content.media_type,
            }
            wire.head("PUT", repo.path("manifests/v1"), client, headers)
            wire.write(content.body[:20])
            assert wire.status(timeout=60) == 408
        assert repo.get("v1").status_code == 404


# Several at once


def test_many_pushes_of_one_blob_all_succeed(server: Live, repo: Repo) -> None:
    data = random_bytes(500_000)

    def push(_: int) -> str:
        auth = ("admin", server.admin_password)
        with httpx.Client(base_url=server.url, auth=auth, timeout=60) as client:
            return Repo(client, repo.name).push(data)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(push, range(16))) == {digest(data)}
    assert repo.blob(digest(data)).content == data


def test_two_clients_in_one_upload_never_mix_their_bytes(server: Live, repo: Repo) -> None:
    chunks = [bytes([letter]) * 200_000 for letter in b"ab"]
    location = repo.location()

    def send(chunk: bytes) -> int:
        auth = ("admin", server.admin_password)
        with httpx.Client(base_url=server.url, auth=auth, timeout=60) as client:
            return Repo(client, repo.name).patch(location, chunk, "0-199999").status_code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, chunks))
    assert answers.count(202) == 1, answers
    won = chunks[answers.index(202)]
    location, _ = _settled(repo, location)
    assert repo.close(location, digest(won)).status_code == 201


def test_an_upload_is_continued_by_whichever_worker_gets_it(server: Live, repo: Repo) -> None:
    location = repo.location()
    auth = ("admin", server.admin_password)
    for first in range(0, len(DATA), 10_000):
        with httpx.Client(base_url=server.url, auth=auth) as client:
            chunk = DATA[first : first + 10_000]
            asked = f"{first}-{first + len(chunk) - 1}"
            answer = Repo(client, repo.name).patch(location, chunk, asked)
            assert answer.status_code == 202, answer.text
            location = answer.headers["location"]
    assert repo.close(location, digest(DATA)).status_code == 201
    assert repo.blob(digest(DATA)).content == DATA


def test_a_waiting_client_is_told_to_go_on(repo: Repo) -> None:
    """`Expect: 100-continue`, which curl sends with large bodies."""
    location = repo.location()
    with Wire(str(repo.client.base_url)) as wire:
        headers = {"Content-Length": "5", "Expect": "100-continue"}
        wire.head("PATCH", location, repo.client, headers)
        assert (wire.line(timeout=60) or b"").startswith(b"HTTP/1.1 100")
        wire.write(b"hello")
        assert wire.status() == 202


def test_refused_credentials_answer_before_the_body_is_sent(server: Live) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as wire:
        wire.sendall(
            b"POST /v2/wire/early/blobs/uploads/?digest=sha256:" + b"0" * 64 + b" HTTP/1.1\r\n"
            b"Host: x\r\nContent-Length: 100000000\r\n\r\n"
        )
        assert wire.recv(100).startswith(b"HTTP/1.1 401 ")
