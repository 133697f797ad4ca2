"""`packyard hub macro`: texts that values of profiles name, of one project or of the tenant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import ask, screen
from packyard.cli.help import Command
from packyard.cli.hub.target import find_project, open_hub
from packyard.cli.options import (
    DEFAULT_HOME,
    Home,
    HubProject,
    HubServer,
    InUse,
    ListFormat,
    Output,
    Yes,
)
from packyard.cli.output import Columns, as_table, show_rows
from packyard.errors import MacroUnknown, ParameterInvalid
from packyard.remotes.items import did_you_mean, name_of, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

app = typer.Typer()

Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Names of macros.")]
_SHOWN = 60  # characters of a value in a table


@app.command("set", cls=Command)
def set_macros(
    macros: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Macros with their values.")
    ] = None,
    *,
    files: Annotated[
        list[str] | None,
        typer.Option("-f", "--file", metavar="NAME=FILE", help="One whose value is a file."),
    ] = None,
    project: HubProject = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Give macros these values, in the tenant or in one project; new ones are added."""
    given = dict(_pair(word, "NAME=VALUE") for word in macros or ())
    for word in files or ():
        name, file = _pair(word, "NAME=FILE")
        given[name] = ask.text_of(Path(file), Path(file).read_bytes())
    if not given:
        raise ParameterInvalid("Say which macros to set: NAME=VALUE, or --file NAME=FILE.")
    with open_hub(server, home) as hub:
        path = _path(hub, project)
        standing = _standing(hub, path)
        others = {name: value for name, value in given.items() if name in standing}
        changed = {name: value for name, value in others.items() if value != standing[name]}
        added = {name: value for name, value in given.items() if name not in standing}
        for method, part in (("POST", added), ("PATCH", changed)):
            if part:
                hub.send(method, path, _body(part))
    for name, value in given.items():
        done = "unchanged" if standing.get(name) == value else "changed"
        screen.message(f"{'added' if name in added else done:<9}  {name}")


@app.command("ls", cls=Command)
def list_macros(
    *,
    project: HubProject = "",
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """List the macros of the tenant, or of one project."""
    with open_hub(server, home) as hub:
        rows = hub.items(_path(hub, project), key="macros")
    show_rows(rows, output, as_table(rows, _COLUMNS), "There are no macros.")


@app.command("get", cls=Command)
def get_macro(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a macro.")],
    *,
    project: HubProject = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Print the value of a macro, alone."""
    with open_hub(server, home) as hub:
        standing = _standing(hub, _path(hub, project))
        _require(hub, standing, [name])
    screen.result(standing[name])


@app.command("rm", cls=Command)
def remove(
    names: Names,
    *,
    project: HubProject = "",
    force: InUse = False,
    yes: Yes = False,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Delete macros that no cluster profile names."""
    with open_hub(server, home) as hub:
        path = _path(hub, project)
        standing = _standing(hub, path)
        _require(hub, standing, names)
        where = f"the project {project}" if project else hub.host
        word = "macro" if len(names) == 1 else "macros"
        ask.confirm(f"Delete the {word} {', '.join(names)} of {where}?", yes=yes)
        query = {"force": True} if force else None
        hub.send("DELETE", path, _body({name: standing[name] for name in names}), query=query)
    for name in names:
        screen.message(f"Deleted {name}")


def _path(hub: Hub, project: str) -> str:
    """Where the macros of the project stand, "" for those of the tenant."""
    if project:
        return f"/v1/projects/{uid_of(find_project(hub, project))}/macros"
    return f"/v1/tenants/{text(hub.get('/v1/users/info'), 'tenantUid')}/macros"


def _standing(hub: Hub, path: str) -> dict[str, str]:
    """Values by names."""
    return {name_of(macro): text(macro, "value") for macro in hub.items(path, key="macros")}


def _require(hub: Hub, standing: dict[str, str], names: list[str]) -> None:
    """Raise `MacroUnknown` for the first name that is none, with the nearest one."""
    for name in names:
        if name not in standing:
            meant = did_you_mean(name, standing)
            raise MacroUnknown(f"{hub.host} has no macro {name} there.{meant}")


def _body(macros: dict[str, str]) -> dict[str, object]:
    return {"macros": [{"name": name, "value": value} for name, value in macros.items()]}


def _pair(word: str, form: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise ParameterInvalid(f"{word!r} is not of the form {form}.")
    return name, value


def _shown(value: str) -> str:
    first, *rest = value.split("\n")
    return f"{first[:_SHOWN]} …" if rest or len(first) > _SHOWN else first


_COLUMNS: Columns = {
    "NAME": name_of,
    "VALUE": lambda row: _shown(text(row, "value")),
}
