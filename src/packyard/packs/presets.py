"""presets.yaml: named sets of values, and choosing one (spec "presets.yaml").

Choosing removes the preset's paths and merges what it adds, with its comments. Within a group the
former preset is taken back first: what it put there and nobody has changed since gives way to the
pack's defaults, so that the result does not depend on which preset stood before. Where nothing else
was changed in between its bytes do not either, but for comments of the former one above keys that
the defaults hold as well. The comment
`# spectrocloud.com/enabled-presets:` notes what was chosen; it is never a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packyard.errors import ParameterInvalid
from packyard.findings import Finding, Position
from packyard.packs import edits
from packyard.packs.edits import Absent
from packyard.packs.paths import Path, parse_path
from packyard.packs.rules import found
from packyard.packs.values import Document
from packyard.packs.yaml.layout import PRESETS_NOTE
from packyard.packs.yaml.nodes import BOM, BREAK, same
from packyard.packs.yaml.scalars import Value

PRESETS = "presets.yaml"
_NOTE = re.compile(rf"[ \t]*#[ \t]*{re.escape(PRESETS_NOTE)}(?P<listed>.*)")
_HEAD = re.compile(r"[ \t]*(?:[#%].*|---[ \t]*(?:#.*)?)?")


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
        return _readable(self.add)


def parse_presets(text: str | bytes) -> tuple[tuple[Preset, ...], list[Finding]]:
    """Every preset that can be chosen, and all that is wrong; an empty file holds none."""
    document, findings = Document.parse(text, PRESETS)
    if document is None or not document.data:
        return (), findings
    listed = document.get(("presets",))
    if not isinstance(listed, list | None) or not document.has(("presets",)):
        message = "The file holds no list of presets."
        return (), [_wrong("presets.form", message, document.at(("presets",)))]
    presets: dict[str, Preset] = {}
    for index in range(len(listed or [])):
        preset = _preset(document, ("presets", index), findings)
        if preset and preset.name in presets:
            message = f"The preset {preset.name!r} is there twice."
            findings.append(_wrong("presets.name-repeated", message, preset.at))
        elif preset:
            presets[preset.name] = preset
    return tuple(presets.values()), findings


def enabled(text: str) -> dict[str, str]:
    """What the note at the head of a values text says was chosen: from group to name."""
    note = _note(text)
    pairs = (part.partition(":") for part in note["listed"].split(",")) if note else ()
    return {group.strip(): name.strip() for group, _, name in pairs if name.strip()}


def active(values: Document, presets: Iterable[Preset]) -> dict[str, Preset]:
    """By group, the presets that the note names and whose additions the values still hold."""
    noted = enabled(values.text)
    return {
        preset.group: preset
        for preset in presets
        if noted.get(preset.group) == preset.name
        and edits.contains(values.data, preset.added().data)
    }


def choose(
    values: Document, defaults: Document, presets: Iterable[Preset], preset: Preset
) -> Document:
    """The values with `preset` chosen, and the note rewritten; as they are where it was already.

    Raises `ContentRefused` where what it adds makes the values too large.
    """
    noted = enabled(values.text).get(preset.group)
    others = (other for other in presets if other.group == preset.group)
    former = next((other for other in others if other.name == noted), preset)
    if former.name != preset.name:
        restored = _taken_back(values.data, defaults.data, former)
        values = values.changed_to(restored, source=defaults)
    removed: Value = values.data
    for path in preset.remove:
        removed = edits.drop(removed, path)
    if noted == preset.name and same(edits.deep_merge(removed, preset.added().data), values.data):
        return values
    values = values.changed_to(removed if isinstance(removed, dict) else {})
    return _noted(values.merge(preset.add), preset)


def _taken_back(data: dict[str, Value], defaults: Value, former: Preset) -> dict[str, Value]:
    """Without what `former` put there and nobody changed since, with the defaults instead."""
    taken: Value = data
    for path, value in _leaves(former.added().data):
        present = edits.get(taken, path)
        if not isinstance(present, Absent) and same(present, value):
            taken = _restored(taken, defaults, path)
    for path in former.remove:
        default = edits.get(defaults, path)
        present = edits.get(taken, path)
        if isinstance(default, Absent):
            continue
        full = default if isinstance(present, Absent) else edits.deep_merge(default, present)
        taken = _put_where_possible(taken, path, full)
    return taken if isinstance(taken, dict) else {}


def _restored(data: Value, defaults: Value, path: Path) -> Value:
    """With the default at a path; where there is none, without it and the maps it leaves empty."""
    default = edits.get(defaults, path)
    if not isinstance(default, Absent):
        return edits.put(data, path, default)
    data, above = edits.drop(data, path), path[:-1]
    if above and edits.get(data, above) == {}:
        return _restored(data, defaults, above)
    return data


def _put_where_possible(data: Value, path: Path, value: Value) -> Value:
    try:
        return edits.put(data, path, value)
    except ParameterInvalid:  # somebody has put something else where the path led
        return data


def _leaves(data: Value, path: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Everything that is no map or an empty one, by its path."""
    if isinstance(data, dict) and (data or not path):
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path, data


