"""Signing in and out: passwords, tokens that are renewed, cookies of the console, OpenID providers.

A sign-in makes a session. Programs are given its token, which they renew while it is good; browsers
its cookie, which no script reads, and beside it the token that their changes have to carry
(`admission`). Both end with the session.
"""

from __future__ import annotations

import hmac
import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field
from starlette.types import Scope

from packyard.auth import sessions
from packyard.auth.oidc import Flow
from packyard.auth.principal import Principal
from packyard.auth.sessions import Session
from packyard.auth.sign_in import SignedIn, SignIn
from packyard.errors import Denied, ParameterInvalid, Unauthenticated, Unsupported
from packyard.server.admission import (
    COOKIE,
    CSRF_COOKIE,
    cookie_name,
    originate,
)
from packyard.server.forwarded import is_secure, origin, remote
from packyard.server.hub.forms import Form, Owner, Person, private_router
from packyard.server.pack_models import timestamp
from packyard.server.packs import Wired
from packyard.server.parts import OpenId, Parts, header

router = private_router("/v1/auth", "sign-in")

_FLOW_COOKIE = "packyard_sign_in"
_FLOW_LIFE = timedelta(minutes=10)
_FLOW = "sign-in"  # the purpose of its token
_HOME = "/console/"
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9a-fA-F:]+\](:[0-9]+)?")

Next = Annotated[str, Query(alias="next", description="A path of this server.")]
SetCookie = Annotated[bool, Query(alias="setCookie", description="Also sign this browser in.")]


class Login(Form):
    email_id: str = Field(description="E-mail address or name.")
    password: str
    org: str | None = None


class UserToken(Form):
    Authorization: str = Field(alias="Authorization", description="A token, for 15 minutes.")
    is_mfa: bool = False


class SessionModel(Form):
    uid: str
    created_at: str
    used_at: str = Field(description="Give or take some minutes.")
    ends_at: str = Field(description="If nobody uses it any more.")
    address: str
    agent: str
    is_current: bool

    @classmethod
    def of(cls, session: Session, current: str) -> SessionModel:
        return cls(
            uid=session.uid,
            created_at=timestamp(session.created_at),
            used_at=timestamp(session.used_at),
            ends_at=timestamp(session.ends_at),
            address=session.address,
            agent=session.agent,
            is_current=session.uid == current,
        )


class Sessions(Form):
    items: list[SessionModel]


class ProviderModel(Form):
    label: str
    url: str


class Providers(Form):
    items: list[ProviderModel]


@router.post("/authenticate")
async def authenticate(
    request: Request, response: Response, parts: Wired, login: Login, *, cookie: SetCookie = True
) -> UserToken:
    """Sign in with name or e-mail address and password."""
    scope = request.scope
    address, agent = remote(scope, parts.settings), _agent(scope)
    originate(parts, scope, Principal(login.email_id, None), "api")
    given = login.email_id, login.password
    # Here and not in FastAPI's threads, which those who wait for bcrypt would take all of.
    done = await parts.verifying.take(
        address, given, lambda: _sign_in(parts).by_password(*given, address, agent)
    )
    if cookie:
        _set_cookies(response, parts, scope, done)
    return UserToken(Authorization=done.token)


@router.get("/refresh/{token}")
def refresh(request: Request, parts: Wired, token: str) -> UserToken:
    """Another token for the session of this one, which can be renewed once."""
    originate(parts, request.scope, Principal("unknown", None), "api")
    return UserToken(Authorization=_sign_in(parts).renew(token).token)


@router.post("/signout", status_code=204)
def sign_out(request: Request, response: Response, parts: Wired, person: Person) -> None:
    """End the session that the request comes by."""
    if not person.session:
        raise ParameterInvalid("There is no session to end: this came by a password or a key.")
    sessions.end(parts.store, person.uid, person.session)
    _clear_cookies(response, parts, request.scope)


@router.get("/sessions")
def list_sessions(parts: Wired, owner: Owner) -> Sessions:
    """One's own, newest first."""
    with parts.store.read() as connection:
        found = sessions.of_user(connection, owner.uid)
    return Sessions(items=[SessionModel.of(session, owner.session) for session in found])


@router.delete("/sessions", status_code=204)
def end_all_sessions(request: Request, response: Response, parts: Wired, owner: Owner) -> None:
    """Sign out everywhere."""
    sessions.end_all(parts.store, owner.uid)
    _clear_cookies(response, parts, request.scope)


@router.delete("/sessions/{uid}", status_code=204)
def end_session(parts: Wired, owner: Owner, uid: str) -> None:
    sessions.end(parts.store, owner.uid, uid)


