"""Commands that run the server or work on its store, by way of the server's own wiring."""

from __future__ import annotations

import gc as collector
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import screen
from packyard.errors import ParameterInvalid

if TYPE_CHECKING:
    from packyard.server.upkeep import Collected

ConfigFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="CONFIG",
        help="Configuration of the server. [default: /etc/packyard/config.yml, "
        "/etc/spectro/config.yml, else the built-in one]",
        show_default=False,
    ),
]


def serve(config: ConfigFile = None) -> None:
    """Start the server."""
    from packyard.server.processes import pass_over_reloads

    pass_over_reloads()
    collector.disable()  # what is imported stays: no process need ever look through it
    from packyard.server.serve import serve as run

    collector.freeze()
    collector.enable()
    raise typer.Exit(run(config, os.environ))


def serve_file(
    config: Annotated[Path, typer.Argument(metavar="FILE", help="Configuration of the server.")],
) -> None:
    """Start the server; the same as `packyard serve FILE`."""
    serve(config)


def health(
    config: ConfigFile = None,
    *,
    process: Annotated[
        int | None,
        typer.Option(
            "--process",
            metavar="PID",
            help="Ask the server that this process is, as it was started.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Ask the server of this machine whether it is ready."""
    from packyard.server.health import check_health, started_as

    check_health(*((config, os.environ) if process is None else started_as(process)))
    screen.result("ready")


def gc(
    config: ConfigFile = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what would be freed.")
    ] = False,
    grace: Annotated[
        str,
        typer.Option(
            "--grace",
            metavar="TIME",
            help="Spare what is younger, such as 90s, 15m or 24h. [default: the configured time]",
            show_default=False,
        ),
    ] = "",
    untagged: Annotated[
        bool, typer.Option("--untagged", help="Remove manifests that no tag leads to.")
    ] = False,
) -> None:
    """Collect garbage: content that nothing refers to.

    The server may run meanwhile.
    """
    from packyard.server.upkeep import collect_garbage

    spared = _duration(grace) if grace else None
    done = collect_garbage(config, os.environ, dry_run=dry_run, grace=spared, untagged=untagged)
    for line in _collected(done, dry_run=dry_run):
        screen.result(line)


def _duration(text: str) -> timedelta:
    from packyard.config.kinds import KINDS

    try:
        found = KINDS[timedelta].read(text)
    except ValueError as error:
        raise ParameterInvalid(f"--grace is {text!r}: it has to be {error}.") from None
    assert isinstance(found, timedelta)  # noqa: S101  (what that kind reads)
    return found


def _collected(done: Collected, *, dry_run: bool) -> Iterator[str]:
    """One line for each kind of thing that went."""
    would = "would be " if dry_run else ""
    blobs, size = done.blobs + done.orphans, done.blob_bytes + done.orphan_bytes
    if done.manifests:
        yield f"{screen.amount(done.manifests, 'untagged manifest')} {would}removed"
    yield f"{screen.amount(blobs, 'blob')} ({screen.size(size)}) {would}moved to the trash"
    if done.uploads:
        uploads = screen.amount(done.uploads, "abandoned upload")
        yield f"{uploads} ({screen.size(done.upload_bytes)}) {would}ended"
    emptied = screen.amount(done.emptied, "blob")
    yield f"{emptied} ({screen.size(done.emptied_bytes)}) in the trash {would}deleted"
