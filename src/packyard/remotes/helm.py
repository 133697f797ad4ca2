"""A Helm repository as its client: `index.yaml`, and the archives of charts that it names.

An address in the index is relative to the repository, or leads anywhere, also into an OCI registry;
credentials go to the repository's own server only.
"""

from __future__ import annotations

import errno
import hashlib
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

import httpx

from packyard.digests import digest_of
from packyard.errors import ChartUnknown, RemoteFailed, StorageFull, TooLarge
from packyard.packs.version import Version
from packyard.remotes import chart
from packyard.remotes.chart import CHART_LIMIT
from packyard.remotes.client import Client
from packyard.remotes.helm_index import INDEX, ChartVersion, read_index
from packyard.remotes.source import Broken, Marks

INDEX_LIMIT = 200 * 1024 * 1024
"""Bytes of an index that is read, unpacked."""
LOOK = 30.0
"""Seconds in which an index has to show that it is one."""
WHOLE = 900.0
"""Seconds in which it has to be there."""
_READER = "1"  # another number makes every index be read again, whatever was remembered of it
_PIECE = 64 * 1024
_GZIP_WINDOW = 31


@dataclass(frozen=True, slots=True)
class Index:
    """An index that was fetched; whoever has it closes the file."""

    file: BinaryIO
    marks: Marks


