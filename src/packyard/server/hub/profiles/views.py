"""A kept profile as clients see it: its layers as their registries have them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from packyard.hub import layer_contents, profiles
from packyard.hub.places import places
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
    published = standings(connection, kept.laid(published=True).layers)
    draft = standings(connection, kept.profile.layers) if kept.draft else None
    known = meta_of(connection, [*published, *(draft or ())], meta)
    return ProfileModel(
        metadata=ProfileMeta.of(kept),
        spec=ProfileSpec(
            version=kept.profile.version,
            versions=versions_of(kept, profiles.versions(connection, [kept.profile.name])),
            published=Template.of(kept, published, known),
            draft=None if draft is None else Template.of(kept, draft, known),
        ),
        status=ProfileStatus(
            is_published=kept.published is not None,
            has_user_macros=has_user_macros(kept.profile),
        ),
    )


def versions_of(
    kept: Kept, known: Mapping[tuple[str, str], Sequence[tuple[str, str]]]
) -> list[Version]:
    of = known.get((kept.project, kept.profile.name), ())
    return [Version(uid=uid, version=version) for uid, version in of]


def has_user_macros(profile: Profile) -> bool:
    """Whether texts of it name macros that people define, in comments or not."""
    texts = (layer.values for layer in profile.layers)
    contents = (one.content for layer in profile.layers for one in layer.manifests)
    return any(_MACRO in text for text in (*texts, *contents))
