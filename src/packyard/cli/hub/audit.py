"""`packyard hub audit`: who changed what and when; whoever may see less of it sees less."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import screen
from packyard.cli.help import Command
from packyard.cli.hub.keys import moment_of
from packyard.cli.hub.target import open_hub
from packyard.cli.options import DEFAULT_HOME, Home, HubProject, HubServer, ListFormat, Output
from packyard.cli.output import Columns, as_table, moment, show_rows
from packyard.remotes.items import USER, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

app = typer.Typer()

PATH = "/v1/audits"


class Act(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    PUBLISH = "publish"
    ACTION = "action"


Since = Annotated[
    str,
    typer.Option("--since", metavar="WHEN", help="From then on: 2026-12-31, or 12h, 7d, 4w ago."),
]
Until = Annotated[str, typer.Option("--until", metavar="WHEN", help="Up to then, in that form.")]
User = Annotated[str, typer.Option("--user", metavar="USER", help="By them; name or uid.")]
Kind = Annotated[
    str, typer.Option("--kind", metavar="KIND", help="Of what, such as pack, user or registry.")
]
Resource = Annotated[
    str, typer.Option("--resource", metavar="UID", help="Of one thing, by its uid or digest.")
]
Action = Annotated[Act | None, typer.Option("--action", help="What was done.")]


@app.command("ls", cls=Command)
def list_changes(
    *,
    since: Since = "",
    until: Until = "",
    user: User = "",
    kind: Kind = "",
    resource: Resource = "",
    action: Action = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", metavar="NUMBER", min=1, help="At most so many.")
    ] = 50,
    output: Output = ListFormat.TABLE,
    project: HubProject = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """List changes, newest first."""
    with open_hub(server, home, project) as hub:
        query = _query(hub, since, until, user, kind, resource, action)
        rows, more = hub.first(PATH, limit, query)
    show_rows(rows, output, as_table(rows, _COLUMNS), "There are no such changes.", more=more)


@app.command(cls=Command)
def export(
    *,
    since: Since = "",
    until: Until = "",
    user: User = "",
    kind: Kind = "",
    resource: Resource = "",
    action: Action = None,
    file: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="A new file. [default: print]"),
    ] = None,
    project: HubProject = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Write the whole audit as JSON lines, oldest first."""
    with open_hub(server, home, project) as hub:
        query = _query(hub, since, until, user, kind, resource, action)
        with hub.download(f"{PATH}/export", query) as parts:
            if file is None:
                for line in codecs.iterdecode(parts, "utf-8"):
                    sys.stdout.write(line)
            else:
                _write(file, parts)
    if file:
        screen.message(f"Written to {file}")


def _write(file: Path, parts: Iterable[bytes]) -> None:
    """All of it, or no file."""
    with file.open("xb") as out:
        try:
            out.writelines(parts)
        except BaseException:
            file.unlink()
            raise


def _query(
    hub: Hub, since: str, until: str, user: str, kind: str, resource: str, action: Act | None
) -> dict[str, str]:
    asked = {
        "startTime": moment_of(since, "--since", ago=True) if since else "",
        "endTime": moment_of(until, "--until", ago=True) if until else "",
        "userUid": uid_of(hub.named("/v1/users", USER, user)) if user else "",
        "resourceKind": kind,
        "resourceUid": resource,
        "actionType": action or "",
    }
    return {name: value for name, value in asked.items() if value}


_COLUMNS: Columns = {
    "WHEN": lambda row: moment(text(row, "metadata.creationTimestamp")),
    "WHO": lambda row: text(row, "spec.origin.name"),
    "FROM": lambda row: text(row, "spec.origin.address"),
    "BY": lambda row: text(row, "spec.origin.via"),
    "PROJECT": lambda row: text(row, "spec.actor.project.name"),
    "WHAT": lambda row: text(row, "spec.actionMsg"),
}
