"""Connections that nobody speaks on: they end, and until then they are in nobody's way."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.live import Live, start

MANY = 2500


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may hold `MANY` connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MANY
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(live: Live) -> socket.socket:
    host, _, port = live.host.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"],
    ids=["nothing", "half a head", "one whole request"],
)
def test_a_connection_that_waits_too_long_for_a_request_is_closed(
    tmp_path: Path, begun: bytes
) -> None:
    config = {"http": {"timeouts": {"idle": "1s"}}}
    with start(tmp_path, config=config) as live, connect(live) as silent:
        silent.sendall(begun)
        received = b""
        while piece := silent.recv(65536):  # times out where nobody closes
            received += piece
        assert received.startswith(b"HTTP/1.1 200") == begun.endswith(b"\r\n\r\n")


@pytest.mark.usefixtures("many_files")
def test_thousands_of_silent_connections_keep_nobody_out(tmp_path: Path) -> None:
    with start(tmp_path) as live, ExitStack() as held:
        for _ in range(MANY):
            held.enter_context(connect(live))
        assert httpx.get(f"{live.url}/health", timeout=20).status_code == 200
