"""Which profiles a filter of the dashboard means, and by what they are sorted.

An empty condition holds for everything; those that are given hold together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import Field

from packyard.errors import ParameterInvalid
from packyard.hub.profiles import Kept
from packyard.packs.version import sort_key
from packyard.profiles.model import TAG_VALUE
from packyard.server.hub.forms import Form, TextFilter


class TagsFilter(Form):
    """Of labels, as `key:value`; one without a value is its key alone."""

    eq: list[str] | None = None
    ne: list[str] | None = None
    begins_with: list[str] | None = None
    ignore_case: bool = True


class VersionFilter(Form):
    eq: str | None = None
    ne: str | None = None
    gt: str | None = None
    lt: str | None = None
    begins_with: str | None = None


class Filter(Form):
    profile_name: TextFilter = TextFilter()
    profile_type: list[str] = Field(default_factory=list)
    environment: list[str] = Field(default_factory=list, description="Cloud types.")
    tags: TagsFilter = TagsFilter()
    version: VersionFilter = VersionFilter()
    scope: str = Field(default="", description="Of project, tenant, system; empty for all.")


class Sort(Form):
    field: str = "profileName"
    order: str = "asc"


def matches(kept: Kept, wanted: Filter) -> bool:
    profile = kept.profile
    cloud = profile.cloud_type or "all"
    if wanted.environment and not {"all", cloud} & {*wanted.environment}:
        return False
    if wanted.profile_type and profile.type not in wanted.profile_type:
        return False
    if wanted.scope and wanted.scope != ("project" if kept.project else "tenant"):
        return False
    return (
        wanted.profile_name.text().fits(profile.name)
        and _has_tags(profile.labels.items(), wanted.tags)
        and _is_version(profile.version, wanted.version)
    )


_KEYS: dict[str, Callable[[Kept], Any]] = {
    "profileName": lambda kept: kept.profile.name.casefold(),
    "environment": lambda kept: kept.profile.cloud_type,
    "profileType": lambda kept: kept.profile.type.value,
    "creationTimestamp": lambda kept: kept.created_at,
    "lastModifiedTimestamp": lambda kept: kept.changed_at,
}


def key_of(field: str) -> Callable[[Kept], Any]:
    """Raises `ParameterInvalid` for what nothing is sorted by."""
    if field not in _KEYS:
        raise ParameterInvalid(f"sort.field is {field[:80]!r}: one of {', '.join(_KEYS)}.")
    return _KEYS[field]


def _has_tags(labels: Iterable[tuple[str, str]], wanted: TagsFilter) -> bool:
    fold = str.casefold if wanted.ignore_case else str
    tags = {fold(key if value in ("", TAG_VALUE) else f"{key}:{value}") for key, value in labels}

    def given(texts: Sequence[str] | None) -> set[str]:
        return {fold(text) for text in texts or ()}

    beginnings = tuple(given(wanted.begins_with))
    return (
        (not wanted.eq or bool(tags & given(wanted.eq)))
        and not tags & given(wanted.ne)
        and (not beginnings or any(tag.startswith(beginnings) for tag in tags))
    )


def _is_version(version: str, wanted: VersionFilter) -> bool:
    key = sort_key(version)
    return (
        (not wanted.eq or key == sort_key(wanted.eq))
        and (not wanted.ne or key != sort_key(wanted.ne))
        and (not wanted.gt or key > sort_key(wanted.gt))
        and (not wanted.lt or key < sort_key(wanted.lt))
        and (not wanted.begins_with or version.startswith(wanted.begins_with))
    )
