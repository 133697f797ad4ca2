"""Credentials, and the answer to a registry that asks for them.

`Basic` (RFC 7617) and the token flow of the distribution registries: a 401 names a realm, service
and scope, the realm gives out a token for them, the request is sent again with it. Nothing here
sends a request to the registry itself; `client` decides which host may see what comes out.
"""

from __future__ import annotations

import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_MARGIN = 300.0
"""Seconds before its end at which a login is renewed."""
_PARAMETER = re.compile(r'([a-zA-Z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_SCHEME = re.compile(r"(?:^|,)\s*(Basic|Bearer)(?:\s+|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {b64encode(pair).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that a person was given; it goes out as it is, with every request."""

    text: str = field(repr=False)

    @property
    def header(self) -> str:
        return f"Bearer {self.text}"


class RenewedLogin:
    """Credentials that end after some hours: `fetch` gives new ones, and the second since 1970 at
    which those end."""

    def __init__(self, fetch: Callable[[], tuple[Credentials, float]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._header = ""
        self._ends = 0.0

    @property
    def header(self) -> str:
        with self._lock:
            if time.time() > self._ends - _MARGIN:
                self._renew()
            return self._header

    def renewed(self, refused: str) -> str | None:
        """Another header in place of one that was refused; None where there is no other."""
        with self._lock:
            if self._header == refused:
                self._renew()
            return self._header if self._header != refused else None

    def _renew(self) -> None:
        credentials, self._ends = self._fetch()
        self._header = credentials.header


Login = Credentials | AccessToken | RenewedLogin


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a `WWW-Authenticate` header asks for; `scheme` is lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """Every Basic and Bearer challenge of a header, in its order; other schemes are passed over."""
    starts = list(_SCHEME.finditer(header))
    ends = [*(start.start() for start in starts), len(header)][1:]
    return [
        Challenge(
            start[1].lower(),
            {
                name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain
                for name, quoted, plain in _PARAMETER.findall(header[start.end() : end])
            },
        )
        for start, end in zip(starts, ends, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Token:
    """What a realm gave out; `life` in seconds."""

    text: str = field(repr=False)
    life: float


FetchToken = Callable[[Mapping[str, str], str], Token]
"""From a Bearer challenge's parameters and a scope to a token: one request to the realm."""


class Authorizer:
    """What to write into `Authorization` for one registry; threads share it.

    There is none until the registry asked: then Basic for good, or a token for each scope. A
    person's own token goes out from the first request on.
    """

    def __init__(self, credentials: Login | None, fetch: FetchToken) -> None:
        self.credentials = credentials
        self._fetch = fetch
        self._lock = threading.Lock()
        self._always = isinstance(credentials, AccessToken)
        self._bearer: Mapping[str, str] | None = None
        self._tokens: dict[str, tuple[str, float]] = {}

    def expect_login(self) -> None:
        """Send them from the first request on, so that they are checked in any case."""
        with self._lock:
            self._always = True

    def header(self, scope: str) -> str | None:
        """The value for a request in `scope`, "" where the registry's own challenge names it."""
        with self._lock:
            if self._always and self.credentials:
                return self.credentials.header
            token, expires = self._tokens.get(scope, ("", 0.0))
            if token and time.monotonic() < expires:
                return token
            return self._refresh(scope) if self._bearer is not None and scope else None

    def renewed(self, refused: str | None) -> str | None:
        """Another value of a login that ends, in place of the refused one; None for any other."""
        if isinstance(self.credentials, RenewedLogin) and refused:
            return self.credentials.renewed(refused)
        return None

    def answer(self, challenges: list[Challenge], scope: str, refused: str | None) -> str | None:
        """The value to try next after a 401 for `refused`; None where nothing else is left."""
        if isinstance(self.credentials, AccessToken):
            return None
        with self._lock:
            for challenge in challenges:
                if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
                    self._always, self._bearer = False, challenge.parameters
                    known, _ = self._tokens.get(scope, ("", 0.0))
                    return known if known and known != refused else self._refresh(scope)
                if challenge.scheme == "basic" and self.credentials:
                    self._always = True
                    value = self.credentials.header
                    return value if value != refused else None
        return None

    def _refresh(self, scope: str) -> str:
        parameters = self._bearer or {}
        token = self._fetch(parameters, scope or parameters.get("scope", ""))
        value = f"Bearer {token.text}"
        self._tokens[scope] = (value, time.monotonic() + max(token.life - 5.0, 1.0))
        return value
