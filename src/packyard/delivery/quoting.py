"""Macros that stand in a pack's manifest without quotes, as in `replicas: {{ … }}`.

They are filled in before the manifest is read (format specification, "values.yaml"), and until then
YAML takes them for maps. So each gets a word in its place with which the document can be read, and
is then put there in quotes, to be resolved as any other. One that is a value by itself gives what
its result is when it is written there, so a number stays one; but no result adds keys.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

from packyard.findings import Finding
from packyard.packs.paths import Path
from packyard.packs.values import Document
from packyard.packs.yaml.scalars import Plain, plain
from packyard.profiles.actions import MARK, Action, read
from packyard.profiles.laid import Part, documents_in
from packyard.profiles.resolve import Resolution


@dataclass(frozen=True, slots=True, eq=False)
class Quoted:
    """One document that can be read; at `alone` begin values that are a macro without quotes."""

    part: Part
    alone: frozenset[int] = frozenset()

    def resolved(self, resolution: Resolution) -> Document:
        """The document with its macros replaced."""
        changes = resolution.changes(self.part)
        return self.part.document.with_texts(
            {
                start: _typed(text) if start in self.alone else text
                for start, text in changes.items()
            }
        )


def _typed(text: str) -> Plain:
    """What it is in YAML where nothing quotes it; a text where JSON has no form for that."""
    value = plain(text)
    return text if isinstance(value, float) and not math.isfinite(value) else value


def quoted(text: str, file: str) -> Iterator[Quoted | str | Finding]:
    """The documents of a stream that hold anything, with their macros in quotes.

    One that cannot be read all the same is a finding at its line in the file; without macros it
    may be anything, and comes as it is.
    """
    for line, document in documents_in(text):
        piece = _quoted(document, file, line)
        if isinstance(piece, Finding) and MARK not in document:
            yield document
        elif isinstance(piece, Finding) or piece.part.document.data:
            yield piece


def _quoted(text: str, file: str, line: int) -> Quoted | Finding:
    actions: dict[str, str] = {}
    word = next(word for number in count() if (word := f"macro{number}n") not in text)

    def stand_in(piece: str | Action) -> str:
        if isinstance(piece, str):
            return piece
        name = f"{word}{len(actions)}n"
        actions[name] = piece.text
        return name

    def written(held: str) -> str:
        return names.sub(lambda match: actions[match[0]], held)

    def in_place(path: Path) -> Path:
        return tuple(written(part) if isinstance(part, str) else part for part in path)

    names = re.compile(rf"{word}[0-9]+n")
    readable, faults = Document.parse("".join(map(stand_in, read(text))), file)
    alone: set[Path] = set()
    if readable is not None:
        held = readable.texts(word)
        bare = (one for one in held if readable.text[one.start : one.end] in actions)
        alone = {in_place(one.path) for one in bare if not one.key}
        again = readable.with_texts({one.start: written(one.text) for one in held})
        readable, faults = Document.parse(written(again.text), file)  # those in comments too
    if readable is None:
        told = written(faults[0].message)
        return replace(faults[0], message=told, line=line + faults[0].line)
    starts = (one.start for one in readable.texts(MARK) if not one.key and one.path in alone)
    return Quoted(Part(readable, file, file, line), frozenset(starts))
