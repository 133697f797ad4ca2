"""Macros replaced by what they stand for, in the values and manifests of all layers at once
(macros.md, sections 3 and 7).

Values refer to values that may hold macros themselves, so they are resolved in the order of their
references; a circle is a finding that shows it. What is put in place is never read again, and is
quoted anew. An expression that cannot be resolved yet stays as it is written, and so does whatever
refers to it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from packyard.charts.template import Filled, Template
from packyard.findings import Finding
from packyard.packs import edits
from packyard.packs.paths import Path
from packyard.packs.values import Document
from packyard.packs.yaml.scalars import Value
from packyard.profiles.actions import Action, Family, Reference
from packyard.profiles.cells import Cell, cells
from packyard.profiles.laid import LaidLayer, Part
from packyard.profiles.lookup import find_layer, find_path
from packyard.profiles.macros import Scope, control, forbidden

Engine: TypeAlias = Callable[[Sequence[Template]], Sequence[Filled]]
"""Fills templates, as `charts.engine.Engine.fill` does."""

_CYCLES = 20
_INNER = re.compile(r"\.r(?P<index>[0-9]+)\b")
_ENDED = ("helm.time", "helm.memory", "helm.output", "helm.engine")


class _Kept:
    """In the place of a value that is not known: the expression stays."""


_KEPT = _Kept()


@dataclass(frozen=True, slots=True, eq=False)
class Resolution:
    """What became of each cell, by the identity of its part and where it starts there.

    `kept` are cells of which something stays unresolved.
    """

    texts: Mapping[tuple[int, int], str]
    kept: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    cells: tuple[Cell, ...]

    def document(self, part: Part) -> Document:
        """A document with everything resolved that can be."""
        return part.document.with_texts(self._of(part))

    def data(self, part: Part) -> Value:
        """The same as data, without making its text. Keys are as they were."""
        data: Value = part.document.data
        texts = self._of(part)
        for cell in self.cells:
            if cell.part is part and not cell.text.key and cell.text.start in texts:
                data = edits.put(data, cell.path, texts[cell.text.start])
        return data

    def _of(self, part: Part) -> dict[int, str]:
        return {start: text for (place, start), text in self.texts.items() if place == id(part)}


def resolve(
    layers: Sequence[LaidLayer], scope: Scope, engine: Engine, known: Sequence[Cell] | None = None
) -> Resolution:
    """Resolve all that can be; `known` are the cells of the layers where they were read already."""
    resolver = _Resolver(layers, scope, engine, cells(layers) if known is None else known)
    resolver.run()
    return Resolution(
        {
            (id(cell.part), cell.text.start): text
            for cell, text in resolver.texts.items()
            if text != cell.text.text
        },
        tuple(resolver.kept),
        tuple(resolver.findings),
        tuple(resolver.cells),
    )


@dataclass(slots=True)
class _Job:
    """One action on its way through the engine."""

    cell: Cell
    action: Action
    template: Template
    result: str | None = None


@dataclass(slots=True)
class _Resolver:
    layers: Sequence[LaidLayer]
    scope: Scope
    engine: Engine
    cells: Sequence[Cell]
    texts: dict[Cell, str] = field(default_factory=dict)
    kept: dict[Cell, None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    targets: dict[tuple[int, str], tuple[int, Path] | None] = field(default_factory=dict)
    by_layer: dict[int, list[Cell]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> None:
        for cell in self.cells:
            if cell.part is self.layers[cell.own].values and not cell.text.key:
                self.by_layer[cell.own].append(cell)
        graph = {cell: self._needed(cell) for cell in self.cells}
        sorter = self._sorted(graph)
        while sorter.is_active():
            ready = sorter.get_ready()
            self._evaluate([cell for cell in ready if cell not in self.kept])
            sorter.done(*ready)

    def _sorted(self, graph: dict[Cell, list[Cell]]) -> TopologicalSorter[Cell]:
        """Without circles: the cells of each are reported once and stay as they are."""
        for _ in range(_CYCLES):
            sorter = TopologicalSorter(graph)
            try:
                sorter.prepare()
            except CycleError as error:
                self._blame_cycle(error.args[1], graph)
            else:
                return sorter
        for cell in graph:  # more circles than anybody mends at once
            self.kept[cell] = None
        return _prepared(dict.fromkeys(graph, ()))

    def _blame_cycle(self, circle: list[Cell], graph: dict[Cell, list[Cell]]) -> None:
        order = {cell: index for index, cell in enumerate(self.cells)}
        around = circle[:-1][::-1]  # in the direction in which they refer to each other
        first = around.index(min(around, key=order.__getitem__))
        around = [*around[first:], *around[:first]]
        chain = " → ".join(f"{cell.layer}: {cell}" for cell in [*around, around[0]])
        offset = around[0].actions[0].references[0].offset
        message = f"Values refer to each other in a circle: {chain}."
        mend = "Write one of them out."
        self.findings.append(around[0].found("macro.cycle", message, offset, mend))
        for cell in around:
            graph[cell] = []
            self.kept[cell] = None

    # What references stand for.

    def _needed(self, cell: Cell) -> list[Cell]:
        """The cells on which a cell's text depends."""
        needed: dict[Cell, None] = {}
        for action in cell.actions:
            for reference in action.references:
                target = self._target(cell, reference)
                if target:
                    layer, path = target
                    within = (c for c in self.by_layer[layer] if c.path[: len(path)] == path)
                    needed.update(dict.fromkeys(within))
        return list(needed)

    def _target(self, cell: Cell, reference: Reference) -> tuple[int, Path] | None:
        """Layer and path of a reference to a value; None where it leads nowhere."""
        if reference.family != Family.PACK:
            return None
        key = cell.own, reference.name
        if key not in self.targets:
            self.targets[key] = self._find(*key)
        return self.targets[key]

    def _find(self, own: int, name: str) -> tuple[int, Path] | None:
        target = find_layer(self.layers, name, own)
        values = self.layers[target[0]].values if target else None
        if target is None or values is None or not target[1]:
            return None
        path = find_path(values.document.data, target[1])
        return None if path is None else (target[0], path)

    def _value(self, cell: Cell, reference: Reference) -> Value | _Kept:
        match reference.family:
            case Family.SYSTEM:
                return self.scope.system.get(reference.name, _KEPT)
            case Family.MACRO:
                return self.scope.macros.get(reference.name, _KEPT)
            case Family.VARIABLE:
                return self.scope.variables.get(reference.name, _KEPT)
            case Family.PACK:
                return self._pack_value(cell, reference)
            case _:
                return _KEPT

    def _pack_value(self, cell: Cell, reference: Reference) -> Value | _Kept:
        target = self._target(cell, reference)
        values = self.layers[target[0]].values if target else None
        if target is None or values is None:
            return ""
        layer, path = target
        value: Value = values.document.get(path)
        for inner in self.by_layer[layer]:
            if inner.path[: len(path)] == path:
                if inner in self.kept:
                    return _KEPT
                value = edits.put(value, inner.path[len(path) :], self.texts[inner])
        return value

    # Putting them in place.

    def _evaluate(self, ready: Iterable[Cell]) -> None:
        """The texts of cells whose references are resolved, with one call of the engine."""
        results: dict[tuple[Cell, int], str] = {}
        jobs: dict[tuple[Cell, int], _Job] = {}
        ready = list(ready)
        for cell in ready:
            for index, action in enumerate(cell.actions):
                outcome = self._outcome(cell, action)
                if isinstance(outcome, Template):
                    jobs[cell, index] = _Job(cell, action, outcome)
                elif outcome is not None:
                    results[cell, index] = outcome
        self._fill(list(jobs.values()))
        for place, job in jobs.items():
            if job.result is not None:
                results[place] = job.result
        for cell in ready:
            self._assemble(cell, {i: results.get((cell, i)) for i in range(len(cell.actions))})

    def _outcome(self, cell: Cell, action: Action) -> str | Template | None:
        """The result of an action, what the engine has to fill for it, or None where it stays."""
        values = [self._value(cell, reference) for reference in action.references]
        if any(isinstance(value, _Kept) for value in values):
            return None
        if forbidden(action) or control(action):
            return None
        if action.bare and not isinstance(values[0], dict | list | _Kept):
            return _text(values[0])
        data = {f"r{index}": _argument(value) for index, value in enumerate(values)}
        return Template(name=str(cell), text=_template(action), data=data)

    def _fill(self, jobs: list[_Job]) -> None:
        filled = self.engine([job.template for job in jobs]) if jobs else []
        if len(jobs) > 1 and all(_was_ended(entry) for entry in filled):
            self._fill_each(jobs)
            return
        for job, entry in zip(jobs, filled, strict=True):
            job.result = entry.text
            self.findings += (_failure(job, finding) for finding in entry.findings)

    def _fill_each(self, jobs: list[_Job]) -> None:
        """One by one, to know which expression brought the engine to its limits; those behind it
        are not tried, since each may take as long."""
        for index, job in enumerate(jobs):
            self._fill([job])
            if job.result is None and any(f.rule == "macro.failed" for f in self.findings[-1:]):
                for later in jobs[index + 1 :]:
                    message = "The expression was not tried, since one before it was ended."
                    offset = later.action.references[0].offset
                    self.findings.append(later.cell.found("macro.failed", message, offset))
                return

    def _assemble(self, cell: Cell, results: Mapping[int, str | None]) -> None:
        text, index, trims = "", 0, False
        for piece in cell.pieces:
            if isinstance(piece, str):
                text += piece.lstrip() if trims else piece
                trims = False
                continue
            result = results[index]
            index += 1
            if result is None:
                self.kept[cell] = None
                text += piece.text
                continue
            text = (text.rstrip() if piece.trims_before else text) + result
            trims = piece.trims_behind
        self.texts[cell] = text


