"""Pushing charts: archives with their provenance files, checked before anything is sent."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from packyard.cli import failure, screen
from packyard.cli.chart_store import ChartStore
from packyard.errors import ContentRefused, PackyardError
from packyard.packs.provenance import read_signed_chart
from packyard.remotes.chart import Packaged
from packyard.remotes.pack import Outcome

PROVENANCE = ".prov"
"""Beside an archive stands its provenance file, with this after the whole name."""


def push_all(charts: ChartStore, paths: Sequence[Path], *, force: bool) -> list[Path]:
    """Push every chart and say of each how it went; those that failed."""
    failed = []
    for path in paths:
        try:
            packaged = read_packaged(path)
            pushed = charts.push(packaged, force=force)
        except (PackyardError, OSError) as error:
            failed.append(path)
            _say_failed(path, error)
        else:
            colour = "" if pushed.outcome is Outcome.UNCHANGED else "green"
            outcome = screen.paint(f"{pushed.outcome:<9}", colour, sys.stdout)
            chart = packaged.chart
            screen.result(f"{outcome}  {chart.name}:{chart.version}  {pushed.digest}")
    return failed


def read_packaged(path: Path) -> Packaged:
    """A chart's archive, with the provenance file beside it; raise `ContentRefused` for faults."""
    archive = path.read_bytes()
    beside = path.with_name(path.name + PROVENANCE)
    provenance = beside.read_bytes() if beside.exists() else None
    chart, findings = read_signed_chart(archive, provenance, path.name)
    if chart is None or findings:
        raise ContentRefused(f"refused for {screen.amount(len(findings), 'reason')}", findings)
    changed = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return Packaged(chart, archive, provenance, changed.isoformat().replace("+00:00", "Z"))


def _say_failed(path: Path, error: PackyardError | OSError) -> None:
    failed = screen.paint(f"{'failed':<9}", "red", sys.stderr)
    screen.message(f"{failed}  {path}: {screen.plain(failure.sentence(error))}")
    if isinstance(error, ContentRefused):
        for line in failure.finding_lines(error.findings):
            screen.message(f"  {line}")
