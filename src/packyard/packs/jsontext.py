"""JSON with positions: every value and every key knows its line and column (RFC 8259).

Stricter than most readers where leniency would let two of them see different packs: a key that
stands twice is a finding, and so are NaN, numbers beyond a double, lone surrogates and NUL. A byte
order mark is skipped. Size and nesting are bounded, so no text exhausts the stack or the time.
`loads` is as strict, for documents of programs, of which nobody asks the place of a fault.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from packyard.errors import several
from packyard.findings import Finding, Position
from packyard.packs.rules import found

DEPTH_LIMIT = 64
SIZE_LIMIT = 1024 * 1024
VALUES_LIMIT = 20_000

_BLANK = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<float>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_WORD = re.compile(r"-?[A-Za-z_]+")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
_DOUBLE_DIGITS = 300


@dataclass(frozen=True, slots=True)
class Node:
    """A value with the places where it and, in an object, its key begin.

    `value` is a scalar, a tuple of nodes (an array) or a mapping of key to node (an object).
    """

    value: bool | int | float | str | tuple[Node, ...] | Mapping[str, Node] | None
    at: Position
    key_at: Position = (0, 0)

    def plain(self) -> object:
        """The value as `json.loads` gives it."""
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        if isinstance(self.value, Mapping):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


def parse(data: bytes, file: str, limit: int = SIZE_LIMIT) -> tuple[Node | None, list[Finding]]:
    """The document of `data`, or None with what is wrong; a repeated key leaves it readable.

    `limit` is how many bytes are taken.
    """
    if len(data) > limit:
        message = f"{file} has {len(data):,} bytes, more than the {limit:,} allowed."
        mend = "Move long texts to files of their own."
        return None, [found("pack-json.syntax", message, mend=mend, file=file, at=(1, 1))]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{file} is not UTF-8: byte 0x{data[error.start]:02x} in line {line}."
        mend = "Save it as UTF-8."
        return None, [found("pack-json.syntax", message, mend=mend, file=file, at=(line, 0))]
    reader = _Reader(text, file)
    try:
        return reader.document(), reader.findings
    except _NotJson as fault:
        at = reader.position(fault.offset)
        finding = found(
            "pack-json.syntax", f"{file} is not JSON: {fault}.", mend=fault.mend, file=file, at=at
        )
        return None, [*reader.findings, finding]


def loads(data: bytes) -> object:
    """The plain values of a document; raises `ValueError` with what is wrong, in few words."""
    try:
        value: object = json.loads(
            data.decode(),
            parse_constant=_no_number,
            parse_float=_float,
            object_pairs_hook=_members,
        )
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Of two members of one name, some programs would read the first and others the last."""
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
        raise ValueError(f"an object has {several([repr(name) for name in twice])} several times")
    return members


class _NotJson(Exception):
    """Where the text stops being JSON; the message follows a colon."""

    def __init__(self, offset: int, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.mend = mend


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.offset = 0
        self.findings: list[Finding] = []
        self._values = 0
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def document(self) -> Node:
        self._skip_blanks()
        root = self._value(0)
        if self.offset < len(self.text):
            raise _NotJson(self.offset, "something follows the end of the document")
        return root

    def _skip_blanks(self) -> None:
        blanks = _BLANK.match(self.text, self.offset)
        self.offset = blanks.end() if blanks else self.offset

    def _next(self) -> str:
        return self.text[self.offset : self.offset + 1]

    def _take(self, character: str) -> bool:
        """Step over `character` and the blanks behind it, where it stands here."""
        if self._next() != character:
            return False
        self.offset += 1
        self._skip_blanks()
        return True

    def _value(self, depth: int, key_at: Position = (0, 0)) -> Node:
        at = self.position(self.offset)
        self._values += 1
        if self._values > VALUES_LIMIT:
            raise _NotJson(self.offset, f"it holds more than {VALUES_LIMIT:,} values")
        if depth > DEPTH_LIMIT:
            raise _NotJson(self.offset, f"it is nested deeper than {DEPTH_LIMIT} levels")
        match self._next():
            case "{":
                return Node(self._object(depth), at, key_at)
            case "[":
                return Node(self._array(depth), at, key_at)
            case '"':
                return Node(self._string(), at, key_at)
            case _:
                return Node(self._scalar(), at, key_at)

    def _object(self, depth: int) -> Mapping[str, Node]:
        members: dict[str, Node] = {}
        self._take("{")
        while not self._take("}"):
            if members:
                self._comma("}")
            key_at = self.position(self.offset)
            if self._next() != '"':
                raise _NotJson(self.offset, "a key in double quotes is expected here")
            key = self._string()
            if key in members:
                self.findings.append(repeated_key(key, self.file, key_at, members[key].key_at))
            if not self._take(":"):
                raise _NotJson(self.offset, f"a ':' is expected after the key {key!r}")
            members[key] = self._value(depth + 1, key_at)
        return members

    def _array(self, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        self._take("[")
        while not self._take("]"):
            if items:
                self._comma("]")
            items.append(self._value(depth + 1))
        return tuple(items)

    def _comma(self, end: str) -> None:
        start = self.offset
        if not self._take(","):
            raise _NotJson(start, f"a ',' or the closing '{end}' is expected here")
        if self._next() == end:
            raise _NotJson(start, f"nothing follows this ',' before '{end}'", "Remove the comma.")

    def _string(self) -> str:
        token = _STRING.match(self.text, self.offset)
        if token is None:
            message = "this text does not end, or holds a line break or an unknown escape"
            raise _NotJson(self.offset, message)
        value: str = json.loads(token[0])
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise _NotJson(self.offset, "this text holds NUL or half of a surrogate pair")
        self.offset = token.end()
        self._skip_blanks()
        return value

    def _scalar(self) -> bool | int | float | None:
        start = self.offset
        if token := _NUMBER.match(self.text, start):
            self.offset = token.end()
            self._skip_blanks()
            return _number(token, start)
        word = _WORD.match(self.text, start)
        if word is None or word[0] not in _WORDS:
            what = repr(word[0][:40]) if word else repr(self._next()) if self._next() else "the end"
            raise _NotJson(start, f"{what} stands where a value is expected")
        self.offset = word.end()
        self._skip_blanks()
        return _WORDS[word[0]]


def _number(token: re.Match[str], offset: int) -> int | float:
    whole = not token["float"] and len(token[0]) < _DOUBLE_DIGITS
    value = int(token[0]) if whole else float(token[0])
    if not math.isfinite(value):
        raise _NotJson(offset, f"the number {token[0][:40]} is too large")
    return value


def repeated_key(key: str, file: str, at: Position, first_at: Position) -> Finding:
    return found(
        "pack-json.duplicate-key",
        f"The key {key!r} stands here again; it stood in line {first_at[0]} already.",
        mend="Keep one of the two.",
        file=file,
        at=at,
    )
