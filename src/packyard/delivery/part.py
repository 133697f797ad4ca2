"""What is applied to a cluster, document by document, and how that is written down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from packyard.charts.chart import Hook
from packyard.packs.files import File, Files

_UNFIT = re.compile(r"[^a-z0-9.]+")
_STEM_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One document, or a file that is given whole because it cannot be divided.

    `source` is the template or file that it comes from, `chart` the name of its chart, "" for none.
    `data` is empty where the text is not understood, or is a file of definitions.
    """

    source: str
    text: str
    data: Mapping[str, Any]
    chart: str = ""
    kind: str = ""
    name: str = ""
    hook: Hook | None = None


def stream(parts: Iterable[Part]) -> str:
    """All parts as one stream of YAML; comments name where each comes from, and hooks."""
    return "".join(f"---\n{_headed(part)}" for part in parts)


def files_of(parts: Iterable[Part]) -> Files:
    """A file for each part, named so that they sort into their order; hooks in `hooks/`."""
    written = {}
    for number, part in enumerate(parts, 1):
        folder = "hooks/" if part.hook else ""
        words = f"{part.kind} {part.name}" if part.kind else PurePosixPath(part.source).stem
        stem = _UNFIT.sub("-", words.lower())[:_STEM_LENGTH].strip("-.")
        written[f"{folder}{number:04}-{stem}.yaml"] = File(_headed(part).encode())
    return written


def _headed(part: Part) -> str:
    hook = f"# Hook: {', '.join(part.hook.events)}\n" if part.hook else ""
    # Helm ends what a chart gives with a line end more; it can belong to a block scalar.
    end = "" if part.text.endswith("\n") and not part.chart else "\n"
    return f"# Source: {part.source}\n{hook}{part.text}{end}"
