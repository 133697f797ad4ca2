"""Helm charts as archives: whether Helm could load one, and what it says of itself.

Reading goes forwards once over the whole archive within `LIMITS`, writes nothing and runs nothing;
of the files only Chart.yaml (and requirements.yaml of old charts) is kept. As for Helm, they stand
in the one folder at the top, whatever that is called.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packyard.errors import ContentRefused
from packyard.findings import Finding
from packyard.packs import tar
from packyard.packs.chart_metadata import CHART_YAML, REQUIREMENTS_YAML, read_metadata
from packyard.packs.files import File, Files, Limits
from packyard.packs.inflate import Breach, Unpacked
from packyard.packs.rules import found
from packyard.packs.yaml.scalars import Value

LIMITS = Limits(max_bytes=100 * 1024 * 1024, max_file_bytes=32 * 1024 * 1024)
"""Helm's own bound of the whole."""

_BOM = b"\xef\xbb\xbf"
_READ = (CHART_YAML, REQUIREMENTS_YAML)
_DRIVE = re.compile(r"[A-Za-z]:/")
_CLAIM = re.compile(r".+-v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+].*)?\.tgz")


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is the key under which a pack's values are given to the chart.

    `metadata` is what Chart.yaml says, with the fields and types that an index of Helm has.
    """

    name: str
    version: str
    metadata: Mapping[str, Value] = field(default_factory=dict, repr=False)

    @property
    def file(self) -> str:
        """The name of its archive by Helm's rule, without `.tgz`."""
        return f"{self.name}-{self.version}"


def read_chart(data: bytes, limits: Limits = LIMITS) -> tuple[Chart | None, list[Finding]]:
    """The chart in a `.tgz`, or None with everything that keeps Helm from loading it."""
    try:
        source = Unpacked(io.BytesIO(data), limits)
        kept = dict(_files(source, limits, _READ))
    except Breach as breach:
        return None, [breach.finding]
    if not source.gzipped:
        return None, [found("archive.format", "It is a plain tar file.", mend="Gzip it.")]
    if CHART_YAML not in kept:
        message = f"There is no {CHART_YAML} in the one folder at the top of the archive."
        return None, [found("chart.missing", message, mend="Make it with `helm package`.")]
    return parse_chart(kept[CHART_YAML], kept.get(REQUIREMENTS_YAML, b""))


def file_fault(chart: Chart, file: str) -> list[Finding]:
    """Told where the name of an archive's file speaks of another chart or version; a name that
    speaks of none is any name."""
    if not _CLAIM.fullmatch(file) or file == f"{chart.file}.tgz":
        return []
    message = f"The file is called {file[:200]}, but it holds {chart.name} {chart.version}."
    return [found("chart.file", message, mend=f"Call it {chart.file}.tgz.")]


def read_files(data: bytes, wanted: Sequence[str]) -> dict[str, bytes]:
    """The files of a chart that could be read: at these paths, or below those that end with `/`."""
    return dict(_files(Unpacked(io.BytesIO(data), LIMITS), LIMITS, wanted))


def _files(source: Unpacked, limits: Limits, wanted: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Reads to the end; raises `Breach`."""
    folders = tuple(path for path in wanted if path.endswith("/"))
    for member in tar.read(source, limits):
        if member.kind is not tar.Kind.FOLDER:
            path = _path_inside(member.name)
            if path in wanted or path.startswith(folders):
                yield path, member.data.removeprefix(_BOM)


def unpack(data: bytes, limits: Limits = LIMITS) -> Files:
    """The files of a chart by their path below the archive's top folder; raises
    `ContentRefused`."""
    files: dict[str, File] = {}
    try:
        for member in tar.read(Unpacked(io.BytesIO(data), limits), limits):
            if member.kind is tar.Kind.FILE:
                files[_path_inside(member.name)] = File(member.data, member.executable)
    except Breach as breach:
        raise ContentRefused("The archive is not taken as a chart.", [breach.finding]) from None
    return {path: files[path] for path in sorted(files)}


def parse_chart(
    chart_yaml: bytes, requirements_yaml: bytes = b""
) -> tuple[Chart | None, list[Finding]]:
    """What a Chart.yaml says, or None with everything that is wrong with it."""
    metadata, findings = read_metadata(chart_yaml, requirements_yaml)
    if metadata is None:
        return None, findings
    return Chart(str(metadata["name"]), str(metadata["version"]), metadata), []


def _path_inside(name: str) -> str:
    """The path of a member below the folder at the top; raises `Breach` where it leaves that."""
    top, _, rest = name.replace("\\", "/").partition("/")
    parts = [part for part in rest.split("/") if part not in ("", ".")]
    if ".." in (top, *parts) or rest.startswith("/") or _DRIVE.match(rest) or not parts:
        raise Breach("files.path", f"The member {name[:200]!r} lies outside of the chart's folder.")
    return "/".join(parts)
