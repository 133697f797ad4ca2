"""What an offer becomes in the catalog: the row of a pack or chart, and what people read of it.

A chart is a pack of one chart: layer `addon`, every cloud, its values under `charts.<name>`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from packyard.catalog.entries import Contents, Entry, FileInfo, contents_of, entry_of, pack_uid
from packyard.catalog.foreign import Arrival
from packyard.digests import Digest
from packyard.errors import ContentRefused, PackyardError, Unavailable
from packyard.findings import refusals
from packyard.packs import jsontext
from packyard.packs.charts import read_chart, unpack
from packyard.packs.files import Files
from packyard.packs.model import Layer
from packyard.packs.proposal import propose_schema
from packyard.packs.values import Document
from packyard.packs.yaml.nest import nest
from packyard.packs.yaml.reader import DEFAULT_LIMITS
from packyard.packs.yaml.scalars import Value
from packyard.references import Tag
from packyard.remotes.chart import PulledChart
from packyard.remotes.pack import PulledPack
from packyard.remotes.source import Kind, Offer, Source
from packyard.storage.content import microseconds

_log = logging.getLogger(__name__)

LABEL_LIMIT = 128
_VALUES = "values.yaml"
_SCHEMA = "values.schema.json"
_SHA256 = "sha256:"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was read of an offer, and what kept the rest, or all of it, from being read."""

    arrival: Arrival | None
    error: PackyardError | None = None


def read(source: Source, registry: str, offer: Offer, *, whole: bool) -> Outcome:
    """The row of an offer and, for packs and where `whole`, the contents. Content that contradicts
    itself or its place is `ContentRefused`; what nobody foresaw is this version's fault too."""
    arrival = None
    try:
        with one_version(offer.name, offer.tag):
            if offer.kind is Kind.PACK:
                return Outcome(_pack(source, registry, offer))
            described = replace(offer, metadata=offer.metadata or source.describe(offer))
            arrival = Arrival(chart_entry(registry, described))
            if whole:
                own = replace(offer, tag=arrival.entry.version)
                arrival = Arrival(arrival.entry, chart_contents(source, own))
    except PackyardError as error:
        return Outcome(arrival, error)
    return Outcome(arrival)


@contextmanager
def one_version(name: str, tag: str) -> Iterator[None]:
    """Make of what nobody foresaw a fault of the version that the block reads, which is told as
    others are."""
    try:
        yield
    except PackyardError:
        raise
    except Exception as error:
        raise unforeseen(name, tag) from error


def unforeseen(name: str, tag: str) -> PackyardError:
    """What is told of the exception that is handled now; the log has the whole of it."""
    _log.exception("%r %r cannot be taken", name, tag)
    return Unavailable(
        "A fault of this server, found at this one; its log tells more.", unforeseen=True
    )


def _pack(source: Source, registry: str, offer: Offer) -> Arrival:
    pulled = source.read(offer)
    if not isinstance(pulled, PulledPack):
        raise TypeError("A source of packs gave something else.")
    pack = pulled.pack
    faults = [finding.message for finding in refusals(pulled.findings)]
    if pack.name != offer.name:
        faults.append(f"pack.json names it {pack.name!r}, but it stands as {offer.name!r}.")
    if pack.label not in offer.tags:
        there = ", ".join(offer.tags[:5])
        faults.append(f"pack.json says {pack.label}, but only {there} leads to it.")
    if faults:
        raise ContentRefused(" ".join(faults), ())
    entry = entry_of(
        pack,
        source=registry,
        digest=pulled.digest,
        content_digest=pulled.content_digest,
        archive_digest=pulled.archive.digest,
        size=pulled.archive.size,
        message=pulled.message,
        pushed_by="",
        pushed_at=0,
    )
    entry = replace(entry, place=offer.place, validator=offer.validator)
    return Arrival(entry, contents_of(pulled.files))


