"""Lists inside a JSON document of any length, read item by item and kept no longer.

The counterpart of `packs.yaml.stream` for documents that are JSON, which is read many times faster.
An item may be as large as there.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.stream import TOO_LARGE, Odd, Readable, is_too_large

_PIECE = 1024 * 1024
_VALUE_LIMIT = 2 * 1024 * 1024  # characters of one; each is one call that nothing interrupts
_TEXT_LIMIT = 8 * 1024 * 1024  # of one text that is passed over
_SKIPPED_TOKENS = 5_000_000
_DIGITS = 300
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}"]', re.DOTALL)
_AFTER = frozenset(" \t\r\n,:]}")
_BLANK = re.compile(r"[ \t\r\n]*")


class _TooLarge(Exception):
    """A value that is not read whole."""


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
            text.taken()
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
        elif text.taken() is not None:
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
        key = text.taken()
        if isinstance(key, Odd):
            raise text.fault("a key is too long")
        text.take(":")
        yield str(key)
        if text.take(",}") == "}":
            return


def _items(text: _Text) -> Iterator[Value | Odd]:
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        item = text.taken()
        yield Odd(TOO_LARGE) if not isinstance(item, Odd) and is_too_large(item) else item
        if text.take(",]") == "]":
            return


def _integer(digits: str) -> int | str:
    """What has more digits than any number of use stays a text."""
    return int(digits) if len(digits) < _DIGITS else digits


class _Text:
    """The document's text, of which no more than a value and a piece is in memory."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(parse_int=_integer)
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False
        self._skipped = 0

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

    def taken(self) -> Value | Odd:
        """The value that begins here, or that it is too large, which is passed over."""
        try:
            return self.value()
        except _TooLarge:
            self._skip()
            return Odd(TOO_LARGE)

    def value(self) -> Value:
        """The value that begins here, whole; raises `_TooLarge`."""
        self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError:
                raise self.fault("it is nested too deeply") from None
            except ValueError:
                if len(self._text) - self._at > _VALUE_LIMIT:
                    raise _TooLarge from None
                if not self._fill():
                    raise self.fault("a value cannot be read") from None
                continue
            # A number goes on behind what was read so far as often as not.
            if self._text[end : end + 1] in _AFTER or not self._fill():
                self._at = end
                found: Value = value
                return found

    def _skip(self) -> None:
        """Pass over the list, map or text that begins here; of all that is in vain there is an
        end."""
        depth = 0
        while True:
            token = _TOKEN.search(self._text, self._at)
            self._at = token.start() if token else len(self._text)
            if token is None or token[0] == '"':  # what begins here goes on behind what was read
                if not self._fill():
                    raise self.fault("a value cannot be read")
                continue
            self._at = token.end()
            depth += (token[0] in "[{") - (token[0] in "]}")
            self._skipped += 1
            if self._skipped > _SKIPPED_TOKENS:
                raise self.fault("too much of it cannot be taken")
            if depth <= 0:
                return

    def fault(self, reason: str) -> NotJson:
        line = self._line + self._text.count("\n", 0, self._at)
        return NotJson(f"Not JSON: {reason} (line {line}).")

    def _fill(self) -> bool:
        """Read on, forgetting what was taken; False at the end, and where a text is too long."""
        if self._ended or len(self._text) - self._at > _TEXT_LIMIT:
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
