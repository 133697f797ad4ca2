"""New YAML: values written so that Helm and everybody else reads them back as they were.

A text that any reader could take for something else is quoted; texts of several lines become
block scalars where those hold them exactly, else double-quoted ones. No line is ever folded.
"""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass, replace

import yaml

from packyard.packs.yaml.scalars import Value, plain

_ESCAPED = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LITERAL = re.compile(r"(?![ \n])(?:[^\n]*[^ \n]\n|\n(?!\Z))+(?:[^\n]*[^ \n])?")


@dataclass(frozen=True, slots=True)
class Style:
    """`step`: blanks per level. `indented`: lists stand deeper than their key, not below it.

    `literal`: whether block scalars may be used; `quote`: how texts are quoted, "" for as needed.
    """

    step: int = 2
    indented: bool = True
    literal: bool = True
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Fragment:
    """What stands behind a key or dash: `head` on its line, `body` below, from its column on."""

    head: str
    body: tuple[str, ...] = ()


def value(data: Value, style: Style) -> Fragment:
    """`data` as the value of a key."""
    if isinstance(data, dict | list) and data:
        _, *body = _lines({"k": data}, replace(style, quote=""))
        return Fragment("", tuple(body))
    return item(data, style)


def item(data: Value, style: Style) -> Fragment:
    """`data` as an item of a list."""
    head, *body = _lines([data], style)
    return Fragment(head.removeprefix("- "), tuple(body))


def entry(key: str, data: Value, style: Style) -> list[str]:
    """The lines of a key with its value, from column 0 on."""
    return _lines({key: data}, style)


def items(data: list[Value], style: Style) -> list[str]:
    """The lines of a list's items, from column 0 on."""
    return _lines(data, style)


def inline(data: Value, quote: str = "") -> str:
    """`data` on one line, fit for the inside of brackets; texts in `quote`, or as needed."""
    (line,) = _lines([data], Style(literal=False, quote=quote), flow=True)
    return line[1:-1]


def fits_block(text: str) -> bool:
    """Whether a block scalar of any indentation, ending in one line break or none, holds a text."""
    lines = text.removesuffix("\n")
    first = lines[:1]
    odd = first in ("", " ", "\n", "\t") or lines.endswith("\n")
    return not odd and not _ESCAPED.search(lines.replace("\n", ""))


def inline_entry(key: str, data: Value) -> str:
    """A key with its value on one line, fit for the inside of braces."""
    (line,) = _lines({key: data}, Style(literal=False), flow=True)
    return line[1:-1]


def _lines(data: Value, style: Style, *, flow: bool = False) -> list[str]:
    stream = io.StringIO()
    writer = _Writer(stream, style, flow)
    writer.open()
    writer.represent(data)
    writer.close()
    return stream.getvalue().removesuffix("\n").split("\n")


class _Writer(yaml.SafeDumper):
    def __init__(self, stream: io.StringIO, style: Style, flow: bool) -> None:
        super().__init__(
            stream,
            default_flow_style=flow,
            indent=style.step,
            width=sys.maxsize,
            allow_unicode=True,
            sort_keys=False,
        )
        self.written = style

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """What a list item holds stands right behind its dash, however deep maps indent."""
        super().increase_indent(flow, indentless and not self.written.indented)
        if self.sequence_context and not flow:
            self.indent = (self.indents[-1] or 0) + 2

    def check_simple_key(self) -> bool:
        """Even empty keys and those of several lines go without `?`; escapes stay below 1024."""
        short = isinstance(self.event, yaml.ScalarEvent) and len(self.event.value) < 100
        return short or bool(super().check_simple_key())

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        style: str | None = self.written.quote or None
        if _ESCAPED.search(data):
            literal = self.written.literal and _LITERAL.fullmatch(data)
            style = "|" if literal and not _ESCAPED.search(data.replace("\n", "")) else '"'
        elif not isinstance(plain(data) if data else None, str):
            style = style or "'"
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Writer.add_representer(str, _Writer.represent_text)
