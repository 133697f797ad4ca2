"""The texts of a document, keys and values, found by what they hold, and others put in their place.

Texts are read as they are meant: without quotes, escapes and folds. Comments are none. What is put
in a text's place is quoted so that it is read back as exactly that text; an anchor keeps its name,
so its aliases follow. Nothing else changes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packyard.packs.paths import Path
from packyard.packs.yaml import writer
from packyard.packs.yaml.nodes import BREAK, BREAKS, Node, Scalar, Sequence, Tree
from packyard.packs.yaml.nodes import Mapping as MappingNode
from packyard.packs.yaml.scalars import Plain

_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)*")
_HEADER = re.compile(r"(?P<kind>[|>])(?P<signs>[-+0-9]*)(?P<comment>[^\n\r\x85\u2028\u2029]*)")
_INDENT = re.compile(r"(?:[ \t]*(?:\r\n|[\n\r\x85\u2028\u2029]))*(?P<blanks> *)")


@dataclass(frozen=True, slots=True)
class Text:
    """`path` leads to the value, of a key to that of its entry; `start` tells texts apart."""

    path: Path
    text: str
    key: bool
    start: int
    end: int


def holding(tree: Tree, part: str) -> list[Text]:
    """The texts that hold `part`, in order; what an alias stands for is found at its anchor."""
    places = [match.start() for match in re.finditer(re.escape(part), tree.text)]
    return list(_texts(tree.root, (), part, places)) if tree.root and places else []


def places(tree: Tree, text: Text, part: str) -> list[int]:
    """Where in the document each `part` of a text stands.

    It is looked for as written, so one that is spelt with escapes or folded is not among them.
    """
    written = re.finditer(re.escape(part), tree.text[text.start : text.end])
    return [text.start + match.start() for match in written]


def replaced(tree: Tree, changes: Mapping[int, Plain]) -> str:
    """The document with other texts where those that start there stand."""
    starts = sorted(changes)
    parts, done = [], 0
    for node, flow in _scalars(tree.root, starts, flow=False) if tree.root else ():
        start = _behind_properties(tree, node)
        parts += [tree.text[done:start], _written(tree, node, start, changes[node.start], flow)]
        done = node.end
    return "".join([*parts, tree.text[done:]])


def _holds(node: Node, places: list[int]) -> bool:
    """Whether any of the places lies in what a node is written as; they are sorted."""
    at = bisect_left(places, node.start)
    return at < len(places) and places[at] < node.end


def _texts(node: Node, path: Path, part: str, places: list[int]) -> Iterator[Text]:
    if not _holds(node, places):
        return
    if isinstance(node, Scalar):
        if isinstance(node.data, str) and part in node.data:
            yield Text(path, node.data, False, node.start, node.end)  # noqa: FBT003
    elif isinstance(node, MappingNode):
        for key, value, name in node.entries:
            below = path if name is None else (*path, name)
            if name is not None and part in name and isinstance(key, Scalar):
                yield Text(below, name, True, key.start, key.end)  # noqa: FBT003
            yield from _texts(value, below, part, places)
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _texts(item, (*path, index), part, places)


def _scalars(node: Node, places: list[int], *, flow: bool) -> Iterator[tuple[Scalar, bool]]:
    """The scalars that begin at `places`, and whether each stands where no block scalar can."""
    if isinstance(node, Scalar):
        at = bisect_left(places, node.start)
        if at < len(places) and places[at] == node.start:
            yield node, flow
    elif not _holds(node, places):
        return
    elif isinstance(node, MappingNode):
        for key, value, _ in node.entries:
            yield from _scalars(key, places, flow=True)
            yield from _scalars(value, places, flow=flow or node.flow)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _scalars(item, places, flow=flow or node.flow)


def _behind_properties(tree: Tree, node: Scalar) -> int:
    match = _PROPERTIES.match(tree.text, node.start, node.end)
    return match.end() if match else node.start


def _written(tree: Tree, node: Scalar, start: int, new: Plain, flow: bool) -> str:
    """`new` in the manner of what stands there: a block scalar, quotes of one kind, or plain."""
    if node.style not in ("|", ">") or not isinstance(new, str):
        return writer.inline(new, node.style)
    header = _HEADER.match(tree.text, start)
    comment = header["comment"].rstrip() if header else ""
    if header and not flow and _ends_alike(node.data, new) and writer.fits_block(new):
        blanks = _INDENT.match(tree.text, _behind_break(tree.text, header.end()))
        if not any(sign.isdigit() or sign == "+" for sign in header["signs"]) and blanks:
            lines = new.rstrip("\n").split("\n")
            indented = (blanks["blanks"] + line if line else "" for line in lines)
            return _break(tree.text).join([f"|{header['signs']}{comment}", *indented])
    kept = tree.text[start : node.end].endswith(tuple(BREAKS))  # by "+", with the line's own break
    return writer.inline(new, '"') + comment + (_break(tree.text) if kept else "")


def _ends_alike(old: object, new: str) -> bool:
    """Whether one way to end a block scalar gives both."""
    return isinstance(old, str) and old.endswith("\n") == new.endswith("\n") and old != ""


def _behind_break(text: str, offset: int) -> int:
    match = BREAK.match(text, offset)
    return match.end() if match else offset


def _break(text: str) -> str:
    match = BREAK.search(text)
    return match[0] if match and match[0] in ("\r\n", "\r") else "\n"
