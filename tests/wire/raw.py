"""HTTP by hand: for requests that no client library would send."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx


class Wire:
    """One connection. `status` is 0 where the server closed without an answer."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = f"{parts.hostname}:{parts.port}"
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def head(
        self, method: str, path: str, client: httpx.Client, headers: Mapping[str, str] | None = None
    ) -> None:
        """A request without its body, with the credentials of `client`."""
        parts = urlsplit(path)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"Authorization: {authorization(client)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, method: str, path: str, client: httpx.Client, body: bytes) -> None:
        self.head(method, path, client, {"Content-Length": str(len(body))})
        self.write(body)

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def shutdown(self) -> None:
        """Say that nothing more comes; the answer, if one came already, can still be read."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def line(self, timeout: float = 20) -> bytes | None:
        """The next line, None at the end of the connection."""
        self._socket.settimeout(timeout)
        while b"\r\n" not in self._buffer:
            try:
                data = self._socket.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def status(self, timeout: float = 20) -> int:
        """The status of the answer, past any `100 Continue`."""
        while True:
            line = self.line(timeout)
            if line is None:
                return 0
            if line.startswith(b"HTTP/1.1 ") and not line.startswith(b"HTTP/1.1 100"):
                return int(line.split()[1])

    def close(self, *, reset: bool = False) -> None:
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._socket.close()


def authorization(client: httpx.Client) -> str:
    """The `Authorization` header that `client` sends."""
    auth = client.auth
    assert isinstance(auth, httpx.BasicAuth)
    request = next(auth.auth_flow(httpx.Request("GET", client.base_url)))
    return str(request.headers["authorization"])
