"""Results in the form that was asked for: tables for people, JSON and YAML for programs.

JSON and YAML hold everything, a table what fits on a screen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from packyard.cli import screen
from packyard.cli.options import ListFormat

if TYPE_CHECKING:
    from packyard.packs.yaml.scalars import Value

Row = Mapping[str, object]
"""JSON values."""
Columns = Mapping[str, Callable[[Row], str]]
"""What each column shows of a row, by its head."""


def show_rows(
    rows: Sequence[Row],
    form: ListFormat,
    table: Sequence[str],
    none: str,
    *,
    more: bool = False,
) -> None:
    """A list; where there is no row a table is the sentence `none`, as a message. `more` is said of
    one that ends at its limit."""
    if form is ListFormat.JSON:
        screen.result(as_json(rows))
    elif form is ListFormat.YAML:
        screen.result("\n".join(as_yaml(rows)))
    elif table:
        screen.result("\n".join(table))
    else:
        screen.message(none)
    if more:
        these = "this one" if len(rows) == 1 else f"these {len(rows)}"
        screen.message(f"There are more than {these}: see --limit.")


def show_row(row: Row, form: ListFormat, columns: Columns) -> None:
    """One thing, for people a line for each column that has something to show."""
    if form is ListFormat.JSON:
        screen.result(as_json(row))
    elif form is ListFormat.YAML:
        screen.result("\n".join(_yaml_of(row)))
    else:
        shown = {head: screen.plain(cell(row)) for head, cell in columns.items()}
        width = max(map(len, shown))
        for head, value in shown.items():
            if value:
                margin = "\n" + " " * (width + 3)
                screen.result(f"{head:<{width}}   {value.replace(chr(10), margin)}")


def as_json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def as_yaml(rows: Sequence[Row]) -> list[str]:
    """Lines of a YAML list."""
    from packyard.packs.yaml.writer import Style, item

    fragments = [item(cast("Value", dict(row)), Style()) for row in rows]
    lines = [line for part in fragments for line in (f"- {part.head}", *part.body)]
    return lines or ["[]"]


def _yaml_of(row: Row) -> list[str]:
    from packyard.packs.yaml.writer import Style, entry

    lines = [entry(key, cast("Value", value), Style()) for key, value in row.items()]
    return [line for part in lines for line in part]


def as_table(rows: Sequence[Row], columns: Columns) -> list[str]:
    """Lines of a table; a column that has nothing to show is left out."""
    shown = {head: [cell(row) for row in rows] for head, cell in columns.items()}
    shown = {head: cells for head, cells in shown.items() if any(cells)}
    return screen.table(list(shown), list(zip(*shown.values(), strict=True))) if shown else []


def moment(text: str) -> str:
    """A time of the API for people: `2026-12-31 12:00`, in UTC."""
    return text[:16].replace("T", " ")
