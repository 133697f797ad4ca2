"""A kept profile as clients see it: its layers as their registries have them now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from packyard.hub import layer_contents, profiles
from packyard.hub.places import Places, places
from packyard.hub.profiles import Kept
from packyard.hub.resolution import Standing, asked, standing
from packyard.profiles.actions import MARK
from packyard.profiles.content import PackContent
from packyard.profiles.model import Profile, ProfileLayer
from packyard.server.hub.profiles.answers import (
    ProfileMeta,
    ProfileModel,
    ProfileSpec,
    ProfileStatus,
    Template,
    Version,
)

Versions = Mapping[tuple[str, str], Sequence[tuple[str, str]]]
"""As `profiles.versions` gives them."""
_MACRO = f"{MARK}macro."


def standings(connection: Connection, layers: Sequence[ProfileLayer]) -> list[Standing]:
    known = places(connection, *asked(layers))
    return [standing(layer, known) for layer in layers]


def meta_of(
    connection: Connection, layers: Sequence[Standing], wanted: str | None
) -> dict[str, PackContent] | None:
    """What the packs hold, where presets or schema are asked for."""
    if not {"schema", "presets"} & {word.strip() for word in (wanted or "").split(",")}:
        return None
    return layer_contents.contents(connection, [one.layer.uid for one in layers])


def whole(connection: Connection, kept: Kept, meta: str | None = None) -> ProfileModel:
    (found,) = wholes(connection, [kept], meta)
    return found


def wholes(
    connection: Connection, found: Sequence[Kept], meta: str | None = None
) -> list[ProfileModel]:
    """With one look at the catalog for all of them."""
    layers = [layer for kept in found for layer in _layers(kept)]
    known = places(connection, *asked(layers))
    versions = profiles.versions(connection, {kept.profile.name for kept in found})
    return [_whole(connection, kept, known, versions, meta) for kept in found]


def _layers(kept: Kept) -> Iterator[ProfileLayer]:
    yield from kept.profile.layers
    yield from kept.published or ()


def _whole(
    connection: Connection, kept: Kept, catalog: Places, versions: Versions, meta: str | None
) -> ProfileModel:
    published = [standing(layer, catalog) for layer in kept.laid(published=True).layers]
    draft = [standing(layer, catalog) for layer in kept.profile.layers] if kept.draft else None
    known = meta_of(connection, [*published, *(draft or ())], meta)
    return ProfileModel(
        metadata=ProfileMeta.of(kept),
        spec=ProfileSpec(
            version=kept.profile.version,
            versions=versions_of(kept, versions),
            published=Template.of(kept, published, known),
            draft=None if draft is None else Template.of(kept, draft, known),
        ),
        status=ProfileStatus(
            is_published=kept.published is not None,
            has_user_macros=has_user_macros(kept.profile),
        ),
    )


def versions_of(kept: Kept, known: Versions) -> list[Version]:
    of = known.get((kept.project, kept.profile.name), ())
    return [Version(uid=uid, version=version) for uid, version in of]


def has_user_macros(profile: Profile) -> bool:
    """Whether texts of it name macros that people define, in comments or not."""
    texts = (layer.values for layer in profile.layers)
    contents = (one.content for layer in profile.layers for one in layer.manifests)
    return any(_MACRO in text for text in (*texts, *contents))
