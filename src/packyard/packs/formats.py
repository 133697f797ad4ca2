"""Formats of schema.yaml: literal text mixed with `${TYPE}`, `${TYPE:/RE2/}`, `${TYPE:[lo-hi]}` and
`${list:[A,B]}` (spec "schema.yaml"). A value, as text, must match the whole of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import re2

from packyard.packs.regexes import RegexRefused, compiled

Kind = Literal["string", "number", "boolean", "password", "list", "ipv4", "version", "input"]
KINDS: tuple[Kind, ...] = (
    "string", "number", "boolean", "password", "list", "ipv4", "version", "input",
)  # fmt: skip

_SLOT = re.compile(
    r"\$\{\s*(?P<kind>[^:{}\s]*)\s*(?::(?P<rest>/(?:[^\\]|\\.)*?/|\[[^\]]*\]))?\s*\}", re.DOTALL
)
_RANGE = re.compile(r"\s*(-?[0-9]+(?:\.[0-9]+)?)\s*-\s*(-?[0-9]+(?:\.[0-9]+)?)\s*")
_ANYTHING = r"(?s:.+)"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_PATTERNS: dict[Kind, str] = {
    "string": _ANYTHING,
    "number": r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?",
    "boolean": r"true|True|TRUE|false|False|FALSE",
    "password": _ANYTHING,
    "list": _ANYTHING,
    "ipv4": rf"{_BYTE}(?:\.{_BYTE}){{3}}",
    "version": rf"v?[0-9]+\.[0-9]+\.[0-9]+(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?",
    "input": _ANYTHING,
}
_COMPLAINTS: dict[Kind, str] = {
    "number": "is no number",
    "boolean": "is neither true nor false",
    "ipv4": "is no IPv4 address",
    "version": "is no semantic version",
}


class FormatError(ValueError):
    """What is wrong with a format; the message follows "The format"."""

    def __init__(self, message: str, rule: str = "schema.format") -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Slot:
    """One `${…}` of a format; `low` and `high` are both given or neither."""

    kind: Kind
    regex: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        if self.regex:
            return f"(?:{self.regex})"
        if self.choices:
            return "|".join(map(re2.escape, self.choices))
        return _PATTERNS[self.kind]

    def complaint(self, text: str) -> str:
        """What is wrong with the text in this place, "" for nothing."""
        if self.choices and text not in self.choices:
            return f"is none of {', '.join(self.choices)}"
        if self.kind in _COMPLAINTS and not compiled(_PATTERNS[self.kind]).fullmatch(text):
            return _COMPLAINTS[self.kind]
        if self.low is not None and self.high is not None:
            return "" if self.low <= float(text) <= self.high else f"is not within {self._range}"
        return ""

    @property
    def _range(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Format:
    """`parts` are literal texts and slots in turn."""

    text: str
    parts: tuple[str | Slot, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(part for part in self.parts if isinstance(part, Slot))

    @property
    def secret(self) -> bool:
        """Whether what matches it is never shown."""
        return any(slot.kind == "password" for slot in self.slots)

    def complaint(self, text: str) -> str:
        """What is wrong with a value, as the end of a sentence; "" for nothing."""
        match = self._compiled.fullmatch(text)
        slots = self.slots
        if match:
            complaints = (slot.complaint(match[f"p{i}"]) for i, slot in enumerate(slots))
            return next(filter(None, complaints), "")
        if len(self.parts) == 1 and slots and (complaint := slots[0].complaint(text)):
            return complaint
        return f"does not match {self.text}"

    @cached_property
    def _compiled(self) -> re2._Regexp:
        count = 0
        pattern = ""
        for part in self.parts:
            if isinstance(part, Slot):
                pattern += f"(?P<p{count}>{part.pattern})"
                count += 1
            else:
                pattern += re2.escape(part)
        return compiled(pattern)


def parse_format(text: str) -> Format:
    """Raise `FormatError` unless `text` is a format."""
    parts: list[str | Slot] = []
    offset = 0
    for match in _SLOT.finditer(text):
        if match.start() > offset:
            parts.append(text[offset : match.start()])
        parts.append(_slot(match["kind"], match["rest"] or ""))
        offset = match.end()
    if offset < len(text):
        parts.append(text[offset:])
    if any("${" in part for part in parts if isinstance(part, str)):
        raise FormatError(f"{text!r} has a '${{' that does not end as one of ${{TYPE}} does")
    parsed = Format(text, tuple(parts))
    try:
        parsed.complaint("")
    except RegexRefused as error:
        raise FormatError(f"{text!r} is refused by RE2: {error}", "schema.regex") from None
    return parsed


def _slot(name: str, rest: str) -> Slot:
    kind = next((kind for kind in KINDS if kind == name), None)
    if kind is None:
        raise FormatError(f"names the type {name!r}; the types are {', '.join(KINDS)}")
    if not rest:
        return Slot(kind)
    inner = rest[1:-1]
    if rest.startswith("/"):
        return Slot(kind, regex=_checked_regex(inner.replace(r"\/", "/")))
    if kind == "list":
        return Slot(kind, choices=tuple(choice.strip() for choice in inner.split(",")))
    bounds = _RANGE.fullmatch(inner)
    if kind != "number" or bounds is None:
        raise FormatError(f"holds {rest!r}, which is no range of numbers: write [1-10]")
    low, high = float(bounds[1]), float(bounds[2])
    if low > high:
        raise FormatError(f"holds the range {rest}, whose first number is the larger one")
    return Slot(kind, low=low, high=high)


def _checked_regex(regex: str) -> str:
    """Anchors at its ends say no more than the format itself does, and go."""
    try:
        compiled(regex)
    except RegexRefused as error:
        message = f"holds /{regex}/, which RE2 refuses: {error}"
        raise FormatError(message, "schema.regex") from None
    stripped = regex.removeprefix("^")
    return stripped.removesuffix("$") if not stripped.endswith(r"\$") else stripped
