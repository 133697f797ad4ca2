"""The variables of a profile: read, replaced as a whole, changed and removed by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from packyard.errors import ProfileUnknown
from packyard.hub.profiles import Kept
from packyard.profiles.model import Variable
from packyard.server.hub.profiles.access import Changeable, Readable, router_at
from packyard.server.hub.profiles.answers import VariableModel, Variables
from packyard.server.hub.profiles.bodies import VariableNames, VariablesBody
from packyard.server.packs import Wired

router = router_at("/v1/clusterprofiles/{uid}/variables")


@router.get("")
def list_variables(kept: Readable) -> Variables:
    """In the order in which they are shown; secrets are masked."""
    return Variables(variables=[VariableModel.of(one) for one in kept.profile.variables])


@router.put("", status_code=204)
def put_variables(parts: Wired, kept: Changeable, body: VariablesBody) -> None:
    """Replace them all; whether layers still use one that goes is asked when it is published."""
    variables = body.read()
    parts.profiles.change_variables(kept.uid, lambda former: _with(former, variables))


@router.patch("", status_code=204)
def patch_variables(parts: Wired, kept: Changeable, body: VariablesBody) -> None:
    """Replace those of these names, and add those that are new behind the others."""
    given = body.read()

    def changed(former: Kept) -> Kept:
        named = {one.name: one for one in given}
        standing = {one.name for one in former.profile.variables}
        kept_ones = [named.get(one.name, one) for one in former.profile.variables]
        return _with(former, [*kept_ones, *(one for one in given if one.name not in standing)])

    parts.profiles.change_variables(kept.uid, changed)


@router.delete("", status_code=204)
def remove_variables(parts: Wired, kept: Changeable, body: VariableNames) -> None:
    """Remove those of these names; all of them, or none where one is unknown."""
    names = set(body.variables or ())

    def changed(former: Kept) -> Kept:
        unknown = names - {one.name for one in former.profile.variables}
        if unknown:
            told = ", ".join(repr(name[:80]) for name in sorted(unknown))
            raise ProfileUnknown(f"The cluster profile has no variable {told}.")
        return _with(former, (one for one in former.profile.variables if one.name not in names))

    parts.profiles.change_variables(kept.uid, changed)


def _with(kept: Kept, variables: Iterable[Variable]) -> Kept:
    return replace(kept, profile=replace(kept.profile, variables=tuple(variables)))
