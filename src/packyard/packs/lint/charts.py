"""What is unwise about the charts of a pack (spec "Folder", "values.yaml")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain

from packyard.findings import Finding
from packyard.packs.charts import Chart, parse_chart
from packyard.packs.folder import unpacked_chart
from packyard.packs.lint.subject import VALUES, Subject
from packyard.packs.model import PACK_JSON
from packyard.packs.rules import found, near
from packyard.packs.version import Version

_ARCHIVE = re.compile(r"charts/[^/]+\.(?:tgz|tar\.gz)")


def charts(subject: Subject) -> Iterator[Finding]:
    """Every rule about charts: what is named, what is there, and whom the values reach."""
    return chain(
        _only_unpacked(subject), _unreferenced(subject), _contents(subject), _sections(subject)
    )


def _only_unpacked(subject: Subject) -> Iterator[Finding]:
    for named in subject.named("charts"):
        folder = unpacked_chart(named.path, subject.files)
        if folder and named.path not in subject.files:
            yield found(
                "charts.packaged",
                f"{named.path!r} is missing; its folder {folder!r} is packaged instead.",
                mend="Package the chart and put it there.",
                file=PACK_JSON,
                path="charts",
                at=named.at,
            )


def _unreferenced(subject: Subject) -> Iterator[Finding]:
    named = {entry.path for entry in subject.named("charts")}
    if subject.members is None:
        return
    for path in subject.files:
        if _ARCHIVE.fullmatch(path) and path not in named:
            yield found(
                "charts.unreferenced",
                f"{path!r} is not named by pack.json, so it is never deployed.",
                mend='Name it under "charts", or remove it.',
                file=path,
            )


def _contents(subject: Subject) -> Iterator[Finding]:
    about = partial(found, file=PACK_JSON, path="charts")
    seen: dict[str, str] = {}
    for named, chart, faults in subject.charts:
        if chart is None:
            reasons = " ".join(fault.message for fault in faults)
            yield about(
                "charts.unreadable",
                f"Helm cannot load {named.path!r}: {reasons}",
                mend="Package it again.",
                at=named.at,
            )
            continue
        if seen.setdefault(chart.name, named.path) != named.path:
            yield about(
                "charts.name-repeated",
                f"{named.path!r} and {seen[chart.name]!r} are both the chart {chart.name!r}.",
                mend="Keep one of them, or rename one in its Chart.yaml.",
                at=named.at,
            )
        folder = unpacked_chart(named.path, subject.files)
        beside = parse_chart(subject.files[f"{folder}/Chart.yaml"].data)[0] if folder else None
        if beside and not _is_same(beside, chart):
            yield about(
                "charts.folder-differs",
                f"{named.path!r} is {chart.name} {chart.version}, but the folder {folder!r} is "
                f"{beside.name} {beside.version}; the archive is what is deployed.",
                mend="Package the folder again, or remove it.",
                at=named.at,
            )


def _is_same(one: Chart, other: Chart) -> bool:
    versions = Version.parse(one.version), Version.parse(other.version)
    return one.name == other.name and (
        one.version == other.version or (versions[0] is not None and versions[0] == versions[1])
    )


def _sections(subject: Subject) -> Iterator[Finding]:
    names = subject.chart_names
    if subject.values is None or names is None:
        return  # where some chart is not known, nothing can be said of the sections
    sections = subject.section("charts")
    keys = list(sections) if isinstance(sections, Mapping) else []
    strangers = [key for key in keys if key not in names]
    if strangers and names and not set(keys) & set(names):
        yield _unknown_section(subject, strangers[0], names, others=len(strangers) - 1)
        return
    for key in strangers:
        yield _unknown_section(subject, key, names)
    for name in names:
        if name not in keys:
            yield found(
                "charts.section-missing",
                f"values.yaml has no section charts.{name}, so nobody sees what can be set there.",
                mend=f"Add the chart's values under charts.{name}.",
                file=VALUES,
                path="charts",
            )


def _unknown_section(subject: Subject, key: str, names: list[str], others: int = 0) -> Finding:
    meant = near(key, names) or (names[0] if len(names) == 1 else "")
    more = f" (and {others} more keys)" if others else ""
    known = f"The charts here are {', '.join(names)}." if names else "The pack names no chart."
    return found(
        "charts.section-unknown",
        f"charts.{key}{more} belongs to no chart of the pack, so it reaches none.",
        mend=f"Put it under charts.{meant}." if meant else known,
        file=VALUES,
        path=f"charts.{key}",
        at=subject.place("charts", key),
    )
