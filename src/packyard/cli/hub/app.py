"""The words below `packyard hub`."""

from __future__ import annotations

import typer

from packyard.cli.groups import with_groups
from packyard.cli.help import Command
from packyard.cli.hub import packs

_GROUPS = (
    ("user", "packyard.cli.hub.users:app", "Look after users and their roles over the network."),
    ("key", "packyard.cli.hub.keys:app", "Make, list and revoke API keys, for programs."),
    ("project", "packyard.cli.hub.projects:app", "Make, list and delete projects."),
    (
        "macro",
        "packyard.cli.hub.macros:app",
        "Set and list macros: {{ .spectro.macro.NAME }} in the values of profiles.",
    ),
    (
        "registry",
        "packyard.cli.hub.registries:app",
        "Add other registries to a hub, and synchronize what they hold.",
    ),
    (
        "profile",
        "packyard.cli.hub.profiles:app",
        "List, publish and delete cluster profiles of a hub.",
    ),
    ("audit", "packyard.cli.hub.audit:app", "List and export who changed what in a hub."),
)

app = typer.Typer(cls=with_groups(*_GROUPS))
app.command(cls=Command)(packs.search)
app.command(cls=Command)(packs.show)
