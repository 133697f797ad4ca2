"""`packyard chart`: push, list, pull and delete Helm charts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from packyard.cli import screen
from packyard.cli.help import Command
from packyard.cli.options import DEFAULT_HOME, Home, ListFormat, Output, RegistryServer
from packyard.errors import Conflict, ParameterInvalid

app = typer.Typer()


@app.command(cls=Command)
def push(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="Archives made by `helm package`.", exists=True, dir_okay=False
        ),
    ],
    *,
    server: RegistryServer = "",
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Replace other content of the same version.")
    ] = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Push charts to a registry, each with the provenance file beside it.

    Identical content that is there already stays as it is. With -r oci://host/base a chart goes to
    base/NAME, as with helm push.
    """
    from packyard.cli.chart_push import push_all
    from packyard.cli.chart_store import open_charts

    with open_charts(server, home) as charts:
        failed = push_all(charts, files, force=force)
    if failed:
        all_of = screen.amount(len(files), "chart")
        screen.error(f"{len(failed)} of {all_of} failed: {', '.join(map(str, failed))}")
        raise typer.Exit(1)


@app.command("ls", cls=Command)
def list_charts(
    *,
    server: RegistryServer = "",
    name: Annotated[
        str, typer.Option("-n", "--name", metavar="NAME", help="Only the chart of this name.")
    ] = "",
    clashes: Annotated[
        bool,
        typer.Option("--clashes", help="Versions that stand in several places and differ there."),
    ] = False,
    output: Output = ListFormat.TABLE,
    home: Home = DEFAULT_HOME,
) -> None:
    """List the charts of a registry, a line for each version, those in packs too."""
    from packyard.cli import chart_listing
    from packyard.cli.chart_store import open_charts
    from packyard.cli.output import show_rows
    from packyard.cli.target import open_target

    if clashes:
        with open_target(server, home) as target:
            if target.address.oci:
                raise ParameterInvalid("--clashes asks a Packyard: name it without oci://.")
            rows = chart_listing.clashes(target.client)
        rows = [row for row in rows if name in ("", row.get("name"))]
        table = chart_listing.as_clash_table(rows)
    else:
        with open_charts(server, home) as charts:
            rows = charts.rows(name)
        table = chart_listing.as_table(rows)
    none = "There are no clashes." if clashes else "There are no charts."
    show_rows(rows, output, table, none)


@app.command(cls=Command)
def pull(
    chart: Annotated[
        str,
        typer.Argument(metavar="NAME[:VERSION]", help="Without a version the newest release."),
    ],
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Where NAME-VERSION.tgz is put.", file_okay=False),
    ],
    *,
    server: RegistryServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Pull a chart into DIR, with its digest verified, and its provenance file, if it has one."""
    from packyard.cli.chart_push import PROVENANCE
    from packyard.cli.chart_store import open_charts, split_chart
    from packyard.digests import digest_of

    name, version = split_chart(chart)
    with open_charts(server, home) as charts:
        fetched = charts.pull(name, version)
    path = folder / f"{fetched.name}-{fetched.version}.tgz"
    new = _write(path, fetched.archive)
    if fetched.provenance is not None:
        _write(path.with_name(path.name + PROVENANCE), fetched.provenance)
    screen.result(f"{'pulled' if new else 'unchanged':<9}  {path}  {digest_of(fetched.archive)}")


@app.command(cls=Command)
def delete(
    chart: Annotated[str, typer.Argument(metavar="NAME:VERSION", help="A version that is there.")],
    *,
    server: RegistryServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Delete a version of a chart. One that only a pack carries goes with that pack."""
    from packyard.cli.chart_store import open_charts, split_chart

    name, version = split_chart(chart)
    if not version:
        raise ParameterInvalid(f"{chart!r} names no version: write {chart}:VERSION.")
    with open_charts(server, home) as charts:
        charts.delete(name, version)
    screen.result(f"{'deleted':<9}  {name}:{version}")


def _write(path: Path, data: bytes) -> bool:
    """False where the same bytes are there; raise `Conflict` where others are."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        if path.is_file() and path.read_bytes() == data:
            return False
        raise Conflict(
            f"{path} is there already and holds something else: move it away, or pull into "
            "another folder."
        ) from None
    return True
