"""The index of the Helm repository, kept ready in each process and mended piece by piece.

It is written as JSON, which is YAML, too, and which Helm reads several times faster. The piece of a
chart's name holds its listed versions, newest first; pieces stand in the order of names. When
somebody has committed, the names that changed since are asked for by their number of change, and
their pieces alone are read again; the rest is copied as it is.

The gzip form is one stream of pieces, each compressed by itself: blocks of deflate may follow one
another wherever they end with a byte (RFC 1951, 3.2). (Helm: "The Chart Repository Guide".)
"""

from __future__ import annotations

import threading
import zlib
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from sqlalchemy import Connection

from packyard.catalog import charts
from packyard.packs.chart_metadata import as_json
from packyard.registry.charts import timestamp
from packyard.storage.batches import batches
from packyard.storage.store import Store

_FORM = 1  # of what stands around the entries; another number makes other entity tags
_HEAD = b'{"apiVersion":"v1","entries":{'
_LEVEL = 6
_GZIP_HEADER = bytes.fromhex("1f8b08000000000000ff")  # no name, no time, no system
_LAST_BLOCK = b"\x03\x00"
_NARROW = 8  # indexes of patterns that a process keeps


@dataclass(frozen=True, slots=True)
class Pieces:
    """Texts by name, joined in the order of names."""

    separator: bytes
    names: Sequence[str] = ()
    lengths: Sequence[int] = ()
    joined: bytes = field(default=b"", repr=False)

    def replaced(self, changed: Mapping[str, bytes]) -> Pieces:
        """With these texts in the place of those of their names; an empty one takes it out."""
        names: list[str] = []
        lengths: list[int] = []
        parts: list[bytes | memoryview] = []
        view, starts, done = memoryview(self.joined), self._starts(), 0

        def keep(end: int) -> None:
            """What stands between the last changed name and this one is copied at once."""
            if done < end:
                names.extend(self.names[done:end])
                lengths.extend(self.lengths[done:end])
                parts.append(view[starts[done] : starts[end] - len(self.separator)])

        for name in sorted(changed):
            place = bisect_left(self.names, name, done)
            keep(place)
            if text := changed[name]:
                names.append(name)
                lengths.append(len(text))
                parts.append(text)
            done = place + self._holds(name, place)
        keep(len(self.names))
        return Pieces(self.separator, names, lengths, self.separator.join(parts))

    def texts(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The texts of these names; empty where there is none."""
        starts = self._starts()
        for name in names:
            place = bisect_left(self.names, name)
            here = self._holds(name, place)
            yield name, self._cut(starts, place, place + 1) if here else b""

    def between(self, first: int, last: int) -> bytes:
        """The texts of the names from one place in their order up to another, joined."""
        last = min(last, len(self.names))
        return self._cut(self._starts(), first, last) if first < last else b""

    def _cut(self, starts: Sequence[int], first: int, last: int) -> bytes:
        return self.joined[starts[first] : starts[last] - len(self.separator)]

    def _holds(self, name: str, place: int) -> bool:
        return place < len(self.names) and self.names[place] == name

    def _starts(self) -> list[int]:
        """Where each text begins, and where one more would."""
        gap = len(self.separator)
        return [0, *accumulate(length + gap for length in self.lengths)]


@dataclass(frozen=True, slots=True)
class Edition:
    """The index after one change. `zipped` is the compressed form, where somebody asked for it."""

    number: int
    time: int
    entries: Pieces
    zipped: Pieces | None = None
    checksum: int = 0
    """Of everything before the index's end; of no meaning without `zipped`."""
    pattern: str = ""
    """Of the repositories whose charts it has; "" for all."""

    def etag(self, context: str, *, gzip: bool) -> bytes:
        form = f"-{zlib.crc32(f'{self.pattern} {context}'.encode()):x}" + ("-gzip" if gzip else "")
        return f'"{_FORM}-{self.number}-{self.time:x}{form}"'.encode()

    def text(self, context: str) -> tuple[bytes, ...]:
        """The index in parts; `context` is the path of the repository, as its clients see it."""
        return _HEAD, self.entries.joined, self._end(context)

    def gzip(self, context: str) -> tuple[bytes, ...]:
        """The same compressed; only where `zipped` is there."""
        assert self.zipped is not None  # noqa: S101 - the caller asked for it
        end = self._end(context)
        size = len(_HEAD) + len(self.entries.joined) + len(end)
        checksum = zlib.crc32(end, self.checksum)
        trailer = checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
        return (
            _GZIP_HEADER + _stored(_HEAD),
            self.zipped.joined,
            _stored(end) + _LAST_BLOCK + trailer,
        )

    def page(self, offset: int, limit: int | None) -> bytes:
        """The entries of `limit` names after the first `offset`, as a JSON object."""
        last = len(self.entries.names) if limit is None else offset + limit
        return b"{" + self.entries.between(offset, last) + b"}"

    def _end(self, context: str) -> bytes:
        told = {"generated": timestamp(self.time), "serverInfo": {"contextPath": context}}
        return b"}," + as_json(told)[1:]


class HelmIndex:
    """The newest edition of one source's index; threads may share it.

    With a pattern it has the charts of those repositories only that `reaches` holds for.
    """

    def __init__(
        self,
        store: Store,
        source: str,
        pattern: str = "",
        reaches: Callable[[str], bool] | None = None,
    ) -> None:
        self._store = store
        self._source = source
        self._reaches = reaches
        self._lock = threading.Lock()
        self._kept = -1, Edition(0, 0, Pieces(b","), pattern=pattern)
        self._zipped = Pieces(_stored(b","))
        self._stale: set[str] = set()
        """Names whose piece of `_zipped` is of an older edition."""

    def kept(self, *, gzip: bool = False) -> Edition | None:
        """The edition at hand, where it is the newest; never waits."""
        generation, edition = self._kept
        is_whole = edition.zipped is not None or not gzip
        return edition if generation == self._store.generation() and is_whole else None

    def current(self, *, gzip: bool = False) -> Edition:
        """The newest edition; reads what changed since the last one."""
        with self._lock:
            generation = self._store.generation()  # before the reading: nothing is ever missed
            known, edition = self._kept
            if generation != known:
                edition = self._read(edition)
            if gzip and edition.zipped is None:
                edition = self._compressed(edition)
            self._kept = generation, edition
            return edition

    def _read(self, edition: Edition) -> Edition:
        with self._store.read() as connection:
            changes = charts.changes(connection, self._source, edition.number)
            if not changes.names:
                return edition
            changed = _pieces(connection, self._source, changes.names, self._reaches)
        self._stale.update(changed)
        entries = edition.entries.replaced(changed)
        return Edition(changes.number, changes.time, entries, pattern=edition.pattern)

    def _compressed(self, edition: Edition) -> Edition:
        texts = edition.entries.texts(self._stale)
        self._zipped = self._zipped.replaced(
            {name: _deflated(text) if text else b"" for name, text in texts}
        )
        self._stale.clear()
        checksum = zlib.crc32(edition.entries.joined, zlib.crc32(_HEAD))
        return replace(edition, zipped=self._zipped, checksum=checksum)


class HelmIndexes:
    """The index of everything, and those of the patterns that were asked for last; for one
    thread."""

    def __init__(self, store: Store, source: str) -> None:
        self._store = store
        self._source = source
        self._whole = HelmIndex(store, source)
        self._narrow: OrderedDict[str, HelmIndex] = OrderedDict()

    def of(self, pattern: str, reaches: Callable[[str], bool]) -> HelmIndex:
        """That of the repositories of a pattern, for which `reaches` holds; "" for all."""
        if not pattern:
            return self._whole
        index = self._narrow.pop(pattern, None)
        if index is None:
            index = HelmIndex(self._store, self._source, pattern, reaches)
        self._narrow[pattern] = index
        if len(self._narrow) > _NARROW:
            self._narrow.popitem(last=False)
        return index


def _pieces(
    connection: Connection,
    source: str,
    names: Iterable[str],
    reaches: Callable[[str], bool] | None,
) -> dict[str, bytes]:
    """The piece of each name; empty where the index lists nothing of that name any more."""
    pieces = dict.fromkeys(names, b"")
    for batch in batches(list(pieces)):
        for name, texts in charts.index_texts(connection, source, batch, reaches).items():
            pieces[name] = as_json(name) + f":[{','.join(texts)}]".encode()
    return pieces


def _deflated(text: bytes) -> bytes:
    """Blocks that need nothing of what stands before them and end with a byte."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)


def _stored(text: bytes) -> bytes:
    """A block that is not compressed: for up to 64 KiB."""
    size = len(text).to_bytes(2, "little")
    return b"\x00" + size + bytes(byte ^ 0xFF for byte in size) + text
