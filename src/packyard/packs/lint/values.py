"""What is unwise in values.yaml outside the sections of charts and manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import chain

from packyard.findings import Finding
from packyard.packs.lint.subject import VALUES, Subject
from packyard.packs.model import Layer
from packyard.packs.rules import found, near
from packyard.packs.sections import TOP_KEYS, check_sections, keys_of
from packyard.packs.values import Document

_MACRO = re.compile(r"\{\{([^{}]*)")
_NAME = re.compile(r"\.([\w-]+)")
_NAMED_LIMIT = 5

_found = partial(found, file=VALUES)


def values(subject: Subject) -> Iterator[Finding]:
    """Every rule about the keys that mean the same in every pack."""
    document = subject.values or Document.empty()
    return chain(
        check_sections(document.data, document.at),
        _unused(subject),
        _releases(subject),
    )


def _unused(subject: Subject) -> Iterator[Finding]:
    """Layers other than these keep settings of their own at the top of values.yaml."""
    layer = subject.members.text("layer") if subject.members else ""
    if layer not in (Layer.ADDON, Layer.CNI, Layer.CSI):
        return
    known = {*TOP_KEYS, *_taken_by_macros(subject)}
    keys = [
        key for key in keys_of(subject.section()) if key not in known and not near(key, TOP_KEYS)
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


def _releases(subject: Subject) -> Iterator[Finding]:
    names = subject.chart_names
    if names is None:
        return
    for key in keys_of(subject.section("pack", "releaseNameOverride")):
        if key not in names:
            meant = near(key, names)
            yield _found(
                "values.release-unknown",
                f"releaseNameOverride names {key!r}, which is no chart of the pack.",
                mend=f"Did you mean {meant!r}?" if meant else "Remove it.",
                path=f"pack.releaseNameOverride.{key}",
                at=subject.place("pack", "releaseNameOverride", key),
            )


def _taken_by_macros(subject: Subject) -> set[str]:
    """The keys whose value a macro takes from there: `{{ .spectro.pack.<name>.<key> }}`."""
    text = subject.values.text if subject.values else ""
    return {key for inside in _MACRO.findall(text) for key in _NAME.findall(inside)}
