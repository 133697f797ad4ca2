"""`packyard hub profile`: the cluster profiles of a hub; `packyard profile` has push and pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import screen
from packyard.cli.help import Command
from packyard.cli.hub.removal import remove_all
from packyard.cli.hub.target import open_hub
from packyard.cli.options import DEFAULT_HOME, Home, HubProject, HubServer, ListFormat, Output, Yes
from packyard.cli.output import Columns, as_table, moment, show_row, show_rows
from packyard.remotes.items import PROFILE, Item, at, maps, name_of, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

app = typer.Typer()

Named = Annotated[
    str, typer.Argument(metavar="NAME[:VERSION]", help="Or a uid; without version the newest.")
]
_LIST = "/v1/dashboard/clusterprofiles"


@app.command("ls", cls=Command)
def list_profiles(
    *,
    output: Output = ListFormat.TABLE,
    project: HubProject = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """List the profiles of the tenant, or of one project and the tenant."""
    with open_hub(server, home, project) as hub:
        rows = hub.found(_LIST, {})
    show_rows(rows, output, as_table(rows, _COLUMNS), "There are no cluster profiles.")


@app.command(cls=Command)
def show(
    named: Named,
    *,
    output: Output = ListFormat.TABLE,
    project: HubProject = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Show a profile: its layers, and whether they are published."""
    with open_hub(server, home, project) as hub:
        found = hub.get(f"{_LIST}/{uid_of(_find(hub, named))}")
    show_row(found, output, {**_COLUMNS, "LAYERS": _layers, "UID": uid_of})


@app.command(cls=Command)
def publish(
    named: Named, *, project: HubProject = "", server: HubServer = "", home: Home = DEFAULT_HOME
) -> None:
    """Let the draft of a profile be the published one, where nothing is in the way."""
    from packyard.cli.hub.profile_forms import PATH, label

    with open_hub(server, home, project) as hub:
        found = _find(hub, named)
        hub.send("PATCH", f"{PATH}/{uid_of(found)}/publish")
    screen.message(f"Published {label(found)}")


@app.command("rm", cls=Command)
def remove(
    profiles: Annotated[
        list[str], typer.Argument(metavar="NAME[:VERSION]", help="Or uids of profiles.")
    ],
    *,
    project: HubProject = "",
    yes: Yes = False,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Delete profiles; other versions of them stay."""
    from packyard.cli.hub.profile_forms import PATH, label

    with open_hub(server, home, project) as hub:
        found = [_find(hub, named) for named in profiles]
        remove_all(hub, PATH, PROFILE, found, yes=yes, shown=label)


def _find(hub: Hub, named: str) -> Item:
    from packyard.cli.hub.profile_forms import find

    return find(hub, named)


def _template(row: Item) -> Item:
    found = at(row, "specSummary.draft") or at(row, "specSummary.published")
    return found if isinstance(found, dict) else {}


def _layers(row: Item) -> str:
    packs = maps(_template(row), "packs")
    lines = [
        f"{text(pack, 'layer'):<6}  {text(pack, 'name')}:{text(pack, 'tag')}" for pack in packs
    ]
    return "\n".join(line.rstrip(":") for line in lines)


def _state(row: Item) -> str:
    if at(row, "status.isPublished") is not True:
        return "draft"
    return "published, and a draft" if at(row, "specSummary.draft") is not None else "published"


_COLUMNS: Columns = {
    "NAME": name_of,
    "VERSION": lambda row: text(row, "specSummary.version"),
    "TYPE": lambda row: text(_template(row), "type"),
    "CLOUD": lambda row: text(_template(row), "cloudType"),
    "STATE": _state,
    "SCOPE": lambda row: text(row, "metadata.annotations.scope"),
    "CHANGED": lambda row: moment(text(row, "metadata.lastModifiedTimestamp")),
}
