"""The properties of a document, JSON or YAML, asked for by key and type.

What has another type than asked for is a finding with its line and counts as absent; so does null,
without a finding. Keys that nobody asked for can be named afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from packyard.findings import Finding, Position
from packyard.packs import jsontext
from packyard.packs.paths import Path, format_path
from packyard.packs.rules import near
from packyard.packs.values import Document
from packyard.packs.yaml.reader import Limits
from packyard.profiles.rules import found

_LIMITS = Limits(max_length=32 * 2**20)
_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Source:
    """A document: what findings call it, where its parts stand, and the findings so far."""

    file: str
    at: Callable[[Path], Position]
    findings: list[Finding]

    def found(self, rule: str, message: str, path: Path, mend: str = "") -> None:
        where = format_path(path)
        self.findings.append(
            found(rule, message, mend=mend, file=self.file, path=where, at=self.at(path))
        )


class Fields:
    """One map of the document, at `path`."""

    def __init__(self, data: Mapping[str, object], source: Source, path: Path = ()) -> None:
        self.data = data
        self.source = source
        self.path = path
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        return self._value(key) is not None

    def text(self, key: str, default: str = "") -> str:
        value = self._value(key)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        mend = "Put it in quotes." if isinstance(value, int | float) else ""
        self._wrong_type(key, value, "a text", mend)
        return default

    def words(self, key: str) -> str:
        """A text, for which a whole number or a boolean may stand as it is."""
        value = self._value(key)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int) else self.text(key)

    def flag(self, key: str) -> bool:
        value = self._value(key)
        if isinstance(value, bool | None):
            return bool(value)
        self._wrong_type(key, value, "true or false")
        return False

    def word(self, key: str, words: type[_Word], default: _Word) -> _Word:
        """One of the words; a finding names the nearest where it is none."""
        text = self.text(key)
        if not text:
            return default
        known = [word.value for word in words]
        if text in known:
            return words(text)
        meant = near(text, known)
        mend = f"Did you mean {meant!r}?" if meant else f"Known: {', '.join(known)}."
        message = f"{text[:80]!r} is no {key}."
        self.source.found("profile.word-unknown", message, (*self.path, key), mend)
        return default

    def map(self, key: str) -> Fields:
        """An empty one where it is absent."""
        value = self._value(key)
        if value is not None and not isinstance(value, Mapping):
            self._wrong_type(key, value, "a map")
        return Fields(value if isinstance(value, Mapping) else {}, self.source, (*self.path, key))

    def maps(self, key: str) -> Iterator[Fields]:
        """The maps of a list; items of another type are left out."""
        for index, item in enumerate(self.items(key)):
            path = (*self.path, key, index)
            if isinstance(item, Mapping):
                yield Fields(item, self.source, path)
            else:
                self.source.found("profile.type", f"{format_path(path)} must be a map.", path)

    def texts(self) -> dict[str, str]:
        """All of the map, whose keys are names that people choose."""
        return {key: self.text(key) for key in self.data if self.data[key] is not None}

    def unknown(self) -> list[str]:
        """The keys that nobody asked for."""
        return [key for key in self.data if key not in self._asked]

    def complain_of_unknown(self) -> None:
        for key in self.unknown():
            meant = near(key, self._asked)
            mend = (
                f"Did you mean {meant!r}?" if meant else f"Known: {', '.join(sorted(self._asked))}."
            )
            self.source.found(
                "profile.key-unknown", f"{key[:80]!r} has no meaning here.", (*self.path, key), mend
            )

    def items(self, key: str) -> Sequence[object]:
        """Those of a list, of any type."""
        value = self._value(key)
        if isinstance(value, list):
            return value
        if value is not None:
            self._wrong_type(key, value, "a list")
        return ()

    def _value(self, key: str) -> object:
        self._asked.add(key)
        return self.data.get(key)

    def _wrong_type(self, key: str, value: object, wanted: str, mend: str = "") -> None:
        path = (*self.path, key)
        message = f"{format_path(path)} is {_kind(value)}; it must be {wanted}."
        self.source.found("profile.type", message, path, mend)


def read_document(data: bytes, file: str) -> tuple[Fields | None, list[Finding]]:
    """The whole of a document, JSON where it begins like that, else YAML; None where it is none."""
    findings: list[Finding] = []
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        node, faults = jsontext.parse(data, file, _LIMITS.max_length)
        findings += (replace(fault, rule="profile.syntax") for fault in faults)
        plain = node.plain() if node else None
        if node is None or not isinstance(plain, dict):
            return None, findings
        return Fields(plain, Source(file, _places(node), findings)), findings
    document, faults = Document.parse(data, file, _LIMITS)
    findings += faults
    if document is None:
        return None, findings
    return Fields(document.data, Source(file, document.at, findings)), findings


def given_data(data: Mapping[str, object]) -> Fields:
    """Of data that somebody else has read, so that nothing has a place."""
    return Fields(data, Source("", lambda _: (0, 0), []))


def _places(root: jsontext.Node) -> Callable[[Path], Position]:
    def at(path: Path) -> Position:
        node, nearest = root, root.at
        for part in path:
            below = node.value
            if isinstance(below, Mapping) and part in below:
                node = below[str(part)]
                nearest = node.key_at
            elif isinstance(below, tuple) and isinstance(part, int) and part < len(below):
                node = below[part]
                nearest = node.at
            else:
                break
        return nearest

    return at


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a map"
