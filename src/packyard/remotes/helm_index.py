"""`index.yaml` of a Helm repository, read entry by entry, whatever its length.

The index is JSON or YAML. An entry that Helm would pass over (no map, no version, no address) comes
as `Broken` with its reason; what is wrong with the document as a whole is `RemoteFailed`. Of what
an entry says beside name, version, address and digest those fields are kept that Chart.yaml has,
each of its type. (Helm: "The Chart Repository Structure".)
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from packyard.errors import ContentRefused, RemoteFailed
from packyard.packs.version import Version
from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.stream import Odd, Readable, listed_items
from packyard.remotes.chart_fields import UNPRINTABLE, chart_metadata, cleaned
from packyard.remotes.json_stream import NotJson, json_items
from packyard.remotes.source import Broken

INDEX = "index.yaml"
_ENTRIES = "entries"
_MARKUP = (b"<!", b"<?", b"<h", b"<H")
_START = 4096
_NAME_LIMIT = 250
_URL_LIMIT = 4096
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FETCHED = ("http", "https", "oci")
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartVersion:
    """An entry of the index; `sha256` of the archive in hex, "" where the index does not say."""

    name: str
    version: str
    url: str
    sha256: str = ""
    metadata: dict[str, Value] = field(default_factory=dict, repr=False)


def read_index(stream: Readable, where: str) -> Generator[ChartVersion | Broken]:
    """Every entry in the order of the index; a version that stands twice counts once.

    Raises `RemoteFailed` where the bytes are no index: `where` is whose it is.
    """
    seen: set[tuple[str, str]] = set()
    try:
        for name, row in _items(stream):
            entry = Broken(name, "", row.reason) if isinstance(row, Odd) else _entry(name, row)
            if isinstance(entry, ChartVersion):
                key = entry.name, entry.version
                if key in seen:
                    entry = Broken(*key, "It stands twice in the index; the first one counts.")
                seen.add(key)
            yield entry
    except (ContentRefused, NotJson) as fault:
        said = str(fault)
        if isinstance(fault, ContentRefused):
            finding = fault.findings[0]
            said = (f"line {finding.line}: " if finding.line else "") + finding.message
        raise RemoteFailed(
            f"{where}{INDEX} is not the index of a Helm repository. {said}"
        ) from None


def _items(stream: Readable) -> Iterator[tuple[str, Value | Odd]]:
    start = stream.read(_START)
    whole = _Again(start, stream)
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith(_MARKUP):
        raise NotJson("It is a web page.")
    if text[:1] == b"{":
        return json_items(whole, _ENTRIES)
    return listed_items(whole, _ENTRIES, INDEX)


class _Again:
    """A stream whose first bytes were read already."""

    def __init__(self, start: bytes, rest: Readable) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        if not self._start:
            return self._rest.read(size)
        end = len(self._start) if size < 0 else size
        data, self._start = self._start[:end], self._start[end:]
        return data


def _entry(name: str, row: Value) -> ChartVersion | Broken:
    if not isinstance(row, dict):
        return Broken(name, "", "The entry is not a map.")
    version, urls, digest = row.get("version"), row.get("urls"), row.get("digest")
    url = urls[0] if isinstance(urls, list) and urls else None
    said = cleaned(version) if isinstance(version, str) else ""
    if not name or len(name) > _NAME_LIMIT or UNPRINTABLE.search(name) or "/" in name:
        return Broken(cleaned(name)[:_NAME_LIMIT], said[:_NAME_LIMIT], "It has no usable name.")
    if not said or said != version or len(said) > _NAME_LIMIT:
        return Broken(name, said[:_NAME_LIMIT], "The entry has no version, or one that is no text.")
    if Version.parse(said) is None:
        return Broken(name, said, "The entry's version is none such as 1.2.3.")
    if not isinstance(url, str) or not url or UNPRINTABLE.search(url):
        return Broken(name, said, "The entry has no address of an archive.")
    scheme = _SCHEME.match(url)
    if scheme and scheme[1].lower() not in _FETCHED:
        said_of = f"The address of its archive is of the scheme {scheme[1][:20]!r}"
        return Broken(name, said, f"{said_of}: only {', '.join(_FETCHED)} are fetched.")
    if len(url) > _URL_LIMIT:
        return Broken(name, said, f"The address of its archive is longer than {_URL_LIMIT}.")
    sha256 = _SHA256.fullmatch(digest) if isinstance(digest, str) else None
    return ChartVersion(
        name=name,
        version=said,
        url=url,
        sha256=sha256[1] if sha256 else "",
        metadata=chart_metadata(row),
    )
