"""Charts as tables: what an index says of them, and which of one name and version differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from packyard.cli import screen
from packyard.errors import RemoteFailed
from packyard.packs.chart_artifact import PACK
from packyard.remotes.chart import Row
from packyard.remotes.client import Client


def as_table(rows: Sequence[Row]) -> list[str]:
    """Lines of a table; a column that has nothing to show is left out."""
    columns: dict[str, Callable[[Row], str]] = {
        "NAME": lambda row: _text(row, "name"),
        "VERSION": lambda row: _text(row, "version"),
        "APP VERSION": lambda row: _text(row, "appVersion"),
        "PACK": _pack,
        "CREATED": lambda row: _text(row, "created")[:16].replace("T", " "),
    }
    shown = {head: [cell(row) for row in rows] for head, cell in columns.items()}
    shown = {head: cells for head, cells in shown.items() if any(cells)}
    return screen.table(list(shown), list(zip(*shown.values(), strict=True))) if rows else []


def clashes(client: Client) -> list[Row]:
    """Of a server of ours: for each clash its name and version, the place that the index lists,
    and the hidden ones."""
    answer = client.request("GET", "/v1/_charts/clashes").json()
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise RemoteFailed(f"{client.host} answered with something else than clashes of charts.")
    return [item for item in items if isinstance(item, dict)]


def as_clash_table(found: Sequence[Row]) -> list[str]:
    """A line for each place, the listed one of a version first."""
    lines = [line for clash in found for line in _clash_lines(clash)]
    return screen.table(["NAME", "VERSION", "INDEX", "PLACE", "DIGEST"], lines) if lines else []


def _clash_lines(clash: Row) -> Iterator[list[str]]:
    hidden = clash.get("hidden")
    places = [("listed", clash.get("listed"))]
    places += [("hidden", place) for place in (hidden if isinstance(hidden, list) else [])]
    for said, place in places:
        if isinstance(place, Mapping):
            where = f"{_text(place, 'repository')}:{_text(place, 'tag')}"
            if _text(place, "pack"):
                where = f"{_text(place, 'path')} in the pack {_text(place, 'pack')}"
            digest = _text(place, "digest")
            yield [_text(clash, "name"), _text(clash, "version"), said, where, digest]


def _pack(row: Row) -> str:
    annotations = row.get("annotations")
    return _text(annotations, PACK) if isinstance(annotations, Mapping) else ""


def _text(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""
