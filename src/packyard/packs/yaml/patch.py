"""A document's text changed to hold other data, by splices at the places that differ.

Whatever does not differ stays byte for byte: comments, order, quoting, anchors, flow style, line
breaks, the absence of a final newline. What is new is written by the writer, or moved as text from
another document (`source`) that holds the same data at the same path, with its comments there.
An anchor's other users never change: where the anchor must, they are given copies first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from packyard.errors import ContentRefused
from packyard.packs.yaml import writer
from packyard.packs.yaml.layout import (
    Block,
    behind_colon,
    blanks_below,
    block_of,
    comment_lines,
    editable,
    entry_lines,
    is_block_collection,
    is_block_scalar,
    last_leaf,
    rest_comment,
    style_of,
    tail,
    value_fragment,
)
from packyard.packs.yaml.nodes import (
    BOM,
    BREAK,
    BREAKS,
    Alias,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Tree,
    children,
    merged,
    same,
)
from packyard.packs.yaml.reader import compose
from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.splice import Slot, Splices
from packyard.packs.yaml.writer import Fragment, Style


def patch(tree: Tree, data: dict[str, Value], source: Tree | None = None) -> str:
    """The text of `tree` with `data` for its own; ContentRefused where that grows too large."""
    twin = _Twin(source, source.root, 0) if source and source.root else None
    text = _changed(tree, data, twin, literal=True)
    if tree.text[-1:] in ("", BOM, *BREAKS) or not text.endswith(tuple(BREAKS)):
        return text
    # The document had no final line break, and only a block scalar that stays may need one.
    for ended in (text, _changed(tree, data, twin, literal=False)):
        behind = BREAK.search(ended, len(ended.rstrip(f" \t{BREAKS}")))
        open_ended = ended[: behind.start()] if behind else ended
        again, _ = compose(open_ended, "")
        if again and same(again.root.data if again.root else {}, data):
            return open_ended
    return text


def _changed(tree: Tree, data: dict[str, Value], twin: _Twin | None, *, literal: bool) -> str:
    while True:
        change = _Patch(tree, literal=literal)
        change.change(_root_slot(tree), data, twin)
        disturbed = change.disturbed_aliases()
        if not disturbed:
            return change.splices.text()
        tree = _with_copies(tree, disturbed)


def _with_copies(tree: Tree, aliases: Iterable[Alias]) -> Tree:
    """The same data with each of `aliases` replaced by a copy of what it stands for."""
    change = _Patch(tree, literal=True)
    wanted = {id(alias) for alias in aliases}
    for slot in _slots(tree, _root_slot(tree)):
        if id(slot.node) in wanted:
            change.replace(slot, slot.node.data, None)
    copied, findings = compose(change.splices.text(), "")
    if copied is None:
        raise ContentRefused("With its aliases written out the document is too large.", findings)
    return copied


@dataclass(frozen=True, slots=True)
class _Twin:
    """What stands at the same path in the source; `block` and `index` are its entry there."""

    tree: Tree
    node: Node
    floor: int
    block: Block | None = None
    index: int = 0

    def below(self, name: str | None) -> _Twin | None:
        """The twin of a key; only what stands in block style can be moved as text."""
        node = self.node
        if not isinstance(node, Mapping) or node.flow or not editable(self.tree, node):
            return None
        for index, entry in enumerate(node.entries):
            if name is not None and entry.name == name:
                block = block_of(self.tree, node, self.floor)
                floor = behind_colon(self.tree, entry.key, entry.value)
                return _Twin(self.tree, entry.value, floor, block, index)
        return None


class _Patch:
    """`literal`: whether texts of several lines may become block scalars."""

    def __init__(self, tree: Tree, *, literal: bool) -> None:
        self.tree = tree
        self.literal = literal
        self.splices = Splices(tree)
        self.touched: list[Node] = []
        self.dropped: list[Node] = []

    def disturbed_aliases(self) -> list[Alias]:
        """Aliases that stay although what they stand for is touched."""
        if not self.tree.aliases:
            return []
        hit = {id(node) for node in self.touched}
        for node in self.dropped:
            hit.update(map(id, _with_all_below(node)))
        gone = [(node.start, node.end) for node in self.dropped]
        return [
            alias
            for alias in self.tree.aliases
            if id(alias.target) in hit and not any(a <= alias.start < b for a, b in gone)
        ]

    def change(self, slot: Slot, new: Value, twin: _Twin | None) -> None:
        """Make the value in `slot` equal `new`, with as few splices as that takes."""
        node = slot.node
        if same(node.data, new):
            return
        self.touched.append(node)
        if isinstance(node, Mapping) and isinstance(new, dict) and editable(self.tree, node):
            self._change_mapping(slot, node, new, twin)
        elif isinstance(node, Sequence) and isinstance(new, list) and editable(self.tree, node):
            self._change_sequence(slot, node, new, twin)
        else:
            self.replace(slot, new, twin)

    def _change_mapping(
        self, slot: Slot, node: Mapping, new: dict[str, Value], twin: _Twin | None
    ) -> None:
        difference = _Difference.of(node, new)
        if len(difference.removed) == len(node.entries):
            self.replace(slot, new, twin)
            return
        block = block_of(self.tree, node, slot.after)
        for index, value in difference.changed.items():
            below = twin.below(node.entries[index].name) if twin else None
            self._change_entry(block, index, value, below)
        last = max(i for i in range(len(node.entries)) if i not in difference.removed)
        if node.flow:
            texts = [writer.inline_entry(name, new[name]) for name in difference.fresh]
            self._reshape_inline(block, difference.removed, last, texts)
        else:
            style = self._style(node, block.tail(last))
            lines = _entries({name: new[name] for name in difference.fresh}, style, twin)
            self._reshape(block, difference.removed, last, lines)

    def _change_entry(self, block: Block, index: int, new: Value, twin: _Twin | None) -> None:
        slot = _value_slot(block, index)
        if twin and twin.block and not slot.flow and not same(slot.node.data, new):
            comments = comment_lines(twin.block, twin.index)
            if not block.shares_line(index) and not comment_lines(block, index):
                self.splices.insert_above(block, index, comments)
        self.change(slot, new, twin)

    def _change_sequence(
        self, slot: Slot, node: Sequence, new: list[Value], twin: _Twin | None
    ) -> None:
        """Equal items at both ends stay; between them items change pairwise, then go or come."""
        old = [item.data for item in node.items]
        shorter = min(len(old), len(new))
        front = next((i for i in range(shorter) if not same(old[i], new[i])), shorter)
        rest = shorter - front
        back = next((i for i in range(rest) if not same(old[-1 - i], new[-1 - i])), rest)
        middle = shorter - back  # where items stop to change and start to go or come
        removed, fresh = set(range(middle, len(old) - back)), new[middle : len(new) - back]
        whole = twin and same(twin.node.data, new)
        if whole or len(removed) == len(old) or (fresh and not middle):
            self.replace(slot, new, twin)
            return
        block = block_of(self.tree, node, slot.after)
        for index in range(front, middle):
            self.change(_item_slot(block, index), new[index], None)
        if node.flow:
            self._reshape_inline(block, removed, middle - 1, map(writer.inline, fresh))
        else:
            style = self._style(node, block.tail(middle - 1) if middle else 0)
            lines = [line for item in fresh for line in writer.items([item], style)]
            self._reshape(block, removed, middle - 1, lines)

    def _reshape(self, block: Block, removed: set[int], last: int, new: list[str]) -> None:
        self._drop(block, removed)
        if new:
            self.splices.insert_below(block, last, new)
        if removed:
            self.splices.remove(block, removed)

    def _reshape_inline(
        self, block: Block, removed: set[int], last: int, new: Iterable[str]
    ) -> None:
        self._drop(block, removed)
        if removed:
            self.splices.remove_inline(block, removed)
        self.splices.insert_behind(block, last, new)

    def _drop(self, block: Block, removed: set[int]) -> None:
        self.dropped += [node for index in removed for node in block.nodes(index)]

    def replace(self, slot: Slot, new: Value, twin: _Twin | None) -> None:
        """Put `new` in the place of all that stands in `slot`."""
        node = slot.node
        override = _override(node, new)
        if override is None:
            self.dropped.append(node)
        if slot.kind == "root" and isinstance(new, dict):
            style = self._root_style()
            self.splices.replace_root(self.tree.root, _entries(new, style, twin))
        elif slot.flow and override is not None:
            texts = [
                self._merge(node),
                *(writer.inline_entry(*entry) for entry in override.items()),
            ]
            self.splices.replace_inline(slot, f"{{{', '.join(texts)}}}")
        elif slot.flow:
            self.splices.replace_inline(slot, writer.inline(new))
        elif override is not None:
            self.splices.replace(slot, self._override_fragment(slot, override))
        else:
            comment = _comment_behind(twin) if twin and same(twin.node.data, new) else ""
            self.splices.replace(slot, self._fragment(slot, new, twin), comment)

    def _merge(self, alias: Node) -> str:
        return f"<<: {self.tree.text[alias.start : alias.end]}"

    def _override_fragment(self, slot: Slot, override: dict[str, Value]) -> Fragment:
        style = replace(self._style(None, slot.node.end), literal=False)
        lines = [self._merge(slot.node), *_entries(override, style, None)]
        step = " " * (2 if slot.kind == "item" else style.step)
        body = [step + line if line else line for line in lines]
        return (
            Fragment("", tuple(body))
            if slot.kind == "value"
            else Fragment(lines[0], tuple(body[1:]))
        )

    def _root_style(self) -> Style:
        root = self.tree.root
        if root is None:
            return self._style(None, len(self.tree.text))
        below = tail(self.tree, root.end, 0)
        style = self._style(None, below)
        if is_block_collection(root):
            return style
        # a comment behind or below would become a part of a block scalar
        swallows = below > root.end or bool(rest_comment(self.tree, root.end))
        return replace(style, literal=style.literal and not swallows)

    def _fragment(self, slot: Slot, new: Value, twin: _Twin | None) -> Fragment:
        node = slot.node
        below = tail(self.tree, node.end, slot.column)
        swallows = not is_block_collection(node) and below > node.end
        style = self._style(node, below)
        if swallows:  # a comment below would become a part of a block scalar
            style = replace(style, literal=False)
        if twin and twin.block and same(twin.node.data, new):
            fragment = value_fragment(twin.block, twin.index)
            if fragment and (style.literal or not is_block_scalar(last_leaf(twin.node))):
                return fragment
        if isinstance(node, Scalar) and node.style in ("'", '"'):
            style = replace(style, quote=node.style)
        return (writer.item if slot.kind == "item" else writer.value)(new, style)

    def _style(self, node: Node | None, end: int) -> Style:
        """The habits around `node`; no block scalars where they could not end as they must.

        That is before the end of a text without line break, and above lines of blanks.
        """
        text = self.tree.text
        open_end = self.tree.lines.end(end) == len(text) and text[-1:] not in ("", BOM, *BREAKS)
        literal = self.literal and not open_end and not blanks_below(self.tree, end)
        return replace(style_of(self.tree, node), literal=literal)


@dataclass(frozen=True, slots=True)
class _Difference:
    """What has to change in a map, by index of entry; `fresh` are keys that come at its end."""

    removed: set[int]
    changed: dict[int, Value]
    fresh: list[str]

    @classmethod
    def of(cls, node: Mapping, new: dict[str, Value]) -> _Difference:
        """A key that a merge brings is overridden at the end; one that must go leaves a copy."""
        entries = list(enumerate(node.entries))
        written = {entry.name: i for i, entry in entries if entry.name is not None}
        brought = {i: merged(entry.value) for i, entry in entries if entry.name is None}
        effective: dict[str, int] = {}  # where each key's value comes from: the last that has it
        for i, entry in entries:
            effective.update(dict.fromkeys(brought[i] if entry.name is None else [entry.name], i))
        removed = {i for name, i in written.items() if name not in new}
        changed: dict[int, Value] = {}
        fresh: list[str] = []
        for i, maps in brought.items():
            if not maps.keys() <= new.keys():
                changed[i] = {name: value for name, value in maps.items() if name in new}
        for name, value in new.items():
            i = effective.get(name, -1)
            if i in brought and not same(brought[i][name], value):
                removed |= {written[name]} if name in written else set()
                fresh.append(name)
            elif i < 0:
                fresh.append(name)
            elif i not in brought:
                changed[i] = value
        return cls(removed, changed, fresh)


def _override(node: Node, new: Value) -> dict[str, Value] | None:
    """What to add to a merge of an alias, where that makes `new`."""
    if not isinstance(node, Alias) or not isinstance(node.data, dict) or not isinstance(new, dict):
        return None
    own = node.data
    other = {name: v for name, v in new.items() if name not in own or not same(own[name], v)}
    return other if other and own.keys() <= new.keys() else None


def _entries(data: dict[str, Value], style: Style, twin: _Twin | None) -> list[str]:
    """Lines for new keys, from column 0 on, as the source has them where it has the same."""
    lines: list[str] = []
    for name, value in data.items():
        moved = None
        below = twin.below(name) if twin else None
        if below and below.block and same(below.node.data, value):
            moved = entry_lines(below.block, below.index)
            if not style.literal and is_block_scalar(last_leaf(below.node)):
                moved = None
        lines += writer.entry(name, value, style) if moved is None else moved
    return lines


def _comment_behind(twin: _Twin) -> str:
    """The comment on the line of a value in the source."""
    return "" if is_block_collection(twin.node) else rest_comment(twin.tree, twin.node.end)


def _root_slot(tree: Tree) -> Slot:
    return Slot("root", tree.root or Scalar(0, 0, None, None, "", None), 0, 0, flow=False)


def _value_slot(block: Block, index: int) -> Slot:
    key, value = block.nodes(index)
    after = behind_colon(block.tree, key, value)
    return Slot("value", value, block.column, after, block.node.flow)


def _item_slot(block: Block, index: int) -> Slot:
    (item,) = block.nodes(index)
    return Slot("item", item, block.column, block.spans[index][0] + 1, block.node.flow)


def _slots(tree: Tree, slot: Slot) -> Iterator[Slot]:
    """Every place of the document, parents first."""
    yield slot
    node = slot.node
    if isinstance(node, Mapping) and node.entries:
        block = block_of(tree, node, slot.after)
        for index, entry in enumerate(node.entries):
            yield Slot("key", entry.key, block.column, slot.after, flow=True)
            yield from _slots(tree, _value_slot(block, index))
    elif isinstance(node, Sequence) and node.items:
        block = block_of(tree, node, slot.after)
        for index in range(len(node.items)):
            yield from _slots(tree, _item_slot(block, index))


def _with_all_below(node: Node) -> Iterator[Node]:
    yield node
    if not isinstance(node, Alias):
        for child in children(node):
            yield from _with_all_below(child)
