"""Macros replaced by what they stand for, in the values and manifests of all layers at once
(macros.md, sections 3 and 7).

Values refer to values that may hold macros themselves, so they are resolved in the order of their
references; a circle is a finding that shows it. What is put in place is never read again, and is
quoted anew. An expression that cannot be resolved yet stays as it is written, and so does whatever
refers to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from packyard.findings import Finding
from packyard.packs.paths import Path
from packyard.packs.values import Document
from packyard.packs.yaml.scalars import Value
from packyard.profiles.actions import Action, Family, Reference
from packyard.profiles.cells import Cell, cells, too_many
from packyard.profiles.filling import Engine, Job, fill, printed
from packyard.profiles.laid import LaidLayer, Part
from packyard.profiles.macros import control, forbidden
from packyard.profiles.scope import Scope
from packyard.profiles.targets import KEPT, Kept, Target, Targets, put_texts

_CYCLES = 20
_LONGEST, _MOST = 4 * 2**20, 16 * 2**20  # characters of one text, of all that macros brought

_Node: TypeAlias = Cell | Target
"""Of the graph of what depends on what: a target stands for all cells in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Resolution:
    """What became of the cells. `kept` are those of which something stays unresolved."""

    cells: Mapping[int, Sequence[Cell]]
    texts: Mapping[Cell, str]
    kept: Sequence[Cell]
    findings: Sequence[Finding]

    def changed(self, part: Part) -> list[Path]:
        """The paths of values in a document that are others now."""
        return [cell.path for cell, _ in self._of(part) if not cell.text.key]

    def document(self, part: Part) -> Document:
        """A document with everything resolved that can be."""
        return part.document.with_texts(self.changes(part))

    def changes(self, part: Part) -> dict[int, str]:
        """The texts of a document that are others now, by where they start."""
        return {cell.text.start: text for cell, text in self._of(part)}

    def data(self, part: Part) -> Value:
        """The same as data, without making its text. Keys are as they were."""
        texts = {cell.path: text for cell, text in self._of(part) if not cell.text.key}
        return put_texts(part.document.data, texts)

    def _of(self, part: Part) -> Iterator[tuple[Cell, str]]:
        """The cells of a document that changed, with what they became."""
        for cell in self.cells.get(id(part), ()):
            text = self.texts.get(cell, cell.text.text)
            if text != cell.text.text:
                yield cell, text


def resolve(
    layers: Sequence[LaidLayer], scope: Scope, engine: Engine, known: Sequence[Cell] | None = None
) -> Resolution:
    """Resolve all that can be; `known` are the cells of the layers where they were read already.

    Where there are too many nothing is, and a finding without a layer says so.
    """
    if excess := too_many(layers):
        return Resolution({}, {}, [], [excess])
    found = cells(layers) if known is None else known
    resolver = _Resolver(scope, engine, found, Targets(layers, found))
    resolver.run()
    by_part: dict[int, list[Cell]] = defaultdict(list)
    for cell in found:
        by_part[id(cell.part)].append(cell)
    return Resolution(by_part, resolver.texts, list(resolver.kept), resolver.findings)


