"""What the hub's routers share: who may call, how bodies are read, how times are written.

Times are RFC 3339 in UTC. In bodies they may also come without a zone, with a blank in place of the
T, empty, null, or as the zero date that Go writes for "none" (terraform-contract.md, 2).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from starlette.routing import Match
from starlette.types import Scope

from packyard.auth.principal import Action, Principal
from packyard.catalog.wanted import Text
from packyard.errors import ParameterInvalid
from packyard.server.admission import identify
from packyard.server.pack_models import refusals
from packyard.server.packs import Wired
from packyard.server.small import SmallRoute
from packyard.storage.content import microseconds

_ZERO_YEAR = 1


class Form(BaseModel):
    """A body or answer: camel case on the wire, unknown fields ignored, null as absent.

    So a member with a default needs no `None` among its types.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict) or None not in data.values():
            return data
        optional = _optional(cls)
        return {
            name: value for name, value in data.items() if value is not None or name not in optional
        }


@cache
def _optional(form: type[Form]) -> frozenset[str]:
    """Names of members that may be absent, as they are here and on the wire."""
    members = form.model_fields.items()
    names = [name for name, info in members if not info.is_required()]
    aliases = [info.alias for _, info in members if info.alias and not info.is_required()]
    return frozenset([*names, *aliases])


class Meta(Form):
    """`metadata` of an answer; `labels` and `annotations` as they were given."""

    uid: str
    name: str
    creation_timestamp: str
    last_modified_timestamp: str
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class KnownBy(Form):
    """`metadata` in short lists."""

    uid: str
    name: str


class Uid(Form):
    """The answer to a creation."""

    uid: str


class Named(Form):
    """`metadata` of a body; what clients cannot choose is ignored."""

    name: str | None = None


class Described(Named):
    """The same of what has labels and annotations; one of these is the description."""

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class TextFilter(Form):
    """What a text has to be; what is absent or empty asks for nothing."""

    eq: str = ""
    ne: str = ""
    begins_with: str = ""
    contains: str = ""
    ignore_case: bool = True

    def text(self) -> Text:
        return Text(**self.model_dump())


async def _person(request: Request, parts: Wired) -> Principal:
    principal = await identify(parts, request.scope, "api")
    parts.policy.check_person(principal)
    return principal


async def _owner(request: Request, parts: Wired) -> Principal:
    principal = await identify(parts, request.scope, "api")
    parts.policy.check_whole(principal)
    return principal


async def _admin(request: Request, parts: Wired) -> Principal:
    principal = await _owner(request, parts)
    parts.policy.check_project(principal, Action.ADMIN, "")
    return principal


_REFUSALS = refusals(400, 401, 403, 404, 409, 413, 422, 429, 503)


class _Prefixed(APIRouter):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """FastAPI looks at every route of every router; those of one begin alike."""
        if not scope["path"].startswith(self.prefix.partition("{")[0]):
            return Match.NONE, {}
        return super().matches(scope)


def private_router(prefix: str, tag: str, route: type[SmallRoute] = SmallRoute) -> APIRouter:
    """Its answers nothing on their way may keep; what any may answer instead is in OpenAPI."""
    return _Prefixed(
        prefix=prefix,
        tags=[tag],
        route_class=route,
        responses=_REFUSALS,
    )


Person = Annotated[Principal, Depends(_person)]
"""Somebody of the users' table."""
Owner = Annotated[Principal, Depends(_owner)]
"""The same, by nothing that has less than all rights of theirs."""
Admin = Annotated[Principal, Depends(_admin)]
"""An administrator of the tenant, by nothing that has less."""


def read_time(text: str | None, field: str) -> int | None:
    """Microseconds since 1970, None for no time. Raises `ParameterInvalid`."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.year == _ZERO_YEAR:
            return None
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise ParameterInvalid(
            f"{field} is {text[:60]!r}, which is no time such as 2026-12-31T12:00:00Z, up to the "
            "year 9999."
        ) from None
