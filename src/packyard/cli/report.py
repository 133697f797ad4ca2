"""Findings about packs as text for people, as JSON, and as SARIF 2.1.0 for code scanners."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from packyard import __version__
from packyard.charts.engine import Engine
from packyard.charts.rules import RULES as CHART_RULES
from packyard.cli import screen
from packyard.cli.folders import read_pack
from packyard.delivery.lint import lint_rendered
from packyard.errors import ContentRefused
from packyard.findings import Finding, Severity
from packyard.packs.lint import lint
from packyard.packs.rules import RULES
from packyard.profiles.rules import RULES as PROFILE_RULES

_ERRORS = frozenset({Severity.REFUSE, Severity.BLOCK})
_LEVELS = {
    Severity.REFUSE: "error",
    Severity.BLOCK: "error",
    Severity.WARNING: "warning",
    Severity.HINT: "note",
}
_COLOURS = {
    Severity.REFUSE: "red",
    Severity.BLOCK: "red",
    Severity.WARNING: "yellow",
    Severity.HINT: "cyan",
}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Checked:
    """A pack or profile as it was named on the command line, and what is wrong with it.

    `folder` is where the files of findings stand; without, the path itself is that.
    """

    path: Path
    findings: tuple[Finding, ...]
    folder: Path | None = None


def check(path: Path, engine: Engine) -> Checked:
    """Lint a folder or an archive; an archive that cannot be read is a finding too."""
    try:
        files = read_pack(path)
    except ContentRefused as refusal:
        return Checked(path, refusal.findings)
    return Checked(path, (*lint(files), *lint_rendered(files, engine)))


def fails(checked: Sequence[Checked], *, strict: bool) -> bool:
    """Whether any pack has errors, or, with `strict`, warnings."""
    failing = _ERRORS | {Severity.WARNING} if strict else _ERRORS
    return any(finding.severity in failing for pack in checked for finding in pack.findings)


def as_text(checked: Sequence[Checked], stream: TextIO, subject: str = "pack") -> Iterator[str]:
    """A block for each subject, its findings by file; at the end how many there are."""
    for pack in checked:
        name = screen.paint(str(pack.path), "", stream, bold=True)
        if not pack.findings:
            yield f"{name}  {screen.paint('ok', 'green', stream)}"
            continue
        yield name
        width = max(len(_place(finding)) for finding in pack.findings)
        for file, findings in groupby(pack.findings, key=lambda finding: finding.file):
            yield f"  {screen.plain(file) or f'(the {subject} as a whole)'}"
            for finding in findings:
                yield from _lines(finding, width, stream)
        yield ""
    yield _summary(checked, subject)


def _lines(finding: Finding, width: int, stream: TextIO) -> Iterator[str]:
    """Place, severity, message and rule; below, what to do. A terminal's lines are broken."""
    margin = " " * (4 + width + 11)
    severity = screen.paint(f"{finding.severity:<7}", _COLOURS[finding.severity], stream)
    rule = f"[{finding.rule}]"
    message, *more = _broken(f"{finding.message}  {rule}", len(margin), stream)
    lines = [f"    {_place(finding):>{width}}  {severity}  {message}", *map(margin.__add__, more)]
    yield from (line.replace(rule, screen.dim(rule, stream)) for line in lines)
    for line in _broken(finding.mend, len(margin), stream):
        yield margin + screen.dim(line, stream)


def _place(finding: Finding) -> str:
    return f"{finding.line}:{finding.column}" if finding.line else ""


def _broken(text: str, margin: int, stream: TextIO) -> list[str]:
    """The text's lines beside a margin of so many blanks; one line where nobody reads along."""
    shown = screen.plain(text)
    if not screen.is_terminal(stream):
        return [shown] if shown else []
    columns = max(shutil.get_terminal_size().columns - margin, 40)
    return textwrap.wrap(
        shown, columns, break_on_hyphens=False, break_long_words=False, replace_whitespace=False
    )


def _summary(checked: Sequence[Checked], subject: str) -> str:
    counts = Counter(_LEVELS[finding.severity] for pack in checked for finding in pack.findings)
    words = {"error": "error", "warning": "warning", "note": "hint"}
    found = [screen.amount(counts[level], word) for level, word in words.items() if counts[level]]
    return f"{screen.amount(len(checked), subject)}: {', '.join(found) or 'nothing to mend'}"


def as_json(checked: Sequence[Checked]) -> list[dict[str, object]]:
    """One object a pack: `path`, and `findings` as objects without what is empty."""
    return [
        {"path": str(pack.path), "findings": [finding.as_json() for finding in pack.findings]}
        for pack in checked
    ]


def as_sarif(checked: Sequence[Checked]) -> dict[str, object]:
    """A SARIF log of one run; every rule is listed, whether it was broken or not."""
    known = {**RULES, **CHART_RULES, **PROFILE_RULES}
    ids = list(known)
    results = [
        _result(pack, finding, ids.index(finding.rule) if finding.rule in known else -1)
        for pack in checked
        for finding in pack.findings
    ]
    rules = [
        {
            "id": rule,
            "shortDescription": {"text": meaning},
            "defaultConfiguration": {"level": _LEVELS[severity]},
        }
        for rule, (severity, meaning) in known.items()
    ]
    driver = {"name": "Packyard", "version": __version__, "rules": rules}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
        ],
    }


def _result(checked: Checked, finding: Finding, rule: int) -> Mapping[str, object]:
    folder = checked.path if checked.folder is None else checked.folder
    file = folder / finding.file if finding.file else checked.path
    region = {"startLine": finding.line, "startColumn": finding.column}
    location: dict[str, object] = {"artifactLocation": {"uri": quote(file.as_posix())}}
    if finding.line:
        location["region"] = {name: number for name, number in region.items() if number}
    return {
        "ruleId": finding.rule,
        **({"ruleIndex": rule} if rule >= 0 else {}),
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message} {finding.mend}".rstrip()},
        "locations": [{"physicalLocation": location}],
    }
