"""The texts of a profile that hold macros, each a cell that others may refer to.

Comments hold none: what stands in them is never a use and never replaced.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from packyard.findings import Finding, Position
from packyard.packs.paths import Path, format_path
from packyard.packs.yaml.texts import Text
from packyard.profiles.actions import MARK, Action, Family, Reference, read, unended
from packyard.profiles.laid import LaidLayer, Part
from packyard.profiles.rules import found

MOST = 20_000  # references in one profile; looking at each takes some 50 µs


@dataclass(frozen=True, eq=False)
class Cell:
    """A key or a value. `own` is the index of its layer; `pieces` are the text, read, and `actions`
    those among them."""

    own: int
    layer: str
    part: Part
    text: Text
    pieces: tuple[str | Action, ...]
    actions: tuple[Action, ...]

    @property
    def path(self) -> Path:
        return self.text.path

    @property
    def whole(self) -> Reference | None:
        """The reference that is all there is in the text."""
        rest = "".join(piece for piece in self.pieces if isinstance(piece, str))
        return self.actions[0].bare if not rest.strip() and len(self.actions) == 1 else None

    def at(self, offset: int) -> Position:
        """Line and column of the reference that stands there in the text."""
        read, written = self._marks
        count = bisect_left(read, offset)
        place = written[count] if count < len(written) else self.text.start
        return self.part.at(self.part.document.at_offset(place))

    @cached_property
    def _marks(self) -> tuple[list[int], list[int]]:
        """Where references begin: in the text as it is read, and in the document."""
        read = [match.start() for match in re.finditer(re.escape(MARK), self.text.text)]
        return read, self.part.document.places(self.text, MARK)

    def found(self, rule: str, message: str, offset: int, mend: str = "") -> Finding:
        """A finding about what stands at an offset of the text."""
        return found(
            rule,
            message,
            mend=mend,
            layer=self.layer,
            file=self.part.file,
            path=str(self),
            at=self.at(offset),
        )

    def __str__(self) -> str:
        return format_path(self.path)


def cells(layers: Sequence[LaidLayer]) -> list[Cell]:
    """In the order of layers, documents and lines; none of them where they are `too_many`."""
    if too_many(layers):
        return []
    return [
        _cell(own, layer, part, text)
        for own, layer in enumerate(layers)
        for part in layer.parts
        for text in part.document.texts(MARK)
    ]


def _cell(own: int, layer: LaidLayer, part: Part, text: Text) -> Cell:
    pieces = read(text.text)
    actions = tuple(piece for piece in pieces if isinstance(piece, Action))
    return Cell(own, layer.name, part, text, pieces, actions)


def too_many(layers: Sequence[LaidLayer]) -> Finding | None:
    """Where there are more references than anybody writes, and than are looked at."""
    count = sum(part.document.text.count(MARK) for layer in layers for part in layer.parts)
    if count <= MOST:
        return None
    message = f"The layers hold {count} references to macros; {MOST} are looked at."
    return found("macro.too-many", message, mend="Write values out.", path="layers")


def names_used(found_cells: Iterable[Cell], family: Family) -> list[str]:
    """The names of a family that are referred to, each once: macros, variables."""
    references = (
        one for cell in found_cells for action in cell.actions for one in action.references
    )
    return list(dict.fromkeys(one.name for one in references if one.family == family))


def unended_actions(cell: Cell) -> Iterator[Finding]:
    """References in an expression that does not end."""
    offset = 0
    for piece in cell.pieces:
        if isinstance(piece, str) and (start := unended(piece)) is not None:
            message = "An expression with a macro does not end: '}}' is missing, or a quote."
            yield cell.found("macro.syntax", message, offset + start, "Write {{ … }}.")
        offset += len(piece if isinstance(piece, str) else piece.text)
