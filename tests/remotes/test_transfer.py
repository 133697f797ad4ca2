"""Blobs whole, over connections that break."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable

import pytest

from packyard.digests import Digest, digest_of
from packyard.errors import PackyardError, RemoteFailed, TooLarge
from packyard.references import parse_repo
from packyard.remotes import transfer
from packyard.remotes.address import parse_address
from packyard.remotes.client import Client
from packyard.remotes.oci import Descriptor, Repository
from packyard.remotes.transfer import pull_blob, push_blob
from tests.remotes.scripted import Reply, Request, talking

DATA = random.Random(1).randbytes(3_000_000)  # noqa: S311
DIGEST = digest_of(DATA)
PIECE = 1_000_000

Fault = Callable[[Request], Reply | None]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PIECE", PIECE)


class Uploads:
    """A registry's uploads as the specification has them; `fault` comes before each request."""

    def __init__(self, fault: Fault = lambda _: None) -> None:
        self.fault = fault
        self.begun = 0
        self.got = b""
        self.blobs: dict[str, bytes] = {}

    def __call__(self, request: Request) -> Reply:
        return self.fault(request) or getattr(self, request.method.lower())(request)

    def head(self, request: Request) -> Reply:
        return Reply(200 if request.path.rpartition("/")[2] in self.blobs else 404)

    def post(self, _: Request) -> Reply:
        self.begun, self.got = self.begun + 1, b""
        return Reply(202, {"Location": f"/v2/a/blobs/uploads/{self.begun}?state=x"})

    def get(self, request: Request) -> Reply:
        if f"/uploads/{self.begun}?" not in request.path:
            return Reply(404)
        return Reply(204, {"Range": f"0-{max(len(self.got) - 1, 0)}", "Location": request.path})

    def take(self, request: Request, data: bytes) -> Reply | None:
        start = int(request.headers.get("content-range", "0-").partition("-")[0])
        if start != len(self.got):
            return Reply(416)
        self.got += data
        return None

    def patch(self, request: Request) -> Reply:
        return self.take(request, request.body) or Reply(202, {"Location": request.path})

    def put(self, request: Request) -> Reply:
        refused = self.take(request, request.body)
        if refused:
            return refused
        digest = re.sub(r".*digest=", "", request.path).replace("%3A", ":")
        if digest_of(self.got) != digest:
            return Reply(400)
        self.blobs[digest], self.begun = self.got, self.begun + 1
        return Reply(201)


def upload(registry: Uploads) -> tuple[list[str], list[int]]:
    """Push DATA; the methods of the requests, and what was told of the progress."""
    told: list[int] = []
    with talking(registry) as (server, client):
        push_blob(Repository(client, parse_repo("a")), DIGEST, DATA, told.append)
    return [request.method for request in server.requests], told


def once(method: str, act: Callable[[Request], Reply]) -> Fault:
    """`act` in place of the second request of that method."""
    count = 0

    def fault(request: Request) -> Reply | None:
        nonlocal count
        count += request.method == method
        return act(request) if request.method == method and count == 2 else None

    return fault


def test_a_blob_goes_in_pieces_the_last_with_the_closing_request() -> None:
    registry = Uploads()
    methods, told = upload(registry)
    assert registry.blobs[DIGEST] == DATA
    assert methods == ["HEAD", "POST", "PATCH", "PATCH", "PUT"]
    assert told == sorted(told)
    assert told[-1] == len(DATA)


def test_a_blob_that_is_there_is_not_sent() -> None:
    registry = Uploads()
    registry.blobs[DIGEST] = DATA
    methods, told = upload(registry)
    assert methods == ["HEAD"]
    assert told == [len(DATA)]


def test_an_upload_goes_on_where_the_registry_stands() -> None:
    registry = Uploads()

    def half(request: Request) -> Reply:
        registry.got += request.body[:1234]
        return Reply(500)

    registry.fault = once("PATCH", half)
    methods, _ = upload(registry)
    assert registry.blobs[DIGEST] == DATA
    assert methods.count("POST") == 1


def test_an_upload_that_was_forgotten_begins_anew() -> None:
    registry = Uploads()

    def forget(_: Request) -> Reply:
        registry.begun += 1
        return Reply(500)

    registry.fault = once("PATCH", forget)
    methods, _ = upload(registry)
    assert registry.blobs[DIGEST] == DATA
    assert methods.count("POST") == 2


