"""How a document is laid out: the spans of entries, the comments that belong to them, its habits.

A comment belongs to an entry when it stands directly above it in the same column, on its last line,
or below it and deeper. The note of enabled presets belongs to none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packyard.packs.yaml.nodes import (
    BREAKS,
    Alias,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Tree,
    children,
)
from packyard.packs.yaml.writer import Fragment, Style

PRESETS_NOTE = "spectrocloud.com/enabled-presets:"
_COMMENT_LINE = re.compile(r"([ \t]*)#")
_REST_COMMENT = re.compile(r"[ \t]+#.*")
_EXPLICIT_KEY = re.compile(r"\?(?=\s)")
_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)*")
_COMMENT = re.compile(f"#[^{BREAKS}]*")
_BETWEEN = re.compile(rf"(?:\s|{_COMMENT.pattern})*")
_ODD_BREAKS = re.compile("[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Block:
    """The entries of a map or the items of a list, as spans of text; dashes are in the span.

    `column` is that of keys or dashes; `floor` the offset above which nothing belongs to them.
    """

    tree: Tree
    node: Mapping | Sequence
    column: int
    floor: int
    spans: tuple[tuple[int, int], ...]

    def head(self, index: int) -> int:
        """Where an entry begins, with the comment lines directly above it; a line's start."""
        lines, text = self.tree.lines, self.tree.text
        floor = self.spans[index - 1][1] if index else self.floor
        start = lines.start(self.spans[index][0])
        while start > floor:
            above = lines.start(start - 1)
            comment = _COMMENT_LINE.match(text, above, start)
            if above < floor or not comment or len(comment[1]) != self.column:
                break
            if PRESETS_NOTE in text[above:start]:
                break
            start = above
        return start

    def tail(self, index: int) -> int:
        """Where an entry ends, with the deeper comment lines below it; before the line's break."""
        return tail(self.tree, self.spans[index][1], self.column)

    def line_end(self, index: int) -> int:
        """Where the last line of what belongs to an entry ends; before the line's break."""
        return line_end(self.tree, self.spans[index][1], self.column)

    def shares_line(self, index: int) -> bool:
        """Whether a dash of the list around stands before the entry, on its line."""
        start = self.spans[index][0]
        return bool(self.tree.text[self.tree.lines.start(start) : start].strip())

    def nodes(self, index: int) -> tuple[Node, ...]:
        """Key and value of an entry, or the item."""
        if isinstance(self.node, Mapping):
            key, value, _ = self.node.entries[index]
            return key, value
        return (self.node.items[index],)


def block_of(tree: Tree, node: Mapping | Sequence, floor: int) -> Block:
    """`node` holds something."""
    if isinstance(node, Mapping):
        spans = [(entry.key.start, entry.end) for entry in node.entries]
    elif node.flow:
        spans = [(item.start, item.end) for item in node.items]
    else:
        spans, end = [], content_start(tree, node)
        for item in node.items:
            dash = _behind_comments(tree, end)
            end = max(item.end, dash + 1)
            spans.append((dash, end))
    return Block(tree, node, tree.lines.column(spans[0][0]), floor, tuple(spans))


def _behind_comments(tree: Tree, offset: int) -> int:
    match = _BETWEEN.match(tree.text, offset)
    return match.end() if match else offset


def tail(tree: Tree, end: int, column: int) -> int:
    """The end of the last comment line below `end` that stands deeper than `column`."""
    lines, text = tree.lines, tree.text
    cursor = end if ends_with_break(tree, end) else lines.next(end)
    while cursor < len(text):
        cursor_end = lines.end(cursor)
        comment = _COMMENT_LINE.match(text, cursor, cursor_end)
        if comment and len(comment[1]) > column:
            end = cursor_end
        elif comment or text[cursor:cursor_end].strip():
            break
        cursor = lines.next(cursor)
    return end


def line_end(tree: Tree, end: int, column: int) -> int:
    """Where the last line of something in block style and its `tail` ends; before its break."""
    end = tail(tree, end, column)
    return end if ends_with_break(tree, end) else tree.lines.end(end)


def blanks_below(tree: Tree, end: int) -> bool:
    """Whether a line of nothing but blanks stands among the empty ones below `end`."""
    lines, text = tree.lines, tree.text
    cursor = end if ends_with_break(tree, end) else lines.next(end)
    while cursor < len(text):
        line = text[cursor : lines.end(cursor)]
        if line:
            return line.isspace()
        cursor = lines.next(cursor)
    return False


def ends_with_break(tree: Tree, end: int) -> bool:
    """Whether content ends with a break of its own, as block scalars that keep theirs do."""
    return end > 0 and tree.text[end - 1] in BREAKS


def rest_comment(tree: Tree, end: int) -> str:
    """The comment on the rest of a line with the blanks before it, "" for none."""
    match = _REST_COMMENT.match(tree.text, end, tree.lines.end(end))
    return match[0].rstrip() if match else ""


