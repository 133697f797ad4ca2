"""Chart.yaml as Helm reads it: the fields that it knows, each of its type, in Helm's own order.

What comes out goes into indexes of Helm repositories, where one field of a wrong type would keep
Helm from reading all of it. So numbers and truths become texts where Helm makes texts of them,
keys match without regard to case as Go matches them, unknown fields and empty ones are left out,
and whatever Helm could not read is a finding. (Helm: "The Chart.yaml File".)
"""

from __future__ import annotations

import json
import re
import struct
from decimal import Decimal
from typing import Any

from packyard.findings import Finding, Position
from packyard.packs.rules import found
from packyard.packs.values import Document
from packyard.packs.yaml.reader import Limits
from packyard.packs.yaml.scalars import Value

CHART_YAML = "Chart.yaml"
REQUIREMENTS_YAML = "requirements.yaml"
NAME_LIMIT = 250
VERSION_LIMIT = 250
SIZE_LIMIT = 256 * 1024
"""Bytes of the metadata as JSON."""

_YAML_LIMITS = Limits(max_length=1024 * 1024, max_nodes=20_000)

_TEXT, _FLAG, _ANY = "a text", "true or false", "anything"
_MAINTAINER = {"name": _TEXT, "email": _TEXT, "url": _TEXT}
_DEPENDENCY = {
    "name": _TEXT,
    "version": _TEXT,
    "repository": _TEXT,
    "condition": _TEXT,
    "tags": [_TEXT],
    "enabled": _FLAG,
    "import-values": [_ANY],
    "alias": _TEXT,
}
_CHART: dict[str, Any] = {
    "name": _TEXT,
    "home": _TEXT,
    "sources": [_TEXT],
    "version": _TEXT,
    "description": _TEXT,
    "keywords": [_TEXT],
    "maintainers": [_MAINTAINER],
    "icon": _TEXT,
    "apiVersion": _TEXT,
    "condition": _TEXT,
    "tags": _TEXT,
    "appVersion": _TEXT,
    "deprecated": _FLAG,
    "annotations": {"": _TEXT},
    "kubeVersion": _TEXT,
    "dependencies": [_DEPENDENCY],
    "type": _TEXT,
}
_ALWAYS = ("name", "repository")  # of a dependency, which Helm writes also when they are empty

# Versions as Helm's library for them takes them: one number is enough, a `v` may stand in front.
_WORD = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"v?[0-9]+(?:\.[0-9]+){{0,2}}(?:-{_WORD}(?:\.{_WORD})*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_ALIAS = re.compile(r"[a-zA-Z0-9_-]+")


def read_metadata(
    chart_yaml: bytes, requirements_yaml: bytes = b""
) -> tuple[dict[str, Value] | None, list[Finding]]:
    """The metadata of a chart that Helm can load, or None with everything that is wrong.

    `requirements_yaml` holds the dependencies of charts in the first form of charts.
    """
    document, findings = Document.parse(chart_yaml, CHART_YAML, _YAML_LIMITS)
    if document is None:
        return None, findings
    reader = _Reader(document, findings)
    metadata = reader.fields(document.data, _CHART, ())
    if requirements_yaml:
        more, unreadable = Document.parse(requirements_yaml, REQUIREMENTS_YAML, _YAML_LIMITS)
        findings += unreadable
        shape = {"dependencies": _CHART["dependencies"]}
        metadata |= _Reader(more, findings).fields(more.data, shape, ()) if more else {}
    metadata.setdefault("apiVersion", "v1")
    reader.check(metadata)
    ordered = {name: metadata[name] for name in _CHART if name in metadata}
    return (None if findings else ordered), findings


