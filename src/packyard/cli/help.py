"""Help as the tools of this field print it: arguments by name, without marks of Python types."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperCommand

_LONGEST = 1000
_LIST = re.compile(r"<list\[(.*)\]>")


class Summary:
    """What a list of commands says of one: its whole first sentence, which click would cut off."""

    def get_short_help_str(self, limit: int = 0) -> str:
        inherited: Any = super()
        summary: str = inherited.get_short_help_str(max(limit, _LONGEST))
        return summary


class Command(Summary, TyperCommand):
    """A command whose arguments read `DIR...`, where typer has `{DIR}... <list[Path]>`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")  # as pydantic begins
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        pieces = super().collect_usage_pieces(ctx)
        return [piece.translate({ord("{"): None, ord("}"): None}) for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                name, text = record
                if parameter.param_type_name == "argument":
                    name = name.partition(" <")[0]
                    text = text.removesuffix("[required]").rstrip()
                name = _LIST.sub(r"<\1>", name)
                records[parameter.param_type_name].append((name, text))
        for title, rows in (("Arguments", records["argument"]), ("Options", records["option"])):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