def test_an_upload_whose_last_answer_was_lost_is_done() -> None:
    registry = Uploads()
    lost = False

    def fault(request: Request) -> Reply | None:
        nonlocal lost
        if request.method == "PUT" and not lost:
            lost = True
            registry.put(request)
            return Reply(201, body=b"xx", cut=1)
        return None

    registry.fault = fault
    methods, _ = upload(registry)
    assert registry.blobs[DIGEST] == DATA
    assert methods.count("PUT") == 1


@pytest.mark.parametrize("status", [500, 502])
def test_an_upload_that_gets_nowhere_is_given_up(status: int) -> None:
    registry = Uploads(lambda request: Reply(status) if request.method == "PATCH" else None)
    with pytest.raises(RemoteFailed, match=str(status)):
        upload(registry)


def test_a_registry_that_forgets_every_time_is_given_up() -> None:
    registry = Uploads()

    def fault(request: Request) -> Reply | None:
        if request.method == "PATCH" and registry.got:
            registry.begun += 1
            return Reply(500)
        return None

    registry.fault = fault
    with pytest.raises(RemoteFailed):
        upload(registry)
    assert registry.begun < 20


@pytest.mark.parametrize("status", [400, 401, 403, 413, 507])
def test_a_refused_upload_is_not_tried_again(status: int) -> None:
    registry = Uploads(lambda request: Reply(status) if request.method == "PATCH" else None)
    count = 0

    def counting(request: Request) -> Reply:
        nonlocal count
        count += request.method == "PATCH"
        return registry(request)

    with talking(counting) as (_server, client), pytest.raises(PackyardError):
        push_blob(Repository(client, parse_repo("a")), DIGEST, DATA, lambda _: None)
    assert count == 1


def download(script: Callable[[Request], Reply], size: int = len(DATA)) -> bytes:
    out = io.BytesIO()
    with talking(script) as (_server, client):
        descriptor = Descriptor("application/x", DIGEST, size)
        pull_blob(Repository(client, parse_repo("a")), descriptor, out, lambda _: None)
    return out.getvalue()


def from_range(request: Request) -> Reply:
    start = int(request.headers.get("range", "bytes=0-")[6:-1])
    return Reply(206 if start else 200, body=DATA[start:])


def test_a_download_goes_on_where_it_broke() -> None:
    starts: list[str | None] = []

    def script(request: Request) -> Reply:
        starts.append(request.headers.get("range"))
        whole = from_range(request)
        return Reply(whole.status, body=whole.body, cut=700_000)

    assert download(script) == DATA
    assert starts[0] is None
    assert len(set(starts)) == len(starts) == 5


def test_a_download_goes_on_with_a_registry_without_ranges() -> None:
    cuts = iter([1_000_000, None])
    assert download(lambda _: Reply(200, body=DATA, cut=next(cuts))) == DATA


def test_a_download_that_gets_nowhere_is_given_up() -> None:
    with pytest.raises(RemoteFailed, match="broke"):
        download(lambda _: Reply(200, body=DATA, cut=0))


def test_a_download_that_breaks_after_each_byte_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfer, "TRIES", 10)
    starts: list[int] = []

    def script(request: Request) -> Reply:
        starts.append(int(request.headers.get("range", "bytes=0-")[6:-1]))
        return Reply(206, body=DATA[starts[-1] :], cut=1)

    with pytest.raises(RemoteFailed, match="broke"):
        download(script)
    assert starts == list(range(10))


def test_other_bytes_are_refused_with_both_digests() -> None:
    forged = DATA[:-1] + b"x"
    with pytest.raises(RemoteFailed) as refused:
        download(lambda _: Reply(200, body=forged))
    assert DIGEST in str(refused.value)
    assert digest_of(forged) in str(refused.value)


def test_too_few_bytes_are_refused() -> None:
    with pytest.raises(RemoteFailed):
        download(lambda _: Reply(200, body=DATA[:-1]))


def test_more_bytes_than_announced_are_not_read_on() -> None:
    with pytest.raises(TooLarge):
        download(lambda _: Reply(200, body=DATA), size=1000)


@pytest.mark.parametrize("size", [0, 1, 10, PIECE, PIECE + 1, 2 * PIECE, len(DATA)])
def test_blobs_of_any_size_go_to_a_foreign_registry_and_come_back(
    size: int, open_registry: str
) -> None:
    data = DATA[:size]
    digest: Digest = digest_of(data)
    out = io.BytesIO()
    with Client(parse_address(open_registry)) as client:
        repository = Repository(client, parse_repo(f"blobs/of/{size}"))
        push_blob(repository, digest, data, lambda _: None)
        assert repository.has_blob(digest)
        pull_blob(repository, Descriptor("application/x", digest, size), out, lambda _: None)
    assert out.getvalue() == data
