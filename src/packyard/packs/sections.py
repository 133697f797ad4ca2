"""The keys of values.yaml that mean the same in every pack, and what is wrong with their values
(spec "values.yaml").

A value that holds a macro is not judged: what it will be is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from packyard.findings import Finding, Position
from packyard.packs import edits
from packyard.packs.paths import Path
from packyard.packs.rules import found, near
from packyard.packs.values import DISPLAY_NAME, INSTALL_PRIORITY, VALUES
from packyard.packs.yaml.scalars import Value

TOP_KEYS = ("pack", "charts", "manifests", "readinessCheck", "kubeadmconfig")
_PACK_KEYS = (
    "namespace", "additionalNamespaces", "namespaceLabels", "namespaceAnnotations",
    "releaseNameOverride", "content", INSTALL_PRIORITY, DISPLAY_NAME,
)  # fmt: skip
_TYPES: Mapping[tuple[str, ...], tuple[type | tuple[type, ...], str]] = {
    ("pack",): (Mapping, "a map"),
    ("charts",): (Mapping, "a map"),
    ("manifests",): (Mapping, "a map"),
    ("pack", "namespace"): (str, "a text"),
    ("pack", "additionalNamespaces"): ((str, Mapping), "a text or a map"),
    ("pack", "namespaceLabels"): (Mapping, "a map"),
    ("pack", "namespaceAnnotations"): (Mapping, "a map"),
    ("pack", "releaseNameOverride"): (Mapping, "a map"),
    ("pack", "content"): (Mapping, "a map"),
    ("pack", DISPLAY_NAME): (str, "a text"),
}
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_PAIR = re.compile(r"\s*[^=,\s]+\s*=[^,]*")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")

_Fault = tuple[str, Path, str, str]
"""Rule, path, message, mend."""


def check_sections(
    data: Value, at: Callable[[Path], Position], file: str = VALUES
) -> Iterator[Finding]:
    """Everything; `at` tells where in the file a path is."""
    for faults in (_types, _misspelt, _namespaces, _pairs, _priority):
        for rule, path, message, mend in faults(partial(_get, data)):
            place = ".".join(map(str, path))
            yield found(rule, message, mend=mend, file=file, path=place, at=at(path))


def is_template(text: str) -> bool:
    return "{{" in text


def keys_of(value: object) -> list[str]:
    return list(value) if isinstance(value, Mapping) else []


_Section = Callable[..., object]


def _get(data: Value, *path: str) -> object:
    """What stands at a path; None where that is absent or null."""
    value = edits.get(data, path)
    return None if value is edits.ABSENT else value


def _types(section: _Section) -> Iterator[_Fault]:
    for path, (types, words) in _TYPES.items():
        value = section(*path)
        if value is not None and not isinstance(value, types):
            yield "values.type", path, f"{'.'.join(path)} must be {words}.", ""


def _misspelt(section: _Section) -> Iterator[_Fault]:
    for path, known in (((), TOP_KEYS), (("pack",), _PACK_KEYS)):
        for key in keys_of(section(*path)):
            meant = "" if key in known else near(key, known)
            if meant:
                message = f"The key {key!r} has no meaning here."
                yield "values.key-unknown", (*path, key), message, f"Did you mean {meant!r}?"


def _namespaces(section: _Section) -> Iterator[_Fault]:
    given: list[tuple[Path, str]] = []
    for key in ("namespace", "additionalNamespaces"):
        value = section("pack", key)
        if isinstance(value, str):
            names = value.split(",") if key == "additionalNamespaces" else [value]
            given.extend((("pack", key), name.strip()) for name in names)
    for key in ("additionalNamespaces", "namespaceLabels", "namespaceAnnotations"):
        given.extend((("pack", key, name), name) for name in keys_of(section("pack", key)))
    for path, name in given:
        if name and not is_template(name) and not _NAMESPACE.fullmatch(name):
            message = f"{name[:80]!r} is no name of a namespace."
            mend = "Use lower-case letters, digits and '-', 63 characters at most."
            yield "values.namespace-form", path, message, mend


def _pairs(section: _Section) -> Iterator[_Fault]:
    for key in ("namespaceLabels", "namespaceAnnotations"):
        for namespace in keys_of(section("pack", key)):
            value = section("pack", key, namespace)
            sound = isinstance(value, str) and (
                is_template(value) or all(map(_PAIR.fullmatch, value.split(",")))
            )
            if value not in (None, "") and not sound:
                message = f"{key} of {namespace!r} is not written as pairs."
                mend = 'Write "key=value,other=value".'
                yield "values.pairs-form", ("pack", key, namespace), message, mend


def _priority(section: _Section) -> Iterator[_Fault]:
    value = section("pack", INSTALL_PRIORITY)
    text = str(value).strip()
    if value in (None, "") or (isinstance(value, str) and is_template(value)):
        return
    if isinstance(value, bool) or not _WHOLE_NUMBER.fullmatch(text):
        message = f"The install priority {text[:80]!r} is no whole number."
        mend = 'Write for example "10"; lower numbers are installed first.'
        yield "values.install-priority", ("pack", INSTALL_PRIORITY), message, mend
