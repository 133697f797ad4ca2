"""An ASGI client that decides when each piece of a body comes, and whether any comes at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

from tests.live import basic


class Turn(Enum):
    """What a client can do instead of sending a piece."""

    SILENT = "sends nothing, for ever"
    GONE = "closes the connection"


HOSTS = ("127.0.0.1:5000",)
ADMIN = {"authorization": basic("admin", "password of admin")}
READER = {"authorization": basic("reader", "password of reader")}


@dataclass
class Reply:
    """`path` is the file that the server was told to send as the body."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    path: str = ""
    ended: bool = False

    def __getitem__(self, name: str) -> str:
        return dict(self.headers)[name]

    def __contains__(self, name: str) -> bool:
        return name in dict(self.headers)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        return [error["code"] for error in self.json()["errors"]]

    def take(self, message: Message) -> None:
        assert not self.ended, "a message after the end of the answer"
        if message["type"] == "http.response.start":
            assert not self.status, "an answer that starts twice"
            self.status = message["status"]
            self.headers = [(key.decode(), value.decode()) for key, value in message["headers"]]
        elif message["type"] == "http.response.pathsend":
            self.path, self.ended = message["path"], True
            self.body = Path(self.path).read_bytes()
        else:
            assert self.status, "a body before the start of the answer"
            assert isinstance(message["body"], bytes), "the server takes bytes only"
            self.body += message["body"]
            self.ended = not message.get("more_body", False)


def call(
    app: ASGIApp,
    method: str,
    target: str,
    body: bytes | Iterable[bytes | Turn] = b"",
    headers: Mapping[str, str] = ADMIN,
    *,
    client: str = "192.0.2.7",
    pathsend: bool = True,
) -> Reply:
    """One request, to its end; `headers` are those of the admin unless given."""
    hosts = () if "host" in headers else HOSTS
    request = ask(app, method, target, body, headers, client=client, pathsend=pathsend, hosts=hosts)
    return asyncio.run(request)


async def ask(
    app: ASGIApp,
    method: str,
    target: str,
    body: bytes | Iterable[bytes | Turn] = b"",
    headers: Mapping[str, str] = ADMIN,
    *,
    client: str = "192.0.2.7",
    pathsend: bool = True,
    hosts: Sequence[str] = HOSTS,
    version: str = "1.1",
) -> Reply:
    """As `call`, beside others; with a `Host` for each of `hosts`."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [
            (key.lower().encode(), value.encode())
            for key, value in [*headers.items(), *(("host", host) for host in hosts)]
        ],
        "client": (client, 1234),
        "server": ("127.0.0.1", 5000),
        "extensions": {"http.response.pathsend": {}} if pathsend else {},
    }
    reply = Reply()
    steps = [body] if isinstance(body, bytes) else list(body)

    async def receive() -> Message:
        step = steps.pop(0) if steps else Turn.SILENT
        if step is Turn.GONE:
            return {"type": "http.disconnect"}
        if isinstance(step, Turn):
            await asyncio.Event().wait()
        return {"type": "http.request", "body": step, "more_body": bool(steps)}

    async def send(message: Message) -> None:
        reply.take(message)

    await asyncio.wait_for(app(scope, receive, send), 20)
    return reply
