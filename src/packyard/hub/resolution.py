"""Which pack a layer means, and what became of the one that it had (terraform-contract.md, 7).

Pure: what the catalog says is handed in. Name and tag win over a uid, for clients send stale ones:
after a change of the tag that of the old version, after a layer was put in between that of a
neighbour. What people wrote (name, tag, type, values) stays to the letter.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packyard.catalog.entries import pack_uid
from packyard.hub.places import Place, Places, lists_all, type_of
from packyard.packs.model import Layer
from packyard.profiles.content import Missing
from packyard.profiles.model import (
    MANIFEST_PACK,
    Manifest,
    PackType,
    ProfileLayer,
    RegistryReference,
)
from packyard.profiles.registries import Holder, matching, preferred


@dataclass(frozen=True, slots=True)
class Resolved:
    """A layer with the pack that it means; `place` is None for a manifest layer, for a chart that
    is named by hand, and where the pack is `missing`."""

    layer: ProfileLayer
    place: Place | None = None
    missing: Missing | None = None


def asked(
    layers: Iterable[ProfileLayer], former: Iterable[ProfileLayer] = ()
) -> tuple[set[str], set[str], set[str]]:
    """The names, tags and uids that the catalog is asked for."""
    given = [layer for layer in layers if not is_manifest(layer)]
    names = {name for layer in given for name in _names(layer)}
    tags = {tag for layer in given for tag in (layer.tag, layer.version) if tag}
    return names, tags, {layer.uid for layer in [*given, *former] if layer.uid}


def is_manifest(layer: ProfileLayer) -> bool:
    return layer.type is PackType.MANIFEST


def resolve_layers(
    wanted: Sequence[ProfileLayer], former: Sequence[ProfileLayer], places: Places
) -> list[Resolved]:
    """Each with its pack; `former` are the layers that stood there so far."""
    standing = {layer.name: layer for layer in reversed(former)}
    taken: set[str] = set()
    resolved = []
    for layer in wanted:
        before = standing.get(layer.name)
        named = replace(layer, manifests=kept_manifests(layer.manifests, before))
        if is_manifest(layer):
            resolved.append(Resolved(_own(named, before, taken)))
        else:
            resolved.append(_resolve(named, before, places))
    return resolved


def kept_manifests(given: Sequence[Manifest], before: ProfileLayer | None) -> tuple[Manifest, ...]:
    """With the uids that those of the same names had in this layer, else new ones: clients send
    those of other layers."""
    known = {one.name: one.uid for one in before.manifests} if before else {}
    by_uid = {one.uid: one for one in before.manifests} if before else {}
    named = {one.name for one in given}
    kept = []
    for one in given:
        uid = known.get(one.name, "")
        if not uid and one.uid in by_uid and by_uid[one.uid].name not in named:
            uid = one.uid  # it was renamed
        kept.append(replace(one, uid=uid or secrets.token_hex(12)))
    return tuple(kept)


def _own(layer: ProfileLayer, before: ProfileLayer | None, taken: set[str]) -> ProfileLayer:
    """A manifest layer with a uid of its own, kept by its name: by that its contents are read."""
    uid = before.uid if before and is_manifest(before) else ""
    if not uid or uid in taken or uid == MANIFEST_PACK:
        uid = secrets.token_hex(12)
    taken.add(uid)
    return replace(layer, uid=uid, layer=Layer.ADDON, registry=RegistryReference(), version="")


def _resolve(layer: ProfileLayer, before: ProfileLayer | None, places: Places) -> Resolved:
    known = places.known.get(layer.uid)
    tag = layer.tag or layer.version
    if not tag and known and known.name in _names(layer) and not known.gone:
        # nothing but the uid says which it is
        return Resolved(_placed(replace(layer, tag=known.label), known), known)
    tagged = replace(layer, tag=tag)
    for name in _names(layer) if tag else ():
        for registry in _registries(tagged, name, before, known, places):
            if place := places.at(registry, name, tag):
                return Resolved(_placed(tagged, place), place)
            if by_hand := _by_hand(tagged, name, registry, places):
                return Resolved(by_hand)
    missing = _missing(tagged, places)
    if before and is_unchanged(tagged, before):
        kept = replace(before, type=layer.type, values=layer.values, manifests=layer.manifests)
        return Resolved(kept, missing=missing)
    return Resolved(tagged, missing=missing)


def is_unchanged(layer: ProfileLayer, before: ProfileLayer) -> bool:
    """Whether it means what it meant before, so that what is gone is nobody's mistake now."""
    registry = layer.registry.uid
    return layer.tag == before.tag and registry in ("", before.registry.uid)


