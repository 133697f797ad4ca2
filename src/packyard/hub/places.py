"""What the catalog says of packs by name and tag, and of the registries that hold them.

One answer is enough for a whole profile, whatever number of layers it has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, or_, select

from packyard.catalog.entries import ON_ITS_WAY
from packyard.catalog.tables import pack_tags, packs, sources
from packyard.hub.description import Kind, Provider
from packyard.hub.tables import registries
from packyard.packs.model import Layer
from packyard.profiles.model import PackType, RegistryReference
from packyard.profiles.registries import Holder
from packyard.storage.batches import batches

_KINDS = {Kind.DEFAULT: "pack", Kind.ECR: "oci"}
"""As the published API calls them where that differs."""


@dataclass(frozen=True, slots=True)
class Place:
    """A version of a pack in a registry; `tag` is the one by which it was found."""

    registry: str
    name: str
    tag: str
    uid: str
    label: str
    version: str
    digest: str
    layer: Layer
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """`held` is by name and tag, `known` by uid, `tags` by name and registry, of what was asked
    for; `holders` are all registries by their uid."""

    holders: Mapping[str, Holder]
    held: Mapping[tuple[str, str], list[Place]] = field(default_factory=dict)
    known: Mapping[str, Place] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)

    def at(self, registry: str, name: str, tag: str) -> Place | None:
        """Where a tag leads to in one registry."""
        found = (one for spelt in spellings(tag) for one in self.held.get((name, spelt), ()))
        return next((one for one in found if one.registry == registry), None)

    def anywhere(self, name: str, tag: str) -> list[Place]:
        found = [one for spelt in spellings(tag) for one in self.held.get((name, spelt), ())]
        return [one for one in found if one.registry in self.holders]

    def tags_of(self, name: str, registry: str = "") -> list[str]:
        """Every tag of a pack, in one registry or in all."""
        by_registry = self.tags.get(name, {})
        chosen = [by_registry.get(registry, [])] if registry else by_registry.values()
        return list(dict.fromkeys(tag for tags in chosen for tag in tags))


def spellings(tag: str) -> tuple[str, ...]:
    """A version with build metadata stands under a tag, which can hold no `+`."""
    return (tag, tag.replace("+", "_")) if "+" in tag else (tag,)


def type_of(registry: RegistryReference) -> PackType:
    """What the published API calls a pack that comes from a registry of that kind."""
    return {"helm": PackType.HELM, "oci": PackType.OCI}.get(registry.kind, PackType.SPECTRO)


def lists_all(registry: RegistryReference) -> bool:
    """Whether everything that it holds is in the catalog; else charts are named by hand."""
    if registry.kind == "helm":
        return not registry.private
    if registry.kind == "oci":
        is_pack = registry.provider == Provider.PACK.value
        return is_pack or (registry.synchronized and registry.provider != Provider.ZARF.value)
    return True


def holders(connection: Connection) -> dict[str, Holder]:
    """Every registry by its uid, the built-in one among them."""
    rows = connection.execute(
        select(sources, *(one for one in registries.c if one.name != "uid")).join_from(
            sources, registries, isouter=True
        )
    ).mappings()
    return {row["uid"]: _holder(row) for row in rows}


def places(
    connection: Connection,
    names: Collection[str],
    tags: Collection[str],
    uids: Collection[str] = (),
    *,
    listing: bool = False,
) -> Places:
    """Of these names those under one of the tags, and of the uids those that are known; with
    `listing` also every tag of the names.

    A version is as good as its tag: where a group stands before it in the tag, clients know and
    send the bare one.
    """
    held: dict[tuple[str, str], list[Place]] = {}
    bare: dict[tuple[str, str], list[Place]] = {}
    every: dict[str, dict[str, list[str]]] = {}
    spelt = {one for tag in tags for one in spellings(tag)}
    found = select(*_COLUMNS, pack_tags.c.tag).join_from(pack_tags, packs)
    for batch in batches(names):
        named = found.where(pack_tags.c.name.in_(batch), packs.c.gone_at == 0)
        if not listing:
            named = named.where(or_(pack_tags.c.tag.in_(spelt), packs.c.version.in_(spelt)))
        for row in connection.execute(named.order_by(pack_tags.c.tag)).mappings():
            tag = row["tag"]
            every.setdefault(row["name"], {}).setdefault(row["source"], []).append(tag)
            if tag in spelt:
                held.setdefault((row["name"], tag), []).append(_place(row, tag))
            elif row["version"] in spelt and tag == row["label"]:
                bare.setdefault((row["name"], row["version"]), []).append(_place(row, tag))
    for key, more in bare.items():
        held.setdefault(key, []).extend(more)
    known: dict[str, Place] = {}
    for batch in batches(uids):
        seen = packs.c.uid.in_(batch), packs.c.gone_at != ON_ITS_WAY
        for row in connection.execute(select(*_COLUMNS).where(*seen)).mappings():
            known[row["uid"]] = _place(row, row["label"])
    return Places(holders(connection), held, known, every)


_COLUMNS: tuple[Any, ...] = tuple(
    packs.c[name]
    for name in ("uid", "source", "name", "label", "version", "digest", "layer", "gone_at")
)


def _place(row: RowMapping, tag: str) -> Place:
    return Place(
        registry=row["source"],
        name=row["name"],
        tag=tag,
        uid=row["uid"],
        label=row["label"],
        version=row["version"],
        digest=row["digest"],
        layer=Layer(row["layer"]),
        gone=row["gone_at"] != 0,
    )


def _holder(row: RowMapping) -> Holder:
    kind, builtin = row["kind"], row["kind"] == Kind.DEFAULT
    reference = RegistryReference(
        uid=row["uid"],
        name=row["name"],
        kind=_KINDS.get(kind, kind),
        provider=(row["provider"] or "") if kind in (Kind.OCI, Kind.ECR) else "",
        private=bool(row["is_private"]),
        synchronized=builtin or bool(row["is_sync_supported"]),
    )
    return Holder(registry=reference, builtin=builtin, created=row["created_at"] or 0)
