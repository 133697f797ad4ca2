"""values.yaml: its data as Helm reads it, and edits that keep every byte they do not edit.

A `Document` never changes; an edit returns another one. Comments, order, quoting, anchors, merge
keys, line breaks and the absence of a final newline stay (spec "values.yaml").
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from packyard.errors import ContentRefused, ParameterInvalid
from packyard.findings import Finding, Position
from packyard.packs import edits
from packyard.packs.edits import ABSENT
from packyard.packs.paths import Path, format_path, parse_path
from packyard.packs.rules import found
from packyard.packs.yaml.nodes import Alias, Node, Sequence, Tree, same
from packyard.packs.yaml.nodes import Mapping as MappingNode
from packyard.packs.yaml.patch import patch
from packyard.packs.yaml.reader import DEFAULT_LIMITS, Limits, compose, decode
from packyard.packs.yaml.scalars import Plain, Value
from packyard.packs.yaml.texts import Text, holding, places, replaced

__all__ = ["Document", "PackSection", "Path", "format_path", "pack_section", "parse_path"]

VALUES = "values.yaml"
INSTALL_PRIORITY = "spectrocloud.com/install-priority"
DISPLAY_NAME = "spectrocloud.com/display-name"
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class Document:
    """`Document.parse` makes them; `text` is exactly what was read or what an edit made of it."""

    def __init__(self, text: str, file: str, limits: Limits, tree: Tree | None = None) -> None:
        self.text = text
        self.file = file
        self._limits = limits
        if tree is not None:
            self._tree = tree

    @classmethod
    def parse(
        cls, text: str | bytes, file: str = VALUES, limits: Limits = DEFAULT_LIMITS
    ) -> tuple[Self | None, list[Finding]]:
        """None where it is no single YAML document whose whole is a map, with the findings why.

        Nothing but blanks and comments, or null, is an empty map.
        """
        decoded, findings = decode(text, file) if isinstance(text, bytes) else (text, [])
        if decoded is None:
            return None, findings
        tree, findings = compose(decoded, file, limits)
        if tree is None:
            return None, findings
        if tree.root is not None and not isinstance(tree.root.data, dict | None):
            message = "The whole of the file is not a map of keys to values."
            mend = "Write `key: value`, a key a line."
            return None, [found("yaml.root", message, mend=mend, file=file, at=tree.at(tree.root))]
        return cls(decoded, file, limits, tree), []

    @classmethod
    def empty(cls, file: str = VALUES) -> Self:
        """What an empty file is."""
        return cls("", file, DEFAULT_LIMITS)

    @cached_property
    def _tree(self) -> Tree:
        tree, findings = compose(self.text, self.file, self._limits)
        if tree is None:
            raise ContentRefused(f"The edit makes {self.file} too large.", findings)
        return tree

    @property
    def data(self) -> dict[str, Any]:
        """The values as plain data, shared between all who ask: not to be changed."""
        root = self._tree.root
        return root.data if root and isinstance(root.data, dict) else {}

    def get(self, path: Path, default: Any = None) -> Any:
        """The value at a path, `default` where there is none."""
        value = edits.get(self.data, path)
        return default if value is ABSENT else value

    def has(self, path: Path) -> bool:
        return edits.get(self.data, path) is not ABSENT

    def at(self, path: Path) -> Position:
        """Line and column of the key or item a path leads to, or of its last part that exists."""
        node, nearest = self._tree.root, (0, 0)
        for part in path:
            node, start = _below(node, part)
            if node is None:
                break
            nearest = self._tree.lines.position(start)
        return nearest

    def set(self, path: Path, value: Value) -> Self:
        """With `value` at a path; absent and null parents are made, an index may be the next one.

        Raises `ParameterInvalid` where a parent is something else, or `value` has no form in JSON
        or is beyond the limits.
        """
        _check_path(path)
        _check_value(path, value, self._limits)
        return self.changed_to(_map(edits.put(self.data, path, value)))

    def remove(self, path: Path) -> Self:
        """Without what stands at a path and the comments that belong to it; a map may get empty."""
        _check_path(path)
        return self.changed_to(_map(edits.drop(self.data, path)))

    def merge(self, text: str) -> Self:
        """With the YAML map `text` merged in deeply; new keys come with their comments.

        Raises `ContentRefused` where `text` is no YAML map.
        """
        added, findings = Document.parse(text, "add", self._limits)
        if added is None:
            raise ContentRefused("What is to be merged is no YAML map.", findings)
        return self.changed_to(_map(edits.deep_merge(self.data, added.data)), source=added)

    def texts(self, part: str) -> list[Text]:
        """The keys and values that are texts and hold `part`; comments are none."""
        return holding(self._tree, part)

    def places(self, text: Text, part: str) -> list[int]:
        """The offsets at which each `part` of a text is written."""
        return places(self._tree, text, part)

    def at_offset(self, offset: int) -> Position:
        """Line and column of a character."""
        return self._tree.lines.position(offset)

    def with_texts(self, changes: Mapping[int, Plain]) -> Self:
        """With others where the texts that start there stand, quoted as needed."""
        return self.with_text(replaced(self._tree, changes)) if changes else self

    def with_text(self, text: str) -> Self:
        """With another text of the same kind, such as one with another comment."""
        return type(self)(text, self.file, self._limits)

    def changed_to(self, data: Mapping[str, Value], source: Document | None = None) -> Self:
        """With `data`, changing only what differs.

        What is new comes as text, with comments, from `source` where that has the same at its path.
        """
        target = dict(data)
        if same(self.data, target):
            return self
        return self.with_text(patch(self._tree, target, source._tree if source else None))  # noqa: SLF001


def _below(node: Node | None, part: str | int) -> tuple[Node | None, int]:
    """The node under a key or index, and where that key or item begins."""
    while isinstance(node, Alias):
        node = node.target
    if isinstance(node, MappingNode):
        entry = next((entry for entry in node.entries if entry.name == part), None)
        return (entry.value, entry.key.start) if entry else (None, 0)
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return node.items[part], node.items[part].start
    return None, 0


def _map(data: Value) -> dict[str, Value]:
    return data if isinstance(data, dict) else {}


def _check_path(path: Path) -> None:
    if not path or not isinstance(path[0], str):
        raise ParameterInvalid("A path into values begins with a key.")
    for part in path:
        if isinstance(part, str):
            _check_text(part, path)


def _check_value(path: Path, value: object, limits: Limits) -> None:
    """Whether `value` has a form in JSON that Helm reads back, and is not beyond all measure."""
    pending: list[tuple[object, int]] = [(value, len(path))]
    count = length = 0
    while pending:
        item, depth = pending.pop()
        count += 1
        length += len(item) if isinstance(item, str) else 0
        if count > limits.max_nodes or length > limits.max_length or depth > limits.max_depth:
            raise ParameterInvalid(
                f"{format_path(path)[:200]}: this is too much; {limits.max_nodes} values, "
                f"{limits.max_length} characters and {limits.max_depth} levels are allowed."
            )
        if isinstance(item, dict):
            for key, below in item.items():
                _check_key(key, path)
                pending.append((below, depth + 1))
        elif isinstance(item, list):
            pending += ((below, depth + 1) for below in item)
        else:
            _check_scalar(item, path)


def _check_key(key: object, path: Path) -> None:
    if not isinstance(key, str):
        raise ParameterInvalid(f"{format_path(path)}: the key {key!r} is no text; quote it.")
    _check_text(key, path)


def _check_scalar(value: object, path: Path) -> None:
    fault = ""
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            fault = "the number needs more than 64 bits; quote it"
    elif isinstance(value, float):
        if not math.isfinite(value):
            fault = f"{value} has no form in JSON"
    elif value is not None:
        fault = f"{type(value).__name__} is no type of a YAML value"
    if fault:
        raise ParameterInvalid(f"{format_path(path)}: {fault}.")


def _check_text(text: str, path: Path) -> None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        message = "a text holds half of a surrogate pair, which has no form in UTF-8"
        raise ParameterInvalid(f"{format_path(path)!a}: {message}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentChart:
    repo: str
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSection:
    """`pack:` of the values; what is absent, null or of another type has its default.

    Labels and annotations map a namespace to `key=value,…`; they may hold macros.
    """

    namespace: str = ""
    additional_namespaces: tuple[str, ...] = ()
    namespace_labels: Mapping[str, str]
    namespace_annotations: Mapping[str, str]
    release_name_override: Mapping[str, str]
    images: tuple[str, ...] = ()
    charts: tuple[ContentChart, ...] = ()
    install_priority: int = 0
    display_name: str = ""


def pack_section(document: Document) -> PackSection:
    section = _map(document.get(("pack",)))
    content = _map(section.get("content"))
    return PackSection(
        namespace=_text(section.get("namespace")),
        additional_namespaces=_names(section.get("additionalNamespaces")),
        namespace_labels=_texts(section.get("namespaceLabels")),
        namespace_annotations=_texts(section.get("namespaceAnnotations")),
        release_name_override=_texts(section.get("releaseNameOverride")),
        images=tuple(
            filter(None, (_text(image.get("image")) for image in _maps(content, "images")))
        ),
        charts=tuple(
            ContentChart(
                repo=_text(chart.get("repo")) or _text(chart.get("repository")),
                name=_text(chart.get("name")),
                version=_text(chart.get("version")),
            )
            for chart in _maps(content, "charts")
        ),
        install_priority=_integer(section.get(INSTALL_PRIORITY)),
        display_name=_text(section.get(DISPLAY_NAME)),
    )


def _text(value: Value) -> str:
    if isinstance(value, bool | dict | list | None):
        return ""
    return str(value).strip()


def _texts(value: Value) -> dict[str, str]:
    return {key: text for key, item in _map(value).items() if (text := _text(item))}


def _names(value: Value) -> tuple[str, ...]:
    """Of a map its keys, of a text what stands between its commas."""
    names = list(value) if isinstance(value, dict | list) else _text(value).split(",")
    return tuple(name for name in map(_text, names) if name)


def _maps(content: dict[str, Value], key: str) -> list[dict[str, Value]]:
    value = content.get(key)
    return [_map(item) for item in value] if isinstance(value, list) else []


def _integer(value: Value) -> int:
    text = _text(value)
    return int(text) if _INTEGER.fullmatch(text) else 0
