"""The words below `packyard hub`."""

from __future__ import annotations

import typer

from packyard.cli.help import Command
from packyard.cli.hub import audit, keys, macros, packs, profiles, projects, registries, users

app = typer.Typer(
    name="hub",
    help="Work with a hub: a Packyard, with the logins of `packyard registry login`.",
    no_args_is_help=True,
)
app.command(cls=Command)(packs.search)
app.command(cls=Command)(packs.show)
app.add_typer(users.app)
app.add_typer(keys.app)
app.add_typer(projects.app)
app.add_typer(macros.app)
app.add_typer(registries.app)
app.add_typer(profiles.app)
app.add_typer(audit.app)
