"""The table for people, the figures for programs, and the machine that they come from."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.rows import ROWS, Row
from benchmarks.servers import Kind

NOTES = """\
Ratios say how many times better Packyard is than the other server in the same run. Servers, wrk and
the pushing clients share the processors. All servers keep their content on the same local disk.

With sign-in, every request carries Basic credentials: Packyard remembers a verified password for a
short time, distribution runs bcrypt (cost 5) for each request. nginx serves plain files and never
asks. Without sign-in Packyard reads anonymously and pushes signed in; distribution has no `auth`.

Durable means for Packyard: the blob's file is flushed, renamed, its folder flushed, the database
committed with `synchronous=FULL`, then 201. Distribution 3.1 flushes the file of a blob and those
of its links, but renames a blob into place without flushing its folder.
"""


@dataclass(frozen=True, slots=True)
class Figure:
    row: str
    server: str
    signed_in: bool
    value: float


def machine() -> dict[str, str]:
    """To be asked before the work: figures of a machine that was busy already mean little."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    kind = ["stat", "--file-system", "--format=%T", "."]
    filesystem = subprocess.run(kind, capture_output=True, text=True, check=True).stdout.strip()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.release()}, {filesystem}",
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.1f} processes",
    }


def write(folder: Path, kinds: list[Kind], figures: list[Figure], facts: Mapping[str, str]) -> None:
    """Writes `results.md` and `results.json` into `folder`."""
    document = {
        "machine": facts,
        "servers": {kind.name: kind.version for kind in kinds},
        "figures": [
            {
                "row": figure.row,
                "server": figure.server,
                "signed_in": figure.signed_in,
                "value": round(figure.value, 4),
            }
            for figure in figures
        ],
    }
    (folder / "results.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(page(kinds, figures, facts), encoding="utf-8")


def page(kinds: list[Kind], figures: list[Figure], facts: Mapping[str, str]) -> str:
    lines = ["# Benchmarks", "", "Written by `make bench`; do not edit.", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {name} | {fact} |" for name, fact in facts.items()]
    lines += [f"| {kind.name} | {kind.version} |" for kind in kinds]
    for signed_in, title in ((True, "With sign-in"), (False, "Without sign-in")):
        values = {(f.row, f.server): f.value for f in figures if f.signed_in is signed_in}
        lines += ["", f"## {title}", "", *_table(kinds, values)]
    return "\n".join([*lines, "", "## How to read this", "", NOTES])


def _table(kinds: list[Kind], values: Mapping[tuple[str, str], float]) -> list[str]:
    others = [kind.name for kind in kinds if kind.name != "packyard"]
    header = ["work", "packyard", *others, *(f"ratio to {name}" for name in others), "to reach"]
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    measured = [row for row in ROWS if any(row.name == name for name, _ in values)]
    return lines + ["| " + " | ".join(_cells(row, others, values)) + " |" for row in measured]


def _cells(row: Row, others: list[str], values: Mapping[tuple[str, str], float]) -> list[str]:
    own = values.get((row.name, "packyard"))
    theirs = [values.get((row.name, name)) for name in others]
    ratios = [None if own is None or value is None else row.ratio(own, value) for value in theirs]
    verdict = "" if own is None else ": reached" if row.reached(own) else ": **missed**"
    return [
        row.name,
        *("-" if value is None else _number(row, value) for value in [own, *theirs]),
        *("-" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
        _number(row, row.target) + verdict,
    ]


def _number(row: Row, value: float) -> str:
    return f"{value:,.2f} {row.unit}" if value < 10 else f"{value:,.0f} {row.unit}"
