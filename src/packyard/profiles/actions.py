"""Actions in a text, `{{ … }}`, and which of them are macros (macros.md, sections 1 and 3).

Names that people write are no names in Go templates: they hold hyphens, dots, `$`. So the text is
read here, action by action; one that holds no reference, a token that begins with `.spectro.`,
belongs to a chart or to somebody else and stays as it is. What an action holds besides its
references is left to the template engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MARK = ".spectro."
"""What every reference begins with."""
_SHOWN = 120

_QUOTED = r'"(?:[^"\\\n]|\\.)*+"|`[^`]*+`'
# Neither a further `{{` nor a quote that does not end is part of an action.
_ACTION = re.compile(rf"\{{\{{(?P<body>(?:[^\"`{{}}]++|{_QUOTED}|\{{(?!\{{)|\}}(?!\}}))*+)\}}\}}")
_REFERENCE = re.compile(rf"(?:{_QUOTED})|(?P<name>(?<![\w.$)\]-])\$?\.spectro\.[A-Za-z0-9_.$#-]*)")
_COMMENT = re.compile(r"(?:-\s+)?/\*")
_UNENDED = re.compile(r"\{\{[^{}]*?(?<![\w.$)\]-])\$?\.spectro\.")


class Family(StrEnum):
    """Who defines what a reference stands for."""

    SYSTEM = "system"
    MACRO = "macro"
    PACK = "pack"
    VARIABLE = "var"
    APPLICATION = "app"


@dataclass(frozen=True, slots=True)
class Reference:
    """`family` and `name` are the parts behind `.spectro.`; `offset` is into the text read."""

    family: str
    name: str
    offset: int

    def __str__(self) -> str:
        """As people are told of it."""
        text = f"{MARK}{self.family}.{self.name}"
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Action:
    """`parts` are what stands between braces and trim marks: text and references in turn.

    `references` are those among them; `bare` is the one beside which there is nothing else.
    """

    text: str
    parts: tuple[str | Reference, ...]
    references: tuple[Reference, ...]
    bare: Reference | None
    trims_before: bool
    trims_behind: bool


def read(text: str) -> tuple[str | Action, ...]:
    """The text in pieces: actions that hold references, and all that stands between them."""
    pieces: list[str | Action] = []
    done = 0
    for match in _ACTION.finditer(text):
        if MARK not in match["body"] or _COMMENT.match(match["body"]):
            continue
        action = _action(match)
        if action.references:
            pieces += [text[done : match.start()], action]
            done = match.end()
    return (*pieces, text[done:])


def unended(text: str) -> int | None:
    """Where a reference stands in an action that does not end, in text without macros."""
    start = 0
    while match := _UNENDED.search(text, start):
        whole = _ACTION.match(text, match.start())  # somebody else's
        if whole is None:
            return match.end() - len(MARK)
        start = whole.end()
    return None


def _action(match: re.Match[str]) -> Action:
    start, end = match.span("body")
    text = match.string
    trims_before = text[start : start + 1] == "-" and text[start + 1 : start + 2].isspace()
    trims_behind = end - start > 2 and text[end - 1] == "-" and text[end - 2].isspace()
    parts = tuple(_parts(text, start + trims_before, end - trims_behind))
    references = tuple(part for part in parts if isinstance(part, Reference))
    alone = len(references) == 1 and not any(isinstance(one, str) and one.strip() for one in parts)
    bare = references[0] if alone else None
    return Action(match[0], parts, references, bare, trims_before, trims_behind)


def _parts(text: str, start: int, end: int) -> Iterator[str | Reference]:
    for match in _REFERENCE.finditer(text, start, end):
        if not match["name"]:
            continue
        if match.start() > start:
            yield text[start : match.start()]
        offset = text.index(MARK, match.start())
        family, _, name = text[offset + len(MARK) : match.end()].partition(".")
        yield Reference(family, name, offset)
        start = match.end()
    if start < end:
        yield text[start:end]
