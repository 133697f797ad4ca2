"""A pack laid out for checks: its files read once, with the places of what they say.

What cannot be read is absent here; why stands in `findings`. Whatever else can be checked is.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property

from packyard.findings import Finding, Position
from packyard.packs import jsontext
from packyard.packs.charts import Chart, parse_chart, read_chart
from packyard.packs.files import Files, path_fault
from packyard.packs.folder import unpacked_chart
from packyard.packs.members import Members
from packyard.packs.model import PACK_JSON, Pack, parse_pack_json
from packyard.packs.presets import Preset, parse_presets
from packyard.packs.rules import found
from packyard.packs.schema import Schema, parse_schema
from packyard.packs.values import Document

VALUES, SCHEMA, PRESETS = "values.yaml", "schema.yaml", "presets.yaml"


@dataclass(frozen=True, slots=True)
class Named:
    """A file that pack.json names, and where it does."""

    path: str
    at: Position


@dataclass(frozen=True, kw_only=True)
class Subject:
    """`members` is pack.json also where it makes no pack; `values` None where it is not YAML."""

    files: Files
    pack: Pack | None
    members: Members | None
    values: Document | None
    schema: Schema | None
    presets: tuple[Preset, ...]
    findings: tuple[Finding, ...]

    def named(self, key: str) -> list[Named]:
        """What pack.json names under `key`, without what could not lie in the folder."""
        texts = self.members.texts(key) if self.members else []
        named = [Named(posixpath.normpath(text), node.at) for text, node in texts if text]
        return [entry for entry in named if not path_fault(entry.path)]

    @cached_property
    def charts(self) -> list[tuple[Named, Chart | None, list[Finding]]]:
        """Each chart that is there, as an archive or as a folder; None, and why, where it is
        unreadable."""
        charts: list[tuple[Named, Chart | None, list[Finding]]] = []
        for named in self.named("charts"):
            folder = unpacked_chart(named.path, self.files)
            if named.path in self.files:
                charts.append((named, *read_chart(self.files[named.path].data)))
            elif folder:
                charts.append((named, *parse_chart(self.files[f"{folder}/Chart.yaml"].data)))
        return charts

    @property
    def chart_names(self) -> list[str] | None:
        """The charts' names; None where one cannot be known."""
        names = [chart.name for _, chart, _ in self.charts if chart]
        return names if len(names) == len(self.named("charts")) else None

    def section(self, *path: str) -> object:
        """What values.yaml holds at `path`; None where that is absent or null."""
        return self.values.get(path) if self.values else None

    def place(self, *path: str | int) -> Position:
        """Where in values.yaml the last key or item of a path begins, or the last that is there."""
        return self.values.at(path) if self.values else (0, 0)


def read(files: Files) -> Subject:
    """Lay out a pack of any quality."""
    findings: list[Finding] = []
    pack, members = None, None
    if PACK_JSON in files:
        data = files[PACK_JSON].data
        pack, findings = parse_pack_json(data)
        root, _ = jsontext.parse(data, PACK_JSON)
        members = Members.of(root, PACK_JSON, "", []) if root else None
    else:
        message = "There is no pack.json."
        mend = "Name the folder that holds it, or add it."
        findings.append(found("pack-json.missing", message, mend=mend, file=PACK_JSON))
    values, of_values = Document.parse(_data(files, VALUES))
    schema, of_schema = parse_schema(_data(files, SCHEMA))
    presets, of_presets = parse_presets(_data(files, PRESETS))
    return Subject(
        files=files,
        pack=pack,
        members=members,
        values=values,
        schema=schema,
        presets=presets,
        findings=(*findings, *of_values, *of_schema, *of_presets),
    )


def _data(files: Files, path: str) -> bytes:
    return files[path].data if path in files else b""
