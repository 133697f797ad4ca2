"""The only reader of YAML in this package: text to a tree of nodes, or to findings.

libyaml delivers events; the tree is built here, so that aliases keep their place, depth and
expansion stay bounded, and whatever is wrong comes out as findings, never as an exception. What
Helm would take silently although it has two meanings is refused: a key that stands twice, several
documents.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import yaml
from yaml import events

from packyard.findings import Finding
from packyard.packs.rules import found
from packyard.packs.yaml.nodes import (
    BOM,
    BREAKS,
    Alias,
    Entry,
    Lines,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Tree,
    children,
    merged,
)
from packyard.packs.yaml.scalars import Plain, Value, as_key, plain, tagged

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BLOCK_HEADER = re.compile(r"(?:[!&]\S*\s+)*[|>][-+0-9]*")
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_DIRECTIVES_LIMIT = 16
_FINDINGS_LIMIT = 100
_MENDS = {
    "cannot start any token": "Put the text in quotes; indent with spaces, never with tabs.",
    "mapping values are not allowed": "Quote a text that holds ': '; check the indentation.",
    "could not find expected ':'": "Write 'key: value', with a blank after the colon.",
    "tab character": "Indent with spaces, never with tabs.",
    "escape": "Put the text in single quotes, or write the character itself.",
    "incompatible YAML document": "Remove the line '%YAML'.",
}
_MEND = "Check indentation, brackets and quotes on this line and above it."
_QUOTE_TEMPLATE = 'Put a template in quotes: "{{ … }}".'


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one document: characters; values, an alias counted as what it stands for; levels."""

    max_length: int = 4 * 2**20
    max_nodes: int = 200_000
    max_depth: int = 100


DEFAULT_LIMITS = Limits()


def decode(data: bytes, file: str) -> tuple[str | None, list[Finding]]:
    """The text of UTF-8 bytes; None with a finding where they are not UTF-8."""
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        above = data[: error.start].decode()
        at = Lines(above).position(len(above))
        message = f"The file is not UTF-8: byte {data[error.start]:#04x} at offset {error.start}."
        mend = "Save it as UTF-8."
        return None, [found("yaml.encoding", message, mend=mend, file=file, at=at)]


