"""Letting requests in: who sends one, may they do that, and for the audit from where.

Every face asks here before it does anything. What proves who somebody is stands in the header
`ApiKey`, else in `Authorization`, else in the cookie of a session; how it is verified is
`auth.policy`'s to know. A browser sends cookies and remembered passwords along with whatever a page
of another site makes it send, so for requests that change something a session also needs its token
in `X-CSRF-Token`, and browsers that say they come from another site are refused.
"""

from __future__ import annotations

import hmac
from functools import partial

from anyio import to_thread
from starlette.types import Scope

from packyard.auth import credentials, sessions
from packyard.auth.principal import Action, Principal
from packyard.errors import Denied
from packyard.server.forwarded import is_secure, remote
from packyard.server.logs import REQUEST_ID
from packyard.server.parts import Parts, header
from packyard.storage.audit import ORIGIN, Origin

COOKIE = "packyard_session"
CSRF_COOKIE = "packyard_csrf"
_HOST_ONLY = "__Host-"  # browsers take such a cookie from this host alone, over TLS
_ORIGIN = "packyard.origin"
_ACTOR = 255  # characters of a name in the audit
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


async def identify(parts: Parts, scope: Scope, via: str) -> Principal:
    """Who sends the request of this ASGI scope; `scope["user"]` from then on.

    What a request changes is put down to them in the audit, as having come `via` that face. Raises
    `Unauthenticated`, `TooManyRequests`, and `Denied` for what another site's page made a browser
    send.
    """
    credential = _credential(parts, scope)
    principal = parts.policy.recall(credential)
    if principal is None:
        address = remote(scope, parts.settings)
        verify = partial(parts.policy.verify, credential, address)
        if credential and credentials.is_slow(credential):
            principal = await parts.verifying.take(address, credential, verify)
        else:
            principal = await to_thread.run_sync(verify)
    scope["user"] = principal
    if scope["method"] not in _READS:
        _require_own_page(scope, credential)
        originate(parts, scope, principal, via)
    return principal


async def admit(
    parts: Parts, scope: Scope, action: Action, *, repository: str = "", via: str
) -> Principal:
    """Who sends the request, where they may do that in the registry, to that repository.

    Raises as `identify`, and `Denied` or `Unsupported`.
    """
    principal = await identify(parts, scope, via)
    parts.policy.check(principal, action, repository)
    return principal


def originate(parts: Parts, scope: Scope, principal: Principal, via: str) -> None:
    """Say in the audit who asks for what this request changes."""
    origin = Origin(
        actor=str(principal)[:_ACTOR],
        uid=principal.uid,
        address=remote(scope, parts.settings),
        via=via,
        request=REQUEST_ID.get(),
    )
    ORIGIN.set(origin)
    scope[_ORIGIN] = origin


def audited(scope: Scope) -> str:
    """The uid of the last row of the audit that a request led to; "" for none."""
    origin: Origin | None = scope.get(_ORIGIN)
    return origin.rows[-1] if origin and origin.rows else ""


def cookie_name(name: str, *, secure: bool) -> str:
    return f"{_HOST_ONLY}{name}" if secure else name


def session_cookie(parts: Parts, scope: Scope) -> str:
    """What the cookie of a session holds, "" where there is none."""
    text = (header(scope, b"cookie") or b"").decode("latin-1")
    if COOKIE not in text:
        return ""
    wanted = cookie_name(COOKIE, secure=is_secure(scope, parts.settings))
    for pair in text.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted:
            return value
    return ""


def _credential(parts: Parts, scope: Scope) -> bytes | None:
    """In the forms of `auth.credentials`."""
    key = header(scope, b"apikey")
    if key:
        return b"ApiKey " + key
    authorization = header(scope, b"authorization")
    if authorization:
        return authorization
    cookie = session_cookie(parts, scope)
    return b"Cookie " + cookie.encode("latin-1") if cookie else authorization


def _require_own_page(scope: Scope, credential: bytes | None) -> None:
    """Raise `Denied` for what a browser sent by itself, made to by a page of another site."""
    if credential is None:
        return
    if credential.startswith(b"Cookie "):
        cookie = credential.removeprefix(b"Cookie ").decode("latin-1")
        token = (header(scope, b"x-csrf-token") or b"").decode("latin-1")
        if not hmac.compare_digest(token.encode(), sessions.csrf_of(cookie).encode()):
            raise Denied(
                f"A request that changes something needs the token of its session in the header "
                f"X-CSRF-Token; it stands in the cookie {CSRF_COOKIE}."
            )
    elif header(scope, b"sec-fetch-site") == b"cross-site" and credential[:5].lower() == b"basic":
        raise Denied("A page of another site may change nothing here.")