def chart_entry(registry: str, offer: Offer) -> Entry:
    """The row of a chart, by what its source says of it; raises `ContentRefused`.

    Of the tags that lead to it that counts which is its version. A digest that the source does not
    state is "".
    """
    said = offer.metadata
    version = str(said.get("version", offer.tag))
    _require_own(offer, said.get("name"), version)
    if len(version) > LABEL_LIMIT:
        raise ContentRefused(f"Its version has more than {LABEL_LIMIT} characters.", ())
    stated = offer.validator if offer.validator.startswith(_SHA256) else ""
    archive, size = said.get("digest", ""), said.get("size", 0)
    return Entry(
        uid=pack_uid(registry, offer.name, version),
        source=registry,
        name=offer.name,
        label=Tag(version),
        group="",
        version=version,
        display_name=offer.name,
        layer=Layer.ADDON.value,
        addon_type="",
        addon_sub_type="",
        system_state="deprecated" if said.get("deprecated") is True else "",
        annotations=_annotations(said),
        digest=Digest(stated),
        content_digest=Digest(str(archive)),
        archive_digest=Digest(str(archive)),
        size=size if isinstance(size, int) else 0,
        message="",
        pushed_by="",
        pushed_at=_time(said.get("created")),
        clouds=("all",),
        place=offer.place,
        validator=offer.validator,
    )


def chart_contents(source: Source, offer: Offer) -> Contents:
    """What people read of a chart; raises `ContentRefused` where it is another than offered."""
    pulled = source.read(offer)
    if not isinstance(pulled, PulledChart):
        raise TypeError("A source of charts gave something else.")
    chart, findings = read_chart(pulled.archive)
    if chart is None:
        raise ContentRefused("Helm cannot load it.", findings)
    _require_own(replace(offer, tags=(offer.tag,)), chart.name, chart.version)
    return contents_of_chart(chart.name, unpack(pulled.archive))


def _require_own(offer: Offer, name: object, version: str) -> None:
    """Raise `ContentRefused` where a chart is another than the one that it stands as; `name` is
    None where it is not known."""
    own = offer.name.rpartition("/")[2]
    if name not in (None, own) or version not in offer.tags:
        there = ", ".join(offer.tags[:5])
        raise ContentRefused(
            f"The archive holds {name or own} {version}, but it stands as {offer.name} {there}.", ()
        )


def contents_of_chart(name: str, files: Files) -> Contents:
    """Its values stand where those of a pack's chart stand; broken ones stay as they are. Its
    schema is what a pack's schema can say of its own."""

    def text(*paths: str) -> str:
        found = next((path for path in paths if path in files), "")
        return files[found].data.decode(errors="replace") if found else ""

    values, schema = text(_VALUES), ""
    document, _ = Document.parse(values)
    if document is not None:
        values = nest(values, document.data, ("charts", name), DEFAULT_LIMITS)
        schema = _schema(text(_SCHEMA), values, name)
    return Contents(
        pack_json="",
        values=values,
        readme=text("README.md", "readme.md", "README"),
        schema=schema,
        presets="",
        logo=b"",
        files=tuple(
            FileInfo(path=path, size=len(file.data), executable=file.executable)
            for path, file in files.items()
        ),
    )


def _schema(text: str, values: str, chart: str) -> str:
    node, _ = jsontext.parse(text.encode(), _SCHEMA) if text else (None, [])
    own = node.plain() if node else None
    document, _ = Document.parse(values)
    if document is None or not isinstance(own, dict):
        return ""
    return propose_schema(own, document, ("charts", chart))


def _annotations(said: Mapping[str, Value]) -> dict[str, str]:
    """The chart's own, and what Chart.yaml says beside them, by its keys."""
    own = said.get("annotations")
    texts = {key: str(value) for key, value in (own if isinstance(own, dict) else {}).items()}
    for key in ("description", "appVersion", "home", "icon", "kubeVersion", "type"):
        if isinstance(said.get(key), str):
            texts[key] = str(said[key])
    for key in ("keywords", "sources"):
        items = said.get(key)
        if isinstance(items, list):
            texts[key] = ",".join(str(item) for item in items)
    return texts


def _time(created: Value) -> int:
    """Microseconds since 1970 of an RFC 3339 time; 0 where there is none."""
    try:
        moment = datetime.fromisoformat(str(created or ""))
        return microseconds(moment) if moment.tzinfo else 0
    except (ValueError, OverflowError):
        return 0