def compose(
    text: str, file: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[Tree | None, list[Finding]]:
    """The tree, or None where there are findings."""
    composer = _Composer(text, file, limits)
    try:
        tree = composer.tree()
    except _Stop as stop:
        composer.findings.append(stop.finding)
        return None, composer.findings
    return (None if composer.findings else tree), composer.findings


class _Stop(Exception):
    """Composing cannot go on."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _Composer:
    def __init__(self, text: str, file: str, limits: Limits) -> None:
        self.text = text
        self.file = file
        self.limits = limits
        self.findings: list[Finding] = []
        self.lines = Lines(text)
        self.lead = len(BOM) if text.startswith(BOM) else 0
        self.root: Node | None = None
        self.anchors: dict[str, Node] = {}
        self.aliases: list[Alias] = []
        self.open: list[Mapping | Sequence] = []
        self.pending: list[Node | None] = []  # the key that waits for its value, per open mapping
        self.count = 0
        self.merged_keys = 0

    def tree(self) -> Tree:
        self._check_characters()
        documents = 0
        for event in self._events():
            if isinstance(event, events.ScalarEvent):
                self._add(self._scalar(event))
            elif isinstance(event, events.CollectionStartEvent):
                self._open(event)
            elif isinstance(event, events.CollectionEndEvent):
                self._close(event)
            elif isinstance(event, events.AliasEvent):
                self._add(self._alias(event))
            elif isinstance(event, events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._second_document(self._span(event)[0])
        if self.aliases and self.root:
            self._check_expansion(self.root)
        return Tree(self.text, self.lines, self.root, tuple(self.aliases))

    def _check_characters(self) -> None:
        if len(self.text) > self.limits.max_length:
            self._too_large(f"{len(self.text)} characters; {self.limits.max_length} are allowed", 0)
        if match := _UNREADABLE.search(self.text):
            message = f"The character U+{ord(match[0]):04X} may not stand in YAML."
            mend = "Remove it, or write it as an escape inside double quotes."
            self._stop("yaml.encoding", message, match.start(), mend)
        for number, directive in enumerate(_DIRECTIVE.finditer(self.text)):
            if number == _DIRECTIVES_LIMIT:  # each costs libyaml a look at all before it
                self._too_large("too many directives", directive.start())

    def _events(self) -> Iterator[yaml.Event]:
        parser = yaml.CSafeLoader(self.text[self.lead :])
        try:
            while True:
                event = parser.get_event()
                if event is None or type(event) is events.StreamEndEvent:
                    return
                yield event
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            offset = mark.index + self.lead if mark else len(self.text)
            problem = error.problem or error.context or "the text cannot be read"
            mend = next((mend for part, mend in _MENDS.items() if part in problem), _MEND)
            self._stop("yaml.syntax", f"Not YAML: {problem}.", offset, mend)
        except yaml.YAMLError as error:
            self._stop("yaml.syntax", f"Not YAML: {str(error).splitlines()[0]}.", 0, _MEND)
        finally:
            parser.dispose()

    def _span(self, event: yaml.Event) -> tuple[int, int]:
        start, end = event.start_mark, event.end_mark
        return start.index + self.lead, end.index + self.lead  # type: ignore[union-attr]

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        start = event.start_mark.index + self.lead  # type: ignore[union-attr]  # `_span` is slower
        end = event.end_mark.index + self.lead  # type: ignore[union-attr]
        style, tag, text = event.style or "", event.tag, event.value
        data: Plain = text
        if tag is None:
            if not style:
                data = plain(text)
        elif tag != "!":
            data = self._tagged(tag, text, start)
        if type(data) is float and not math.isfinite(data):
            message = f"{text} has no form in JSON, so Helm cannot take it."
            self._found("yaml.scalar", message, start, "Write a number, or quote it as a text.")
        if style in ("|", ">"):
            end = self._content_end(start, end)
        return Scalar(start, end, data, event.anchor, style, tag)

    def _tagged(self, tag: str, text: str, start: int) -> Plain:
        try:
            return tagged(tag, text)
        except ValueError as error:
            mend = "Remove the tag, or write the value as the tag says."
            self._found("yaml.scalar", f"This value {error}.", start, mend)
            return text

    def _content_end(self, start: int, end: int) -> int:
        """Without the last break and the empty lines behind, unless they belong to the value."""
        header = _BLOCK_HEADER.match(self.text, start)
        if header and "+" in header[0]:
            return end
        return start + len(self.text[start:end].rstrip(BREAKS))

    def _alias(self, event: yaml.AliasEvent) -> Alias:
        start, end = self._span(event)
        name = event.anchor or ""
        target = self.anchors.get(name)
        if target is None:
            message, mend = f"No anchor &{name[:80]} stands above.", "Write the value itself."
            self._stop("yaml.syntax", message, start, mend)
        if target in self.open:
            message = f"The anchor &{name[:80]} holds itself."
            self._stop("yaml.syntax", message, start, "Remove the alias.")
        alias = Alias(start, end, target.data, None, target)
        self.aliases.append(alias)
        return alias

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        start, end = self._span(event)
        if len(self.open) >= self.limits.max_depth:
            self._too_large(f"more than {self.limits.max_depth} levels of nesting", start)
        flow = bool(event.flow_style)
        node: Mapping | Sequence
        if isinstance(event, events.MappingStartEvent):
            node = Mapping(start, end, {}, event.anchor, flow)
        else:
            node = Sequence(start, end, [], event.anchor, flow)
        if node.anchor:
            self.anchors[node.anchor] = node
        self.open.append(node)
        self.pending.append(None)

    def _close(self, event: yaml.Event) -> None:
        node = self.open.pop()
        self.pending.pop()
        if node.flow:
            node.end = self._span(event)[1]
        elif isinstance(node, Mapping):
            last = node.entries[-1]
            node.end = max(last.key.end, last.value.end)
        else:
            node.end = node.items[-1].end
        if isinstance(node, Mapping):
            node.data = self._mapping_data(node)
        else:
            node.data = [item.data for item in node.items]
        self._add(node)

    def _add(self, node: Node) -> None:
        self.count += 1
        if self.count > self.limits.max_nodes:
            self._too_large(f"more than {self.limits.max_nodes} values", node.start)
        if node.anchor:
            self.anchors[node.anchor] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif (key := self.pending[-1]) is None:
            self.pending[-1] = node
        else:
            self.pending[-1] = None
            parent.entries.append(self._entry(key, node, parent))

    def _entry(self, key: Node, value: Node, parent: Mapping) -> Entry:
        if value.start == value.end and not parent.flow and self.text[value.start - 1] != ":":
            value.start = value.end = key.end  # "? key" without a value; libyaml is further on
        name = key.data
        if type(name) is not str or name == "<<":
            merges = isinstance(key, Scalar) and key.merges
            return Entry(key, value, None if merges else self._name(key))
        return Entry(key, value, name)

    def _name(self, key: Node) -> str:
        if isinstance(key.data, dict | list):
            message, mend = "A map or a list cannot be a key.", _QUOTE_TEMPLATE
        elif (name := as_key(key.data)) is not None:
            return name
        else:
            message, mend = "Helm takes no such key.", "Put the key in quotes."
        self._found("yaml.key", message, key.start, mend)
        return ""

    def _mapping_data(self, node: Mapping) -> dict[str, Value]:
        """In the order written, later ones over earlier ones: so Helm reads merge keys."""
        data: dict[str, Value] = {}
        seen: dict[str, Node] = {}
        for key, value, name in node.entries:
            if name is None:
                data.update(self._merged(value))
                continue
            if earlier := seen.get(name):
                self._duplicate(name, key, earlier)
            seen[name] = key
            data[name] = value.data
        return data

    def _merged(self, value: Node) -> dict[str, Value]:
        for item in value.items if isinstance(value, Sequence) else [value]:
            if not isinstance(item.data, dict):
                message = "A merge key takes a map or a list of maps."
                mend = "Put the alias of a map there."
                self._found("yaml.syntax", message, item.start, mend)
                continue
            self.merged_keys += len(item.data)
            if self.merged_keys > self.limits.max_nodes:
                what = f"merge keys that bring more than {self.limits.max_nodes} keys"
                self._too_large(what, value.start)
        return merged(value)

    def _check_expansion(self, root: Node) -> None:
        """Count nodes and levels with each alias as what it stands for; children before parents."""
        measured: dict[int, tuple[int, int]] = {}
        for node in _children_first(root):
            below = [measured[id(child)] for child in children(node)]
            size = 1 + sum(size for size, _ in below)
            depth = 1 + max((depth for _, depth in below), default=0)
            if size > self.limits.max_nodes or depth > self.limits.max_depth + 1:
                self._too_large("aliases that multiply beyond all measure", node.start)
            measured[id(node)] = (size, depth)

    def _duplicate(self, name: str, key: Node, earlier: Node) -> None:
        line, column = self.lines.position(earlier.start)
        first = f"first on line {line}, column {column}"
        message = f"The key {name[:200]!r} stands twice in one map: {first}."
        self._found("yaml.duplicate-key", message, key.start, "Remove one of them.")

    def _second_document(self, start: int) -> None:
        message = "The file holds several YAML documents; Helm would read only the first."
        self._stop("yaml.documents", message, start, "Remove the line '---' and what follows it.")

    def _too_large(self, what: str, offset: int) -> None:
        message, mend = f"The document is too large: {what}.", "Keep only what is needed."
        self._stop("yaml.too-large", message, offset, mend)

    def _found(self, rule: str, message: str, offset: int, mend: str) -> None:
        at = self.lines.position(offset)
        self.findings.append(found(rule, message, mend=mend, file=self.file, at=at))
        if len(self.findings) >= _FINDINGS_LIMIT:
            message = "There is more that is wrong; it is not listed."
            self._stop("yaml.syntax", message, offset, "Correct what is listed first.")

    def _stop(self, rule: str, message: str, offset: int, mend: str) -> NoReturn:
        at = self.lines.position(offset)
        raise _Stop(found(rule, message, mend=mend, file=self.file, at=at))


def _children_first(root: Node) -> Iterator[Node]:
    """Every node once, after all that are below it."""
    visited: set[int] = set()
    pending = [(root, False)]
    while pending:
        node, done = pending.pop()
        if done:
            yield node
        elif id(node) not in visited:
            visited.add(id(node))
            pending.append((node, True))
            pending.extend((child, False) for child in children(node))
