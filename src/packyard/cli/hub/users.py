"""`packyard hub user`: people and their roles, over the API; for administrators, but one's own."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import ask, screen
from packyard.cli.help import Command
from packyard.cli.hub.removal import remove_all
from packyard.cli.hub.target import PROJECTS, find_project, open_hub
from packyard.cli.options import DEFAULT_HOME, Home, HubServer, ListFormat, Output, Yes
from packyard.cli.output import Columns, as_table, moment, show_row, show_rows
from packyard.cli.people import PasswordStdin, Role
from packyard.errors import ParameterInvalid
from packyard.remotes.items import USER, Item, at, maps, name_of, pick, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

app = typer.Typer()

PATH = "/v1/users"
_RANDOM_BYTES = 18  # 24 characters
User = Annotated[str, typer.Argument(metavar="USER", help="Name, e-mail address or uid.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file", metavar="FILE", help="Read the password from a file.", exists=True
    ),
]
Email = Annotated[str, typer.Option("--email", metavar="ADDRESS", help="Also signs in by this.")]
FirstName = Annotated[str, typer.Option("--first-name", metavar="NAME", help="As in letters.")]
LastName = Annotated[str, typer.Option("--last-name", metavar="NAME", help="As in letters.")]


@app.command(cls=Command)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name to sign in with.")],
    *,
    role: Annotated[Role, typer.Option("--role", help="In the whole tenant.")] = Role.VIEWER,
    email: Email = "",
    first_name: FirstName = "",
    last_name: LastName = "",
    password_stdin: PasswordStdin = False,
    password_file: PasswordFile = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Signs in by OpenID Connect or API keys alone.")
    ] = False,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Add a user; prints the password that was made."""
    given = _given(password_stdin, password_file)
    if no_password and given:
        raise ParameterInvalid("--no-password goes without a password.")
    made = "" if given or no_password else _generate()
    spec: dict[str, object] = {
        "role": role.word or None,
        "emailId": email,
        "firstName": first_name,
        "lastName": last_name,
        "password": given or made or None,
    }
    with open_hub(server, home) as hub:
        hub.create(PATH, {"metadata": {"name": name}, "spec": spec})
    if made:
        screen.result(made)


@app.command("ls", cls=Command)
def list_users(
    *, output: Output = ListFormat.TABLE, server: HubServer = "", home: Home = DEFAULT_HOME
) -> None:
    """List the users, their roles and when they last signed in."""
    with open_hub(server, home) as hub:
        rows = hub.items(PATH)
        table = as_table(rows, _columns(hub, rows)) if output is ListFormat.TABLE else []
    show_rows(rows, output, table, "There are no users.")


