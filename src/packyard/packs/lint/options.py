"""What refers to values that are not there: constraints, schema.yaml, presets.yaml, the note on
enabled presets. What a preset adds counts as there: choosing it brings the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

from packyard.errors import ParameterInvalid
from packyard.findings import Finding, Position
from packyard.packs.lint.subject import PRESETS, SCHEMA, VALUES, Subject
from packyard.packs.model import PACK_JSON
from packyard.packs.paths import Path, format_path, parse_path
from packyard.packs.presets import enabled
from packyard.packs.rules import found
from packyard.packs.yaml.layout import PRESETS_NOTE
from packyard.packs.yaml.nodes import same
from packyard.packs.yaml.scalars import Value

_PARAMS = ("resourceRequestParamRef", "replicaCountParamRef")
_NAMED_LIMIT = 3


def options(subject: Subject) -> Iterator[Finding]:
    """Every rule about paths into values.yaml, where that can be read."""
    if subject.values is None:
        return iter(())
    return chain(_params(subject), _schema(subject), _removals(subject), _enabled(subject))


def _holds(subject: Subject, path: Path) -> bool:
    """Whether a path is in the values, or will be with some preset."""
    documents = [subject.values, *(preset.added() for preset in subject.presets)]
    return any(document is not None and document.has(path) for document in documents)


def _params(subject: Subject) -> Iterator[Finding]:
    constraints = subject.members.object("constraints") if subject.members else None
    for resource in constraints.objects("resources") if constraints else []:
        for component in resource.objects("components"):
            for key in _PARAMS:
                text, node = component.text(key), component.node(key)
                if text and node and not _is_held(subject, text):
                    yield found(
                        "constraints.param-absent",
                        f"values.yaml holds nothing at {text!r}, so it is not counted.",
                        mend="Correct the path.",
                        file=PACK_JSON,
                        path=component.path(key),
                        at=node.at,
                    )


def _is_held(subject: Subject, text: str) -> bool:
    try:
        return _holds(subject, parse_path(text))
    except ParameterInvalid:
        return False


def _schema(subject: Subject) -> Iterator[Finding]:
    """One finding for all paths: an optional value may be absent, so each alone says little."""
    parameters = subject.schema.parameters if subject.schema else ()
    absent = [parameter for parameter in parameters if not _holds(subject, parameter.head)]
    if absent:
        yield found(
            "schema.path-absent",
            "Neither values.yaml nor a preset holds "
            f"{_listed(parameter.text for parameter in absent)}.",
            mend="Correct the path, or show the value in values.yaml.",
            file=SCHEMA,
            path=absent[0].text,
            at=absent[0].at,
        )


def _listed(texts: Iterable[str]) -> str:
    several = list(texts)
    more = f" and {len(several) - _NAMED_LIMIT} more" if len(several) > _NAMED_LIMIT else ""
    return ", ".join(several[:_NAMED_LIMIT]) + more


def _removals(subject: Subject) -> Iterator[Finding]:
    for preset in subject.presets:
        absent = [path for path in preset.remove if not _holds(subject, path)]
        if absent:
            yield found(
                "presets.remove-absent",
                f"The preset {preset.name!r} removes {_listed(map(format_path, absent))}: "
                "neither values.yaml nor a preset holds that.",
                mend="Correct the path.",
                file=PRESETS,
                path=preset.name,
                at=preset.at,
            )


def _enabled(subject: Subject) -> Iterator[Finding]:
    text = subject.values.text if subject.values else ""
    by_name = {(preset.group, preset.name): preset for preset in subject.presets}
    about = partial(found, file=VALUES, at=_note_at(text))
    for group, name in enabled(text).items():
        preset = by_name.get((group, name))
        if preset is None:
            yield about(
                "presets.enabled-unknown",
                f"The note on enabled presets names {group}:{name}, which does not exist.",
                mend="Remove it from the note.",
            )
        elif not _contains(subject.values.data if subject.values else {}, preset.added().data):
            yield about(
                "presets.enabled-contradicted",
                f"The note says that {group}:{name} is enabled, but the values are others.",
                mend="Set the preset's values, or remove it from the note.",
            )


def _note_at(text: str) -> Position:
    offset = text.find(PRESETS_NOTE)
    return (text.count("\n", 0, offset) + 1, 1) if offset >= 0 else (0, 0)


def _contains(value: Value, part: Value) -> bool:
    """Whether everything in `part` is in `value`: maps key by key, all else as equal."""
    if isinstance(value, dict) and isinstance(part, dict):
        return all(key in value and _contains(value[key], part[key]) for key in part)
    return same(value, part)
