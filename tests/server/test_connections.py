"""Connections that nobody speaks or listens on: they end, and are in nobody's way until then."""

from __future__ import annotations

import resource
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.live import Live, start
from tests.wire.oci import digest

MANY = 2500
BLOB = 32 * 1024 * 1024
ESTABLISHED = "01"  # in /proc/net/tcp


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


def test_a_connection_that_waits_too_long_for_a_request_is_closed(tmp_path: Path) -> None:
    config = {"http": {"timeouts": {"idle": "1s"}}}
    whole = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    with start(tmp_path, config=config) as live, ExitStack() as held:
        begun = {sent: held.enter_context(connect(live)) for sent in (b"", whole[:15], whole)}
        for sent, silent in begun.items():
            silent.sendall(sent)
        for sent, silent in begun.items():
            received = b""
            while piece := silent.recv(65536):  # times out where nobody closes
                received += piece
            assert received.startswith(b"HTTP/1.1 200") == (sent == whole), sent


def asked(live: Live, path: str, range_: str, room: int = 0) -> socket.socket:
    """A connection that asks for a path; `room` is how many bytes the system takes unasked."""
    host, _, port = live.host.rpartition(":")
    client = socket.socket()
    if room:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.settimeout(20)
    client.connect((host, int(port)))
    head = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: {range_}\r\n"
    client.sendall(f"{head}Authorization: {live.authorization}\r\n\r\n".encode())
    return client


def taken(client: socket.socket) -> int:
    """How many bytes come to one who pauses now and then, until the server closes."""
    size, stop = 0, BLOB // 5
    while piece := client.recv(1024 * 1024):
        size += len(piece)
        if size > stop:
            time.sleep(0.5)
            stop += BLOB // 5
    return size


def held_by(live: Live) -> int:
    """How many connections the server has."""
    port = f":{int(live.host.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(port) and row[3] == ESTABLISHED for row in rows)


def memory(workers: list[int]) -> int:
    """What they hold, in bytes."""
    pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in workers)
    return sum(pages) * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds how long nothing is taken")
def test_clients_that_take_nothing_of_a_blob_cost_little_and_lose_their_connection(
    tmp_path: Path,
) -> None:
    data = bytes(BLOB)
    with (
        start(tmp_path, config={"http": {"timeouts": {"idle": "2s"}}}) as live,
        ExitStack() as held,
    ):
        with httpx.Client(base_url=live.url, auth=("admin", live.admin_password)) as client:
            path = f"/v2/slow/blobs/{digest(data)}"
            begun = client.post(f"/v2/slow/blobs/uploads/?digest={digest(data)}", content=data)
            assert begun.status_code == 201
        ranges = ["", "bytes=1-"]
        workers = live.workers()
        before = memory(workers)
        stalled = [held.enter_context(asked(live, path, range_, 4096)) for range_ in ranges * 20]
        steady = [held.enter_context(asked(live, path, range_)) for range_ in ranges]
        with ThreadPoolExecutor() as pool:
            assert min(pool.map(taken, steady)) >= BLOB
        assert memory(workers) - before < 40 * 3 * 1024 * 1024
        assert held_by(live) <= len(stalled)
        deadline = time.monotonic() + 20
        while held_by(live):
            assert time.monotonic() < deadline, "connections of clients that take nothing stay"
            time.sleep(0.1)
        assert httpx.get(f"{live.url}/health", timeout=20).status_code == 200


@pytest.mark.usefixtures("many_files")
def test_thousands_of_silent_connections_keep_nobody_out(tmp_path: Path) -> None:
    with start(tmp_path) as live, ExitStack() as held:
        for _ in range(MANY):
            held.enter_context(connect(live))
        assert httpx.get(f"{live.url}/health", timeout=20).status_code == 200
