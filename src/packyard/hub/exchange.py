"""Profiles out to documents and in from them: which registry a layer comes from here, and how it
is called elsewhere (profile-json.md, sections 4 and 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from packyard.hub import layer_contents
from packyard.hub.places import Places, places
from packyard.hub.resolution import asked, candidates, is_manifest, standing
from packyard.profiles.content import Content
from packyard.profiles.model import Profile, ProfileLayer, RegistryReference
from packyard.profiles.registries import Holder, preferred


@dataclass(frozen=True, slots=True)
class Choice:
    """The registries that a layer may come from, and the one that is taken where nobody chooses."""

    layer: ProfileLayer
    matching: tuple[Holder, ...] = ()
    taken: Holder | None = None


def choices(connection: Connection, layers: Sequence[ProfileLayer]) -> list[Choice]:
    """Of each layer of a document; manifest layers have none."""
    known = places(connection, *asked(layers))
    return [_choice(layer, known) for layer in layers]


def chosen(profile: Profile, choice: Sequence[Choice]) -> Profile:
    """With registries of this installation: one that a document names means nothing here."""
    layers = (
        replace(layer, registry=RegistryReference(uid=one.taken.registry.uid if one.taken else ""))
        for layer, one in zip(profile.layers, choice, strict=True)
    )
    return replace(profile, layers=tuple(layers))


def told(connection: Connection, profile: Profile) -> tuple[Profile, list[Content]]:
    """A profile as it goes out: each layer with the version that its tag leads to now and all
    that is known of its registry; and what the packs hold, by which secrets are masked."""
    known = places(connection, *asked(profile.layers))
    now = [standing(layer, known) for layer in profile.layers]
    held = layer_contents.contents(connection, [one.place.uid for one in now if one.place])
    contents: list[Content] = [held.get(one.place.uid) if one.place else None for one in now]
    return replace(profile, layers=tuple(one.layer for one in now)), contents


def _choice(layer: ProfileLayer, known: Places) -> Choice:
    if is_manifest(layer):
        return Choice(layer)
    found = candidates(layer, known)
    return Choice(layer, tuple(found), preferred(layer.registry, found))
