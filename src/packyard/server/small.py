"""Routes of the `/v1` API: a name is one segment of a path, and a body is read no further than it
has to be.

What a client escaped stays inside its segment: `a%2Fb` is one name (terraform-contract.md, 1).
`Canonical` hands the path over with the signs `%` and `/` of segments escaped, and these routes
take that back. A parameter `{uid:maybe}` at the end of a path may be empty where a slash leads to
it.

FastAPI reads a body before it asks who sends it, so without a bound anybody could fill the memory:
of more than `SMALL` bytes nothing is read before somebody is known to send them.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar
from urllib.parse import unquote

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from packyard.errors import ParameterInvalid, TooLarge
from packyard.packs import jsontext
from packyard.server.admission import audited, identify
from packyard.server.parts import MIB, Parts, header

SMALL = 64 * 1024  # bytes
_SLASHED = "packyard.slashed"  # whether the path had a slash at its end


class Canonical:
    """Routes a path with a slash at its end as the one without, and HEAD as GET.

    Nothing is redirected; the server leaves the body of an answer to HEAD away by itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = scope["method"], scope["path"]
        path = _escaped(scope)
        scope[_SLASHED] = path.endswith("/")
        path = path.rstrip("/")
        scope["path"] = "/v1/" if path == "/v1" else path or "/"
        scope["method"] = "GET" if asked[0] == "HEAD" else asked[0]
        try:
            await self._app(scope, receive, send)
        finally:
            scope["method"], scope["path"] = asked


class _Maybe(StringConvertor):
    regex = "[^/]*"


register_url_convertor("maybe", _Maybe())


class Segments(APIRoute):
    """Gives parameters as the client meant them, whatever signs they hold."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        if match is Match.NONE and ":maybe}" in self.path and scope.get(_SLASHED):
            match, found = super().matches({**scope, "path": f"{scope['path']}/"})
        if match is not Match.NONE:
            found["path_params"] = {
                name: _plain(value) for name, value in found["path_params"].items()
            }
        return match, found


class _Bounded(Request):
    async def json(self) -> Any:
        """Raises `ParameterInvalid` for what is JSON to some programs and not to others.

        By itself, `json` reads bytes in any encoding that it guesses, and lets half pairs pass.
        """
        body = await self.body()
        try:
            return jsontext.loads(body.removeprefix(codecs.BOM_UTF8))
        except json.JSONDecodeError:
            raise  # FastAPI says where
        except UnicodeDecodeError:
            raise ParameterInvalid("The body is not UTF-8.") from None
        except ValueError as fault:
            raise ParameterInvalid(f"The body cannot be taken: {fault}.") from None


class SmallRoute(Segments):
    """Reads no more of a body than a few texts need, whoever sends it, and lets nothing on their
    way keep its answers, but those that say how long."""

    limit: ClassVar[int] = SMALL

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def limited(request: Request) -> Response:
            answer = await handler(_Bounded(request.scope, self._limited(request)))
            answer.headers.setdefault("cache-control", "no-store")
            if uid := audited(request.scope):
                answer.headers["AuditUid"] = uid
            return answer

        return limited

    def _limited(self, request: Request) -> Receive:
        received = 0
        known = False
        announced = int(header(request.scope, b"content-length") or 0)

        async def counted() -> Message:
            nonlocal received, known
            if max(received, announced) > self.limit:
                raise TooLarge(
                    f"The body has more than {self.limit} bytes, the limit of this address."
                )
            if max(received, announced) > SMALL and not known:
                await _require_somebody(request)
                known = True
            message = await request.receive()
            received += len(message.get("body", b""))
            return message

        return counted


class LargeRoute(SmallRoute):
    """Reads bodies that hold values of packs, from those who are somebody here."""

    limit: ClassVar[int] = 32 * MIB


async def _require_somebody(request: Request) -> None:
    parts: Parts = request.app.state.parts
    parts.policy.check_person(await identify(parts, request.scope, "api"))


def _escaped(scope: Scope) -> str:
    """The path, decoded but for the signs of segments that would make others of them."""
    raw: bytes = scope["raw_path"]
    if b"%" not in raw:
        path: str = scope["path"]
        return path
    segments = raw.decode("latin-1").partition("?")[0].split("/")
    return "/".join(
        unquote(segment).replace("%", "%25").replace("/", "%2F") for segment in segments
    )


def _plain(value: object) -> object:
    if not isinstance(value, str):
        return value
    return value.replace("%2F", "/").replace("%25", "%")
