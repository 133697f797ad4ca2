"""Every rule that a pack is held to: its id, how much it weighs, what it means.

Nothing else gives a finding its severity, so the table, the findings and `docs/lint-rules.md`
cannot drift apart. A push refuses the rules of severity `refuse` and no other (format
specification, "What a push refuses").
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from packyard.findings import Finding, Severity

Position = tuple[int, int]
"""Line and column, from 1; (0, 0) where there is none."""


class Rule(NamedTuple):
    severity: Severity
    meaning: str


_REFUSE = {
    "pack-json.missing": "The pack has no pack.json.",
    "pack-json.syntax": "pack.json is not JSON in UTF-8.",
    "pack-json.duplicate-key": "A key stands twice in one object, so readers would differ.",
    "pack-json.type": "A property has another type than the format says.",
    "pack-json.required": "A required property is missing or blank.",
    "pack-json.name-form": "The name cannot be part of a repository's name.",
    "pack-json.layer-unknown": "The layer is none of the six that exist.",
    "pack-json.version-form": "The version cannot be a tag, or is spelt as a parent tag.",
    "pack-json.group-form": "The group cannot stand at the front of a tag.",
    "pack-json.path": "A named file would lie outside the folder.",
    "files.path": "A file's path is absolute, leaves the folder, or cannot be written everywhere.",
    "files.link": "A link; packs hold files, and a link could lead out of the folder.",
    "files.special": "A device, pipe or socket, which no pack holds.",
    "files.duplicate": "An archive holds one path twice, or a file where it needs a folder.",
    "files.too-large": "A folder exceeds the limits of size or number of files.",
    "archive.format": "The archive is no tar file, gzipped or plain.",
    "archive.nested": "The archive was gzipped twice.",
    "archive.truncated": "The archive ends in the middle.",
    "archive.damaged": "The archive contradicts itself: checksums, numbers, headers.",
    "archive.trailing": "Something other than zeros follows the archive's end.",
    "archive.too-large": "The archive exceeds the limits of size, number of files or expansion.",
    "archive.special": "The archive holds a kind of member that no pack holds.",
    "archive.root": "It is not clear which folder of the archive is the pack.",
}

RULES: Mapping[str, Rule] = MappingProxyType(
    {rule: Rule(Severity.REFUSE, meaning) for rule, meaning in _REFUSE.items()}
)


def found(
    rule: str,
    message: str,
    *,
    mend: str = "",
    file: str = "",
    path: str = "",
    at: Position = (0, 0),
) -> Finding:
    """A finding of a rule of the table, with that rule's severity."""
    line, column = at
    return Finding(
        rule=rule,
        severity=RULES[rule].severity,
        message=message,
        mend=mend,
        file=file,
        path=path,
        line=line,
        column=column,
    )
