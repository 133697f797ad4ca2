"""Expressions that need functions, filled by Helm's engine, many in one call.

An expression that brings the engine to its limits is found by trying one after another; those
behind it are not tried then, since each might take as long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
    """One action with the values of its references; `result` is None until it has one."""

    cell: Cell
    action: Action
    values: Sequence[Value]
    result: str | None = None

    @property
    def template(self) -> Template:
        """The action with a name of the data for each reference."""
        names = (f".r{index}" for index in range(len(self.values)))
        text = "".join(part if isinstance(part, str) else next(names) for part in self.action.parts)
        data = {f"r{index}": _argument(value) for index, value in enumerate(self.values)}
        return Template(name=str(self.cell), text=f"{{{{ {text} }}}}", data=data)


def fill(engine: Engine, jobs: Sequence[Job]) -> list[Finding]:
    """Give each job its result, where it has one."""
    findings: list[Finding] = []
    taken, sizes = [], dict[int, int]()
    for job in jobs:
        sizes[-1] = sizes.get(-1, 0) + sum(_size(value, sizes) for value in job.values)
        if sizes[-1] > _MOST_DATA:
            message = "The expressions refer to more than can be given to them."
            findings.append(_failed(job, message, "Refer to values below, not to whole maps."))
        else:
            taken.append(job)
    for start in range(0, len(taken), _BATCH):
        findings += _fill(engine, taken[start : start + _BATCH])
    return findings


def printed(value: Value) -> str:
    """What Go prints for a value that is no map and no list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _fill(engine: Engine, jobs: Sequence[Job]) -> Iterator[Finding]:
    filled = engine([job.template for job in jobs])
    if len(jobs) > 1 and all(map(_was_ended, filled)):
        yield from _fill_each(engine, jobs)
        return
    for job, entry in zip(jobs, filled, strict=True):
        job.result = entry.text
        yield from (_explained(job, finding) for finding in entry.findings)


def _fill_each(engine: Engine, jobs: Sequence[Job]) -> Iterator[Finding]:
    for index, job in enumerate(jobs):
        (entry,) = engine([job.template])
        job.result = entry.text
        yield from (_explained(job, finding) for finding in entry.findings)
        if _was_ended(entry):
            message = "The expression was not tried, since one before it was ended."
            yield from (_failed(later, message, "") for later in jobs[index + 1 :])
            return


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
