"""`packyard registry`: logging in and out."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from packyard.cli import ask, screen
from packyard.cli.help import Command
from packyard.cli.options import DEFAULT_HOME, Home
from packyard.cli.server import serve_file
from packyard.errors import ParameterInvalid, Unauthenticated

app = typer.Typer()

Server = Annotated[
    str,
    typer.Argument(
        metavar="SERVER", help="host[:port], with http:// or https:// where it matters."
    ),
]


@app.command(cls=Command)
def login(
    server: Server,
    *,
    username: Annotated[
        str, typer.Option("-u", "--username", metavar="NAME", help="Who you are.")
    ] = "",
    password: Annotated[
        str,
        typer.Option(
            "-p", "--password", metavar="TEXT", help="Seen by others in the process list."
        ),
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    insecure: Annotated[
        bool,
        typer.Option("-i", "--insecure", help="Allow plain HTTP, and TLS that is not verified."),
    ] = False,
    default: Annotated[
        bool, typer.Option("-d", "--default", help="Make it the registry that is used by default.")
    ] = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Log in to a registry and remember it.

    Asks for what is missing. The first login becomes the default registry.
    """
    from packyard.cli import accounts
    from packyard.cli.target import open_client
    from packyard.remotes.address import parse_address
    from packyard.remotes.challenge import Credentials

    address = parse_address(server)
    name, secret = _credentials(username, password, from_stdin=password_stdin)
    credentials = Credentials(name, secret)
    logins = accounts.own(home)
    account = accounts.Account(credentials, insecure or address.scheme == "http")
    with open_client(address, account, home) as client:
        try:
            client.verify()
        except Unauthenticated as error:
            raise Unauthenticated(
                f"{address.host} does not accept this name and password. Nothing was remembered."
            ) from error
    logins.with_login(address.host, account, default=default).write()
    screen.warning(f"Your password is stored unencrypted in {logins.path}.")
    screen.result("Login Succeeded")


@app.command(cls=Command)
def logout(server: Server, *, home: Home = DEFAULT_HOME) -> None:
    """Forget the login at a registry."""
    from packyard.cli import accounts
    from packyard.remotes.address import parse_address

    host = parse_address(server).host
    logins = accounts.own(home)
    known = logins.account(host) is not None
    if known:
        logins.without_login(host).write()
        screen.result(f"Removed the login at {host}")
    other = accounts.spectro()
    if other.account(host) is not None:
        screen.warning(f"{other.path} holds a login at {host} too; that file is not changed.")
    elif not known:
        screen.message(f"There is no login at {host}.")


app.command("serve", cls=Command)(serve_file)


def _credentials(username: str, password: str, *, from_stdin: bool) -> tuple[str, str]:
    """What was given, and what a person at the terminal answers for the rest."""
    if from_stdin and (password or not username):
        raise ParameterInvalid("--password-stdin goes with --username and without --password.")
    if from_stdin:
        password = ask.secret("password", from_stdin=True)
    elif password:
        screen.warning("--password shows the password to others; prefer --password-stdin.")
    if not (username and password) and not sys.stdin.isatty():
        raise ParameterInvalid(
            "There is no terminal to ask at: give --username and --password-stdin."
        )
    username = username or ask.prompt("Username")
    return username, password or ask.prompt("Password", hidden=True)
