"""A face made of a table of routes: route, admission, handler, and refusals in its own form."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from packyard.errors import MethodNotAllowed, PackyardError
from packyard.server.admission import admit
from packyard.server.parts import Parts
from packyard.server.routes import Route, Routes
from packyard.server.send import Answer

Refusal = Callable[[PackyardError, str], Answer]
"""The answer to a refused request, from what refused it and the realm of a challenge."""


class Routed:
    """An ASGI application; `via` is what the audit calls the face."""

    def __init__(
        self, parts: Parts, routes: Iterable[Route], refusal: Refusal, *, via: str
    ) -> None:
        self._parts = parts
        self._routes = Routes(routes)
        self._refusal = refusal
        self._via = via

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        realm = self._parts.policy.realm
        try:
            answer = await self._answer(scope, receive)
            await answer(scope, receive, send)
        except MethodNotAllowed as error:
            answer = self._refusal(error, realm)
            if scope["method"] == "OPTIONS":
                answer = Answer(204, [(b"allow", str(error.detail["allow"]).encode())])
            await answer(scope, receive, send)
        except PackyardError as error:
            await self._refusal(error, realm)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> ASGIApp:
        target = self._routes.find(scope["method"], scope["raw_path"].decode("latin-1"))
        scope["route"] = target.route
        await admit(
            self._parts, scope, target.route.action, repository=target.repository, via=self._via
        )
        return await target.answer(Request(scope, receive))
