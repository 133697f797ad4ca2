"""The bytes inside a gzipped or plain stream, counted while they come.

Nothing is expanded that was not asked for, and no more than the limits allow: a stream that grows
out of proportion stops with a `Breach` before its bytes are kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from packyard.findings import Finding
from packyard.packs.files import Limits
from packyard.packs.rules import found

_CHUNK = 256 * 1024
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31


class Breach(Exception):
    """An archive that cannot or must not be read any further, and why."""

    def __init__(self, rule: str, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.finding: Finding = found(rule, message, mend=mend)


class Unpacked:
    """Read forwards with `read`. `gzipped` tells what the stream is, by its first bytes."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._packed = 0
        self._unpacked = 0
        self._chunk = memoryview(b"")
        start = self._take()
        self.gzipped = start.startswith(_GZIP)
        self._chunks = self._inflated(start) if self.gzipped else self._plain(start)

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end. Raises `Breach`, or the stream's errors."""
        parts: list[memoryview] = []
        while size:
            if not self._chunk:
                self._chunk = memoryview(next(self._chunks, b""))
                self._count(len(self._chunk))
            if not self._chunk:
                break
            parts.append(self._chunk[:size])
            self._chunk = self._chunk[size:]
            size -= len(parts[-1])
        return b"".join(parts)

    def _take(self, size: int = _CHUNK) -> bytes:
        packed = self._stream.read(size)
        self._packed += len(packed)
        if self._packed > self._limits.max_bytes:
            raise self._too_large()
        return packed

    def _count(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > self._limits.max_bytes:
            raise self._too_large()
        allowed = max(self._limits.ratio_floor, self._packed * self._limits.max_ratio)
        if self._unpacked > allowed:
            raise Breach(
                "archive.too-large",
                f"The archive grows to more than {self._limits.max_ratio} times its packed size.",
                "It looks like a decompression bomb; pack the folder again.",
            )

    def _too_large(self) -> Breach:
        return Breach(
            "archive.too-large",
            f"The archive holds more than {self._limits.max_bytes:,} bytes.",
            "Leave out what is no part of the pack, or raise the limit.",
        )

    def _plain(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            yield chunk
            chunk = self._take()

    def _inflated(self, packed: bytes) -> Iterator[bytes]:
        """Every member of the gzip file; writers that cut files into members are common."""
        for _ in range(self._limits.max_files):
            inflater = zlib.decompressobj(_GZIP_WINDOW)
            while not inflater.eof:
                if chunk := _decompressed(inflater, packed):
                    yield chunk
                packed = inflater.unconsumed_tail or (b"" if inflater.eof else self._take())
                if not packed and not inflater.eof:
                    raise Breach("archive.truncated", "The gzip stream ends in the middle.")
            packed = inflater.unused_data or self._take()
            if not packed.startswith(_GZIP[:1]):
                self._refuse_all_but_zeros(packed)
                return
        raise Breach("archive.damaged", "The gzip stream consists of too many members.")

    def _refuse_all_but_zeros(self, packed: bytes) -> None:
        while packed:
            if packed.strip(b"\0"):
                raise Breach("archive.trailing", "Something follows the end of the gzip stream.")
            packed = self._take()


def _decompressed(inflater: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return inflater.decompress(packed, _CHUNK)
    except zlib.error as error:
        reason = str(error).partition(": ")[2] or str(error)
        raise Breach("archive.damaged", f"The gzip stream is damaged: {reason}.") from None