def content_start(tree: Tree, node: Node) -> int:
    """Behind tag and anchor."""
    match = _PROPERTIES.match(tree.text, node.start)
    return match.end() if match else node.start


def behind_colon(tree: Tree, key: Node, value: Node) -> int:
    """The offset behind the colon of an entry, behind the key where there is no colon."""
    return max(tree.text.find(":", key.end, value.start + 1) + 1, key.end)


def last_leaf(node: Node) -> Node:
    """What a block collection ends with; any other node itself."""
    while isinstance(node, Mapping | Sequence) and not node.flow:
        *_, node = children(node)
    return node


def is_block_scalar(node: Node) -> bool:
    return isinstance(node, Scalar) and node.style in ("|", ">")


def is_block_collection(node: Node) -> bool:
    return isinstance(node, Mapping | Sequence) and not node.flow


def editable(tree: Tree, node: Mapping | Sequence) -> bool:
    """Whether entries can come and go: there are some, none is a `? key`, none stands bare."""
    if not (node.entries if isinstance(node, Mapping) else node.items):
        return False
    if node.flow and tree.text[content_start(tree, node)] not in "{[":
        return False
    floor = node.start
    for entry in node.entries if isinstance(node, Mapping) else ():
        gap = _COMMENT.sub("", tree.text[floor : entry.key.start])
        if _EXPLICIT_KEY.search(gap):
            return False
        floor = entry.end
    return True


# Text that can stand in another document.


def entry_lines(block: Block, index: int) -> list[str] | None:
    """The lines of an entry with its comments, from column 0 on; None where it cannot move."""
    shares = block.shares_line(index)
    start = block.spans[index][0] if shares else block.head(index)
    end = block.line_end(index)
    if not all(_movable(block.tree, node, start, end) for node in block.nodes(index)):
        return None
    first, *rest = _split(block.tree.text[start:end])
    return [first if shares else _dedent(first, block.column), *_dedented(rest, block.column)]


def comment_lines(block: Block, index: int) -> list[str]:
    """The comment lines directly above an entry, from column 0 on."""
    if block.shares_line(index):
        return []
    text, start = block.tree.text, block.tree.lines.start(block.spans[index][0])
    above = _split(text[block.head(index) : start])[:-1]
    return _dedented(above, block.column)


def value_fragment(block: Block, index: int) -> Fragment | None:
    """What stands behind a key, without the comments around it; None where it cannot move."""
    tree, (key, node) = block.tree, block.nodes(index)
    collection = is_block_collection(node)
    end = tail(tree, node.end, block.column) if collection else node.end
    if tree.text[node.start : node.start + 1] in ("!", "&", "*", ""):
        return None
    if not _movable(tree, node, node.start, end):
        return None
    if collection:
        lines = _split(tree.text[tree.lines.next(key.end) : end])
        return Fragment("", tuple(_dedented(lines, block.column)))
    first, *rest = _split(tree.text[node.start : end])
    if rest and not is_block_scalar(node):
        return None
    return Fragment(first, tuple(_dedented(rest, block.column)))


def _movable(tree: Tree, node: Node, start: int, end: int) -> bool:
    leaf = last_leaf(node)
    ends_openly = leaf.end >= len(tree.text) or ends_with_break(tree, leaf.end)
    if is_block_scalar(leaf) and ends_openly:
        return False
    return not _ODD_BREAKS.search(tree.text, start, end) and not _refers(node)


def _refers(node: Node) -> bool:
    """Whether an anchor or alias is in it."""
    return bool(node.anchor) or isinstance(node, Alias) or any(map(_refers, children(node)))


def _split(text: str) -> list[str]:
    return re.split("\r\n|[\n\r]", text)


def _dedented(lines: list[str], column: int) -> list[str]:
    return [_dedent(line, column) for line in lines]


def _dedent(line: str, column: int) -> str:
    blanks = len(line) - len(line.lstrip(" "))
    return line[min(blanks, column) :]


# Habits.


def style_of(tree: Tree, node: Node | None) -> Style:
    """How deep `node` indents, or else the whole document."""
    step, indented = 0, None
    for start in (node, tree.root):
        for deeper, is_list in _nestings(tree, start):
            if is_list and indented is None:
                indented = deeper > 0
            if not step and 1 < deeper < 10:
                step = deeper
            if step and indented is not None:
                return Style(step, indented)
    return Style(step or 2, indented is not False)


def _nestings(tree: Tree, node: Node | None) -> Iterator[tuple[int, bool]]:
    """How much deeper block collections stand than their keys, and whether they are lists."""
    if isinstance(node, Sequence) and not node.flow:
        for item in node.items:
            yield from _nestings(tree, item)
    if not isinstance(node, Mapping) or node.flow or not node.entries:
        return
    column = tree.lines.column(node.entries[0].key.start)
    for entry in node.entries:
        if is_block_collection(entry.value):
            start = content_start(tree, entry.value)
            yield tree.lines.column(start) - column, isinstance(entry.value, Sequence)
            yield from _nestings(tree, entry.value)
