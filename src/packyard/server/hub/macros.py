"""Macros of a project and of the tenant: POST adds, PUT replaces all, PATCH changes, DELETE takes
away by name; each answers 204 (terraform-contract.md, 8; macros.md, 4).

Who may read a project or the tenant reads its macros; editors there change them.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import Field

from packyard.auth.principal import Action
from packyard.errors import TenantUnknown
from packyard.hub import macros
from packyard.hub.macros import Macro, Owner
from packyard.hub.projects import tenant
from packyard.server.hub.forms import Form, Person, private_router
from packyard.server.hub.projects import find
from packyard.server.packs import Wired
from packyard.server.small import LargeRoute

router = private_router("", "macros", LargeRoute)


_OF_PROJECT = "/v1/projects/{uid}/macros"
_OF_TENANT = "/v1/tenants/{uid}/macros"


class MacroModel(Form):
    name: str
    value: str = ""


class Macros(Form):
    macros: list[MacroModel] = Field(default_factory=list)

    def given(self) -> list[Macro]:
        return [Macro(model.name, model.value) for model in self.macros]


def _owner(action: Action) -> object:
    def owner(request: Request, parts: Wired, person: Person, uid: str) -> Owner:
        if request.scope["route"].path != _OF_TENANT:
            return Owner(uid, find(parts, person, uid, action).name, uid)
        with parts.store.read() as connection:
            found = tenant(connection)
        if uid != found.uid:
            raise TenantUnknown(f"There is no tenant with the uid {uid[:255]}.")
        parts.policy.check_project(person, action, "")
        return Owner(found.uid, found.name, "")

    return Depends(owner)


Read = Annotated[Owner, _owner(Action.PULL)]
Changed = Annotated[Owner, _owner(Action.PUSH)]


Force = Annotated[bool, Query(description="Also macros that cluster profiles name.")]


@router.get(_OF_PROJECT)
@router.get(_OF_TENANT)
def list_macros(parts: Wired, owner: Read) -> Macros:
    """By name."""
    with parts.store.read() as connection:
        found = macros.of(connection, owner.uid)
    return Macros(macros=[MacroModel(name=macro.name, value=macro.value) for macro in found])


@router.post(_OF_PROJECT, status_code=204)
@router.post(_OF_TENANT, status_code=204)
def add_macros(parts: Wired, owner: Changed, given: Macros) -> None:
    """Add macros; 422 where there is one of the same name."""
    macros.add(parts.store, owner, given.given())


@router.put(_OF_PROJECT, status_code=204)
@router.put(_OF_TENANT, status_code=204)
def replace_macros(parts: Wired, owner: Changed, given: Macros, *, force: Force = False) -> None:
    """Let these be all macros there are; 409 where a cluster profile names one that would go."""
    macros.replace(parts.store, owner, given.given(), force=force)


@router.patch(_OF_PROJECT, status_code=204)
@router.patch(_OF_TENANT, status_code=204)
def change_macros(parts: Wired, owner: Changed, given: Macros) -> None:
    """Other values for macros of these names; 404 where there is none."""
    macros.change(parts.store, owner, given.given())


@router.delete(_OF_PROJECT, status_code=204)
@router.delete(_OF_TENANT, status_code=204)
def delete_macros(parts: Wired, owner: Changed, given: Macros, *, force: Force = False) -> None:
    """Take macros of these names away, whatever their values; what is not there is away already.
    409 where a cluster profile names one."""
    macros.remove(parts.store, owner, [model.name for model in given.macros], force=force)
