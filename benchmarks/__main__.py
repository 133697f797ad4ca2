"""`python -m benchmarks`: every server in turn, every row, the table at the end."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import report, rows, servers
from benchmarks.report import Figure

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load for each row")
    parser.add_argument("--server", action="append", help="measure only this one; repeatable")
    parser.add_argument("--row", default="", help="measure only rows that have this in their name")
    options = parser.parse_args()

    facts = report.machine()
    kinds = [k for k in servers.kinds() if not options.server or k.name in options.server]
    for kind in kinds:
        if not kind.program:
            print(f"{kind.name} is left out: {kind.remedy}", file=sys.stderr)
    kinds = [kind for kind in kinds if kind.program]
    chosen = [row for row in rows.ROWS if options.row in row.name]
    scratch = HERE.parent / "build"  # on a disk, unlike many a /tmp
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch))
    try:
        figures = [
            figure
            for kind in kinds
            for signed_in in (True, False)
            for figure in measure(kind, folder, chosen, options.seconds, signed_in=signed_in)
        ]
    finally:
        shutil.rmtree(folder)
    print(report.page(kinds, figures, facts))
    if not options.server and not options.row:
        report.write(HERE, kinds, figures, facts)


def measure(
    kind: servers.Kind, folder: Path, chosen: list[rows.Row], seconds: float, *, signed_in: bool
) -> list[Figure]:
    """The rows that make sense for this server, in order: memory comes after all the work."""
    work = [row for row in chosen if row.files or not kind.holds_files_only]
    place = folder / f"{kind.name}-{'with' if signed_in else 'without'}"
    figures = []
    with servers.running(kind, place, signed_in=signed_in) as server:
        if not kind.holds_files_only:
            rows.fill(server)
        for row in work:
            figure = Figure(row.name, kind.name, signed_in, row.measure(server, seconds))
            print(f"{place.name}: {row.name}: {figure.value:,.2f} {row.unit}", file=sys.stderr)
            figures.append(figure)
    shutil.rmtree(place)
    return figures


if __name__ == "__main__":
    main()
