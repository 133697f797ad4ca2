"""Ranges of blobs (RFC 9110, section 14), as "Pulling blobs" asks."""

from __future__ import annotations

import httpx
import pytest

from tests.wire.oci import Repo, digest, random_bytes, unique

SIZE = 300_000
DATA = random_bytes(SIZE, "ranges")


@pytest.fixture(scope="module")
def blob(admin: httpx.Client) -> tuple[Repo, str]:
    repo = Repo(admin, unique("wire/ranges"))
    return repo, repo.push(DATA)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-499", 0, 499),
        ("bytes=500-1499", 500, 1499),
        ("bytes=500-", 500, SIZE - 1),
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=-500", SIZE - 500, SIZE - 1),
        (f"bytes=-{SIZE}", 0, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        (f"bytes=2000-{SIZE * 9}", 2000, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        (f"bytes={SIZE - 1}-{SIZE - 1}", SIZE - 1, SIZE - 1),
        (f"bytes=65535-{SIZE - 2}", 65535, SIZE - 2),
    ],
)
def test_one_range_is_served_with_206(
    blob: tuple[Repo, str], asked: str, first: int, last: int
) -> None:
    repo, of = blob
    answer = repo.blob(of, range=asked)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.headers["docker-content-digest"] == of
    assert answer.content == DATA[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE * 2}-{SIZE * 3}", "bytes=-0"])
def test_a_range_outside_the_blob_is_416_with_its_size(blob: tuple[Repo, str], asked: str) -> None:
    repo, of = blob
    answer = repo.blob(of, range=asked)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", ["items=0-1", "0-1", "nonsense", ""])
def test_a_range_in_another_unit_is_ignored(blob: tuple[Repo, str], asked: str) -> None:
    repo, of = blob
    answer = repo.blob(of, range=asked)
    assert answer.status_code == 200
    assert answer.content == DATA


@pytest.mark.parametrize(
    "asked",
    ["bytes=abc", "bytes=5-2", "bytes=", "bytes=-", "bytes=1-2-3", "bytes=+1-2", "bytes=1-٢"],
)
def test_a_malformed_range_is_ignored_or_refused_never_obeyed(
    blob: tuple[Repo, str], asked: str
) -> None:
    repo, of = blob
    headers = [(b"range", asked.encode())]
    answer = repo.client.get(repo.path(f"blobs/{of}"), headers=headers)
    assert answer.status_code in (200, 400, 416)
    if answer.status_code == 200:
        assert answer.content == DATA


def test_several_ranges_are_served_as_parts_or_as_the_whole(blob: tuple[Repo, str]) -> None:
    repo, of = blob
    answer = repo.blob(of, range="bytes=0-9,100-109")
    if answer.status_code == 206:
        assert answer.headers["content-type"].startswith("multipart/byteranges")
        assert DATA[:10] in answer.content
        assert DATA[100:110] in answer.content
    else:
        assert answer.status_code == 200
        assert answer.content == DATA


def test_ranges_are_announced(blob: tuple[Repo, str]) -> None:
    repo, of = blob
    assert repo.blob(of, "HEAD").headers["accept-ranges"] == "bytes"


def test_head_has_no_ranges(blob: tuple[Repo, str]) -> None:
    repo, of = blob
    answer = repo.blob(of, "HEAD", range="bytes=0-9")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(SIZE)


def test_a_condition_that_does_not_hold_gives_the_whole(blob: tuple[Repo, str]) -> None:
    repo, of = blob
    answer = repo.blob(of, **{"range": "bytes=0-9", "if-range": '"another"'})
    assert answer.status_code == 200
    assert answer.content == DATA


def test_an_empty_blob_has_no_range(repo: Repo) -> None:
    of = repo.push(b"")
    answer = repo.blob(of, range="bytes=0-0")
    assert answer.status_code in (200, 416)
    assert answer.status_code == 416 or answer.content == b""


def test_ranges_of_a_sha512_blob(repo: Repo) -> None:
    of = repo.push(DATA, "sha512")
    answer = repo.blob(of, range="bytes=10-19")
    assert answer.status_code == 206
    assert answer.content == DATA[10:20]


def test_a_cut_download_is_continued_to_the_same_digest(blob: tuple[Repo, str]) -> None:
    repo, of = blob
    with repo.client.stream("GET", repo.path(f"blobs/{of}")) as answer:
        head = next(answer.iter_bytes(10_000))
    rest = repo.blob(of, range=f"bytes={len(head)}-")
    assert rest.status_code == 206
    assert digest(head + rest.content) == of
