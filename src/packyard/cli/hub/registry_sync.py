"""Waiting for synchronizations of a hub's registries: how far they are, and how they end."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from packyard.cli import screen
from packyard.cli.hub.registry_form import PATH, is_read
from packyard.cli.output import Row
from packyard.cli.progress import Counts
from packyard.remotes.items import Item, at, maps, name_of, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

DONE = frozenset({"Completed", "Success"})
FAILED = frozenset({"Failed", "Error"})
_PAUSES = (0.2, 0.2, 0.4, 0.4, 1.0)
"""Seconds between questions; the last one from then on."""
SHOWN = 20
"""Items of a report that a screen shows."""
_INTERRUPTED = 130
_PENDING = "Pending"


def report(hub: Hub, registry: Item) -> Item:
    """The last synchronization of a registry: `status`, and the first `items` that it could not
    take."""
    return hub.get(_place(registry), {"limit": SHOWN})


def whole(hub: Hub, registry: Item, found: Item) -> Item:
    """A report with all its items."""
    items = maps(found, "items")
    if at(found, "listmeta.count") != len(items):
        items = hub.items(_place(registry))
    return {"status": at(found, "status"), "items": items}


def _place(registry: Item) -> str:
    return f"{PATH}/{uid_of(registry)}/sync/report"


Ended = Sequence[tuple[Item, Item]]
"""Registries, each with its report."""


def watch(hub: Hub, registries: Sequence[Item]) -> Ended:
    """Show how far these are until they end; whoever stops it is told where to look then."""
    ended: list[tuple[Item, Item]] = []
    try:
        _wait(hub, registries, ended)
    except KeyboardInterrupt:
        over = [uid_of(registry) for registry, _ in ended]
        screen.message("Interrupted. The hub goes on; see how it ends with:")
        for registry in registries:
            if uid_of(registry) not in over:
                screen.message(f"  {_showing(registry)}")
        raise typer.Exit(_INTERRUPTED) from None
    return ended


def _wait(hub: Hub, registries: Sequence[Item], ended: list[tuple[Item, Item]]) -> None:
    """Return when all of them are among those that ended, each with its report."""
    waiting = list(registries)
    turn = 0
    with Counts() as counts:
        while waiting:
            reports = [(registry, report(hub, registry)) for registry in waiting]
            for registry, found in reports:
                counts.show(name_of(registry), *progress(found))
            ended += [(registry, found) for registry, found in reports if is_over(registry, found)]
            waiting = [registry for registry, found in reports if not is_over(registry, found)]
            if waiting:
                time.sleep(_PAUSES[min(turn, len(_PAUSES) - 1)])
                turn += 1


def tell(ended: Ended, say: Callable[[str], None]) -> None:
    """How each one did, and what it could not take."""
    for registry, found in ended:
        _tell(registry, found, say)


def rows(hub: Hub, ended: Ended) -> list[Row]:
    """The same for programs, with all items."""
    return [
        {"name": name_of(one), "uid": uid_of(one), **(whole(hub, one, found) if found else {})}
        for one, found in ended
    ]


def did_well(ended: Ended) -> bool:
    return all(not is_read(one) or text(found, "status.status") in DONE for one, found in ended)


def progress(found: Item) -> tuple[int, int, str]:
    """What is done, of how much, and the state; of one that has not begun, what the former did is
    no progress."""
    state = text(found, "status.status") or _PENDING
    if state == _PENDING:
        return 0, 0, state
    return _number(found, "status.progress.done"), _number(found, "status.progress.total"), state


def is_over(registry: Item, found: Item) -> bool:
    """Whether there is nothing to wait for."""
    return not is_read(registry) or text(found, "status.status") in DONE | FAILED


def faults(found: Item) -> list[str]:
    """A line for each item of a report, the first ones of many, and how many more there are."""
    items = maps(found, "items")
    lines = [
        f"{text(row, 'name')}{':' if text(row, 'tag') else ''}{text(row, 'tag')}: "
        f"{text(row, 'reason')}"
        for row in items[:SHOWN]
    ]
    more = max(_number(found, "listmeta.count"), len(items)) - len(lines)
    return [*lines, f"and {more} more, told as JSON and YAML"] if more else lines


def _tell(registry: Item, found: Item, say: Callable[[str], None]) -> None:
    name, message = name_of(registry), text(found, "status.message")
    if not is_read(registry):
        say(f"{'unread':<12}  {name}  it is not synchronized")
        return
    word = "synchronized" if text(found, "status.status") in DONE else "failed"
    say(f"{word:<12}  {name}  {message}".rstrip())
    for line in faults(found):
        screen.message(f"  {screen.plain(line)}")


def _showing(registry: Item) -> str:
    """The command that shows the report of one."""
    return f"packyard hub registry show {shlex.quote(name_of(registry))}"


def _number(item: Item, path: str) -> int:
    found = at(item, path)
    return found if isinstance(found, int) else 0