@dataclass(slots=True)
class _Resolver:
    scope: Scope
    engine: Engine
    cells: Sequence[Cell]
    targets: Targets
    texts: dict[Cell, str] = field(default_factory=dict)
    kept: dict[Cell, None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    brought: int = 0
    secret: set[Cell] = field(default_factory=set)

    def run(self) -> None:
        sorter = self._sorted(self._graph())
        while sorter.is_active():
            ready = sorter.get_ready()
            self._evaluate([n for n in ready if isinstance(n, Cell) and n not in self.kept])
            sorter.done(*ready)

    # In which order.

    def _graph(self) -> dict[_Node, Sequence[_Node]]:
        graph: dict[_Node, Sequence[_Node]] = {}
        for cell in self.cells:
            references = (one for action in cell.actions for one in action.references)
            found = (self.targets.of(cell, reference) for reference in references)
            targets = [target for target in found if target]
            graph[cell] = targets
            for target in targets:
                graph[target] = self.targets.below(target)
        return graph

    def _sorted(self, graph: dict[_Node, Sequence[_Node]]) -> TopologicalSorter[_Node]:
        """Without circles: the cells of each are reported once and stay as they are."""
        for _ in range(_CYCLES):
            sorter = TopologicalSorter(graph)
            try:
                sorter.prepare()
            except CycleError as error:
                self._blame_cycle(error.args[1], graph)
            else:
                return sorter
        self.kept.update(dict.fromkeys(self.cells))  # more than anybody mends at once
        sorter = TopologicalSorter()
        sorter.prepare()
        return sorter

    def _blame_cycle(self, circle: list[_Node], graph: dict[_Node, Sequence[_Node]]) -> None:
        order = {cell: index for index, cell in enumerate(self.cells)}
        # from each to what it refers to; the first stands at both ends
        around = [node for node in circle[:0:-1] if isinstance(node, Cell)]
        first = around.index(min(around, key=order.__getitem__))
        around = [*around[first:], *around[:first]]
        chain = " → ".join(f"{cell.layer}: {cell}" for cell in [*around, around[0]])
        offset = around[0].actions[0].references[0].offset
        message = f"Values refer to each other in a circle: {chain}."
        mend = "Write one of them out."
        self.findings.append(around[0].found("macro.cycle", message, offset, mend))
        for cell in around:
            graph[cell] = ()
            self.kept[cell] = None

    # What to put in place.

    def _value(self, cell: Cell, reference: Reference) -> Value | Kept:
        match reference.family:
            case Family.SYSTEM:
                return self.scope.system.get(reference.name, KEPT)
            case Family.MACRO:
                return self.scope.macros.get(reference.name, KEPT)
            case Family.VARIABLE:
                return self.scope.variables.get(reference.name, KEPT)
            case Family.PACK:
                target = self.targets.of(cell, reference)
                return self.targets.value(target, self.texts, self.kept) if target else ""
            case _:
                return KEPT

    def _is_secret(self, cell: Cell, reference: Reference) -> bool:
        """Whether it leads to a secret, be it by way of other values."""
        if reference.family == Family.VARIABLE:
            return reference.name in self.scope.secrets
        target = self.targets.of(cell, reference) if self.secret else None
        return target is not None and not self.secret.isdisjoint(self.targets.below(target))

    def _evaluate(self, ready: Iterable[Cell]) -> None:
        """The texts of cells whose references are resolved, with one call of the engine."""
        results: dict[Cell, list[str | Job | None]] = {
            cell: [self._outcome(cell, action) for action in cell.actions] for cell in ready
        }
        jobs = [job for outcomes in results.values() for job in outcomes if isinstance(job, Job)]
        self.findings += fill(self.engine, jobs) if jobs else ()
        for cell, outcomes in results.items():
            told = [one.result if isinstance(one, Job) else one for one in outcomes]
            if self._is_too_long(cell, told):
                told = [None] * len(told)
            self.texts[cell] = _assembled(cell, told)
            if None in told:
                self.kept[cell] = None

    def _is_too_long(self, cell: Cell, told: Sequence[str | None]) -> bool:
        """Values that refer to others several times grow by powers; so there is an end."""
        length = sum(map(len, filter(None, told)))
        self.brought += length
        if length <= _LONGEST and self.brought <= _MOST:
            return False
        self.brought -= length
        message = (
            f"With its macros replaced this has {length} characters or more, which is too many."
        )
        offset = cell.actions[0].references[0].offset
        self.findings.append(
            cell.found("macro.failed", message, offset, "Refer to shorter values.")
        )
        return True

    def _outcome(self, cell: Cell, action: Action) -> str | Job | None:
        """The result of an action, a job for the engine, or None where it stays."""
        if forbidden(action) or control(action):
            return None
        values: list[Value] = []
        for reference in action.references:
            value = self._value(cell, reference)
            if isinstance(value, Kept):
                return None if action.bare else Job(cell, action, None)
            values.append(value)
        if any(self._is_secret(cell, reference) for reference in action.references):
            self.secret.add(cell)
            if not action.bare:
                return Job(cell, action, None)
        if action.bare and not isinstance(values[0], dict | list):
            return printed(values[0])
        return Job(cell, action, values)


def _assembled(cell: Cell, results: Sequence[str | None]) -> str:
    """The text with results in the place of its actions; trim marks act on the text around."""
    parts: list[str] = []
    trims, left = False, iter(results)
    for piece in cell.pieces:
        if isinstance(piece, str):
            parts.append(piece.lstrip() if trims else piece)
            trims = False
            continue
        result = next(left)
        if result is not None and piece.trims_before:
            while parts and not parts[-1].strip():
                parts.pop()
            parts[-1:] = [part.rstrip() for part in parts[-1:]]
        parts.append(piece.text if result is None else result)
        trims = piece.trims_behind and result is not None
    return "".join(parts)
