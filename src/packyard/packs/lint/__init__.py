"""The checks of a pack: `check` is what a push refuses, `lint` everything (spec "What a push…").

Both are pure, and both say everything at once. Severities stand in `rules.RULES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from packyard.findings import Finding, Severity, refusals
from packyard.packs.files import Files, parents
from packyard.packs.folder import unpacked_chart
from packyard.packs.lint.charts import charts
from packyard.packs.lint.constraints import constraints
from packyard.packs.lint.content import content
from packyard.packs.lint.files import files as file_rules
from packyard.packs.lint.manifests import manifests
from packyard.packs.lint.metadata import metadata
from packyard.packs.lint.options import options
from packyard.packs.lint.subject import Subject, read
from packyard.packs.lint.values import values
from packyard.packs.model import PACK_JSON, PATH_KEYS, Pack
from packyard.packs.rules import RULES, found

__all__ = ["RULES", "check", "lint"]

_ORDER = (PACK_JSON, "values.yaml", "schema.yaml", "presets.yaml")


def check(files: Files, *, allow_missing: bool = False) -> tuple[Pack | None, list[Finding]]:
    """The pack and why a push refuses it: findings of severity `refuse`, none where it does not.

    With `allow_missing` a file that pack.json names may be missing. A chart that is there only
    unpacked is not missing: `folder.package_missing_charts` makes its archive.
    """
    subject = read(files)
    found_here = chain(subject.findings, _missing(subject, allow_missing=allow_missing))
    return subject.pack, _sorted(refusals(found_here))


def lint(files: Files, *, allow_missing: bool = False) -> list[Finding]:
    """Everything that is wrong or unwise, by file and line."""
    subject = read(files)
    everything: list[Iterator[Finding]] = [
        iter(subject.findings),
        _missing(subject, allow_missing=allow_missing),
        file_rules(files),
        charts(subject),
        manifests(subject),
        values(subject),
        content(subject),
        options(subject),
    ]
    if subject.members:
        everything += [metadata(subject.members), constraints(subject.members)]
    return _sorted(_without_echoes(list(chain.from_iterable(everything))))


def _missing(subject: Subject, *, allow_missing: bool) -> Iterator[Finding]:
    """A chart counts as there where its folder can be packaged, a role where it is a folder."""
    roles = {named.path for named in subject.named("ansibleRoles")}
    folders = {up for path in subject.files for up in parents(path) if up in roles}
    for key in PATH_KEYS:
        for named in subject.named(key):
            path = named.path
            if path in subject.files or (key == "ansibleRoles" and path in folders):
                continue
            if key == "charts" and unpacked_chart(path, subject.files):
                continue
            finding = found(
                "files.named-missing",
                f"{PACK_JSON} names {path!r} under {key!r}, but the folder has no such file.",
                mend="Add the file, or remove it from the list.",
                file=PACK_JSON,
                path=key,
                at=named.at,
            )
            yield replace(finding, severity=Severity.WARNING) if allow_missing else finding


def _without_echoes(findings: list[Finding]) -> Iterator[Finding]:
    """Without what is unwise about a property that is refused anyway."""
    refused = {(finding.file, finding.path) for finding in refusals(findings) if finding.path}
    for finding in findings:
        if finding.severity is Severity.REFUSE or (finding.file, finding.path) not in refused:
            yield finding


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    """By file, the pack's own first, then by line; each once."""

    def place(finding: Finding) -> tuple[int, str, int, int, str, str]:
        rank = _ORDER.index(finding.file) if finding.file in _ORDER else len(_ORDER)
        return rank, finding.file, finding.line, finding.column, finding.rule, finding.message

    return sorted(dict.fromkeys(findings), key=place)