# The note of what was chosen.


def _note(text: str) -> re.Match[str] | None:
    """The note's line, among the comments above all content."""
    offset = len(BOM) if text.startswith(BOM) else 0
    while offset < len(text):
        line_break = BREAK.search(text, offset)
        end = line_break.start() if line_break else len(text)
        if note := _NOTE.fullmatch(text, offset, end):
            return note
        if not _HEAD.fullmatch(text, offset, end):
            return None
        offset = line_break.end() if line_break else len(text)
    return None


def _noted(values: Document, preset: Preset) -> Document:
    """With the choice noted: in its group's place, behind the other groups, or as a first line."""
    text, choice = values.text, f"{preset.group}:{preset.name}"
    note = _note(text)
    if note is None:
        start = len(BOM) if text.startswith(BOM) else 0
        line_break = BREAK.search(text)
        line = f"# {PRESETS_NOTE} {choice}{line_break[0] if line_break else chr(10)}"
        return values.with_text(text[:start] + line + text[start:])
    listed = [part.strip() for part in note["listed"].split(",") if part.strip()]
    groups = [part.partition(":")[0].strip() for part in listed]
    if preset.group in groups:
        listed[groups.index(preset.group)] = choice
    else:
        listed.append(choice)
    start, end = note.span("listed")
    return values.with_text(f"{text[:start]} {','.join(listed)}{text[end:]}")


# Reading presets.


def _preset(document: Document, place: Path, findings: list[Finding]) -> Preset | None:
    name = document.get((*place, "name"))
    at = document.at((*place, "name"))
    if not isinstance(name, str) or not name.strip():
        findings.append(_wrong("presets.form", "A preset has no name.", at))
        return None
    add = document.get((*place, "add"), "")
    faults = _add_faults(add)
    findings += [
        _wrong("presets.add-form", f"What {name!r} adds {fault}.", document.at((*place, "add")))
        for fault in faults
    ]
    remove = _removed(document, (*place, "remove"), name, findings)
    if faults:
        return None
    return Preset(
        name=name,
        display_name=_text(document.get((*place, "displayName"))) or name,
        group=_text(document.get((*place, "group"))),
        remove=remove,
        add=add or "",
        at=at,
    )


def _add_faults(add: object) -> list[str]:
    if not isinstance(add, str | None):
        return ["is no text; write it below `add: |`"]
    _, findings = Document.parse(add or "", PRESETS)
    return [
        f"is no YAML map, on its line {finding.line}: {finding.message.rstrip('.')}"
        for finding in findings
    ]


def _removed(
    document: Document, place: Path, name: str, findings: list[Finding]
) -> tuple[Path, ...]:
    listed = document.get(place)
    if not isinstance(listed, list | None):
        message = f"What {name!r} removes is no list of paths."
        findings.append(_wrong("presets.remove-form", message, document.at(place)))
        return ()
    paths = []
    for index, text in enumerate(listed or []):
        try:
            paths.append(parse_path(text if isinstance(text, str) else ""))
        except ParameterInvalid as error:
            at = document.at((*place, index))
            findings.append(_wrong("presets.remove-form", f"{name!r}: {error.message}", at))
    return tuple(paths)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _wrong(rule: str, message: str, at: Position) -> Finding:
    return found(rule, message, mend="Correct the preset.", file=PRESETS, at=at)


def _readable(text: str) -> Document:
    """`add` of a preset, which was read before."""
    document, findings = Document.parse(text, PRESETS)
    if document is None:
        raise ValueError(f"not the additions of a preset: {findings}")
    return document
