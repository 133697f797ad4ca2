"""What is unwise in a pack and only rendering tells: images, values in vain, chance, macros that
stand for nothing.

Charts that do not render with the pack's own values are warned of, not refused: many have values
that people must fill in (format specification, "schema.yaml").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from packyard.charts.chart import Chart
from packyard.charts.engine import Engine
from packyard.charts.template import unrepeatable
from packyard.delivery.images import images_of
from packyard.delivery.part import Part
from packyard.delivery.quoting import Quoted, quoted
from packyard.delivery.reads import Reads
from packyard.delivery.render import render
from packyard.findings import Finding, Severity
from packyard.packs.files import Files
from packyard.packs.folder import package_missing_charts
from packyard.packs.images import Image
from packyard.packs.lint import check
from packyard.packs.lint.manifests import base_name
from packyard.packs.model import Pack
from packyard.packs.paths import Path, format_path
from packyard.packs.rules import found
from packyard.packs.values import VALUES, Document
from packyard.profiles.actions import MARK
from packyard.profiles.cells import cells
from packyard.profiles.laid import LaidLayer
from packyard.profiles.laid import Part as Text
from packyard.profiles.macros import check_macros
from packyard.profiles.model import ProfileLayer
from packyard.profiles.scope import Scope

_found = partial(found, file=VALUES)

_HOPELESS = ("macro.syntax", "macro.function", "macro.family-unknown", "macro.system-unknown")


def lint_rendered(files: Files, engine: Engine) -> list[Finding]:
    """Nothing where the pack itself cannot be read: `packs.lint` tells why."""
    pack, refused = check(files, allow_missing=True)
    values, _ = Document.parse(files[VALUES].data if VALUES in files else b"")
    if pack is None or values is None or refused:
        return []
    files = package_missing_charts(files, pack)
    charts = [
        chart for path in pack.charts if path in files if (chart := _load(path, files, engine))
    ]
    findings = [finding for chart in charts for finding in _in_vain(chart, values)]
    parts, faults = render(files, pack, values, engine)
    findings += _macros(pack, values, parts or ())
    if parts is None:
        return [*findings, *map(_as_warning, faults)]
    findings += _images(parts, values)
    chances = _chances(files, pack, values, charts)
    if any(chances.values()):
        again, _ = render(files, pack, values, engine)
        findings += _by_chance(parts, again or (), chances)
    return findings


def _load(path: str, files: Files, engine: Engine) -> Chart | None:
    chart, _ = engine.load(files[path].data)  # rendering tells what is wrong with it
    return chart


def _as_warning(finding: Finding) -> Finding:
    weak = finding.severity is Severity.BLOCK
    return replace(finding, severity=Severity.WARNING) if weak else finding


def _images(parts: Iterable[Part], values: Document) -> Iterator[Finding]:
    where: Path = ("pack", "content", "images")
    entries = values.get(where)
    texts = [
        entry.get("image") if isinstance(entry, dict) else None
        for entry in (entries if isinstance(entries, list) else ())
    ]
    listed = [Image.parse(text) if isinstance(text, str) else None for text in texts]
    rendered = images_of(parts)
    absent = [image for image in rendered if not any(map(image.is_same, filter(None, listed)))]
    if absent:
        names = ", ".join(image.full for image in absent)
        yield _found(
            "images.unlisted",
            f"pack.content.images lacks what the pack runs: {names}.",
            mend="Add them, so that copies for places without network are whole.",
            path=format_path(where),
            at=values.at(where),
        )
    for place, image in enumerate(listed):
        if image and not any(map(image.is_same, rendered)):
            yield _found(
                "images.unused",
                f"{image.full} is listed, but nothing runs it with these values.",
                mend="Remove it, unless other values run it.",
                path=format_path((*where, place)),
                at=values.at((*where, place)),
            )


def _macros(pack: Pack, values: Document, parts: Iterable[Part]) -> Iterator[Finding]:
    """Expressions with macros that nothing can ever fill, in values and in the pack's manifests.

    In a manifest that was a template the lines are others than in its file.
    """
    filled = {path for path in pack.manifests if values.has(("manifests", base_name(path)))}
    layer = LaidLayer(
        layer=ProfileLayer(name=pack.name),
        content=None,
        values=Text(values, VALUES),
        manifests=tuple(
            piece.part
            for part in parts
            if not part.chart and MARK in part.text
            for piece in quoted(part.text, part.source)
            if isinstance(piece, Quoted)
        ),
        findings=(),
    )
    for finding in check_macros([layer], cells([layer]), Scope(), ()):
        if finding.rule in _HOPELESS:
            told = replace(finding, severity=Severity.WARNING, layer="")
            yield replace(told, line=0, column=0) if told.file in filled else told


def _in_vain(chart: Chart, values: Document) -> Iterator[Finding]:
    base: Path = ("charts", chart.name)
    given = values.get(base)
    if not isinstance(given, dict):
        return
    for path in Reads.of(chart, values.text).unread(given, chart.values):
        where = (*base, *path)
        yield _found(
            "charts.value-unread",
            f"No template of the chart {chart.name} reads {format_path(path)}.",
            mend="Remove it, or correct its name.",
            path=format_path(where),
            at=values.at(where),
        )


def _chances(
    files: Files, pack: Pack, values: Document, charts: Iterable[Chart]
) -> dict[tuple[str, str], list[str]]:
    """By chart ("" for none) and source, the functions of a template that depend on chance."""
    of_charts = {
        (chart.name, f"{chart.name}/{name}"): unrepeatable(text)
        for chart in charts
        for name, text in chart.templates.items()
    }
    of_manifests = {
        ("", path): unrepeatable(files[path].data.decode(errors="replace"))
        for path in pack.manifests
        if path in files and values.has(("manifests", base_name(path)))
    }
    return of_charts | of_manifests


def _by_chance(
    once: Sequence[Part], again: Sequence[Part], chances: Mapping[tuple[str, str], list[str]]
) -> Iterator[Finding]:
    """Templates that gave two results, or ask for the time, and by which functions."""
    seen = {(part.source, part.text) for part in again}
    told: set[str] = set()
    for part in once:
        here = chances.get((part.chart, part.source), [])
        if part.source in told or ((part.source, part.text) in seen and "now" not in here):
            continue
        told.add(part.source)
        beside = (words for (chart, _), words in chances.items() if chart == part.chart)
        words = here or sorted({word for listed in beside for word in listed})
        own = ("manifests", base_name(part.source))
        yield found(
            "charts.unrepeatable" if part.chart else "manifests.unrepeatable",
            f"{part.source} gives something else each time ({', '.join(words)}), so every "
            "deployment looks like a change.",
            mend="Set the value that the template makes up when it is not given.",
            file=VALUES,
            path=format_path(("charts", part.chart) if part.chart else own),
        )
