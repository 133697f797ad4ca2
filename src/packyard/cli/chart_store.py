"""Where the commands about charts find them: at one of our servers, or in any OCI registry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from packyard.cli.target import open_target
from packyard.errors import ParameterInvalid
from packyard.remotes.chart import Fetched, Packaged, Row
from packyard.remotes.chart_folder import ChartFolder
from packyard.remotes.chartmuseum import ChartMuseum
from packyard.remotes.pack import Pushed


class ChartStore(Protocol):
    """See `ChartMuseum` and `ChartFolder`."""

    def push(self, packaged: Packaged, *, force: bool) -> Pushed: ...

    def rows(self, name: str = "") -> list[Row]: ...

    def pull(self, name: str, version: str) -> Fetched: ...

    def delete(self, name: str, version: str) -> None: ...


@contextmanager
def open_charts(server: str, home: Path) -> Iterator[ChartStore]:
    """The charts of the registry named on the command line, "" for that of the default login."""
    with open_target(server, home) as target:
        if target.address.oci:
            yield ChartFolder(target.client, target.address.base)
        else:
            yield ChartMuseum(target.client)


def split_chart(text: str) -> tuple[str, str]:
    """`NAME[:VERSION]` in its parts."""
    name, _, version = text.partition(":")
    if not name or "/" in text:
        raise ParameterInvalid(f"{text!r} names no chart: write NAME or NAME:VERSION.")
    return name, version
