"""Letting requests in: who sends one, may they do that, and for the audit from where.

Every face asks here before it does anything. What a request may carry as proof, and how it is
verified, is `auth.policy`'s to know; here are only the places of a request where it stands.
"""

from __future__ import annotations

from anyio import to_thread
from starlette.types import Scope

from packyard.auth.principal import Action, Principal
from packyard.server.forwarded import remote
from packyard.server.logs import REQUEST_ID
from packyard.server.parts import Parts, header
from packyard.storage.audit import ORIGIN, Origin

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


async def identify(parts: Parts, scope: Scope, via: str) -> Principal:
    """Who sends the request of this ASGI scope; `scope["user"]` from then on.

    What a request changes is put down to them in the audit, as having come `via` that face. Raises
    `Unauthenticated`.
    """
    authorization = header(scope, b"authorization")
    principal = parts.policy.recall(authorization)
    if principal is None:
        principal = await to_thread.run_sync(
            parts.policy.verify, authorization, limiter=parts.verifying
        )
    scope["user"] = principal
    if scope["method"] not in _READS:
        origin = Origin(
            actor=principal.name,
            uid=principal.uid,
            address=remote(scope, parts.settings),
            via=via,
            request=REQUEST_ID.get(),
        )
        ORIGIN.set(origin)
    return principal


async def admit(
    parts: Parts, scope: Scope, action: Action, *, repository: str = "", via: str
) -> Principal:
    """Who sends the request, where they may do that in the registry, to that repository.

    Raises `Unauthenticated`, `Denied` or `Unsupported`.
    """
    principal = await identify(parts, scope, via)
    parts.policy.check(principal, action, repository)
    return principal


async def admit_to_project(
    parts: Parts, scope: Scope, action: Action, project: str, *, via: str = "api"
) -> Principal:
    """Who sends the request, where they may do that in the project of that uid ("": the tenant).

    Raises `Unauthenticated` or `Denied`.
    """
    principal = await identify(parts, scope, via)
    parts.policy.check_project(principal, action, project)
    return principal