def _prepared(graph: Mapping[Cell, Iterable[Cell]]) -> TopologicalSorter[Cell]:
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    return sorter


def _template(action: Action) -> str:
    """The action with a name of the data for each reference."""
    text, index = "", 0
    for part in action.parts:
        if isinstance(part, str):
            text += part
        else:
            text += f".r{index}"
            index += 1
    return f"{{{{ {text} }}}}"


def _text(value: Value | _Kept) -> str:
    """What Go prints for a value that is no map and no list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _argument(value: Value | _Kept) -> object:
    """A number goes as a text, so that large ones are not printed with an exponent."""
    if isinstance(value, bool | str | dict | list):
        return value
    return _text(value)


def _was_ended(entry: Filled) -> bool:
    return any(finding.rule in _ENDED for finding in entry.findings)


def _failure(job: _Job, finding: Finding) -> Finding:
    """The engine's finding with the references that people wrote, at the place of the first."""
    references = job.action.references

    def written(match: re.Match[str]) -> str:
        index = int(match["index"])
        return str(references[index]) if index < len(references) else match[0]

    told = _INNER.sub(written, finding.message).replace(f"The template {job.template.name!r}", "")
    syntax = "cannot be parsed" in finding.message
    shown = " ".join(job.action.text.split())[:120]
    message = f"The expression {shown} {told.strip()}" if told.startswith(" ") else told
    rule = "macro.syntax" if syntax else "macro.failed"
    mend = "Correct the expression." if syntax else "Check what it is given."
    return job.cell.found(rule, message, references[0].offset, mend)
