"""What people see: results on standard output, messages on standard error.

Colours only on a terminal and without NO_COLOR; text of others cannot steer the terminal.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

import typer

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAK = re.compile(r"[\t\n]+")


def result(text: str) -> None:
    """A line of what the command was asked for."""
    _write(sys.stdout, text)


def message(text: str) -> None:
    """A line about how it goes."""
    _write(sys.stderr, text)


def warning(text: str) -> None:
    message(f"{paint('Warning:', 'yellow', sys.stderr)} {plain(text)}")


def error(text: str) -> None:
    message(f"{paint('Error:', 'red', sys.stderr)} {plain(text)}")


def plain(text: str) -> str:
    """Text without control characters but tabs and ends of lines."""
    return _CONTROL.sub("", text)


def paint(text: str, colour: str, stream: TextIO, *, bold: bool = False) -> str:
    """`text` in a colour ("" for none) where `stream` shows colours."""
    if not shows_colours(stream):
        return text
    return typer.style(text, fg=colour or None, bold=bold or None)


def dim(text: str, stream: TextIO) -> str:
    return typer.style(text, dim=True) if shows_colours(stream) else text


def shows_colours(stream: TextIO) -> bool:
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def is_terminal(stream: TextIO) -> bool:
    """Whether what is written can be overwritten, as bars of progress are."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of columns as wide as their widest cell, three blanks apart; a cell is one line."""
    cells = [list(head), *([_BREAK.sub(" ", plain(cell)) for cell in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return [
        "   ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _width(text: str) -> int:
    """Columns that a terminal gives it: two for a wide character, none for one that combines."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def amount(number: int, singular: str, plural: str = "") -> str:
    """`1 pack`, `2 packs`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def size(number: int) -> str:
    """Bytes for people: `713 B`, `4.2 kB`, `31 MB`."""
    scaled, unit = float(number), "B"
    for larger in ("kB", "MB", "GB"):
        if scaled < 999.5:
            break
        scaled, unit = scaled / 1000, larger
    return f"{scaled:.1f} {unit}" if unit != "B" and scaled < 9.95 else f"{scaled:.0f} {unit}"


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()
