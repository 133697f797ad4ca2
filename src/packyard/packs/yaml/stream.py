"""Lists inside a YAML document of any length, read item by item and kept no longer.

For indexes of repositories: a map whose member `key` is a map of lists. Memory is bounded by one
item and by what anchors name; libyaml reads the bytes as they are asked for. An item that cannot
be taken comes as `Odd` and hides no other; what breaks the document itself ends the reading.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import yaml
from yaml import events

from packyard.errors import ContentRefused
from packyard.packs.rules import found
from packyard.packs.yaml.scalars import Plain, Value, as_key, plain, tagged

_ITEM_NODES = 20_000
_TEXT_OF_A_NODE = 64  # characters; a longer scalar counts as several
_ANCHORED_NODES = 200_000
_DEPTH = 60
_SKIPPED_DEPTH = 200  # libyaml looks at every open bracket for each token
_SKIPPED_EVENTS = 2_000_000
_DIRECTIVES = 16
TOO_LARGE = "It is too large, or nested too deeply."
_MEND = "Check indentation, brackets and quotes on this line and above it."


@dataclass(frozen=True, slots=True)
class Odd:
    """In the place of an item, or of a whole list, that cannot be taken: why."""

    reason: str


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int = ..., /) -> bytes: ...


def listed_items(stream: Readable, key: str, file: str) -> Iterator[tuple[str, Value | Odd]]:
    """Each item of each list below `key`, with the name that the list stands under, in order.

    Raises `ContentRefused` where the bytes are no YAML, or no map with a map under `key`: at the
    first item, or after those before the fault.
    """
    reader = _Reader(stream, file)
    try:
        yield from reader.items(key)
    except yaml.YAMLError as error:
        raise reader.refusal(error) from None
    finally:
        reader.dispose()


def is_too_large(item: Value) -> bool:
    """Whether an item that was read in another way is more than one of these may be."""
    count, rest = 0, [(item, 0)]
    while rest:
        value, depth = rest.pop()
        count += _weight(value if isinstance(value, str) else "")
        if count > _ITEM_NODES or depth > _DEPTH:
            return True
        if isinstance(value, dict):
            rest += [(inner, depth + 1) for pair in value.items() for inner in pair]
        elif isinstance(value, list):
            rest += [(inner, depth + 1) for inner in value]
    return False


def _weight(text: str) -> int:
    """In nodes, of a scalar of that text."""
    return 1 + len(text) // _TEXT_OF_A_NODE


class _Reader:
    def __init__(self, stream: Readable, file: str) -> None:
        self._file = file
        self._source = _Source(stream)
        self._parser = yaml.CSafeLoader(self._source)
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._anchored = 0
        self._count = 0
        self._fault = ""
        self._skipped = 0

    def dispose(self) -> None:
        self._parser.dispose()

    def items(self, key: str) -> Iterator[tuple[str, Value | Odd]]:
        self._next()  # the stream's start
        if not isinstance(self._next(), events.DocumentStartEvent):
            raise self._shapeless("It is empty.")
        self._source.directives = math.inf
        if not isinstance(self._next(), events.MappingStartEvent):
            raise self._shapeless("The whole of it is not a map of keys to values.")
        seen = False
        for name in self._keys():
            if name == key:
                seen = True
                yield from self._lists(key)
            else:
                self._skip(self._next())
        if not seen:
            raise self._shapeless(f"It has no key {key!r}.")

    def refusal(self, error: yaml.YAMLError) -> ContentRefused:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        message = f"Not YAML: {problem}."
        finding = found("yaml.syntax", message, mend=_MEND, file=self._file, at=at)
        return ContentRefused(f"{self._file} cannot be read: {message}", [finding])

    def _shapeless(self, message: str) -> ContentRefused:
        finding = found("yaml.root", message, file=self._file)
        return ContentRefused(f"{self._file} cannot be read: {message}", [finding])

    def _next(self) -> yaml.Event:
        event = self._parser.get_event()
        if event is None:
            raise self._shapeless("It ends in the middle.")
        return event

    def _keys(self) -> Iterator[str]:
        """Every key of the map that has begun; who asks takes the value before the next one."""
        while not isinstance(event := self._next(), events.MappingEndEvent):
            if isinstance(event, events.ScalarEvent):
                yield as_key(self._scalar(event)) or ""
            else:
                self._skip(event)
                yield ""

    def _lists(self, key: str) -> Iterator[tuple[str, Value | Odd]]:
        event = self._next()
        if isinstance(event, events.ScalarEvent) and self._scalar(event) is None:
            return
        if not isinstance(event, events.MappingStartEvent):
            raise self._shapeless(f"What stands under {key!r} is not a map.")
        for name in self._keys():
            event = self._next()
            if isinstance(event, events.SequenceStartEvent):
                while not isinstance(event := self._next(), events.SequenceEndEvent):
                    yield name, self._item(event)
            elif not (isinstance(event, events.ScalarEvent) and self._scalar(event) is None):
                self._skip(event)
                yield name, Odd("What stands under this name is not a list.")

    def _item(self, event: yaml.Event) -> Value | Odd:
        self._count, self._fault = 0, ""
        value = self._value(event, 0)
        return Odd(self._fault) if self._fault else value

    def _value(self, event: yaml.Event, depth: int) -> Value:
        text = event.value if isinstance(event, events.ScalarEvent) else ""
        self._count += _weight(text)
        if self._count > _ITEM_NODES or depth > _DEPTH:
            self._fault = self._fault or TOO_LARGE
        if self._fault:
            self._skip(event)
            return None
        if isinstance(event, events.ScalarEvent):
            return self._anchor(event.anchor, self._scalar(event), 1)
        if isinstance(event, events.AliasEvent):
            return self._alias(event.anchor or "")
        before, value = self._count, self._collection(event, depth)
        return self._anchor(getattr(event, "anchor", None), value, self._count - before + 1)

    def _collection(self, event: yaml.Event, depth: int) -> Value:
        if isinstance(event, events.SequenceStartEvent):
            values: list[Value] = []
            while not isinstance(inner := self._next(), events.SequenceEndEvent):
                values.append(self._value(inner, depth + 1))
            return values
        data: dict[str, Value] = {}
        while not isinstance(inner := self._next(), events.MappingEndEvent):
            merges = (
                isinstance(inner, events.ScalarEvent) and inner.value == "<<" and not inner.style
            )
            key = self._value(inner, depth + 1)
            value = self._value(self._next(), depth + 1)
            if merges and isinstance(value, dict):
                data.update(value)
            elif isinstance(key, dict | list) or (name := as_key(key)) is None:
                self._fault = self._fault or "One of its keys is none that Helm takes."
            else:
                data[name] = value
        return data

    def _scalar(self, event: yaml.ScalarEvent) -> Plain:
        text = event.value
        if event.tag is None:
            value: Plain = text if event.style else plain(text)
        elif event.tag == "!":
            value = text
        else:
            try:
                value = tagged(event.tag, text)
            except ValueError:
                value = text
        return text if isinstance(value, float) and not math.isfinite(value) else value

    def _anchor(self, name: str | None, value: Value, size: int) -> Value:
        if name and not self._fault:
            self._anchored += size
            if self._anchored > _ANCHORED_NODES:
                raise self._shapeless("Its anchors name too much.")
            self._anchors[name] = value, size
        return value

    def _alias(self, name: str) -> Value:
        """What an anchor above names; it counts as if it stood here again."""
        value, size = self._anchors.get(name, (None, 0))
        if not size:
            self._fault = f"No anchor &{name[:80]} stands above that can be used."
        self._count += size
        return value

    def _skip(self, event: yaml.Event) -> None:
        """Pass over what has begun with `event`; of all that is in vain there is an end."""
        depth = 0
        while True:
            self._skipped += 1
            if depth > _SKIPPED_DEPTH or self._skipped > _SKIPPED_EVENTS:
                raise self._shapeless(TOO_LARGE)
            if isinstance(event, events.CollectionStartEvent):
                depth += 1
            elif isinstance(event, events.CollectionEndEvent):
                depth -= 1
            if not depth:
                return
            event = self._next()


class _Source:
    """What libyaml reads from. Each directive costs it a look at all before it, so that there may
    be few of them in front of the document."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.directives: float = _DIRECTIVES

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.directives -= data.count(b"\n%") + data.startswith(b"%")
        if self.directives < 0:
            raise yaml.YAMLError("it has too many directives")
        return data
