"""Expressions that need functions, filled by Helm's engine, many in one call.

An expression that brings the engine to its limits is found by trying one after another; those
behind it are not tried then, since each might take as long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from packyard.charts.template import Filled, Template
from packyard.findings import Finding
from packyard.packs.yaml.scalars import Value
from packyard.profiles.actions import Action
from packyard.profiles.cells import Cell

Engine: TypeAlias = Callable[[Sequence[Template]], Sequence[Filled]]
"""Fills templates, as `charts.engine.Engine.fill` does."""

_BATCH = 500
_MOST_DATA = 16 * 2**20
_INNER = re.compile(r"\.r(?P<index>[0-9]+)\b")
_ENDED = ("helm.time", "helm.memory", "helm.output", "helm.engine")


@dataclass(slots=True, eq=False)
class Job:
    """One action with the values of its references; `result` is None until it has one.

    Where the values are None it is only read, for what is wrong with it by itself.
    """

    cell: Cell
    action: Action
    values: Sequence[Value] | None
    result: str | None = None

    @property
    def template(self) -> Template:
        """The action with a name of the data for each reference."""
        names = (f".r{index}" for index in count())
        text = "".join(part if isinstance(part, str) else next(names) for part in self.action.parts)
        if self.values is None:
            text = f"if false }}}}{{{{ {text} }}}}{{{{ end"
        data = {f"r{index}": _argument(value) for index, value in enumerate(self.values or ())}
        return Template(name=str(self.cell), text=f"{{{{ {text} }}}}", data=data)

    @property
    def likeness(self) -> Hashable:
        """Equal for jobs of one result; maps and lists are compared with nothing."""
        values = tuple(map(_likeness, self.values)) if self.values is not None else None
        texts = tuple(part if isinstance(part, str) else None for part in self.action.parts)
        return texts, values

    def take(self, entry: Filled) -> Iterator[Finding]:
        """The result, and what is wrong."""
        if self.values is not None:
            self.result = entry.text
        yield from (_explained(self, finding) for finding in entry.findings)


def fill(engine: Engine, jobs: Sequence[Job]) -> list[Finding]:
    """Give each job its result, where it has one."""
    findings: list[Finding] = []
    taken, sizes = [], dict[int, int]()
    for job in jobs:
        size = sum(_size(value, sizes) for value in job.values or ())
        sizes[-1] = sizes.get(-1, 0) + size
        if sizes[-1] > _MOST_DATA:
            message = "The expressions refer to more than can be given to them."
            findings.append(_failed(job, message, "Refer to values below, not to whole maps."))
        else:
            taken.append(job)
    alike: dict[Hashable, list[Job]] = {}
    for job in taken:
        alike.setdefault(job.likeness, []).append(job)
    groups = list(alike.values())
    for start in range(0, len(groups), _BATCH):
        findings += _fill(engine, groups[start : start + _BATCH])
    return findings


def printed(value: Value) -> str:
    """What Go prints for a value that is no map and no list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _fill(engine: Engine, alike: Sequence[Sequence[Job]]) -> Iterator[Finding]:
    """Of jobs that are alike the first is done for all."""
    filled = engine([jobs[0].template for jobs in alike])
    if len(alike) > 1 and all(map(_was_ended, filled)):
        yield from _fill_each(engine, alike)
        return
    for jobs, entry in zip(alike, filled, strict=True):
        for job in jobs:
            yield from job.take(entry)


def _fill_each(engine: Engine, alike: Sequence[Sequence[Job]]) -> Iterator[Finding]:
    for index, jobs in enumerate(alike):
        (entry,) = engine([jobs[0].template])
        for job in jobs:
            yield from job.take(entry)
        if _was_ended(entry):
            message = "The expression was not tried, since one before it was ended."
            later = (job for those in alike[index + 1 :] for job in those)
            yield from (_failed(job, message, "") for job in later)
            return


def _likeness(value: Value) -> Hashable:
    """A map or list is like itself alone."""
    if isinstance(value, dict | list):
        return (id(value),)
    return value if isinstance(value, bool) else printed(value)


def _argument(value: Value) -> object:
    """A number goes as a text, so that large ones are not printed with an exponent."""
    return value if isinstance(value, bool | dict | list) else printed(value)


def _size(value: Value, known: dict[int, int]) -> int:
    """About how many bytes a value takes on its way; maps and lists are measured once."""
    if not isinstance(value, dict | list):
        return len(value) if isinstance(value, str) else 8
    if id(value) not in known:
        known[id(value)] = len(json.dumps(value))
    return known[id(value)]


def _was_ended(entry: Filled) -> bool:
    return any(finding.rule in _ENDED for finding in entry.findings)


def _explained(job: Job, finding: Finding) -> Finding:
    """The engine's finding with the references that people wrote, at the place of the first."""
    references = job.action.references

    def written(match: re.Match[str]) -> str:
        index = int(match["index"])
        return str(references[index]) if index < len(references) else match[0]

    told = _INNER.sub(written, finding.message)
    subject = f"The template {str(job.cell)!r} "
    if told.startswith(subject):
        shown = " ".join(job.action.text.split())[:120]
        told = f"The expression {shown} {told.removeprefix(subject)}"
    if "cannot be parsed" in finding.message:
        at = references[0].offset
        return job.cell.found("macro.syntax", told, at, "Correct the expression.")
    return _failed(job, told, "Check what it is given.")


def _failed(job: Job, message: str, mend: str) -> Finding:
    return job.cell.found("macro.failed", message, job.action.references[0].offset, mend)
