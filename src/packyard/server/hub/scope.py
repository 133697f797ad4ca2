"""Where a request acts: in a project or in the tenant, and what whoever asks may do there.

The header `ProjectUid`, or the parameter of that name, in any case, names a project; without it a
request is for the tenant (terraform-contract.md, 3). What has a uid is found by that alone, because
clients send the header of another thing along: `Caller.require` asks for the rights where the thing
is. A project that somebody may not even read is as unknown to them as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.concurrency import run_in_threadpool

from packyard.auth.policy import Policy
from packyard.auth.principal import Action, Principal
from packyard.auth.users import require_projects
from packyard.errors import NotFound, ProjectUnknown
from packyard.server.hub.forms import Person
from packyard.server.packs import Wired
from packyard.server.parts import Parts

_NAME = "projectuid"
_SHOWN = 255  # characters


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and in which project (a uid, "" for the tenant)."""

    person: Principal
    project: str
    policy: Policy

    def require(self, action: Action, project: str, unknown: NotFound) -> None:
        """Raise unless they may do that to something of that project ("": of the tenant).

        Raises `unknown` where they may not even read there, and `Denied`.
        """
        if not self.person.may(Action.PULL, project):
            raise unknown
        self.policy.check_project(self.person, action, project)

    def sees(self, project: str) -> bool:
        """Whether something of that project ("": of the tenant) is shown here: in a project what
        the tenant has, too, and in the tenant nothing of projects."""
        return project in ("", self.project)


async def _scoped(
    request: Request,
    parts: Wired,
    person: Person,
    header: Annotated[
        str,
        Header(
            alias="ProjectUid",
            description="A project; without it, the tenant. Taken from the query, too.",
        ),
    ] = "",
) -> Caller:
    project = header.strip() or _from_query(request)
    if project:
        await run_in_threadpool(_require, parts, project)
        if not person.may(Action.PULL, project):
            raise unknown_project(project)
    return Caller(person, project, parts.policy)


def _require(parts: Parts, project: str) -> None:
    with parts.store.read() as connection:
        require_projects(connection, [project])


def unknown_project(uid: str) -> ProjectUnknown:
    return ProjectUnknown(f"There is no project with the uid {uid[:_SHOWN]}.")


def _from_query(request: Request) -> str:
    given = (text for name, text in request.query_params.items() if name.lower() == _NAME)
    return next(given, "").strip()


Scoped = Annotated[Caller, Depends(_scoped)]
"""Who asks and where, whatever their role there."""


def _may(action: Action) -> Callable[[Caller], Awaitable[Caller]]:
    async def checked(caller: Scoped) -> Caller:
        caller.policy.check_project(caller.person, action, caller.project)
        return caller

    return checked


Reading = Annotated[Caller, Depends(_may(Action.PULL))]
"""The same, where they may read there."""
Editing = Annotated[Caller, Depends(_may(Action.PUSH))]
"""The same, where they may compose there."""
