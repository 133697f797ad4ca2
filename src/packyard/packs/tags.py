"""Tags of packs and the parent tags that the registry moves by itself (spec "Tags").

A pack's first tag is `[group__]version` with `+` written `_`. For `LTS__22.04.4` the parent tags
are `LTS__22.4.x` and `LTS__22.x`: leading zeros and a leading `v` drop, the group stays, and a
version of fewer than three numbers counts as filled up with zeros (`1.5` stands under `1.5.x`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from packyard.packs.version import Version, sort_key
from packyard.references import Tag, parse_tag

GROUP_SEPARATOR = "__"
TAG_LIMIT = 128
_PARENT_LABEL = re.compile(r"(?:(?:0|[1-9][0-9]*)\.)+x")


def tag_of(group: str, version: str) -> Tag:
    """The first tag of a pack; `TagInvalid` where these texts make none."""
    prefix = f"{group}{GROUP_SEPARATOR}" if group else ""
    return parse_tag(f"{prefix}{version.replace('+', '_')}")


def split_tag(tag: str) -> tuple[str, str]:
    """Group ("" for none) and label: what stands before and after the first `__`."""
    group, separator, label = tag.partition(GROUP_SEPARATOR)
    return (group, label) if separator and group and label else ("", tag)


def version_in(tag: str) -> str:
    """The version of a tag as pack.json spells it: without the group, and `+` where the tag has
    `_`."""
    return split_tag(tag)[1].replace("_", "+")


def parent_tags(tag: Tag) -> tuple[Tag, ...]:
    """The parents of a version's tag, nearest first; none for a label that is no version."""
    group, _ = split_tag(tag)
    version = Version.parse(version_in(tag))
    if version is None:
        return ()
    prefix = f"{group}{GROUP_SEPARATOR}" if group else ""
    numbers = [str(number) for number in version.numbers]
    numbers += ["0"] * (3 - len(numbers))
    labels = (".".join([*numbers[:length], "x"]) for length in range(len(numbers) - 1, 0, -1))
    return tuple(Tag(prefix + label) for label in labels if len(prefix + label) <= TAG_LIMIT)


def is_parent_form(tag: str) -> bool:
    """Whether `tag` is spelt as a parent tag, so that no person may set it."""
    _, label = split_tag(tag)
    return _PARENT_LABEL.fullmatch(label) is not None


def newest_under(parent: Tag, tags: Iterable[Tag]) -> Tag | None:
    """The tag of the highest version under `parent`: give it the first tags of packs, not aliases.

    Of equal versions (`26.04.4`, `26.4.4`) the tag that sorts last, so that the answer is always
    the same.
    """
    below = (tag for tag in tags if parent in parent_tags(tag))
    return max(below, key=by_version, default=None)


def by_version(tag: Tag) -> tuple[str, Tag]:
    """Orders the tags of versions as these, also those of several groups."""
    return sort_key(version_in(tag)), tag
