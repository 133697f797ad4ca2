"""Lists inside a JSON document of any length, read item by item and kept no longer.

The counterpart of `packs.yaml.stream` for documents that are JSON, which is read many times faster.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.stream import Odd, Readable

_PIECE = 1024 * 1024
_VALUE_LIMIT = 32 * 1024 * 1024
_AFTER = frozenset(" \t\r\n,:]}")
_BLANK = re.compile(r"[ \t\r\n]*")


class NotJson(Exception):
    """What is wrong with the document, as a sentence."""


def json_items(stream: Readable, key: str) -> Iterator[tuple[str, Value | Odd]]:
    """Each item of each list in the map under `key` of the whole map, with the list's name.

    Raises `NotJson` at the first item, or after those before the fault.
    """
    text = _Text(stream)
    seen = False
    for name in _keys(text):
        if name != key:
            text.value()
        elif text.peek() != "{":
            raise NotJson(f"What stands under {key!r} is not a map.")
        else:
            seen = True
            yield from _lists(text)
    if not seen:
        raise NotJson(f"It has no key {key!r}.")
    if text.peek():
        raise text.fault("something follows its end")


def _lists(text: _Text) -> Iterator[tuple[str, Value | Odd]]:
    for name in _keys(text):
        if text.peek() == "[":
            text.take("[")
            yield from ((name, item) for item in _items(text))
        elif text.value() is not None:
            yield name, Odd("What stands under this name is not a list.")


def _keys(text: _Text) -> Iterator[str]:
    """Every key of the map that begins here; who asks takes the value before the next one."""
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        if text.peek() != '"':
            raise text.fault("a key is missing")
        key = text.value()
        text.take(":")
        yield str(key)
        if text.take(",}") == "}":
            return


def _items(text: _Text) -> Iterator[Value]:
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield text.value()
        if text.take(",]") == "]":
            return


class _Text:
    """The document's text, of which no more than a value and a piece is in memory."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def peek(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def take(self, characters: str) -> str:
        """The next character, which has to be one of these."""
        found = self.peek()
        if not found or found not in characters:
            raise self.fault(f"{characters[-1]!r} is missing")
        self._at += 1
        return found

    def value(self) -> Value:
        """The value that begins here, whole."""
        self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError:
                raise self.fault("it is nested too deeply") from None
            except ValueError:
                if not self._fill():
                    raise self.fault("a value cannot be read") from None
                continue
            # A number goes on behind what was read so far as often as not.
            if self._text[end : end + 1] in _AFTER or not self._fill():
                self._at = end
                found: Value = value
                return found

    def fault(self, reason: str) -> NotJson:
        line = self._line + self._text.count("\n", 0, self._at)
        return NotJson(f"Not JSON: {reason} (line {line}).")

    def _fill(self) -> bool:
        """Read on, forgetting what was taken; False at the end, and where a value is too long."""
        if self._ended or len(self._text) - self._at > _VALUE_LIMIT:
            return False
        data = self._stream.read(_PIECE)
        self._ended = not data
        self._line += self._text.count("\n", 0, self._at)
        try:
            more = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            raise NotJson("It is not UTF-8.") from None
        self._text, self._at = self._text[self._at :] + more, 0
        return True
