"""The command reference of docs/cli.md, made from the commands: `python -m tests.cli.reference`.

What stands above `BEGINNING` is written by hand and stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer.main
from typer.core import TyperGroup

from packyard.cli.app import app

PAGE = Path(__file__).parent.parent.parent / "docs" / "cli.md"
BEGINNING = "<!-- From here on made by `python -m tests.cli.reference`. -->\n"


def sections() -> Iterator[tuple[str, str]]:
    """Each command with what its `--help` prints, 80 columns wide; groups before their commands."""
    root = typer.main.get_command(app)
    settings = root.context_settings
    yield from _below(typer.Context(root, info_name="packyard", terminal_width=80, **settings))


def _below(context: typer.Context) -> Iterator[tuple[str, str]]:
    command = context.command
    yield context.command_path, command.get_help(context)
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from _below(
                typer.Context(child, info_name=name, parent=context, terminal_width=80)
            )


def reference() -> str:
    return "".join(f"\n### {path}\n\n```text\n{text}\n```\n" for path, text in sections())


def page() -> str:
    """The page as it has to be."""
    above, beginning, _ = PAGE.read_text(encoding="utf-8").partition(BEGINNING)
    return above + beginning + reference()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
