"""Helm charts as packs carry them: which chart an archive holds, read no further than needed."""

from __future__ import annotations

import io
from dataclasses import dataclass

from packyard.packs import tar
from packyard.packs.files import Limits
from packyard.packs.inflate import Breach, Unpacked
from packyard.packs.values import Document

_LIMITS = Limits(max_bytes=32 * 1024 * 1024, max_file_bytes=16 * 1024 * 1024)
_CHART_FILE = "Chart.yaml"


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is the key under which a pack's values are given to the chart."""

    name: str
    version: str


def read_chart(data: bytes) -> Chart | None:
    """The chart in a `.tgz`, or None where Helm would find none.

    Its Chart.yaml stands in the one top folder, whatever that is called, or at the root.
    """
    try:
        for member in tar.read(Unpacked(io.BytesIO(data), _LIMITS), _LIMITS):
            parts = [part for part in member.name.split("/") if part not in ("", ".")]
            if parts[-1:] == [_CHART_FILE] and len(parts) <= 2:
                return parse_chart(member.data)
    except Breach:
        return None
    return None


def parse_chart(data: bytes) -> Chart | None:
    """What a Chart.yaml says, or None where it does not name its chart."""
    document, _ = Document.parse(data, _CHART_FILE)
    content = document.data if document else None
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        return None
    return Chart(content["name"], str(content.get("version", "")))
