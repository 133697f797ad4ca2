"""Who may do what with registries: everybody sees them, editors let them be read anew,
administrators change them. They are the tenant's, whichever project a request names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from packyard.auth.principal import Action
from packyard.server.calls import Call
from packyard.server.forwarded import origin
from packyard.server.hub.scope import Caller, Scoped
from packyard.server.packs import Wired


def _may(action: Action) -> Callable[[Caller], Awaitable[Caller]]:
    async def checked(caller: Scoped) -> Caller:
        caller.policy.check_project(caller.person, action, "")
        return caller

    return checked


async def _call(request: Request, parts: Wired) -> Call:
    return Call(parts.calls, request.receive)


async def _address(request: Request, parts: Wired) -> str:
    asked = f"{request.url.scheme}://{request.url.netloc}"
    return origin(request.scope, parts.settings) or asked


Address = Annotated[str, Depends(_address)]
"""Where clients reach this server: the endpoint of its own registry."""
Calling = Annotated[Call, Depends(_call)]
Reader = Annotated[Caller, Depends(_may(Action.PULL))]
Editor = Annotated[Caller, Depends(_may(Action.PUSH))]
Keeper = Annotated[Caller, Depends(_may(Action.ADMIN))]
