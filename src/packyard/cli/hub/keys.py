"""`packyard hub key`: API keys, one's own and for administrators everybody's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import screen
from packyard.cli.help import Command
from packyard.cli.hub.removal import remove_all
from packyard.cli.hub.target import PROJECTS, find_project, open_hub
from packyard.cli.options import DEFAULT_HOME, Home, HubServer, ListFormat, Output, Yes
from packyard.cli.output import Columns, as_table, moment, show_row, show_rows
from packyard.errors import ParameterInvalid
from packyard.remotes.items import KEY, USER, Item, at, name_of, pick, text, texts, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

app = typer.Typer()

PATH = "/v1/apiKeys"
_SPAN = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Action(StrEnum):
    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"
    ADMIN = "admin"


Key = Annotated[str, typer.Argument(metavar="KEY", help="Name or uid of a key.")]
Keys = Annotated[list[str], typer.Argument(metavar="KEY", help="Names or uids of keys.")]
Expires = Annotated[
    str,
    typer.Option(
        "--expires",
        metavar="WHEN",
        help="When it ends: 12h, 90d or 8w from now, or a time, 2027-12-31. [default: never]",
        show_default=False,
    ),
]


@app.command(cls=Command)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    *,
    expires: Expires = "",
    actions: Annotated[
        list[Action] | None,
        typer.Option(
            "--action", metavar="ACTION", help="Only this: pull, push, delete or admin; repeatable."
        ),
    ] = None,
    repositories: Annotated[
        str,
        typer.Option(
            "--repositories", metavar="PATTERN", help="Only for these of the registry: team/**."
        ),
    ] = "",
    project: Annotated[
        str, typer.Option("--project", metavar="PROJECT", help="Only in this project.")
    ] = "",
    user: Annotated[
        str, typer.Option("--user", metavar="USER", help="For somebody else; for administrators.")
    ] = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Make an API key and print it: this once, and alone on standard output.

    Without limits it may do all that its owner may.
    """
    spec: dict[str, object] = {"actions": [str(action) for action in actions or ()]}
    if expires:
        spec["expiry"] = moment_of(expires, "--expires")
    if repositories:
        spec["repositories"] = repositories
    with open_hub(server, home) as hub:
        if project:
            spec["projectUid"] = uid_of(find_project(hub, project))
        if user:
            spec["userUid"] = uid_of(hub.named("/v1/users", USER, user))
        made = hub.create(PATH, {"metadata": {"name": name}, "spec": spec})
    screen.result(text(made, "apiKey"))


@app.command("ls", cls=Command)
def list_keys(
    *,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """List your API keys, oldest first; for administrators everybody's."""
    with open_hub(server, home) as hub:
        rows = hub.items(PATH)
        table = as_table(rows, _columns(hub, rows)) if output is ListFormat.TABLE else []
    show_rows(rows, output, table, "There are no API keys.")


@app.command(cls=Command)
def show(
    key: Key,
    *,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Show an API key: its limits, when it ends, when it was last used; never the key itself."""
    with open_hub(server, home) as hub:
        found = _find(hub, key)
        columns = {**_columns(hub, [found]), "UID": uid_of}
    show_row(found, output, columns)


@app.command("set", cls=Command)
def change(
    key: Key,
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Another name.")] = "",
    expires: Annotated[
        str,
        typer.Option("--expires", metavar="WHEN", help="As for create, or never."),
    ] = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Give an API key another name, or another end."""
    if not name and not expires:
        raise ParameterInvalid("Say what to change: --name, --expires or both.")
    body: dict[str, object] = {"metadata": {"name": name}} if name else {}
    if expires:
        body["spec"] = {"expiry": "" if expires == "never" else moment_of(expires, "--expires")}
    with open_hub(server, home) as hub:
        hub.send("PUT", f"{PATH}/{uid_of(_find(hub, key))}", body)


@app.command(cls=Command)
def disable(key: Key, *, server: HubServer = "", home: Home = DEFAULT_HOME) -> None:
    """Let an API key rest: it opens nothing."""
    _set_state(key, server, home, active=False)


@app.command(cls=Command)
def enable(key: Key, *, server: HubServer = "", home: Home = DEFAULT_HOME) -> None:
    """Let an API key open again what it did."""
    _set_state(key, server, home, active=True)


@app.command("rm", cls=Command)
def remove(
    keys: Keys, *, yes: Yes = False, server: HubServer = "", home: Home = DEFAULT_HOME
) -> None:
    """Revoke API keys for good."""
    with open_hub(server, home) as hub:
        found = [_find(hub, key) for key in keys]
        remove_all(hub, PATH, KEY, found, yes=yes)


def moment_of(written: str, option: str, *, ago: bool = False) -> str:
    """A time in the form of the API, of one that is written or so long from now, or `ago`.

    Raise `ParameterInvalid` for what is none.
    """
    span = _SPAN.fullmatch(written)
    try:
        if span:
            length = timedelta(**{_UNITS[span[2]]: int(span[1])})
            meant = datetime.now(UTC) + (-length if ago else length)
        else:
            meant = datetime.fromisoformat(written)
            meant = meant if meant.tzinfo else meant.replace(tzinfo=UTC)
        meant = meant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterInvalid(
            f"{option} is {written!r}: write 12h, 90d or 8w, or a time such as 2027-12-31."
        ) from None
    return meant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _set_state(key: str, server: str, home: Home, *, active: bool) -> None:
    with open_hub(server, home) as hub:
        hub.send("PUT", f"{PATH}/{uid_of(_find(hub, key))}/state", {"isActive": active})


def _find(hub: Hub, key: str) -> Item:
    """Of several with that name one's own; two people may have a key of one name."""
    rows = hub.items(PATH)
    if sum(name_of(row) == key for row in rows) > 1:
        me = text(hub.get("/v1/users/info"), "userUid")
        mine = [row for row in rows if text(row, "spec.user.uid") == me]
        rows = mine if any(name_of(row) == key for row in mine) else rows
    return pick(rows, KEY, key, hub.host)


def _columns(hub: Hub, rows: list[Item]) -> Columns:
    """An owner's column where there are keys of others, which only administrators see."""
    me = text(hub.get("/v1/users/info"), "userUid")
    owners, projects = {}, {}
    if any(text(row, "spec.user.uid") != me for row in rows):
        owners = {uid_of(user): name_of(user) for user in hub.items("/v1/users")}
    if any(text(row, "spec.projectUid") for row in rows):
        projects = {uid_of(project): name_of(project) for project in hub.items(PROJECTS)}

    def project(row: Item) -> str:
        uid = text(row, "spec.projectUid")
        return projects.get(uid, uid)

    return {
        "NAME": name_of,
        "OWNER": lambda row: owners.get(text(row, "spec.user.uid"), ""),
        "ACTIONS": lambda row: ", ".join(texts(row, "spec.actions")),
        "REPOSITORIES": lambda row: text(row, "spec.repositories"),
        "PROJECT": project,
        "CREATED": lambda row: moment(text(row, "metadata.creationTimestamp")),
        "EXPIRES": lambda row: moment(text(row, "spec.expiry")) or "never",
        "LAST USED": lambda row: moment(text(row, "status.lastUsed")),
        "STATE": _state,
    }


def _state(row: Item) -> str:
    expiry = text(row, "spec.expiry")
    if expiry and datetime.fromisoformat(expiry) < datetime.now(UTC):
        return "expired"
    return "" if at(row, "status.isActive") is True else "disabled"
