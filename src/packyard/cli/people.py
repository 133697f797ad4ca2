"""`packyard user` and `packyard secrets`: the people and secrets of a server, on its own store."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import ask, screen
from packyard.cli.help import Command
from packyard.cli.options import ListFormat, Output
from packyard.errors import ParameterInvalid

if TYPE_CHECKING:
    from packyard.server.people import Row

users = typer.Typer()
secrets = typer.Typer()


class Role(StrEnum):
    NONE = "none"
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def word(self) -> str:
        """ "" for none."""
        return "" if self is Role.NONE else self.value


ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration of the server."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or e-mail address.")]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password from standard input, instead of making one."
    ),
]


@users.command("ls", cls=Command)
def list_users(
    *,
    output: Output = ListFormat.TABLE,
    config: ConfigFile = None,
) -> None:
    """List the users, their roles and when they last signed in."""
    from packyard.cli.output import show_rows
    from packyard.server import people

    rows = people.list_users(config, os.environ)
    table = screen.table(_HEAD, [_cells(row) for row in rows])
    show_rows(rows, output, table, "There are no users.")


@users.command("add", cls=Command)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name to sign in with.")],
    *,
    role: Annotated[Role, typer.Option("--role", help="In the whole tenant.")] = Role.VIEWER,
    email: Annotated[
        str, typer.Option("--email", metavar="ADDRESS", help="Also signs in by this.")
    ] = "",
    password_stdin: PasswordStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Signs in by OpenID Connect or API keys alone.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Add a user; prints the password that was made."""
    from packyard.server import people

    if no_password and password_stdin:
        raise ParameterInvalid("--no-password and --password-stdin exclude each other.")
    given = ask.secret("password", from_stdin=True) if password_stdin else None
    made = people.add_user(
        config,
        os.environ,
        name,
        email=email,
        role=role.word,
        password=given,
        with_password=not no_password,
    )
    if made:
        screen.result(made)


@users.command("set-role", cls=Command)
def set_role(
    name: Name,
    role: Annotated[Role, typer.Argument(metavar="ROLE", help="viewer, editor, admin or none.")],
    *,
    project: Annotated[
        str, typer.Option("--project", metavar="NAME", help="In this project alone.")
    ] = "",
    config: ConfigFile = None,
) -> None:
    """Give a user another role, in the whole tenant or in one project."""
    from packyard.server import people

    people.set_role(config, os.environ, name, role.word, project)


@users.command(cls=Command)
def disable(name: Name, *, config: ConfigFile = None) -> None:
    """Let nothing of a user open anything any more; sessions end, keys rest."""
    from packyard.server import people

    people.set_disabled(config, os.environ, name, disabled=True)


@users.command(cls=Command)
def enable(name: Name, *, config: ConfigFile = None) -> None:
    """Let a disabled user in again."""
    from packyard.server import people

    people.set_disabled(config, os.environ, name, disabled=False)


@users.command("rm", cls=Command)
def remove(name: Name, *, config: ConfigFile = None) -> None:
    """Delete a user, with roles, API keys and sessions."""
    from packyard.server import people

    people.remove_user(config, os.environ, name)


@users.command("reset-password", cls=Command)
def reset_password(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose password.")] = "admin",
    *,
    password_stdin: PasswordStdin = False,
    config: ConfigFile = None,
) -> None:
    """Give a user a new password and print it; ends the user's sessions."""
    from packyard.server import people

    given = ask.secret("password", from_stdin=True) if password_stdin else None
    made = people.reset_password(config, os.environ, name, given)
    if not given:
        screen.result(made)


@secrets.command(cls=Command)
def rotate(*, config: ConfigFile = None) -> None:
    """Seal all secrets with another key, and sign tokens with another one.

    The server may run meanwhile.
    """
    from packyard.server import people

    count = people.rotate_secrets(config, os.environ)
    screen.result(f"{screen.amount(count, 'secret')} sealed with another key")


@secrets.command(cls=Command)
def reset(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigFile = None,
) -> None:
    """Forget all secrets, where their key is lost for good.

    Sessions end, and credentials of other registries have to be given again.
    """
    from packyard.server import people

    ask.confirm("Forget all secrets of this server?", yes=yes)
    count = people.reset_secrets(config, os.environ)
    screen.result(f"{screen.amount(count, 'secret')} forgotten")


_HEAD = ("NAME", "E-MAIL", "ROLE", "PROJECTS", "SIGNED IN", "STATE")


def _cells(row: Row) -> list[str]:
    projects = ", ".join(f"{name}={role}" for name, role in sorted(row["projects"].items()))
    signed_in = row["signedInAt"][:16].replace("T", " ")
    state = "disabled" if row["disabled"] else ""
    return [row["name"], row["email"], row["role"], projects, signed_in, state]
