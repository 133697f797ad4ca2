"""What a hub has, as its API gives it: objects with a uid and a name, found by either. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from packyard.errors import (
    Conflict,
    KeyUnknown,
    NotFound,
    PackUnknown,
    ProfileUnknown,
    ProjectUnknown,
    RegistryUnknown,
    UserUnknown,
)

Item = Mapping[str, object]
"""JSON values: `metadata`, `spec` and `status`, or in short lists `uid` and `name` alone."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of things in a hub: its words, and the error for one that is not there."""

    word: str
    unknown: type[NotFound]
    plural: str


USER = Kind("user", UserUnknown, "users")
KEY = Kind("API key", KeyUnknown, "API keys")
PROJECT = Kind("project", ProjectUnknown, "projects")
PACK = Kind("pack", PackUnknown, "packs")
PROFILE = Kind("cluster profile", ProfileUnknown, "cluster profiles")
REGISTRY = Kind("registry", RegistryUnknown, "registries")


def pick(items: Sequence[Item], kind: Kind, wanted: str, host: str) -> Item:
    """The item of this uid, else the only one of this name.

    Raise the kind's error with the nearest name there is, and `Conflict` where several items have
    the name.
    """
    by_uid = [item for item in items if uid_of(item) == wanted]
    found = by_uid or [item for item in items if name_of(item) == wanted]
    if not found:
        meant = did_you_mean(wanted, map(name_of, items))
        raise kind.unknown(f"{host} has no {kind.word} {wanted}.{meant}")
    if len(found) > 1:
        uids = ", ".join(map(uid_of, found))
        raise Conflict(f"{host} has several {kind.plural} {wanted}; name one by its uid: {uids}.")
    return found[0]


def did_you_mean(wanted: str, names: Iterable[str]) -> str:
    """A question to put behind a sentence; "" where no name is near."""
    written = {name.casefold(): name for name in names}
    near = get_close_matches(wanted.casefold(), list(written), 1, 0.6)
    return f" Did you mean {written[near[0]]!r}?" if near else ""


def at(item: Item, path: str) -> object:
    """What stands at `spec.auth.type` or the like; None where there is nothing."""
    found: object = item
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def text(item: Item, path: str) -> str:
    """The text that stands there, "" for none; numbers as texts."""
    found = at(item, path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found)


def texts(item: Item, path: str) -> list[str]:
    """The texts of the list that stands there."""
    found = at(item, path)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def maps(item: Item, path: str) -> list[Item]:
    """The objects of the list that stands there."""
    found = at(item, path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def uid_of(item: Item) -> str:
    return text(item, "metadata.uid") or text(item, "uid")


def name_of(item: Item) -> str:
    return text(item, "metadata.name") or text(item, "name")
