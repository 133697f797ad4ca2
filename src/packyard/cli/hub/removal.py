"""Deleting what a hub has: every command of it asks in the same way, and says what is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from packyard.cli import ask, screen
from packyard.remotes.items import Item, Kind, name_of, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub, Query


def remove_all(
    hub: Hub,
    path: str,
    kind: Kind,
    found: Sequence[Item],
    *,
    yes: bool,
    along: str = "",
    query: Query | None = None,
    shown: Callable[[Item], str] = name_of,
) -> None:
    """Delete these things of the list at `path`, one by one, where the person says so.

    `along` is what goes with them, `shown` how each is called.
    """
    word = kind.word if len(found) == 1 else kind.plural
    names = ", ".join(map(shown, found))
    ask.confirm(f"Delete the {word} {names} of {hub.host}{along}?", yes=yes)
    for item in found:
        hub.send("DELETE", f"{path}/{uid_of(item)}", query=query)
        screen.message(f"Deleted {shown(item)}")