class _Reader:
    """Reads one document; what is wrong with it goes to `findings`."""

    def __init__(self, document: Document, findings: list[Finding]) -> None:
        self._document = document
        self._findings = findings

    def fields(
        self, data: dict[str, Value], shape: dict[str, Any], path: tuple[str | int, ...]
    ) -> dict[str, Value]:
        """The known fields of a map that are not empty."""
        known = {name.lower(): name for name in shape}
        read: dict[str, Value] = {}
        for key, value in data.items():
            name = key if key in shape else known.get(key.lower())
            if name is not None and value is not None:
                read[name] = self._value(value, shape[name], (*path, key))
        kept = _ALWAYS if shape is _DEPENDENCY else ()
        return {name: read.get(name, "") for name in shape if name in kept or read.get(name)}

    def _value(self, value: Value, shape: Any, path: tuple[str | int, ...]) -> Value:
        if shape is _ANY:
            return _in_order(value)
        if shape is _TEXT and not isinstance(value, dict | list):
            return _text(value) if path[0] == "annotations" else _sanitized(_text(value))
        if shape is _FLAG and isinstance(value, bool):
            return value
        if isinstance(shape, list) and isinstance(value, list):
            return [self._item(item, shape[0], (*path, at)) for at, item in enumerate(value)]
        if isinstance(shape, dict) and isinstance(value, dict):
            if "" in shape:
                texts = sorted(value.items())
                return {key: self._value(item, _TEXT, (*path, key)) for key, item in texts}
            return self.fields(value, shape, path)
        expected = "a list" if isinstance(shape, list) else shape
        expected = "a map" if isinstance(shape, dict) else expected
        self._refuse("chart.metadata", f"{_shown(path)} is not {expected}.", self._at(path))
        return None

    def _item(self, value: Value, shape: Any, path: tuple[str | int, ...]) -> Value:
        if value is None and isinstance(shape, dict):
            self._refuse("chart.metadata", f"{_shown(path)} is empty.", self._at(path))
            return None
        return self._value(value, shape, path)

    def check(self, metadata: dict[str, Value]) -> None:
        """What Helm demands of the fields beyond their types."""
        name, version = str(metadata.get("name", "")), str(metadata.get("version", ""))
        if name in ("", ".", "..") or "/" in name or len(name) > NAME_LIMIT:
            said = f"{name[:80]!r} cannot be the name of a chart" if name else "The name is missing"
            mend = "Give it one without slashes: `name: …`."
            self._refuse("chart.name", f"{said}.", self._at(("name",)), mend)
        if not _VERSION.fullmatch(version) or len(version) > VERSION_LIMIT:
            said = f"{version[:80]!r} is no version" if version else "The version is missing"
            mend = "Write a semantic version, as `version: 1.2.3`."
            self._refuse("chart.version", f"{said}.", self._at(("version",)), mend)
        if metadata.get("type", "application") not in ("application", "library"):
            message = "type is neither application nor library."
            self._refuse("chart.metadata", message, self._at(("type",)))
        self._check_dependencies(metadata.get("dependencies"))
        size = len(as_json(metadata))
        if size > SIZE_LIMIT:
            message = f"Chart.yaml says more than {SIZE_LIMIT:,} bytes."
            mend = "Move long texts into the README."
            self._refuse("chart.metadata", message, (0, 0), mend)

    def _check_dependencies(self, dependencies: Value) -> None:
        seen: set[str] = set()
        for item in dependencies if isinstance(dependencies, list) else ():
            dependency = item if isinstance(item, dict) else {}
            alias = str(dependency.get("alias", ""))
            name = alias or str(dependency.get("name", ""))
            if alias and not _ALIAS.fullmatch(alias):
                message = f"The alias {alias[:80]!r} of a dependency is no plain word."
                self._refuse("chart.metadata", message, (0, 0))
            if name in seen:
                message = f"Two dependencies have the name or alias {name[:80]!r}."
                self._refuse("chart.metadata", message, (0, 0))
            seen.add(name)

    def _at(self, path: tuple[str | int, ...]) -> Position:
        return self._document.at(path)

    def _refuse(self, rule: str, message: str, at: Position, mend: str = "") -> None:
        file = self._document.file
        self._findings.append(found(rule, message, mend=mend, file=file, at=at))


_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def as_json(value: object) -> bytes:
    """Compact JSON that is YAML as well: what YAML forbids raw is written as an escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def _in_order(value: Value) -> Value:
    """With the keys of maps sorted, as Helm writes them."""
    if isinstance(value, dict):
        return {key: _in_order(item) for key, item in sorted(value.items())}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def _text(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return _as_go_writes(value)
        case None:
            return ""
        case _:
            return str(value)


def _as_go_writes(number: float) -> str:
    """The shortest text that gives the same number of 32 bits, as Helm's reader of YAML has it;
    with an exponent from a million on and below a ten-thousandth."""
    lengths = (format(number, f".{length}e") for length in range(16))
    shortest = next(text for text in lengths if _single(float(text)) == _single(number))
    sign, digits, exponent = Decimal(shortest).normalize().as_tuple()
    power = len(digits) + int(exponent) - 1
    if -4 <= power < 6:
        return format(Decimal(shortest).normalize(), "f")
    first, *rest = map(str, digits)
    mantissa = first + ("." + "".join(rest) if rest else "")
    return f"{'-' if sign else ''}{mantissa}e{power:+03d}"


def _single(number: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return number


def _sanitized(text: str) -> str:
    """As Helm cleans texts: blanks of all kinds become spaces, what cannot be printed goes."""
    if text.isprintable():
        return text
    spaced = (" " if character.isspace() else character for character in text)
    return "".join(character for character in spaced if character.isprintable())


def _shown(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]
