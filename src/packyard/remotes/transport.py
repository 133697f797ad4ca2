"""The way of requests to the network, under httpx: addresses judged, answers timed, hosts spared.

Connections go to the addresses that `Reach` allows, or through the proxy that the environment
names, as for every program. A host that sends a byte now and then is given up when the answer has
taken `Manners.whole` seconds and one more for each `SLOWEST` bytes of it, and any other when nobody
waits for it any more (`Manners.wanted`).
"""

from __future__ import annotations

import math
import socket
import ssl
import time
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass

import httpcore
import httpx

from packyard.errors import RemoteFailed
from packyard.remotes.failures import NotHttp, TooSlow
from packyard.remotes.manners import SLOWEST, Manners
from packyard.remotes.reach import ANYWHERE

_CONNECTIONS = 20
_IDLE = 5.0  # seconds that an unused connection is kept
_PLACE = 300.0  # seconds to wait for a place in the host's budget
_WANTED = 1.0  # seconds after which whoever waits asks whether to go on
_LEAST = 0.001  # seconds, for whoever came too late to ask

_HTTP = b"HTTP/"
_SHOWN = 80  # bytes of what is none

Options = Iterable[httpcore.SOCKET_OPTION] | None


class Transport(httpx.BaseTransport):
    """`proxies` are proxies' URLs by the scheme of what is asked for, as in the environment."""

    def __init__(
        self, context: ssl.SSLContext, manners: Manners, proxies: Mapping[str, str]
    ) -> None:
        self._manners = manners
        self._proxies = proxies
        self._direct = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            keepalive_expiry=_IDLE,
            network_backend=Backend(manners),
        )
        self._by_proxy = {
            url: httpcore.HTTPProxy(
                *_parsed_proxy(url),
                ssl_context=context,
                max_connections=_CONNECTIONS,
                keepalive_expiry=_IDLE,
                network_backend=Backend(replace(manners, reach=ANYWHERE)),
            )
            for url in set(proxies.values())
        }

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        leave = self._enter(request)
        try:
            with _as_httpx():
                _require_wanted(self._manners)
                answer = self._pool(request.url).handle_request(_as_httpcore(request))
        except BaseException:
            leave()
            raise
        body = _Body(typing.cast("httpx.SyncByteStream", answer.stream), leave)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=body, extensions=answer.extensions
        )

    def close(self) -> None:
        for pool in (self._direct, *self._by_proxy.values()):
            pool.close()

    def _enter(self, request: httpx.Request) -> Callable[[], None]:
        budget = self._manners.budget
        if budget is None:
            return _nothing
        host = request.url.netloc.decode()
        end = time.monotonic() + _PLACE
        while (leave := budget.enter(host, _WANTED)) is None:
            if time.monotonic() > end or not self._manners.wanted():
                raise httpx.PoolTimeout("no place in the budget of this host")
        return leave

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not proxy or proxy_bypass(url.host):
            return self._direct
        if self._manners.reach.guarded:
            with suppress(OSError):  # a name that only the proxy resolves, as in closed networks
                self._manners.reach.addresses(url.host, url.port or 0)
        return self._by_proxy[proxy]


class Backend(httpcore.NetworkBackend):
    """Makes connections to addresses that were judged."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options = None,
    ) -> httpcore.NetworkStream:
        plain = httpcore.SyncBackend()
        try:
            addresses = self._manners.reach.addresses(host, port)
        except (socket.gaierror, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        *others, last = addresses
        for address in others:
            try:
                stream = plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return _Timed(stream, self._manners)
        stream = plain.connect_tcp(last, port, timeout, local_address, socket_options)
        return _Timed(stream, self._manners)


class _Timed(httpcore.NetworkStream):
    """A connection on which no answer takes for ever."""

    def __init__(self, stream: httpcore.NetworkStream, manners: Manners) -> None:
        self._stream = stream
        self._manners = manners
        self._asked_at = math.inf
        self._received = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        whole = self._manners.whole
        if time.monotonic() - self._asked_at > whole + self._received / SLOWEST:
            raise TooSlow(f"an answer takes longer than {whole:.0f} s")
        data = self._some(max_bytes, math.inf if timeout is None else timeout)
        if not self._received and not _HTTP.startswith(data[: len(_HTTP)]):
            raise NotHttp(_beginning(data))
        self._received += len(data)
        return data

    def _some(self, max_bytes: int, timeout: float) -> bytes:
        """What comes, while somebody waits for it."""
        end = time.monotonic() + timeout
        while True:
            _require_wanted(self._manners)
            left = max(end - time.monotonic(), _LEAST)
            try:
                return self._stream.read(max_bytes, min(left, _WANTED))
            except httpcore.ReadTimeout:
                if left <= _WANTED:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._asked_at, self._received = time.monotonic(), 0
        self._stream.write(buffer, timeout)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, timeout), self._manners)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> typing.Any:
        return self._stream.get_extra_info(info)


class _Body(httpx.SyncByteStream):
    """The body of an answer, which gives the host's place back when it is closed."""

    def __init__(self, stream: httpx.SyncByteStream, leave: Callable[[], None]) -> None:
        self._stream = stream
        self._leave = leave

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._stream

    def close(self) -> None:
        leave, self._leave = self._leave, _nothing
        try:
            self._stream.close()
        finally:
            leave()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """httpx's own errors have the names of those that its core raises."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    ) as error:
        names = (kind.__name__ for kind in type(error).__mro__)
        kind = next(getattr(httpx, name) for name in names if hasattr(httpx, name))
        raise kind(str(error)) from error


def _as_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=typing.cast("httpx.SyncByteStream", request.stream),
        extensions=request.extensions,
    )


def _parsed_proxy(url: str) -> tuple[str, tuple[str, str] | None]:
    """A proxy's address and login, from its URL."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RemoteFailed(
            f"The environment names a proxy of the kind {parts.scheme!r}: only http and https "
            "proxies are used."
        )
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", login


def _beginning(data: bytes) -> str:
    """The first line, where that is text; else the first bytes."""
    line = data.split(b"\n", 1)[0].strip()[:_SHOWN]
    if line.isascii() and line.decode("latin-1").isprintable():
        return repr(line.decode("ascii"))
    return f"with the bytes {data[:8].hex(' ')}"


def _require_wanted(manners: Manners) -> None:
    if not manners.wanted():
        raise TooSlow("nobody waits for the answer any more")


def _nothing() -> None:
    """Where there is no budget."""
