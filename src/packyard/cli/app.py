"""The tree of commands: which words there are, and where each one lives."""

from __future__ import annotations

from typing import Annotated

import typer

from packyard.cli import screen, server
from packyard.cli.groups import with_groups
from packyard.cli.help import Command
from packyard.cli.options import DEFAULT_HOME, Home
from packyard.cli.version import version_line

_GROUPS = (
    ("registry", "packyard.cli.registry:app", "Log in to registries, and run one."),
    ("pack", "packyard.cli.pack:app", "Make, check, push, list, pull, render and tag packs."),
    ("profile", "packyard.cli.profile:app", "Compose, check and render cluster profiles."),
    ("chart", "packyard.cli.chart:app", "Push, list, pull and delete Helm charts."),
    (
        "hub",
        "packyard.cli.hub.app:app",
        "Work with a hub: a Packyard, with the logins of `packyard registry login`.",
    ),
    ("user", "packyard.cli.people:users", "Look after the users of a server."),
    ("secrets", "packyard.cli.people:secrets", "Look after what a server keeps sealed."),
)

app = typer.Typer(
    cls=with_groups(*_GROUPS),
    name="packyard",
    help="Store, share and check packs: the layers of Kubernetes cluster profiles.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command(cls=Command)(server.serve)
app.command(cls=Command)(server.health)
app.command(cls=Command)(server.gc)


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
