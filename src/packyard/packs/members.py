"""The members of a JSON object, asked for by key and type, without regard to the keys' case.

What has another type than asked for becomes a finding and counts as absent; so does null, without
a finding. All objects of one document share one list of findings, so ask for each key once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

from packyard.findings import Finding, Position
from packyard.packs.jsontext import Node, repeated_key
from packyard.packs.rules import found


class Members:
    """`node` is the object itself; `path` is where it stands in `file`, dotted."""

    def __init__(self, node: Node, file: str, path: str, findings: list[Finding]) -> None:
        self.file = file
        self._node = node
        self._path = path
        self._findings = findings
        self._asked: set[str] = set()
        self._by_key: dict[str, Node] = {}
        for key, member in self.written().items():
            if earlier := self._by_key.get(key.lower()):
                findings.append(repeated_key(key, file, member.key_at, earlier.key_at))
            self._by_key[key.lower()] = member

    @property
    def at(self) -> Position:
        """Where the object begins."""
        return self._node.at

    @classmethod
    def of(cls, node: Node, file: str, path: str, findings: list[Finding]) -> Self | None:
        """None, with a finding, where `node` is no object."""
        if isinstance(node.value, Mapping):
            return cls(node, file, path, findings)
        findings.append(_wrong_type(node, "an object", file, path))
        return None

    def written(self) -> Mapping[str, Node]:
        """Every member, by its key as written."""
        return self._node.value if isinstance(self._node.value, Mapping) else {}

    def rest(self) -> dict[str, object]:
        """What nobody asked for, as plain values by the key as written."""
        return {
            key: member.plain()
            for key, member in self.written().items()
            if key.lower() not in self._asked
        }

    def node(self, key: str) -> Node | None:
        self._asked.add(key.lower())
        member = self._by_key.get(key.lower())
        return None if member is None or member.value is None else member

    def path(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def text(self, key: str) -> str:
        """The text as written; "" where it is absent or blank."""
        member = self.node(key)
        text = member and self._text(member, self.path(key))
        return text if text and text.strip() else ""

    def required_text(self, key: str) -> str:
        """The text; a finding where it is absent, null or blank."""
        text, member = self.text(key), self.node(key)
        if member is None or (isinstance(member.value, str) and not text):
            self._findings.append(
                found(
                    "pack-json.required",
                    f"The property {self.path(key)!r} is {'blank' if member else 'missing'}.",
                    mend=f'Give it a text: "{key}": "…".',
                    file=self.file,
                    path=self.path(key),
                    at=(member or self._node).at,
                )
            )
        return text

    def number(self, key: str) -> float | None:
        member = self.node(key)
        if member is None:
            return None
        if isinstance(member.value, (int, float)) and not isinstance(member.value, bool):
            return member.value
        self._findings.append(_wrong_type(member, "a number", self.file, self.path(key)))
        return None

    def object(self, key: str) -> Members | None:
        member = self.node(key)
        if member is None:
            return None
        return Members.of(member, self.file, self.path(key), self._findings)

    def objects(self, key: str) -> list[Members]:
        """The objects of an array; items of another type are left out."""
        inner = [
            Members.of(item, self.file, path, self._findings) for path, item in self._items(key)
        ]
        return [members for members in inner if members is not None]

    def texts(self, key: str) -> list[tuple[str, Node]]:
        """The texts of an array, each with its node; items of another type are left out."""
        read = [(self._text(item, path), item) for path, item in self._items(key)]
        return [(text, item) for text, item in read if text is not None]

    def text_map(self, key: str) -> Mapping[str, str]:
        """An object of texts; its keys are names that people choose, so their case matters."""
        member = self.node(key)
        if member is None:
            return MappingProxyType({})
        if not isinstance(member.value, Mapping):
            self._findings.append(_wrong_type(member, "an object", self.file, self.path(key)))
            return MappingProxyType({})
        read = {
            name: self._text(item, f"{self.path(key)}.{name}")
            for name, item in member.value.items()
            if item.value is not None
        }
        return MappingProxyType({name: text for name, text in read.items() if text is not None})

    def _text(self, node: Node, path: str) -> str | None:
        if isinstance(node.value, str):
            return node.value
        self._findings.append(_wrong_type(node, "a text", self.file, path))
        return None

    def _items(self, key: str) -> list[tuple[str, Node]]:
        member, path = self.node(key), self.path(key)
        if member is None:
            return []
        if isinstance(member.value, tuple):
            return [(f"{path}[{place}]", item) for place, item in enumerate(member.value)]
        self._findings.append(_wrong_type(member, "an array", self.file, path))
        return []


def _wrong_type(node: Node, expected: str, file: str, path: str) -> Finding:
    what = f"The property {path!r}" if path else "The document"
    return found(
        "pack-json.type",
        f"{what} is {_kind(node)}; it must be {expected}.",
        file=file,
        path=path,
        at=node.at,
    )


def _kind(node: Node) -> str:
    match node.value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case tuple():
            return "an array"
        case None:
            return "null"
        case _:
            return "an object"
