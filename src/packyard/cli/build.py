"""Packs made from charts and manifests."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from packyard.charts.engine import Engine
from packyard.cli import chart_source, failure, screen
from packyard.cli.folders import write_pack
from packyard.delivery.build import Built, Wanted, build
from packyard.errors import Conflict, PackyardError, ParameterInvalid
from packyard.packs.archive import content_digest
from packyard.packs.charts import read_chart

_LOGO_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a pack is made from, as it is named on the command line."""

    chart: str = ""
    chart_version: str = ""
    manifests: Sequence[Path] = ()
    logo: Path | None = None


def build_pack(wanted: Wanted, sources: Sources, folder: Path, home: Path) -> Built:
    """Write the pack into `folder`, which is new or empty; raise `Conflict` where it is not."""
    if not sources.chart and not sources.manifests:
        raise ParameterInvalid("Name what the pack is made from: --chart, --manifest or both.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is there already: name a new folder, or empty this one.")
    archive = b""
    if sources.chart:
        archive = chart_source.fetch(sources.chart, sources.chart_version, home)
    logo = sources.logo.read_bytes() if sources.logo else _icon(archive, home)
    manifests = _manifests(sources.manifests)
    with Engine(1) as engine:
        built = build(wanted, engine, archive=archive, manifests=manifests, logo=logo)
    write_pack(built.files, content_digest(built.files), folder)
    return built


def tell(folder: Path, built: Built) -> None:
    """Say what was built, and why its images are not known where they are not."""
    images = screen.amount(len(built.images), "image")
    screen.result(f"{'built':<9}  {folder}  {built.pack.name}:{built.pack.label}  {images}")
    if built.findings:
        screen.warning("The images are not known, because these values do not render:")
        for line in failure.finding_lines(built.findings):
            screen.message(f"  {line}")


def _manifests(paths: Sequence[Path]) -> dict[str, bytes]:
    named: dict[str, bytes] = {}
    for path in paths:
        name = f"{path.stem}.yaml"
        if name in named:
            raise ParameterInvalid(f"Two manifests are called {name}: rename one of them.")
        named[name] = path.read_bytes()
    return named


def _icon(archive: bytes, home: Path) -> bytes:
    """The picture that the chart names as its icon, b"" where it cannot be had."""
    chart, _ = read_chart(archive) if archive else (None, [])
    address = str(chart.metadata.get("icon", "")) if chart else ""
    if not address:
        return b""
    try:
        icon = (
            _inline(address)
            if address.startswith("data:")
            else chart_source.fetch_url(address, home)
        )
    except (PackyardError, ValueError) as error:
        told = error.message if isinstance(error, PackyardError) else str(error)
        screen.warning(f"The chart's icon cannot be had, so there is no logo: {told}")
        return b""
    return icon if len(icon) <= _LOGO_LIMIT else b""


def _inline(address: str) -> bytes:
    """The content of a `data:` address (RFC 2397)."""
    head, _, data = address.partition(",")
    raw = unquote_to_bytes(data)
    if not head.endswith(";base64"):
        return raw
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{address[:40]}… is not base64.") from error