@app.command(cls=Command)
def show(
    user: Annotated[
        str,
        typer.Argument(
            metavar="USER", help="Name, e-mail address or uid. [default: you]", show_default=False
        ),
    ] = "",
    *,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Show a user: who somebody is, and what they may do where."""
    with open_hub(server, home) as hub:
        found = _find(hub, user) if user else hub.get(f"{PATH}/me")
        columns = {**_columns(hub, [found]), "UID": uid_of}
    show_row(found, output, columns)


@app.command("set", cls=Command)
def change(
    user: User,
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Another name.")] = "",
    email: Email = "",
    first_name: FirstName = "",
    last_name: LastName = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Give a user another name or e-mail address."""
    given = {"emailId": email, "firstName": first_name, "lastName": last_name}
    spec = {key: value for key, value in given.items() if value}
    if not spec and not name:
        raise ParameterInvalid("Say what to change: --name, --email, --first-name or --last-name.")
    with open_hub(server, home) as hub:
        body = {"metadata": {"name": name or None}, "spec": spec}
        hub.send("PUT", f"{PATH}/{uid_of(_find(hub, user))}", body)


@app.command("set-role", cls=Command)
def set_role(
    user: User,
    role: Annotated[Role, typer.Argument(metavar="ROLE", help="viewer, editor, admin or none.")],
    *,
    project: Annotated[
        str, typer.Option("--project", metavar="PROJECT", help="In this project alone.")
    ] = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Give a user another role, in the whole tenant or in one project."""
    with open_hub(server, home) as hub:
        found = _find(hub, user)
        tenant: str | None = text(found, "spec.role") or None
        held = _project_roles(found)
        if project:
            held = {**held, uid_of(find_project(hub, project)): role.word}
        else:
            tenant = role.word or None
        roles = [{"projectUid": uid, "role": word} for uid, word in held.items() if word]
        body = {"role": tenant, "projectRoles": roles}
        hub.send("PUT", f"{PATH}/{uid_of(found)}/roles", body)


@app.command(cls=Command)
def disable(user: User, *, server: HubServer = "", home: Home = DEFAULT_HOME) -> None:
    """Let nothing of a user open anything any more; sessions end, keys rest."""
    _set_state(user, server, home, active=False)


@app.command(cls=Command)
def enable(user: User, *, server: HubServer = "", home: Home = DEFAULT_HOME) -> None:
    """Let a disabled user in again."""
    _set_state(user, server, home, active=True)


@app.command("sign-out", cls=Command)
def sign_out(user: User, *, server: HubServer = "", home: Home = DEFAULT_HOME) -> None:
    """End all sessions of a user; keys and the password stay."""
    with open_hub(server, home) as hub:
        hub.send("DELETE", f"{PATH}/{uid_of(_find(hub, user))}/sessions")


@app.command("reset-password", cls=Command)
def reset_password(
    user: User,
    *,
    password_stdin: PasswordStdin = False,
    password_file: PasswordFile = None,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Give a user a new password and print it; ends the user's sessions."""
    given = _given(password_stdin, password_file)
    made = given or _generate()
    with open_hub(server, home) as hub:
        hub.send("PATCH", f"{PATH}/{uid_of(_find(hub, user))}/password", {"password": made})
    if not given:
        screen.result(made)


@app.command(cls=Command)
def password(
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the new one from standard input.")
    ] = False,
    password_file: PasswordFile = None,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Change your own password, and the one that is stored for your login.

    Ends all of your sessions.
    """
    from packyard.cli import accounts
    from packyard.cli.target import account_of
    from packyard.remotes.address import parse_address

    with open_hub(server, home) as hub:
        login = account_of(parse_address(hub.host), home)
        credentials = login.credentials
        assert credentials  # noqa: S101  (without them no hub is opened)
        new = _given(password_stdin, password_file)
        new = new or ask.prompt("New password", hidden=True, twice=True, instead="--password-stdin")
        body = {"currentPassword": credentials.password, "newPassword": new}
        hub.send("PATCH", f"{PATH}/me/password", body)
    logins = accounts.own(home)
    stored = replace(login, credentials=replace(credentials, password=new))
    logins.with_login(hub.host, stored, default=False).write()
    screen.message(f"The new password is stored unencrypted in {logins.path}.")


@app.command("rm", cls=Command)
def remove(
    users: Annotated[
        list[str], typer.Argument(metavar="USER", help="Names, e-mail addresses or uids.")
    ],
    *,
    yes: Yes = False,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Delete users, with roles, API keys and sessions."""
    with open_hub(server, home) as hub:
        found = [_find(hub, user) for user in users]
        remove_all(hub, PATH, USER, found, yes=yes, along=", with all API keys")


def _given(from_stdin: bool, file: Path | None) -> str:
    """The password that somebody brings along, "" for none."""
    if from_stdin and file:
        raise ParameterInvalid("--password-stdin and --password-file exclude each other.")
    return ask.secret("password", file=file, from_stdin=from_stdin) if from_stdin or file else ""


def _generate() -> str:
    return secrets.token_urlsafe(_RANDOM_BYTES)


def _set_state(user: str, server: str, home: Path, *, active: bool) -> None:
    with open_hub(server, home) as hub:
        hub.send("PATCH", f"{PATH}/{uid_of(_find(hub, user))}/status", {"isActive": active})


def _find(hub: Hub, user: str) -> Item:
    rows = hub.items(PATH)
    if "@" in user:
        addressed = [row for row in rows if text(row, "spec.emailId") == user.lower()]
        rows = addressed or rows
        user = text(addressed[0], "metadata.name") if addressed else user
    return pick(rows, USER, user, hub.host)


def _project_roles(user: Item) -> dict[str, str]:
    """Roles by uids of projects."""
    rows = maps(user, "spec.projectRoles")
    return {text(row, "projectUid"): text(row, "role") for row in rows}


def _columns(hub: Hub, rows: list[Item]) -> Columns:
    names: dict[str, str] = {}
    if any(_project_roles(row) for row in rows):
        names = {uid_of(project): name_of(project) for project in hub.items(PROJECTS)}

    def projects(row: Item) -> str:
        held = {names.get(uid, uid): role for uid, role in _project_roles(row).items()}
        return ", ".join(f"{name}={role}" for name, role in sorted(held.items()))

    def full_name(row: Item) -> str:
        return f"{text(row, 'spec.firstName')} {text(row, 'spec.lastName')}".strip()

    return {
        "NAME": name_of,
        "FULL NAME": full_name,
        "E-MAIL": lambda row: text(row, "spec.emailId"),
        "ROLE": lambda row: text(row, "spec.role"),
        "PROJECTS": projects,
        "SIGNED IN": lambda row: moment(text(row, "status.lastSignIn")),
        "STATE": lambda row: "" if at(row, "status.isActive") is True else "disabled",
    }
