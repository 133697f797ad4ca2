"""A server for tests that answers as a script says, on a real socket, with or without TLS.

For what no proper registry does: failing now and then, lying, redirecting, breaking off.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Reply:
    """`cut`: close the connection after so many bytes of the body, whatever its length says."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None


@dataclass
class Scripted:
    """`requests` is everything that came, in its order."""

    host: str
    requests: list[Request] = field(default_factory=list)

    def seen(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]


@contextmanager
def talking(
    script: Callable[[Request], Reply], credentials: Credentials | None = None
) -> Iterator[tuple[Scripted, Client]]:
    """A server as `answering`, and a client of it over plain HTTP."""
    with (
        answering(script) as server,
        Client(parse_address(f"http://{server.host}"), credentials) as client,
    ):
        yield server, client


@contextmanager
def answering(
    script: Callable[[Request], Reply], *, tls: ssl.SSLContext | None = None
) -> Iterator[Scripted]:
    """A running server that answers each request by `script`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            scripted.requests.append(request)
            reply = script(request)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body[: reply.cut])
            if reply.cut is not None:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Not on the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scripted = Scripted(f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
