"""Changes to a document's text, kept as splices at offsets of the text as it was.

Each method changes one place and nothing around it; places may touch, but do not overlap except
where both only remove. Line breaks are those of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from packyard.packs.yaml.layout import (
    Block,
    ends_with_break,
    is_block_collection,
    is_block_scalar,
    last_leaf,
    line_end,
    rest_comment,
)
from packyard.packs.yaml.nodes import BOM, BREAK, BREAKS, Node, Tree
from packyard.packs.yaml.writer import Fragment

_PROPERTIES = re.compile(r"(?:[ \t]*[!&]\S*)*")
_BLOCK_HEADER = re.compile(r"(?P<kind>(?:[!&]\S*\s+)*[|>])(?P<signs>[-+0-9]*)")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that holds a value: behind the colon or dash that ends at `after`.

    `column` is that of the key or dash; `flow` says that it stands inside brackets.
    """

    kind: Literal["root", "key", "value", "item"]
    node: Node
    column: int
    after: int
    flow: bool


class Splices:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._made: list[tuple[int, int, str]] = []
        match = BREAK.search(tree.text)
        self._eol = match[0] if match and match[0] in ("\r\n", "\r") else "\n"

    def text(self) -> str:
        """The changed text."""
        text, parts, done = self.tree.text, [""], 0
        for start, end, new in sorted(self._made, key=lambda splice: splice[0]):
            if start > done:
                parts.append(text[done:start])
            elif start < done and new.startswith(self._eol) and parts[-1][-1:] in tuple(BREAKS):
                # What it was to follow is gone with its line break: it begins the next line.
                new = new[len(self._eol) :] + self._eol  # noqa: PLW2901
            if new:
                parts.append(new)
            done = max(done, end)
        return "".join([*parts, text[done:]])

    # A value for another.

    def replace_inline(self, slot: Slot, new: str) -> None:
        """Inside brackets, or a key."""
        text, start, end = self.tree.text, slot.node.start, slot.node.end
        if slot.kind == "value" and text[slot.after - 1] != ":":
            new = f": {new}"
        elif slot.kind == "value" and slot.after == start:
            new = f" {new}"
        self._splice(start, end, new)

    def replace(self, slot: Slot, new: Fragment, comment: str = "") -> None:
        """In block style; `comment` follows a value of one line where no comment stands yet."""
        node = slot.node
        if is_block_collection(node):
            self._replace_collection(slot, new)
            return
        end = self._before_break(node.end)
        behind = self.tree.lines.end(end)
        if node.start == end:
            self._splice(end, end, f" {new.head}" if new.head else "")
        elif slot.kind == "item" and new.body:
            self._splice(slot.after, end, f" {new.head}")
        elif new.head:
            self._splice(node.start, end, new.head + self._header_comment(node))
        else:
            self._take_out(slot, end)
        if new.head and not new.body and not rest_comment(self.tree, end):
            self._splice(behind, behind, comment)
        self._splice(behind, behind, self._body(new.body, slot.column))

    def _replace_collection(self, slot: Slot, new: Fragment) -> None:
        end = self._before_break(line_end(self.tree, slot.node.end, slot.column))
        head = f" {new.head}" if new.head else ""
        if slot.kind == "value" and (match := _PROPERTIES.match(self.tree.text, slot.after)):
            head += rest_comment(self.tree, match.end())
        self._splice(slot.after, end, head + self._body(new.body, slot.column))

    def _take_out(self, slot: Slot, end: int) -> None:
        """Remove a value that is no block collection, for one that stands on lines of its own."""
        lines, start, behind = self.tree.lines, slot.node.start, self.tree.lines.end(end)
        rest = self.tree.text[end:behind].strip()
        if lines.start(start) == lines.start(slot.after):
            self._splice(slot.after, end, self._header_comment(slot.node))
        elif rest:
            self._splice(start, behind, rest)
        else:
            self._splice(self._before_break(lines.start(start)), behind, "")

    def _header_comment(self, node: Node) -> str:
        """The comment on a block scalar's first line."""
        match = _BLOCK_HEADER.match(self.tree.text, node.start) if is_block_scalar(node) else None
        return rest_comment(self.tree, match.end()) if match else ""

    def replace_root(self, root: Node | None, new: Sequence[str]) -> None:
        """The whole document's content by `new` lines; by nothing where there are none."""
        lines = self.tree.lines
        if root is None:
            self._append(new)
        elif root.start == root.end and ends_with_break(self.tree, root.start):
            self._splice(root.start, root.start, "".join(line + self._eol for line in new))
        elif root.start == root.end:
            behind = lines.end(root.start)
            self._splice(behind, behind, self._body(new, 0))
        else:
            self._replace_written_root(root, new)

    def _replace_written_root(self, root: Node, new: Sequence[str]) -> None:
        start, lines = root.start, self.tree.lines
        end = line_end(self.tree, root.end, 0) if is_block_collection(root) else root.end
        end = self._before_break(end)
        ended = any(line.startswith("...") for line in self.tree.text[end:].splitlines())
        new = new or (["{}"] if ended else [])  # "..." needs something to end
        if lines.column(start):  # behind "---"
            self._splice(start, end, self._body(new, 0))
        elif new:
            self._splice(start, end, self._eol.join(new))
        else:
            self._splice(start, lines.next(end), "")

    def _append(self, new: Sequence[str]) -> None:
        text = self.tree.text
        start = "" if text in ("", BOM) or text[-1] in BREAKS else self._eol
        end = self._eol if not start else ""
        self._splice(len(text), len(text), start + self._eol.join(new) + end)

    # Entries and items that come or go.

    def insert_below(self, block: Block, index: int, new: Iterable[str]) -> None:
        """Lines below an entry and what belongs to it."""
        end = block.tail(index)
        if ends_with_break(self.tree, end):
            lines = [_indented(line, block.column) + self._eol for line in new]
            self._splice(end, end, "".join(lines))
            return
        behind = self.tree.lines.end(end)
        self._close(last_leaf(block.nodes(index)[-1]))
        self._splice(behind, behind, self._body(new, block.column))

    def insert_above(self, block: Block, index: int, new: Iterable[str]) -> None:
        """Lines above an entry that begins its line."""
        start = self.tree.lines.start(block.spans[index][0])
        lines = [_indented(line, block.column) + self._eol for line in new]
        self._splice(start, start, "".join(lines))

    def insert_behind(self, block: Block, index: int, new: Iterable[str]) -> None:
        """Inside brackets."""
        end = block.spans[index][1]
        self._splice(end, end, "".join(f", {text}" for text in new))

    def remove(self, block: Block, removed: set[int]) -> None:
        """Some entries, never all, with the comments that belong to them."""
        first = min(index for index in range(len(block.spans)) if index not in removed)
        above: int | None = None  # the entry that will stand above
        for index in range(len(block.spans)):
            if index not in removed:
                above = index
                continue
            start, end = self._extent(block, index, first)
            if above is not None:  # else a block scalar there would take them for its own
                kept = ends_with_break(self.tree, block.spans[above][1])
                end = self._behind_blank_lines(end, empty=kept)
            self._splice(start, end, "")

    def _behind_blank_lines(self, offset: int, *, empty: bool) -> int:
        """Behind the lines of blanks there, and the last empty ones among them only if `empty`."""
        text, lines, behind = self.tree.text, self.tree.lines, offset
        while offset < len(text) and not (line := text[offset : lines.end(offset)]).strip():
            offset = lines.next(offset)
            behind = offset if line or empty else behind
        return behind

    def remove_inline(self, block: Block, removed: set[int]) -> None:
        """Inside brackets: some entries, never all."""
        spans = block.spans
        first = min(index for index in range(len(spans)) if index not in removed)
        for index in removed:
            if index < first:
                self._splice(spans[index][0], spans[first][0], "")
            else:
                self._splice(spans[index - 1][1], spans[index][1], "")

    def _extent(self, block: Block, index: int, first: int) -> tuple[int, int]:
        """What goes with an entry; where a dash is on its line, the next entry moves up to it."""
        text, lines = self.tree.text, self.tree.lines
        start, end = block.spans[index][0], block.line_end(index)
        if not block.shares_line(index):
            whole = end if ends_with_break(self.tree, end) else lines.next(end)
            return block.head(index), whole
        following = block.spans[first][0]
        if not text[block.line_end(first - 1) : following].strip():
            return start, following
        return len(text[:start].rstrip(" ")), self._before_break(end)

    def _close(self, leaf: Node) -> None:
        """A block scalar at the end of a text without final break must not gain one."""
        header = _BLOCK_HEADER.match(self.tree.text, leaf.start) if is_block_scalar(leaf) else None
        if leaf.end < len(self.tree.text) or header is None:
            return
        start, end = header.span("signs")
        if not any(done_start <= start <= done_end for done_start, done_end, _ in self._made):
            self._splice(start, end, header["signs"].strip("-+") + "-")

    def _body(self, new: Iterable[str], column: int) -> str:
        return "".join(self._eol + _indented(line, column) for line in new)

    def _before_break(self, offset: int) -> int:
        """The end of the line above where `offset` is the start of a line."""
        text = self.tree.text
        if text[max(0, offset - 2) : offset] == "\r\n":
            return offset - 2
        return offset - 1 if ends_with_break(self.tree, offset) else offset

    def _splice(self, start: int, end: int, new: str) -> None:
        if start != end or new:
            self._made.append((start, end, new))


def _indented(line: str, column: int) -> str:
    return " " * column + line if line else line
