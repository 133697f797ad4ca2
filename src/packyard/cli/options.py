"""Options that several commands share, as types of their parameters."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from packyard.cli.accounts import default_home

DEFAULT_HOME = Path("$HOME/.packyard")
"""As help shows it; `_home` puts the real one in its place."""
_NAMED = "packyard.home"


def _home(context: typer.Context, value: Path) -> Path:
    """The folder named here, else the one named before the command, else the default."""
    if value != DEFAULT_HOME:
        context.meta[_NAMED] = value
    named: Path = context.meta.get(_NAMED) or default_home()
    return named


Home = Annotated[
    Path,
    typer.Option(
        "-s",
        "--home",
        metavar="DIR",
        help="Folder of logins and certificates.",
        callback=_home,
    ),
]
RegistryServer = Annotated[
    str,
    typer.Option(
        "-r",
        "--registry-server",
        metavar="SERVER",
        help="host[:port], or oci://host[/base] for any OCI registry. [default: the default login]",
        show_default=False,
    ),
]
HubServer = Annotated[
    str,
    typer.Option(
        "--hub",
        metavar="SERVER",
        help="The Packyard to ask, host[:port]. [default: the default login]",
        show_default=False,
    ),
]
HubProject = Annotated[
    str,
    typer.Option(
        "--project",
        metavar="PROJECT",
        help="In this project, by name or uid. [default: the tenant]",
        show_default=False,
    ),
]
InUse = Annotated[
    bool, typer.Option("-f", "--force", help="Also what cluster profiles use; they break.")
]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]


class ListFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Output = Annotated[ListFormat, typer.Option("-o", "--output", help="Form of what is printed.")]
