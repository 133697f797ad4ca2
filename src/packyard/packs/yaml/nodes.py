"""Nodes of a YAML document that know where they stand and what Helm reads there.

Offsets count characters of the text; a byte order mark counts. Lines break where libyaml breaks
them. `reader.compose` makes the nodes, and nothing changes them afterwards.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from packyard.findings import Position
from packyard.packs.yaml.scalars import MERGE_TAG, Value

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
BREAKS = "\n\r\x85\u2028\u2029"
BOM = "\ufeff"


# Not frozen: a document has thousands of nodes, and freezing doubles the time to make them.
@dataclass(slots=True, eq=False)
class Node:
    """`start` includes tag and anchor. `end` of block collections is that of their last content.

    `data` is what Helm reads there; it is shared between an anchor and its aliases: never change.
    """

    start: int
    end: int
    data: Value
    anchor: str | None


@dataclass(slots=True, eq=False)
class Scalar(Node):
    """`style` is "" for plain ones, else the character that opens the scalar.

    A block scalar ends before the breaks that do not belong to its value. A value that is not
    written at all is empty, at the place where it would stand.
    """

    style: str
    tag: str | None

    @property
    def merges(self) -> bool:
        """Whether it is the key `<<`, which brings in other maps."""
        return self.data == "<<" and not self.style and self.tag in (None, MERGE_TAG)


class Entry(NamedTuple):
    """`name` is the key as Helm reads it, None for a merge key."""

    key: Node
    value: Node
    name: str | None

    @property
    def end(self) -> int:
        return max(self.key.end, self.value.end)


@dataclass(slots=True, eq=False)
class Mapping(Node):
    flow: bool
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Sequence(Node):
    flow: bool
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Alias(Node):
    target: Node


class Lines:
    """Where the lines of a text begin; counted when first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        """Behind a byte order mark for the first line, which has no column."""
        # splitlines breaks as libyaml does where no control characters stand
        lines = self.text.splitlines(keepends=True)
        starts = [0, *accumulate(map(len, lines))]
        if lines and not lines[-1].endswith(tuple(BREAKS)):
            starts.pop()
        starts[0] = len(BOM) if self.text.startswith(BOM) else 0
        return starts

    def position(self, offset: int) -> Position:
        """Line and column of a character, from 1."""
        line = max(1, bisect_right(self.starts, offset))
        return line, offset - self.starts[line - 1] + 1

    def start(self, offset: int) -> int:
        """Where the line of a character begins."""
        return self.starts[max(1, bisect_right(self.starts, offset)) - 1]

    def column(self, offset: int) -> int:
        """How many characters stand before one on its line."""
        return offset - self.start(offset)

    def next(self, offset: int) -> int:
        """Where the line after that of a character begins, at the latest the text's end."""
        line = max(1, bisect_right(self.starts, offset))
        return self.starts[line] if line < len(self.starts) else len(self.text)

    def end(self, offset: int) -> int:
        """Where the line of a character ends, before its break."""
        match = BREAK.search(self.text, offset)
        return match.start() if match else len(self.text)


@dataclass(frozen=True, slots=True)
class Tree:
    """One document: `root` is None where there are only blanks and comments."""

    text: str
    lines: Lines
    root: Node | None
    aliases: tuple[Alias, ...] = ()

    def at(self, node: Node) -> Position:
        return self.lines.position(node.start)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below; that of an alias is what it stands for."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            yield entry.key
            yield entry.value
    elif isinstance(node, Sequence):
        yield from node.items
    elif isinstance(node, Alias):
        yield node.target


def same(one: Value, other: Value) -> bool:
    """Equal as JSON: true is not 1, and the order of keys does not count."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def merged(value: Node) -> dict[str, Value]:
    """What the value of a merge key brings; of several maps the first one wins."""
    maps = value.items if isinstance(value, Sequence) else [value]
    brought: dict[str, Value] = {}
    for item in reversed(maps):
        if isinstance(item.data, dict):
            brought.update(item.data)
    return brought
