"""Who may do what with which profile: a viewer of its project reads it, an editor composes it.

A profile is found by its uid whatever project the request names, for clients send the header of
another one (terraform-contract.md, 3); rights are asked in the profile's own.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from packyard.auth.principal import Action
from packyard.hub import profiles
from packyard.hub.profiles import Kept
from packyard.server.hub.forms import private_router
from packyard.server.hub.scope import Caller, Scoped
from packyard.server.packs import Wired
from packyard.server.parts import Parts
from packyard.server.small import LargeRoute, SmallRoute


def router_at(prefix: str, route: type[SmallRoute] = LargeRoute) -> APIRouter:
    """Of profiles, for people who are known."""
    return private_router(prefix, "cluster profiles", route)


def allowed(parts: Parts, caller: Caller, action: Action, uid: str) -> Kept:
    """The profile, for somebody who may do that to it; raises `ProfileUnknown` and `Denied`."""
    kept = parts.profiles.get(uid)
    caller.require(action, kept.project, profiles.unknown(uid))
    return kept


def _readable(parts: Wired, caller: Scoped, uid: str) -> Kept:
    return allowed(parts, caller, Action.PULL, uid)


def _changeable(parts: Wired, caller: Scoped, uid: str) -> Kept:
    return allowed(parts, caller, Action.PUSH, uid)


Readable = Annotated[Kept, Depends(_readable)]
"""The profile of the path's uid, for somebody who may read it."""
Changeable = Annotated[Kept, Depends(_changeable)]
"""The same, for somebody who may change it."""
LayerName = Annotated[
    str, Path(alias="packName", description="A layer's name, or the uid of its pack.")
]
ManifestUid = Annotated[str, Path(alias="manifestUid")]
