"""Groups of commands that are read when somebody uses them, so that others do not wait for them.

Building a command's options takes a millisecond each; there are more than a hundred.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer.main
from typer.core import TyperGroup
from typer.models import TyperInfo

from packyard.cli.help import Summary


class Lazy(Summary, TyperGroup):
    """The commands of a Typer, which `place` names as `module:attribute`."""

    def __init__(self, name: str, place: str, help: str) -> None:  # noqa: A002  (as typer has it)
        self._place = place
        self._read: dict[str, Any] = {}
        super().__init__(name=name, help=help, no_args_is_help=True, rich_markup_mode=None)

    @property
    def commands(self) -> Any:
        if not self._read:
            module, _, attribute = self._place.partition(":")
            read = getattr(import_module(module), attribute)
            group = typer.main.get_group_from_info(
                TyperInfo(read),
                pretty_exceptions_short=False,
                rich_markup_mode=None,
                suggest_commands=True,
            )
            self._read = dict(group.commands)
        return self._read

    @commands.setter
    def commands(self, given: Any) -> None:
        """Of a group as typer makes it; there are none yet."""


def with_groups(*groups: tuple[str, str, str]) -> type[TyperGroup]:
    """The class of a group that has these behind its commands: name, place and help of each."""

    class Grouped(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            for group in groups:
                self.add_command(Lazy(*group))

    return Grouped
