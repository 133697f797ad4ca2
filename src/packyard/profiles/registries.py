"""From which registry the pack of an imported layer comes (profile-json.md, section 5).

The uid of another installation means nothing here, so it is a registry of that uid, else of that
name, each only where it holds the pack and its tag and is of that kind, else any that holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packyard.profiles.model import RegistryReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A registry that holds the pack and tag of a layer; `created` orders the oldest first."""

    registry: RegistryReference
    builtin: bool = False
    created: int = 0


def matching(wanted: RegistryReference, holders: Sequence[Holder]) -> list[Holder]:
    """Those that a layer may mean: one settles it, several are a choice, none is a pack that is
    missing."""
    of_kind = [one for one in holders if wanted.kind in ("", one.registry.kind)]
    by_uid = [one for one in of_kind if wanted.uid and one.registry.uid == wanted.uid]
    by_name = [one for one in of_kind if wanted.name and one.registry.name == wanted.name]
    return by_uid or by_name or list(holders)


def preferred(wanted: RegistryReference, holders: Sequence[Holder]) -> Holder | None:
    """The one that is taken where nobody chooses: our own, else of that kind, else the oldest."""

    def rank(one: Holder) -> tuple[bool, bool, int]:
        return not one.builtin, one.registry.kind != wanted.kind, one.created

    return min(matching(wanted, holders), key=rank, default=None)
