"""presets.yaml: named sets of values, and choosing one (spec "presets.yaml").

Choosing removes the preset's paths and merges what it adds, with its comments. Within a group the
former preset is taken back first: what it put there and nobody has changed since gives way to the
pack's defaults, so that the result does not depend on which preset stood before. The comment
`# spectrocloud.com/enabled-presets:` notes what was chosen; it is never a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packyard.errors import ParameterInvalid
from packyard.findings import Finding
from packyard.packs.paths import Path, parse_path
from packyard.packs.rules import Position, found
from packyard.packs.values import Document
from packyard.packs.yaml_layout import PRESETS_NOTE

PRESETS = "presets.yaml"
_NOTE = re.compile(rf"(?m)^(?P<lead>[ \t]*#[ \t]*{re.escape(PRESETS_NOTE)})(?P<list>[^\r\n]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """`add` is YAML as written, a map; `at` is where presets.yaml names the preset."""

    name: str
    display_name: str = ""
    group: str = ""
    remove: tuple[Path, ...] = ()
    add: str = ""
    at: Position = (0, 0)

    def added(self) -> Document:
        return _document(self.add)


def parse_presets(text: str | bytes) -> tuple[tuple[Preset, ...], list[Finding]]:
    """Every preset that can be chosen, and all that is wrong; an empty file holds none."""
    document, findings = Document.parse(text, PRESETS)
    listed = document.data.get("presets") if document else None
    if document is None or listed is None:
        return (), findings
    if not isinstance(listed, list):
        return (), [_wrong("presets.form", "presets is no list.", document.at(("presets",)))]
    presets: dict[str, Preset] = {}
    for index, item in enumerate(listed):
        at = document.at(("presets", index, "name"))
        preset, faults = _preset(item, at)
        findings += faults
        if preset and preset.name in presets:
            message = f"The preset {preset.name!r} is there twice."
            findings.append(_wrong("presets.name-repeated", message, at))
        elif preset:
            presets[preset.name] = preset
    return tuple(presets.values()), findings


def enabled(text: str) -> dict[str, str]:
    """What the note in a values text says was chosen: from group to name of the preset."""
    note = _NOTE.search(text)
    pairs = (part.partition(":") for part in note["list"].split(",")) if note else ()
    return {group.strip(): name.strip() for group, colon, name in pairs if colon and name.strip()}


def choose(
    values: Document, defaults: Document, presets: Iterable[Preset], preset: Preset
) -> Document:
    """The values with `preset` chosen, and the note rewritten.

    Raises `ContentRefused` where what it adds makes the values too large.
    """
    noted = enabled(values.text)
    former = next(
        (
            other
            for other in presets
            if other.group == preset.group and other.name == noted.get(preset.group)
        ),
        None,
    )
    restored = _taken_back(values, defaults, former) if former else values
    for path in preset.remove:
        restored = restored.remove(path) if restored.has(path) else restored
    merged = restored.merge(preset.add) if preset.add.strip() else restored
    return _noted(merged, {**noted, preset.group or preset.name: preset.name})


def _taken_back(values: Document, defaults: Document, former: Preset) -> Document:
    """Without what `former` put there and nobody changed since; the defaults in its place."""
    for path, value in _leaves(former.added().data):
        if not values.has(path) or values.get(path) != value:
            continue
        if defaults.has(path):
            values = values.set(path, defaults.get(path))
        else:
            values = _pruned(values.remove(path), defaults, path[:-1])
    for path in former.remove:
        if defaults.has(path) and not values.has(path):
            values = values.set(path, defaults.get(path))
    return values


def _pruned(values: Document, defaults: Document, path: Path) -> Document:
    """Without the maps above a removed key that are empty now and no default."""
    while path and values.get(path) == {} and not defaults.has(path):
        values, path = values.remove(path), path[:-1]
    return values


def _leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif path:
        yield path, data


def _noted(values: Document, chosen: Mapping[str, str]) -> Document:
    """With the note of what was chosen: its line rewritten, or made the first one."""
    listed = ",".join(f"{group}:{name}" for group, name in chosen.items())
    if _NOTE.search(values.text):
        text = _NOTE.sub(lambda note: f"{note['lead']} {listed}", values.text, count=1)
    else:
        text = f"# {PRESETS_NOTE} {listed}\n{values.text}"
    return _document(text)


def _preset(item: object, at: Position) -> tuple[Preset | None, list[Finding]]:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"]:
        return None, [_wrong("presets.form", "A preset has no name.", at)]
    name, findings = item["name"], []
    remove: list[Path] = []
    listed = item.get("remove") or []
    for text in listed if isinstance(listed, list) else [listed]:
        try:
            remove.append(parse_path(str(text)))
        except ParameterInvalid as error:
            message = f"The preset {name!r} removes {text!r}: {error.message}"
            findings.append(_wrong("presets.remove-form", message, at))
    add = item.get("add") or ""
    added = Document.parse(add, PRESETS)[0] if isinstance(add, str) else None
    if added is None:
        findings.append(
            _wrong("presets.add-form", f"What the preset {name!r} adds is no YAML map.", at)
        )
        return None, findings
    preset = Preset(
        name=name,
        display_name=str(item.get("displayName") or name),
        group=str(item.get("group") or ""),
        remove=tuple(remove),
        add=add,
        at=at,
    )
    return preset, findings


def _wrong(rule: str, message: str, at: Position) -> Finding:
    return found(rule, message, mend="Correct the preset.", file=PRESETS, at=at)


def _document(text: str) -> Document:
    document, findings = Document.parse(text, PRESETS)
    if document is None:
        raise ValueError(f"not values: {findings}")
    return document
