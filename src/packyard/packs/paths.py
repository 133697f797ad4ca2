"""Paths into values: `charts.argo-cd.server.ports[0].name`.

Dots separate keys, brackets hold an index. A key that holds a dot, bracket or quote stands in
double quotes, or has a backslash before each of those, as with `helm --set`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from packyard.errors import ParameterInvalid

Path: TypeAlias = tuple[str | int, ...]

_QUOTED = r'"(?P<quoted>(?:[^"\\]|\\.)*)"'
_BARE = r'(?P<bare>(?:[^.\[\]"\\]|\\.)+)'
_PART = re.compile(rf"\[(?P<index>[0-9]{{1,9}})\]|(?P<dot>\.?)(?:{_QUOTED}|{_BARE})", re.DOTALL)
_PLAIN = re.compile(r'[^.\[\]"\\\s]+')


def parse_path(text: str) -> Path:
    """Raise `ParameterInvalid` unless `text` is a path of at least one part."""
    parts: list[str | int] = []
    offset = 0
    while (part := _PART.match(text, offset)) and _joins(part, first=not parts):
        offset = part.end()
        if part["index"]:
            parts.append(int(part["index"]))
        else:
            key = part["bare"] or part["quoted"]
            parts.append(re.sub(r"\\(.)", r"\1", key, flags=re.DOTALL))
    if not parts or offset < len(text):
        raise ParameterInvalid(
            f"{text[:200]!r} is no path into values, from character {offset + 1} on: keys are "
            "separated by dots, an index stands in brackets, a key that holds a dot in double "
            'quotes: a."b.c".d[0].'
        )
    return tuple(parts)


def format_path(path: Iterable[str | int]) -> str:
    """The text that `parse_path` reads back."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        escaped = re.sub(r'(["\\])', r"\\\1", part)
        key = part if _PLAIN.fullmatch(part) else f'"{escaped}"'
        text += f".{key}" if text else key
    return text


def _joins(part: re.Match[str], *, first: bool) -> bool:
    """A dot stands between keys, none before the first one or an index."""
    return not part["dot"] if first else bool(part["dot"] or part["index"])
