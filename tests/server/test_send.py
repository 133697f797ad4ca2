"""Ranges as RFC 9110 has them, and answers that outlive their client."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from packyard.digests import digest_of
from packyard.errors import RangeUnsatisfiable
from packyard.references import RepoName
from packyard.server.send import PIECE, Answer, as_json, blob_answer, parse_range
from packyard.storage.store import Store


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=5-", (5, 5)),
        (" bytes=9-9 ", (9, 1)),
        ("bytes=-3", (7, 3)),
        ("bytes=-30", (0, 10)),
        ("bytes=2-99", (2, 8)),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=0-٣", None),
        ("bytes=0-" + "9" * 40, None),
    ],
)
def test_one_range_is_understood_and_all_else_ignored(
    text: str, part: tuple[int, int] | None
) -> None:
    assert parse_range(text, 10) == part


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=5-4", "bytes=-0", "bytes=11-20"])
def test_a_range_of_nothing_is_refused_with_the_size(text: str) -> None:
    with pytest.raises(RangeUnsatisfiable) as caught:
        parse_range(text, 10)
    assert caught.value.detail["size"] == 10


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 100))
def test_a_range_is_what_a_slice_of_the_bytes_would_be(first: int, last: int, size: int) -> None:
    data = bytes(size)
    expected = len(data[first : last + 1])
    try:
        part = parse_range(f"bytes={first}-{last}", size)
    except RangeUnsatisfiable:
        assert not expected
    else:
        assert part == (first, expected)


def test_an_answer_to_head_has_the_length_and_no_body() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    asyncio.run(as_json(200, {"a": "ü"})({"method": "HEAD"}, receive, send))
    assert dict(sent[0]["headers"])[b"content-length"] == b"10"
    assert sent[1]["body"] == b""
    asyncio.run(Answer(204)({"method": "GET"}, receive, send))
    assert [message.get("status") for message in sent[2:]] == [204, None]


def test_reading_stops_where_the_client_is_gone(store: Store) -> None:
    repo, data = RepoName("a"), bytes(6 * PIECE)
    blob = store.put_blob(repo, digest_of(data), data)
    answer = blob_answer(store, blob, (), b"bytes=1-")
    sent: list[Message] = []
    gone = asyncio.Event

    async def run() -> None:
        left = gone()

        async def receive() -> Message:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) == 3:
                left.set()
                await asyncio.sleep(0)

        await answer({"method": "GET", "extensions": {}}, receive, send)

    asyncio.run(run())
    assert len(sent) == 3
    assert sent[-1]["more_body"]