class HelmRepository:
    """The repository at `path` of a server; `path` has no index.yaml at its end."""

    def __init__(self, client: Client, path: str, *, limit: int = INDEX_LIMIT) -> None:
        self.client = client
        self._base = "/" + f"{path.strip('/')}/".lstrip("/")
        self._limit = limit

    def __str__(self) -> str:
        return f"{self.client.host}{self._base}"

    def look(self) -> None:
        """Raise `RemoteFailed` where there is no index; read no more, and no longer, than shows
        that."""
        with self.client.stream("GET", self._index, headers=_headers({})) as response:
            body = Pieces(self._soon(self._unpacked(response), LOOK, "shows no entry"))
            with closing(read_index(body, str(self))) as entries:
                next(entries, None)

    def fetch(self, marks: Marks) -> Index | None:
        """The index, or None where it is the one that left these marks."""
        if marks.get("reader") != _READER:
            marks = {}
        file = tempfile.TemporaryFile()  # noqa: SIM115  (whoever gets the index closes it)
        try:
            with self.client.stream("GET", self._index, headers=_headers(marks)) as response:
                if response.status_code == 304:
                    file.close()
                    return None
                pieces = self._soon(self._unpacked(response), WHOLE, "is not there")
                digest = _kept(pieces, file)
                now = {
                    "reader": _READER,
                    "digest": digest,
                    "etag": response.headers.get("etag", ""),
                    "modified": response.headers.get("last-modified", ""),
                }
        except BaseException:
            file.close()
            raise
        if digest == marks.get("digest"):
            file.close()
            return None
        file.seek(0)
        return Index(file, now)

    def entries(self, index: Index) -> Iterator[ChartVersion | Broken]:
        return read_index(index.file, str(self))

    def versions(self, name: str) -> list[ChartVersion]:
        """Those of one chart, the newest first; raise `ChartUnknown` where there is none."""
        index = self.fetch({})
        if index is None:
            raise RemoteFailed(f"{self} says that its index has not changed, but nobody asked.")
        with index.file:
            found = [
                entry
                for entry in self.entries(index)
                if isinstance(entry, ChartVersion) and entry.name == name
            ]
        if not found:
            raise ChartUnknown(f"{self} holds no chart {name!r}.")
        return sorted(found, key=_order, reverse=True)

    def choose(self, name: str, version: str) -> ChartVersion:
        """The version of that text; for "" the newest that is no pre-release, if there is one."""
        there = self.versions(name)
        if not version:
            stable = (chart for chart in there if _order(chart)[0])
            return next(stable, there[0])
        for entry in there:
            if entry.version.removeprefix("v") == version.removeprefix("v"):
                return entry
        some = ", ".join(entry.version for entry in there[:10])
        raise ChartUnknown(f"{self} holds no version {version} of {name!r}; it has {some}.")

    def pull(self, entry: ChartVersion) -> bytes:
        """The chart's archive; raise `RemoteFailed` where it is not the one of the index."""
        if entry.url.startswith("oci://"):
            data = chart.pull_from(self.client, entry.url, entry.version)
        else:
            url = entry.url if "://" in entry.url else f"{self._base}{entry.url}"
            data = self.client.request("GET", url, limit=CHART_LIMIT).body
        if entry.sha256 and hashlib.sha256(data).hexdigest() != entry.sha256:
            raise RemoteFailed(
                f"{self} sent {entry.name} {entry.version} with the digest {digest_of(data)}; its "
                f"index says sha256:{entry.sha256}."
            )
        return data

    @property
    def _index(self) -> str:
        return f"{self._base}{INDEX}"

    def _soon(self, pieces: Iterable[bytes], seconds: float, late: str) -> Iterator[bytes]:
        end = time.monotonic() + seconds
        for piece in pieces:
            if time.monotonic() > end:
                raise RemoteFailed(f"{self}{INDEX} {late} within {seconds:.0f} seconds.")
            yield piece

    def _unpacked(self, response: httpx.Response) -> Iterator[bytes]:
        """The index as it is, whatever it came packed in; no more is unpacked at once than is
        handed on."""
        coding = response.headers.get("content-encoding", "").strip().lower()
        packed = self._limited(response.iter_raw())
        if coding in ("", "identity"):
            return packed
        if coding in ("gzip", "x-gzip"):
            return self._limited(self._inflated(packed))
        raise RemoteFailed(
            f"{self.client.host} answered with something packed as {coding[:50]!r}, which nobody "
            "asked for."
        )

    def _inflated(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        inflater = zlib.decompressobj(_GZIP_WINDOW)
        try:
            for piece in pieces:
                rest = piece
                while rest:
                    if inflater.eof:  # another member of the same stream
                        inflater = zlib.decompressobj(_GZIP_WINDOW)
                    yield inflater.decompress(rest, _PIECE)
                    rest = inflater.unconsumed_tail or inflater.unused_data
            while not inflater.eof and (last := inflater.decompress(b"", _PIECE)):
                yield last
        except zlib.error as error:
            raise self._packed_badly() from error
        if not inflater.eof:
            raise self._packed_badly()

    def _packed_badly(self) -> RemoteFailed:
        host = self.client.host
        return RemoteFailed(f"{host} answered with something that cannot be unpacked.")

    def _limited(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > self._limit:
                raise TooLarge(
                    f"{self}{INDEX} has more than {self._limit} bytes, the limit; not read on."
                )
            yield piece


class Pieces:
    """Pieces of bytes as they come, read as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            data, self._rest = self._rest + b"".join(self._pieces), b""
            return data
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return b""
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _headers(marks: Marks) -> dict[str, str]:
    headers = {"accept-encoding": "gzip"}
    if marks.get("etag"):
        headers["if-none-match"] = marks["etag"]
    if marks.get("modified"):
        headers["if-modified-since"] = marks["modified"]
    return headers


def _kept(pieces: Iterator[bytes], file: BinaryIO) -> str:
    """Write them down; their digest."""
    running = hashlib.sha256()
    for piece in pieces:
        running.update(piece)
        try:
            file.write(piece)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StorageFull(
                f"There is no room in {tempfile.gettempdir()} for the index of a repository."
            ) from error
    return running.hexdigest()


def _order(entry: ChartVersion) -> tuple[bool, Version | None, str]:
    """Stable versions above pre-releases, those above what is no version."""
    version = Version.parse(entry.version)
    stable = version is not None and not version.prerelease
    return stable, version or Version.parse("0-0"), entry.version