@router.get("/providers")
def providers(parts: Wired) -> Providers:
    """Where else people can sign in; open to everybody."""
    openid = parts.openid
    url = "/v1/auth/oidc/login"
    return Providers(items=[ProviderModel(label=openid.label, url=url)] if openid else [])


@router.get("/oidc/login", status_code=303, response_class=RedirectResponse)
async def begin_openid(request: Request, parts: Wired, next_path: Next = _HOME) -> Response:
    """Go to the OpenID provider to sign in, and come back to `next`, a path of this server."""
    openid = _openid(parts)
    back = _base(request.scope, parts) + "/v1/auth/oidc/callback"
    address, flow = await to_thread.run_sync(openid.provider.begin, back, limiter=openid.asking)
    kept = {
        "state": flow.state,
        "nonce": flow.nonce,
        "verifier": flow.verifier,
        "redirect": flow.redirect_uri,
        "next": _local(next_path),
    }
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        _flow_cookie(request.scope, parts),
        await to_thread.run_sync(parts.tokens.sign, _FLOW, kept, _FLOW_LIFE),
        max_age=round(_FLOW_LIFE.total_seconds()),
        secure=is_secure(request.scope, parts.settings),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/oidc/callback", status_code=303, response_class=RedirectResponse)
async def finish_openid(
    request: Request,
    parts: Wired,
    *,
    code: str = "",
    state: str = "",
    error: str = "",
) -> Response:
    """Where the provider sends people back to."""
    openid, scope = _openid(parts), request.scope
    cookie = request.cookies.get(_flow_cookie(scope, parts), "")
    kept = await to_thread.run_sync(parts.tokens.verify, _FLOW, cookie)
    if not hmac.compare_digest(str(kept["state"]).encode(), state.encode(errors="replace")):
        raise Unauthenticated("This sign-in was not begun in this browser: begin it again.")
    if error or not code:
        raise Denied(f"The OpenID provider signed nobody in: {error[:200] or 'it gave no code'}.")
    flow = Flow(
        state=state,
        nonce=kept["nonce"],
        verifier=kept["verifier"],
        redirect_uri=kept["redirect"],
    )
    identity = await to_thread.run_sync(openid.provider.finish, code, flow, limiter=openid.asking)
    originate(parts, scope, Principal(identity.name, None), "api")
    address, agent = remote(scope, parts.settings), _agent(scope)
    done = await to_thread.run_sync(
        _sign_in(parts).by_identity, identity, openid.grants, address, agent
    )
    answer = RedirectResponse(kept["next"], 303, headers={"cache-control": "no-store"})
    secure = is_secure(scope, parts.settings)
    answer.delete_cookie(_flow_cookie(scope, parts), secure=secure, samesite="lax")
    _set_cookies(answer, parts, scope, done)
    return answer


def _sign_in(parts: Parts) -> SignIn:
    return SignIn(parts.store, parts.policy, parts.tokens)


def _flow_cookie(scope: Scope, parts: Parts) -> str:
    return cookie_name(_FLOW_COOKIE, secure=is_secure(scope, parts.settings))


def _openid(parts: Parts) -> OpenId:
    if parts.openid is None:
        raise Unsupported("This server knows no OpenID provider: auth.oidc names one.")
    return parts.openid


def _base(scope: Scope, parts: Parts) -> str:
    """The URL by which the browser reaches this server."""
    told = origin(scope, parts.settings)
    if told:
        return told
    host = (header(scope, b"host") or b"").decode("latin-1")
    if not _HOST.fullmatch(host):
        raise ParameterInvalid("The request names no host that people could come back to.")
    return f"{scope['scheme']}://{host}"


def _local(path: str) -> str:
    """A path of this server; what leads elsewhere leads home."""
    plain = path.startswith("/") and not re.search(r"[\\\s]|^//", path) and path.isprintable()
    return path if plain and not urlsplit(path).netloc else _HOME


def _agent(scope: Scope) -> str:
    return (header(scope, b"user-agent") or b"").decode("latin-1")


def _set_cookies(response: Response, parts: Parts, scope: Scope, done: SignedIn) -> None:
    secure = is_secure(scope, parts.settings)
    life = round(sessions.LIFE.total_seconds())
    for name, value, hidden in (
        (COOKIE, done.cookie, True),
        (CSRF_COOKIE, sessions.csrf_of(done.cookie), False),
    ):
        response.set_cookie(
            cookie_name(name, secure=secure),
            value,
            max_age=life,
            secure=secure,
            httponly=hidden,
            samesite="lax",
        )


def _clear_cookies(response: Response, parts: Parts, scope: Scope) -> None:
    secure = is_secure(scope, parts.settings)
    for name in (COOKIE, CSRF_COOKIE):
        response.delete_cookie(cookie_name(name, secure=secure), secure=secure, samesite="lax")