def _names(layer: ProfileLayer) -> Iterator[str]:
    """The pack's own, which may itself hold what separates a display name from it."""
    yield layer.pack
    if layer.name != layer.pack:
        yield layer.name


def _registries(
    layer: ProfileLayer,
    name: str,
    before: ProfileLayer | None,
    known: Place | None,
    places: Places,
) -> Iterator[str]:
    """Where the pack is looked for, in this order."""
    given = layer.registry
    if given.uid:
        yield given.uid
        return
    if given.name:
        yield from (uid for uid, one in places.holders.items() if one.registry.name == given.name)
        return
    if before and before.registry.uid:
        yield before.registry.uid
    if known:
        yield known.registry
    holding = [places.holders[one.registry] for one in places.anywhere(name, layer.tag)]
    of_type = [one for one in holding if type_of(one.registry) is layer.type]
    for among in (of_type, holding):
        if best := preferred(RegistryReference(), among):
            yield best.registry.uid


def _by_hand(layer: ProfileLayer, name: str, registry: str, places: Places) -> ProfileLayer | None:
    """A chart that people name, since its registry does not tell what it holds."""
    holder = places.holders.get(registry)
    if holder is None or lists_all(holder.registry):
        return None
    return replace(
        layer,
        uid=pack_uid(registry, name, layer.tag),
        registry=RegistryReference(uid=registry),
        layer=Layer.ADDON,
        version=layer.tag,
        digest="",
    )


def _placed(layer: ProfileLayer, place: Place) -> ProfileLayer:
    return replace(
        layer,
        uid=place.uid,
        registry=RegistryReference(uid=place.registry),
        layer=place.layer,
        version=place.version,
        digest=place.digest,
    )


def _missing(layer: ProfileLayer, places: Places) -> Missing:
    given = layer.registry
    holder = places.holders.get(given.uid)
    told = holder.registry.name if holder else given.uid or given.name
    in_registry = given.uid if holder else ""
    tags = [tag for name in _names(layer) for tag in places.tags_of(name, in_registry)]
    if told and not holder:
        return Missing(registry=told, there=False)
    return Missing(tags=tuple(tags), registry=told)


# What became of layers since they were written.


@dataclass(frozen=True, slots=True)
class Standing:
    """A layer as its registry has it now: `layer` with what its tag leads to by now, or `invalid`
    with the reason. `changed` says that the tag leads to other content than it did."""

    layer: ProfileLayer
    place: Place | None = None
    invalid: str = ""
    changed: bool = False


def standing(layer: ProfileLayer, places: Places) -> Standing:
    """A moved tag is followed; what is gone stays as it was, with the reason."""
    if is_manifest(layer):
        return Standing(layer)
    holder = places.holders.get(layer.registry.uid)
    if holder is None:
        return Standing(layer, invalid=f"The registry of {layer.name} was removed.")
    of = replace(layer, registry=holder.registry)
    for name in _names(layer):
        if place := places.at(layer.registry.uid, name, layer.tag):
            changed = bool(layer.digest) and place.digest != layer.digest
            now = replace(of, uid=place.uid, version=place.version)
            return Standing(now, place, changed=changed)
    if not lists_all(holder.registry):
        return Standing(of)
    reason = f"{holder.registry.name} holds no {layer.pack}:{layer.tag} any more."
    return Standing(of, places.known.get(layer.uid), reason)


def candidates(layer: ProfileLayer, places: Places) -> list[Holder]:
    """The registries that the pack of an imported layer may come from (profile-json.md, 5)."""
    holding = [
        places.holders[one.registry]
        for name in _names(layer)
        for one in places.anywhere(name, layer.tag)
    ]
    holding += [one for one in _unlisted(places.holders) if _is_meant(layer.registry, one)]
    return matching(layer.registry, list({one.registry.uid: one for one in holding}.values()))


def _unlisted(holders: Mapping[str, Holder]) -> Iterator[Holder]:
    return (one for one in holders.values() if not lists_all(one.registry))


def _is_meant(wanted: RegistryReference, holder: Holder) -> bool:
    """Charts of a registry that lists nothing match by the registry's name, or its uid."""
    registry = holder.registry
    same = wanted.kind in ("", registry.kind)
    return same and (registry.uid == wanted.uid or registry.name == wanted.name)
