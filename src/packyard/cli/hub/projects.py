"""`packyard hub project`: projects and what they are called; roles in them stand in `users`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from packyard.cli import screen
from packyard.cli.help import Command
from packyard.cli.hub.removal import remove_all
from packyard.cli.hub.target import open_hub
from packyard.cli.options import DEFAULT_HOME, Home, HubServer, ListFormat, Output, Yes
from packyard.cli.output import Columns, as_table, moment, show_row, show_rows
from packyard.errors import ParameterInvalid
from packyard.remotes.items import PROJECT, Item, at, name_of, text, uid_of

app = typer.Typer()

PATH = "/v1/projects"
Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or uid of a project.")]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=VALUE", help="A label, or NAME alone for a tag."),
]
_TAG = "spectro__tag"  # the value of a label that is a tag


@app.command(cls=Command)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How people know it.")],
    *,
    description: Description = None,
    labels: Labels = None,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Make a project and print its uid."""
    body = _body(name, _labels(labels or ()), description or "")
    with open_hub(server, home) as hub:
        made = hub.create(PATH, body)
    screen.result(uid_of(made))


@app.command("ls", cls=Command)
def list_projects(
    *, output: Output = ListFormat.TABLE, server: HubServer = "", home: Home = DEFAULT_HOME
) -> None:
    """List the projects in which you may read."""
    with open_hub(server, home) as hub:
        rows = hub.items(PATH)
    show_rows(rows, output, as_table(rows, _COLUMNS), "There are no projects for you.")


@app.command(cls=Command)
def show(
    project: Project,
    *,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Show a project."""
    with open_hub(server, home) as hub:
        found = hub.named(PATH, PROJECT, project)
    show_row(found, output, _COLUMNS)


@app.command("set", cls=Command)
def change(
    project: Project,
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Another name.")] = "",
    description: Description = None,
    labels: Labels = None,
    unlabel: Annotated[
        list[str] | None, typer.Option("--unlabel", metavar="NAME", help="A label to take away.")
    ] = None,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Give a project another name, description or labels; what is not named stays."""
    if not (name or labels or unlabel) and description is None:
        raise ParameterInvalid("Say what to change: --name, --description, --label or --unlabel.")
    with open_hub(server, home) as hub:
        found = hub.named(PATH, PROJECT, project)
        held = {**_held(found, "labels"), **_labels(labels or ())}
        kept = {key: value for key, value in held.items() if key not in (unlabel or ())}
        annotations = _held(found, "annotations")
        if description is not None:
            annotations["description"] = description
        body = {"metadata": {"name": name, "labels": kept, "annotations": annotations}}
        hub.send("PUT", f"{PATH}/{uid_of(found)}", body)


@app.command("rm", cls=Command)
def remove(
    projects: Annotated[
        list[str], typer.Argument(metavar="PROJECT", help="Names or uids of projects.")
    ],
    *,
    with_profiles: Annotated[
        bool, typer.Option("--with-profiles", help="Also those that have profiles, with these.")
    ] = False,
    yes: Yes = False,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Delete projects, with their macros, roles and API keys."""
    with open_hub(server, home) as hub:
        found = [hub.named(PATH, PROJECT, project) for project in projects]
        along = ", with all macros and profiles" if with_profiles else ", with all macros"
        query = {"cleanupProjectResources": True} if with_profiles else None
        remove_all(hub, PATH, PROJECT, found, yes=yes, along=along, query=query)


def _body(name: str, labels: dict[str, str], description: str) -> Item:
    annotations = {"description": description} if description else {}
    return {"metadata": {"name": name, "labels": labels, "annotations": annotations}}


def _labels(words: Iterable[str]) -> dict[str, str]:
    """Of `NAME=VALUE`, or of `NAME`, which is a tag."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        found[name] = value if equals else _TAG
    return found


def _held(project: Item, member: str) -> dict[str, object]:
    held = at(project, f"metadata.{member}")
    return dict(held) if isinstance(held, dict) else {}


def _shown_labels(project: Item) -> str:
    held = _held(project, "labels")
    return ", ".join(
        name if value in (_TAG, "") else f"{name}={value}" for name, value in held.items()
    )


_COLUMNS: Columns = {
    "NAME": name_of,
    "DESCRIPTION": lambda row: text(row, "metadata.annotations.description"),
    "LABELS": _shown_labels,
    "CREATED": lambda row: moment(text(row, "metadata.creationTimestamp")),
    "UID": uid_of,
}
