"""What references to values of layers lead to, with what stands there resolved or not.

A reference may lead to a single text or to a map or list that holds many; each such target is read
once, however many refer to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from packyard.packs.paths import Path
from packyard.packs.yaml.scalars import Value
from packyard.profiles.actions import Family, Reference
from packyard.profiles.cells import Cell
from packyard.profiles.laid import LaidLayer
from packyard.profiles.lookup import find_layer, find_path


class Kept:
    """The type of `KEPT`, in the place of a value that is not known: the expression stays."""


KEPT: Final = Kept()


class Target(NamedTuple):
    """A value of the layer of that index."""

    layer: int
    path: Path


class Targets:
    def __init__(self, layers: Sequence[LaidLayer], cells: Sequence[Cell]) -> None:
        self._layers = layers
        self._found: dict[tuple[int, str], Target | None] = {}
        self._values: dict[Target, Value | Kept] = {}
        self._below: dict[Target, list[Cell]] = defaultdict(list)
        for cell in cells:
            if cell.part is layers[cell.own].values and not cell.text.key:
                for length in range(1, len(cell.path) + 1):
                    self._below[Target(cell.own, cell.path[:length])].append(cell)

    def of(self, cell: Cell, reference: Reference) -> Target | None:
        """None where the reference leads to no value of a layer."""
        if reference.family != Family.PACK:
            return None
        key = cell.own, reference.name
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def below(self, target: Target) -> Sequence[Cell]:
        """The cells at a target and in it."""
        return self._below.get(target, ())

    def value(
        self, target: Target, texts: Mapping[Cell, str], kept: Collection[Cell]
    ) -> Value | Kept:
        """What stands at a target whose cells all are resolved, or kept."""
        if target not in self._values:
            self._values[target] = self._read(target, texts, kept)
        return self._values[target]

    def _find(self, own: int, name: str) -> Target | None:
        named = find_layer(self._layers, name, own)
        values = self._layers[named[0]].values if named else None
        path = find_path(values.document.data, named[1]) if named and values else None
        return Target(named[0], path) if named and path else None

    def _read(
        self, target: Target, texts: Mapping[Cell, str], kept: Collection[Cell]
    ) -> Value | Kept:
        values = self._layers[target.layer].values
        inner = self.below(target)
        if any(cell in kept for cell in inner):
            return KEPT
        value: Value = values.document.get(target.path) if values else None
        return put_texts(value, {cell.path[len(target.path) :]: texts[cell] for cell in inner})


def put_texts(data: Value, texts: Mapping[Path, str]) -> Value:
    """`data` with other texts at paths that are there; each map and list is copied once."""
    if () in texts:
        return texts[()]
    by_part: dict[str | int, dict[Path, str]] = defaultdict(dict)
    for path, text in texts.items():
        by_part[path[0]][path[1:]] = text
    if isinstance(data, dict) and by_part:
        changed = {str(part): put_texts(data[str(part)], below) for part, below in by_part.items()}
        return {**data, **changed}
    if isinstance(data, list) and by_part:
        items = list(data)
        for part, below in by_part.items():
            items[int(part)] = put_texts(items[int(part)], below)
        return items
    return data
