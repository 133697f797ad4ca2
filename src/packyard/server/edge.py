"""The outermost ASGI application: what every request has in common, whichever face it is for.

Here and nowhere else: the request's id, the headers of every answer, the idle time of clients, the
line in the access log, the counters, and what happens when a face fails. The path's beginning
chooses the face.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from packyard.errors import ClientStalled, ParameterInvalid
from packyard.server import logs, problems
from packyard.server.forwarded import remote
from packyard.server.helm import errors as helm_errors
from packyard.server.helm.face import HelmRepository
from packyard.server.oci import errors as oci_errors
from packyard.server.oci.face import API_VERSION, Distribution
from packyard.server.parts import Parts, header
from packyard.server.routed import Refusal
from packyard.server.send import Header

_log = logging.getLogger(__name__)
_access = logging.getLogger("packyard.access")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_SERVER: Header = (b"server", b"packyard")
_LINGER_SECONDS = 5.0
_LINGER_BYTES = 32 * 1024 * 1024
_HOSTLESS = ParameterInvalid("A request has one header Host: this one has none, or several.")


@dataclass(frozen=True, slots=True)
class Face:
    """One protocol: `headers` of its answers, `refusal(error, realm)` and `failure(request_id)` its
    forms of "your fault" and "our fault"."""

    app: ASGIApp
    refusal: Refusal
    failure: Callable[[str], ASGIApp]
    headers: tuple[Header, ...]


class Edge:
    """OCI below `/v2`, the Helm repository below `/helm`; `inner` has every other path."""

    def __init__(self, parts: Parts, inner: ASGIApp) -> None:
        headers = (*parts.settings.headers, _SERVER)
        self.parts = parts
        prefix = secrets.token_hex(8)
        self._ids = (f"{prefix}-{number}" for number in count())
        oci, helm = Distribution(parts), HelmRepository(parts)
        self._inner = Face(inner, problems.refusal, problems.failure, headers)
        self._oci = Face(oci, oci_errors.refusal, oci_errors.failure, (*headers, API_VERSION))
        self._helm = Face(helm, helm_errors.refusal, helm_errors.failure, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner.app(scope, receive, send)
            return
        path = scope["path"]
        face = self._face(path)
        request_id = _sane_id(scope) or next(self._ids)
        logs.REQUEST_ID.set(request_id)
        headers = (*face.headers, (b"x-request-id", request_id.encode()))
        exchange = Exchange(receive, send, headers, self.parts.settings.idle)
        try:
            app = face.app if _names_host(scope) else face.refusal(_HOSTLESS, "")
            await app(scope, exchange.receive, exchange.send)
        except Exception:
            _log.exception("%s %s failed", scope["method"], path)
            if exchange.status and not exchange.ended:
                raise
            if not exchange.ended:
                await face.failure(request_id)(scope, exchange.receive, exchange.send)
        finally:
            self._tell(scope, exchange)
        if exchange.unread and scope["method"] not in _WITHOUT_BODY and _brings_body(scope):
            await exchange.linger()

    def _face(self, path: str) -> Face:
        if path.startswith("/v2/") or path == "/v2":
            return self._oci
        return self._helm if path.startswith("/helm/") or path == "/helm" else self._inner

    def _tell(self, scope: Scope, exchange: Exchange) -> None:
        seconds = time.perf_counter() - exchange.began
        method, status = scope["method"], exchange.status or 500
        route = getattr(scope.get("route"), "path", "none")
        self.parts.metrics.answered(
            method, route, status, seconds, received=exchange.received, sent=exchange.sent
        )
        if not _access.isEnabledFor(logging.INFO):
            return
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        user = scope.get("user")
        logs.answered(
            method=method,
            path=target.decode("latin-1"),
            status=status,
            seconds=seconds,
            sent=exchange.sent,
            received=exchange.received,
            principal=user.name if user else "",
            remote=remote(scope, self.parts.settings),
            agent=(header(scope, b"user-agent") or b"").decode("latin-1"),
        )


class Exchange:
    """The two directions of one request, counted; `status` is 0 until the answer starts."""

    __slots__ = (
        "_given", "_headers", "_idle", "_receive", "_send",
        "began", "ended", "received", "sent", "status", "unread",
    )  # fmt: skip

    def __init__(
        self, receive: Receive, send: Send, headers: Sequence[Header], idle: float
    ) -> None:
        self._receive = receive
        self._send = send
        self._headers = headers
        self._idle = idle
        self._given: dict[bytes, bytes] = {}
        self.began = time.perf_counter()
        self.received = self.sent = self.status = 0
        self.unread = True
        self.ended = False

    async def receive(self) -> Message:
        """As ASGI's; raises `ClientStalled` where nothing of a body comes for the idle time."""
        if not self.unread:
            return await self._receive()
        try:
            async with asyncio.timeout(self._idle):
                message = await self._receive()
        except TimeoutError:
            self.unread = False  # nobody waits for the rest any more
            raise ClientStalled(
                f"Nothing more of the request came for {self._idle:g} seconds."
            ) from None
        self.unread = bool(message.get("more_body"))
        self.received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            self._given = given = dict(message["headers"])
            more = [pair for pair in self._headers if pair[0] not in given]
            message = {**message, "headers": [*message["headers"], *more]}
        elif kind == "http.response.body":
            self.sent += len(message.get("body", b""))
        else:
            self.sent += int(self._given[b"content-length"])
        await self._send(message)
        self.ended = kind != "http.response.start" and not message.get("more_body", False)

    async def linger(self) -> None:
        """Read on for a while after an answer that came before the body's end.

        Closing at once could reset the connection before the client has read the answer.
        """
        limit = self.received + _LINGER_BYTES
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while self.unread and self.received < limit:
                    await self.receive()
        except (TimeoutError, ClientStalled):
            return


def _names_host(scope: Scope) -> bool:
    """Whether the request has one `Host`, or none where it is older than that (RFC 9112, 3.2)."""
    told = [value for name, value in scope["headers"] if name == b"host"]
    return len(told) == 1 or (not told and scope["http_version"] == "1.0")


def _sane_id(scope: Scope) -> str:
    """The request's id from the client, where it is harmless in a log and a header."""
    given = header(scope, b"x-request-id")
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else ""


def _brings_body(scope: Scope) -> bool:
    """Whether the client is sending one; who waits for a `100 Continue` is not."""
    if header(scope, b"expect"):
        return False
    length = header(scope, b"content-length")
    return length not in (None, b"0") or header(scope, b"transfer-encoding") is not None
