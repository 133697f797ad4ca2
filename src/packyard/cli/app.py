"""The tree of commands: which words there are, and where each one lives."""

from __future__ import annotations

from typing import Annotated

import typer

from packyard.cli import chart, pack, people, profile, registry, screen, server
from packyard.cli.help import Command
from packyard.cli.hub import app as hub
from packyard.cli.options import DEFAULT_HOME, Home
from packyard.cli.version import version_line

app = typer.Typer(
    name="packyard",
    help="Store, share and check packs: the layers of Kubernetes cluster profiles.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(registry.app)
app.add_typer(pack.app)
app.add_typer(profile.app)
app.add_typer(chart.app)
app.add_typer(hub.app)
app.add_typer(people.users)
app.add_typer(people.secrets)
app.command(cls=Command)(server.serve)
app.command(cls=Command)(server.health)
app.command(cls=Command)(server.gc)
registry.app.command("serve", cls=Command)(server.serve_file)


def _version(wanted: bool) -> None:
    if wanted:
        screen.result(version_line())
        raise typer.Exit


@app.callback()
def root(
    *,
    home: Home = DEFAULT_HOME,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Global options; each is dealt with by its callback."""


@app.command(cls=Command)
def version() -> None:
    """Print the version and the platform."""
    screen.result(version_line())
