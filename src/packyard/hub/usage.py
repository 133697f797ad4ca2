"""Which cluster profiles use a pack, a registry or a macro, and would miss it.

A pack is used by the layers whose tag leads to it, a registry by those whose packs come from it; a
macro by the profiles of its scope that name it, unless another macro of that name hides it from
them. Drafts and what is published count alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from packyard.catalog.tables import pack_tags, packs
from packyard.errors import InUse, several
from packyard.hub.profiles import Kept, Reach, every
from packyard.hub.tables import macros, profile_layers, profile_manifests, profiles, tenants
from packyard.profiles.actions import MARK, Family
from packyard.profiles.cells import cells, names_used
from packyard.profiles.laid import lay_out
from packyard.profiles.model import Profile, ProfileLayer

KEPT: ColumnElement[bool] = exists().where(profile_layers.c.pack == packs.c.uid)
"""The packs that are never forgotten: some profile has them."""
_MEND = "Take it out of them first, or delete it by force."


@dataclass(frozen=True, slots=True)
class Use:
    """A profile, and its layers that use the thing."""

    uid: str
    project: str
    name: str
    version: str
    layers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def of_pack(connection: Connection, uid: str) -> list[Use]:
    """Layers that had it when they were written, or whose tag leads to it now."""
    leads = (
        select(pack_tags.c.pack)
        .where(
            pack_tags.c.pack == uid,
            pack_tags.c.source == profile_layers.c.registry,
            pack_tags.c.name == profile_layers.c.pack_name,
            pack_tags.c.tag == profile_layers.c.tag,
        )
        .exists()
    )
    return _uses(connection, or_(profile_layers.c.pack == uid, leads))


def of_tags(connection: Connection, registry: str, name: str, tags: Collection[str]) -> list[Use]:
    """Layers of a pack in a registry by one of these tags."""
    of = profile_layers.c
    return _uses(
        connection, of.registry == registry, of.pack_name == name, of.tag.in_(sorted(tags))
    )


def of_registry(connection: Connection, uid: str) -> list[Use]:
    return _uses(connection, profile_layers.c.registry == uid)


def of_macro(connection: Connection, project: str, name: str) -> list[Use]:
    """That of a project, or of the tenant for ""."""
    within: list[ColumnElement[bool]] = [_holds(f"{MARK}{Family.MACRO}.{name}")]
    if project:
        within.append(profiles.c.project == project)
    else:
        hidden = select(macros.c.scope).where(macros.c.name == name)
        within.append(profiles.c.project.not_in(hidden))
    found = every(connection, *within, reach=Reach.WHOLE)
    uses = ((kept, tuple(_layers_with(kept, name))) for kept in found)
    return [_use(kept, layers) for kept, layers in uses if layers]


def require_unused(what: str, uses: Sequence[Use]) -> None:
    """Raises `InUse`, which names the profiles."""
    if uses:
        told = several(list(map(str, uses)))
        count = "a cluster profile" if len(uses) == 1 else f"{len(uses)} cluster profiles"
        raise InUse(f"{what} is used by {count}: {told}. {_MEND}")


def guard(connection: Connection, registry: str, name: str, tags: Collection[str]) -> None:
    """For the registry: raise `InUse` where profiles would miss these tags of a pack."""
    told = several(sorted(tags))
    require_unused(f"{name}:{told}", of_tags(connection, registry, name, tags))


def require_unused_macros(connection: Connection, project: str, names: Iterable[str]) -> None:
    """Those of a project, or of the tenant for ""; where a project's goes, the tenant's of that
    name takes its place, if there is one."""
    of_tenant = select(macros.c.name).where(macros.c.scope.in_(select(tenants.c.uid)))
    instead = set(connection.scalars(of_tenant)) if project else set()
    for name in names:
        if name in instead:
            continue
        require_unused(f"The macro {name}", of_macro(connection, project, name))


def _uses(connection: Connection, *conditions: ColumnElement[bool]) -> list[Use]:
    rows = connection.execute(
        select(
            profiles.c.uid,
            profiles.c.project,
            profiles.c.name,
            profiles.c.version,
            profile_layers.c.name.label("layer"),
        )
        .join_from(profiles, profile_layers)
        .where(*conditions)
        .order_by(
            profiles.c.name, profiles.c.version_key, profiles.c.uid, profile_layers.c.position
        )
    )
    layers: dict[tuple[str, str, str, str], dict[str, None]] = {}
    for uid, project, name, version, layer in rows:
        layers.setdefault((uid, project, name, version), {})[layer] = None
    return [Use(*profile, tuple(names)) for profile, names in layers.items()]


def _holds(text: str) -> ColumnElement[bool]:
    """Profiles that have the text in some layer: few, each to be read closely."""
    of_values = select(profile_layers.c.profile).where(
        profile_layers.c["values"].contains(text, autoescape=True)
    )
    of_manifests = select(profile_manifests.c.profile).where(
        profile_manifests.c.content.contains(text, autoescape=True)
    )
    return or_(profiles.c.uid.in_(of_values), profiles.c.uid.in_(of_manifests))


def _layers_with(kept: Kept, macro: str) -> Iterator[str]:
    """The layers whose texts name a macro, other than in comments."""
    states = [kept.profile.layers, kept.published or ()]
    found: dict[str, None] = {}
    for layer in (layer for layers in states for layer in layers):
        if layer.name not in found and macro in _macros_of(layer):
            found[layer.name] = None
    yield from found


def _macros_of(layer: ProfileLayer) -> list[str]:
    laid = lay_out(Profile(name="", layers=(layer,)), [None])
    return names_used(cells(laid), Family.MACRO)


def _use(kept: Kept, layers: tuple[str, ...]) -> Use:
    return Use(kept.uid, kept.project, kept.profile.name, kept.profile.version, layers)
