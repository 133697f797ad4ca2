"""Which values a chart's templates read, as far as their text tells.

A reference `.Values.a.b` reads everything at, above and below `a.b`; a bare `.Values` reads all.
So a value counts as unread only where no template can reach it by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from packyard.charts.chart import Chart

_REFERENCE = re.compile(r"\.Values\b((?:\.\w+)*)")
_SUBCHART = re.compile(r"charts/[^/]+/")
_NAME = re.compile(rb"^name:\s*[\"']?([\w.-]+)", re.MULTILINE)

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """Paths below the chart's own section of values."""

    paths: frozenset[Path]

    @classmethod
    def of(cls, chart: Chart, values: str) -> Self:
        """`values` is a text whose values may be templates themselves."""
        paths = set(_references(values)) | set(_references(chart.values_text))
        for metadata in (chart.metadata, *chart.subcharts):
            paths |= set(_conditions(metadata))
        keys = _Keys(chart)
        for name, text in chart.templates.items():
            for path in _references(text):
                paths |= {(*above, *path) for above in keys.of(name)}
                if path[:1] == ("global",):
                    paths.add(path)
        return cls(frozenset(paths))

    def unread(
        self, given: Mapping[str, Any], defaults: Mapping[str, Any], above: Path = ()
    ) -> Iterator[Path]:
        """The uppermost paths of `given` that nothing reads; what `defaults` hold is passed over,
        because the chart's authors put it there."""
        for key, value in given.items():
            path = (*above, key)
            if any(path[: len(read)] == read for read in self.paths):
                continue
            known = key in defaults
            if any(read[: len(path)] == path for read in self.paths) or known:
                below = defaults.get(key)
                if isinstance(value, Mapping):
                    yield from self.unread(value, below if isinstance(below, Mapping) else {}, path)
            else:
                yield path


def _references(text: str) -> Iterator[Path]:
    for match in _REFERENCE.finditer(text):
        yield tuple(filter(None, match[1].split(".")))


class _Keys:
    """The keys under which a chart gives each of its subcharts values: its name, or aliases."""

    def __init__(self, chart: Chart) -> None:
        self._files = chart.files
        self._aliases: dict[str, set[str]] = {}
        for metadata in (chart.metadata, *chart.subcharts):
            for dependency in metadata.get("dependencies") or ():
                name = str(dependency.get("name", ""))
                alias = str(dependency.get("alias") or name)
                self._aliases.setdefault(name, set()).add(alias)

    def of(self, file: str) -> list[Path]:
        """Where the chart that a file belongs to has its values; more than once with aliases."""
        found: list[Path] = [()]
        end = 0
        while match := _SUBCHART.match(file, end):
            end = match.end()
            named = _NAME.search(self._files.get(f"{file[:end]}Chart.yaml", b""))
            name = named[1].decode() if named else file[match.start() : end].split("/")[1]
            keys = sorted(self._aliases.get(name, {name}))
            found = [(*above, key) for above in found for key in keys]
        return found


def _conditions(metadata: Mapping[str, Any]) -> Iterator[Path]:
    for dependency in metadata.get("dependencies") or ():
        for condition in str(dependency.get("condition") or "").split(","):
            if condition.strip():
                yield tuple(condition.strip().split("."))
        if dependency.get("tags"):
            yield ("tags",)
