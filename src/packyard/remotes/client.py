"""Requests to one registry: which scheme, whose credentials, how often, and how much is read.

- Credentials go to the registry's own origin (and, in the token flow, to the realm it names), never
  to a host that a redirect or a `Location` leads to.
- A request is repeated after a refused connection, and, where the method is idempotent, after 429,
  502, 503 and 504; `Retry-After` is heeded, and where it asks for more than `LONGEST_PAUSE` the
  request fails at once, saying so.
- Every body is read up to a limit. Answers are taken as they are: no compression is asked for.
"""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Self, TypedDict
from urllib.request import getproxies

import httpx

from packyard import __version__
from packyard.errors import (
    Denied,
    NotFound,
    PackyardError,
    RemoteFailed,
    TooLarge,
    Unauthenticated,
    Unsupported,
)
from packyard.remotes import failures, presented
from packyard.remotes.address import Address
from packyard.remotes.challenge import Authorizer, Login, Token, parse_challenges
from packyard.remotes.manners import OF_A_PERSON, Manners
from packyard.remotes.transport import Transport
from packyard.remotes.trust import CERTIFICATES, tls_context

DOCUMENT_LIMIT = 4 * 1024 * 1024
"""Bytes of an answer that is read whole: manifests, lists."""
ERROR_LIMIT = 256 * 1024
_LATER = 4 / 3  # so that the spread of waits never comes before what a server asks for
PAUSES = (0.2, 0.4, 0.8)
"""Seconds before each further try, give or take a quarter."""
LONGEST_PAUSE = 30.0
_LONGEST_WISH = 7 * 24 * 3600.0
TOKEN_LIFE = 60.0
"""Seconds that a token lives where the realm does not say."""
REDIRECTS = 5
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_PASSING = frozenset({429, 502, 503, 504})
_WEB_PROXIES = ("http", "https", "all")
_KEPT = "packyard.body"

Body = bytes | Iterable[bytes]
"""What is sent. An iterable has to start anew each time it is iterated over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of status below 400."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL

    def json(self) -> object:
        """The body as JSON values; raise `RemoteFailed` where it is something else."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise RemoteFailed(
                f"{_netloc(self.url)} answered with something that is not JSON."
            ) from None


class _Settings(TypedDict):
    insecure: bool
    certificates: Sequence[Path]
    authority: Path | None
    pem: str
    manners: Manners


