"""What is unwise in values.yaml outside the sections of charts and manifests (spec "values.yaml").

A value that holds a macro is not judged: what it will be is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain

from packyard.findings import Finding
from packyard.packs.lint.subject import VALUES, Subject
from packyard.packs.model import Layer
from packyard.packs.rules import found, near

_TOP_KEYS = ("pack", "charts", "manifests", "readinessCheck", "kubeadmconfig")
_PACK_KEYS = (
    "namespace", "additionalNamespaces", "namespaceLabels", "namespaceAnnotations",
    "releaseNameOverride", "content", "spectrocloud.com/install-priority",
    "spectrocloud.com/display-name",
)  # fmt: skip
_PRIORITY = "spectrocloud.com/install-priority"
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_PAIR = re.compile(r"\s*[^=,\s]+\s*=[^,]*")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
_NAMED_LIMIT = 5

_found = partial(found, file=VALUES)


def values(subject: Subject) -> Iterator[Finding]:
    """Every rule about the keys that mean the same in every pack."""
    return chain(
        _types(subject),
        _misspelt(subject),
        _unused(subject),
        _namespaces(subject),
        _pairs(subject),
        _priority(subject),
        _releases(subject),
    )


def _types(subject: Subject) -> Iterator[Finding]:
    expected: dict[tuple[str, ...], tuple[type | tuple[type, ...], str]] = {
        ("pack",): (Mapping, "a map"),
        ("charts",): (Mapping, "a map"),
        ("manifests",): (Mapping, "a map"),
        ("pack", "namespace"): (str, "a text"),
        ("pack", "additionalNamespaces"): ((str, Mapping), "a text or a map"),
        ("pack", "namespaceLabels"): (Mapping, "a map"),
        ("pack", "namespaceAnnotations"): (Mapping, "a map"),
        ("pack", "releaseNameOverride"): (Mapping, "a map"),
        ("pack", "content"): (Mapping, "a map"),
        ("pack", "spectrocloud.com/display-name"): (str, "a text"),
    }
    for path, (types, words) in expected.items():
        value = subject.section(*path)
        if value is not None and not isinstance(value, types):
            yield _found(
                "values.type",
                f"{'.'.join(path)} must be {words}.",
                path=".".join(path),
                at=subject.place(*path),
            )


def _misspelt(subject: Subject) -> Iterator[Finding]:
    for path, known in (((), _TOP_KEYS), (("pack",), _PACK_KEYS)):
        for key in _keys(subject.section(*path)):
            meant = "" if key in known else near(key, known)
            if meant:
                yield _found(
                    "values.key-unknown",
                    f"The key {key!r} has no meaning here.",
                    mend=f"Did you mean {meant!r}?",
                    path=".".join((*path, key)),
                    at=subject.place(*path, key),
                )


def _unused(subject: Subject) -> Iterator[Finding]:
    """Layers other than these keep settings of their own at the top of values.yaml."""
    layer = subject.members.text("layer") if subject.members else ""
    if layer not in (Layer.ADDON, Layer.CNI, Layer.CSI):
        return
    keys = [
        key
        for key in _keys(subject.section())
        if key not in _TOP_KEYS and not near(key, _TOP_KEYS) and not _is_referred_to(subject, key)
    ]
    if keys:
        shown = ", ".join(keys[:_NAMED_LIMIT]) + (", …" if len(keys) > _NAMED_LIMIT else "")
        yield _found(
            "values.key-unused",
            f"What stands at the top under {shown} reaches no chart and no manifest.",
            mend="Move it under charts.<name> or manifests.<name>.",
            path=keys[0],
            at=subject.place(keys[0]),
        )


def _namespaces(subject: Subject) -> Iterator[Finding]:
    given: list[tuple[tuple[str, ...], str]] = []
    for key in ("namespace", "additionalNamespaces"):
        value = subject.section("pack", key)
        if isinstance(value, str):
            names = value.split(",") if key == "additionalNamespaces" else [value]
            given.extend((("pack", key), name.strip()) for name in names)
    for key in ("additionalNamespaces", "namespaceLabels", "namespaceAnnotations"):
        given.extend((("pack", key, name), name) for name in _keys(subject.section("pack", key)))
    for path, name in given:
        if name and not holds_macro(name) and not _NAMESPACE.fullmatch(name):
            yield _found(
                "values.namespace-form",
                f"{name[:80]!r} is no name of a namespace.",
                mend="Use lower-case letters, digits and '-', 63 characters at most.",
                path=".".join(path),
                at=subject.place(*path),
            )


def _pairs(subject: Subject) -> Iterator[Finding]:
    for key in ("namespaceLabels", "namespaceAnnotations"):
        for namespace in _keys(subject.section("pack", key)):
            path = ("pack", key, namespace)
            value = subject.section(*path)
            sound = isinstance(value, str) and (
                holds_macro(value) or all(map(_PAIR.fullmatch, value.split(",")))
            )
            if value not in (None, "") and not sound:
                yield _found(
                    "values.pairs-form",
                    f"{key} of {namespace!r} is not written as pairs.",
                    mend='Write "key=value,other=value".',
                    path=".".join(path),
                    at=subject.place(*path),
                )


def _priority(subject: Subject) -> Iterator[Finding]:
    value = subject.section("pack", _PRIORITY)
    text = str(value).strip()
    if value in (None, "") or (isinstance(value, str) and holds_macro(value)):
        return
    if isinstance(value, bool) or not _WHOLE_NUMBER.fullmatch(text):
        yield _found(
            "values.install-priority",
            f"The install priority {text[:80]!r} is no whole number.",
            mend='Write for example "10"; lower numbers are installed first.',
            path=f"pack.{_PRIORITY}",
            at=subject.place("pack", _PRIORITY),
        )


def _releases(subject: Subject) -> Iterator[Finding]:
    names = subject.chart_names
    if names is None:
        return
    for key in _keys(subject.section("pack", "releaseNameOverride")):
        if key not in names:
            meant = near(key, names)
            yield _found(
                "values.release-unknown",
                f"releaseNameOverride names {key!r}, which is no chart of the pack.",
                mend=f"Did you mean {meant!r}?" if meant else "Remove it.",
                path=f"pack.releaseNameOverride.{key}",
                at=subject.place("pack", "releaseNameOverride", key),
            )


def _is_referred_to(subject: Subject, key: str) -> bool:
    """Whether a macro takes the value from there: `{{ .spectro.pack.<name>.<key> }}`."""
    text = subject.values.text if subject.values else ""
    return re.search(rf"\{{\{{[^}}]*\.{re.escape(key)}\b", text) is not None


def holds_macro(text: str) -> bool:
    return "{{" in text


def _keys(value: object) -> list[str]:
    return list(value) if isinstance(value, Mapping) else []