class Client:
    """One registry, used by many threads; close it, or use it in a `with`."""

    def __init__(
        self,
        address: Address,
        credentials: Login | None = None,
        *,
        insecure: bool = False,
        certificates: Sequence[Path] = CERTIFICATES,
        authority: Path | None = None,
        pem: str = "",
        manners: Manners = OF_A_PERSON,
    ) -> None:
        self.address = address
        self.manners = manners
        self._settings: _Settings = {
            "insecure": insecure,
            "certificates": certificates,
            "authority": authority,
            "pem": pem,
            "manners": manners,
        }
        self._plain_allowed = insecure or address.loopback
        self._lock = threading.Lock()
        self._origin: httpx.URL | None = None
        self._authorizer = Authorizer(credentials, self._token)
        context = tls_context(
            address.host, verify=not insecure, folders=certificates, authority=authority, pem=pem
        )
        proxies = {} if address.loopback else getproxies()
        self._http = httpx.Client(
            transport=Transport(
                context, manners, {name: proxies[name] for name in _WEB_PROXIES if name in proxies}
            ),
            timeout=httpx.Timeout(manners.read, connect=manners.connect),
            headers={"user-agent": f"packyard/{__version__}", "accept-encoding": "identity"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    @property
    def host(self) -> str:
        return self.address.host

    @property
    def has_login(self) -> bool:
        return self._authorizer.credentials is not None

    def stranger(self, address: Address) -> Client:
        """A client of another server by the same manners and trust, without credentials."""
        return Client(address, **self._settings)

    def verify(self) -> None:
        """Raise `Unauthenticated` where the registry does not take the credentials.

        Ours answers at `/v1/`, any other at `/v2/`.
        """
        self.expect_login()
        try:
            self.request("GET", "/v1/")
        except (NotFound, Unauthenticated, Denied, Unsupported):
            self.request("GET", "/v2/")

    def expect_login(self) -> None:
        """Send the credentials from the first request on, also where they were not asked for."""
        self._authorizer.expect_login()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: Body = b"",
        scope: str = "",
        repeat: bool = True,
        limit: int = DOCUMENT_LIMIT,
    ) -> Answer:
        """Send, and read the whole answer. `url` is a path, or what a `Location` held.

        `scope` is that of the token flow; `repeat=False` keeps a request with side effects from
        being sent twice. Raise what `failures` makes of anything but an answer below 400, and
        `TooLarge` for one of more than `limit` bytes.
        """
        with self.stream(
            method, url, headers=headers, content=content, scope=scope, repeat=repeat
        ) as response:
            body = self._body(response, limit)
            return Answer(response.status_code, response.headers, body, response.request.url)

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: Body = b"",
        scope: str = "",
        repeat: bool = True,
    ) -> Iterator[httpx.Response]:
        """As `request`, with the body still to be read by `iter_raw`."""

        def send() -> httpx.Response:
            target = self.origin().join(url)
            request = self._http.build_request(method, target, headers=headers, content=content)
            return self._authorized(request, scope)

        try:
            response = self._repeated(send, again=repeat and method in _IDEMPOTENT)
            try:
                if response.status_code >= 400:
                    raise self._refused(response)
                yield response
            finally:
                response.close()
        except httpx.RequestError as error:
            led = isinstance(error, httpx.UnsupportedProtocol | httpx.TooManyRedirects)
            host = self.host if led else self._called(error.request.url)
            raise self._broken(host, error) from error
        except httpx.InvalidURL as error:
            raise RemoteFailed(f"{self.host} names an address that is none: {error}.") from error

    def origin(self) -> httpx.URL:
        """Scheme and host, found out at the first use where the address leaves the scheme open.

        TLS is tried first. Plain HTTP follows only where it is allowed, and never where there is
        TLS with a certificate that is not trusted.
        """
        with self._lock:
            if self._origin is None:
                self._origin = self._find_origin()
            return self._origin

    def _find_origin(self) -> httpx.URL:
        secure, plain = (httpx.URL(f"{scheme}://{self.host}/") for scheme in ("https", "http"))
        if self.address.scheme:
            return plain if self.address.scheme == "http" else secure
        if not self._plain_allowed:
            return secure
        probe = self._http.build_request("HEAD", secure.join("/v2/"))
        try:
            self._http.send(probe, stream=True).close()
        except httpx.TransportError as error:
            if failures.never_sent(error):
                raise
            if failures.certificate_fault(error) is None:
                return plain
        return secure

    def _repeated(self, send: Callable[[], httpx.Response], *, again: bool) -> httpx.Response:
        for pause in PAUSES:
            try:
                response = send()
            except httpx.RequestError as error:
                broke_off = again and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
                broke_off = broke_off and not failures.is_not_http(error)
                if not (broke_off or failures.never_sent(error)):
                    raise
                wait = pause
            else:
                wait = max(_retry_after(response) * _LATER, pause)
                late = _retry_after(response) > LONGEST_PAUSE
                if late or not (again and response.status_code in _PASSING):
                    return response
                response.close()
            time.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311  (spreads clients)
        return send()

    def _authorized(self, request: httpx.Request, scope: str) -> httpx.Response:
        ours = _same_origin(request.url, self.origin())
        value = self._authorizer.header(scope) if ours else None
        if value:
            request.headers["authorization"] = value
        response = self._followed(request)
        if response.status_code not in (401, 403) or not ours:
            return response
        if not _same_origin(response.request.url, self.origin()):
            return response
        challenges = parse_challenges(", ".join(response.headers.get_list("www-authenticate")))
        self._keep_refusal(response)  # a realm at this host must find its place free
        other = self._authorizer.renewed(value)  # some say 403 of what has ended
        if other is None and response.status_code == 401:
            other = self._authorizer.answer(challenges, scope, value)
        if other is None:
            return response
        request.headers["authorization"] = other
        return self._followed(request)

    def _followed(self, request: httpx.Request) -> httpx.Response:
        """Send and follow redirects; httpx takes the credentials out where the host changes."""
        for hop in range(REDIRECTS):
            try:
                response = self._http.send(request, stream=True)
            except RemoteFailed as error:  # an address that is not called
                led = f"{self.host} leads on to {_netloc(request.url)}. " if hop else ""
                raise RemoteFailed(led + error.message, host=self.host) from error
            if response.next_request is None:
                return response
            response.close()
            request = response.next_request
        raise httpx.TooManyRedirects("too many redirects", request=request)

    def _token(self, parameters: Mapping[str, str], scope: str) -> Token:
        """Ask the realm of a Bearer challenge; it gets the credentials, so it must be as safe."""
        realm = self.origin().join(parameters["realm"])
        if realm.scheme != "https" and self.origin().scheme == "https":
            there = _netloc(realm)
            raise RemoteFailed(f"{self.host} wants the password sent to {there} unencrypted.")
        asked = {"service": parameters.get("service", ""), "scope": scope}
        url = realm.copy_merge_params({name: value for name, value in asked.items() if value})
        request = self._http.build_request("GET", url)
        credentials = self._authorizer.credentials
        if credentials:
            request.headers["authorization"] = credentials.header
        try:
            response = self._followed(request)
        except httpx.RequestError as error:
            raise self._broken(_netloc(realm), error) from error
        try:
            if response.status_code >= 400:
                raise self._refused(response)
            return _token(json.loads(self._body(response, DOCUMENT_LIMIT)))
        except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
            raise RemoteFailed(f"{_netloc(realm)} gave no token for {self.host}.") from None
        finally:
            response.close()

    def _refused(self, response: httpx.Response) -> PackyardError:
        try:
            body = self._body(response, ERROR_LIMIT)
        except (TooLarge, httpx.RequestError):
            body = b""
        return failures.refused(
            self._called(response.request.url),
            response.status_code,
            response.reason_phrase,
            body,
            retry_after=_retry_after(response),
        )

    def _keep_refusal(self, response: httpx.Response) -> None:
        """Read what it says and give its connection back."""
        try:
            body = self._body(response, ERROR_LIMIT)
        except (TooLarge, httpx.RequestError):
            body = b""
        finally:
            response.close()
        response.extensions[_KEPT] = body

    def _called(self, url: httpx.URL) -> str:
        """Whose fault a request's failure is, as people name it."""
        ours = self._origin is None or _same_origin(url, self._origin)
        return self.host if ours else _netloc(url)

    def _broken(self, host: str, error: httpx.RequestError) -> RemoteFailed:
        shown = ""
        if failures.certificate_fault(error):
            url = error.request.url
            shown = presented.describe(url.host, url.port or 443, self.manners)
        return failures.broken(host, error, self.manners.mends, shown)

    def _body(self, response: httpx.Response, limit: int) -> bytes:
        if _KEPT in response.extensions:
            return bytes(response.extensions[_KEPT])
        parts = bytearray()
        for part in response.iter_raw():
            parts += part
            if len(parts) > limit:
                raise TooLarge(f"{self.host} answered with more than {limit} bytes; not read on.")
        return bytes(parts)


def _netloc(url: httpx.URL) -> str:
    return url.netloc.decode("ascii", "replace")


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    ports = {"http": 80, "https": 443}
    mine, its = ((u.scheme, u.host, u.port or ports.get(u.scheme)) for u in (one, other))
    return mine == its


def _token(data: Any) -> Token:
    """What a realm says; raises whatever comes of it where that is no token."""
    text = str(data.get("token") or data["access_token"])
    if not text.isascii() or not text.isprintable():
        raise ValueError("No header can hold it.")
    return Token(text, float(data.get("expires_in") or TOKEN_LIFE))


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks for, by their number or by a date; 0 where it does not."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WISH)
    try:
        wait = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(math.ceil(wait), 0.0), _LONGEST_WISH)
