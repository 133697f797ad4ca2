"""What a listing says of a chart: the fields of Chart.yaml, each of its type, the rest left out.

Names and texts of other people's making: what cannot be printed is taken out, long texts are cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from packyard.packs.yaml.scalars import Value

_TEXT_LIMIT = 16 * 1024
_TEXTS = (
    "apiVersion",
    "appVersion",
    "created",
    "description",
    "home",
    "icon",
    "kubeVersion",
    "type",
)
_LISTS = ("keywords", "sources")
_MAPS = ("maintainers", "dependencies")
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def chart_metadata(row: Mapping[str, Value]) -> dict[str, Value]:
    """The fields of Chart.yaml that a row has, those of another type left out."""
    found: dict[str, Value] = {}
    for key in _TEXTS:
        value = row.get(key)
        if isinstance(value, str | int | float) and value != "":
            found[key] = cleaned(str(value))
    for key in _LISTS:
        rows = row.get(key)
        if isinstance(rows, list) and rows:
            found[key] = [cleaned(item) for item in rows if isinstance(item, str)]
    for key in _MAPS:
        rows = row.get(key)
        if isinstance(rows, list) and rows:
            found[key] = [_texts(item) for item in rows if isinstance(item, dict)]
    annotations = row.get("annotations")
    if isinstance(annotations, dict) and annotations:
        found["annotations"] = _texts(annotations)
    if row.get("deprecated") is True:
        found["deprecated"] = True
    return found


def _texts(row: Mapping[str, Value]) -> dict[str, Value]:
    return {cleaned(key): cleaned(value) for key, value in row.items() if isinstance(value, str)}


def cleaned(text: str) -> str:
    return UNPRINTABLE.sub("", text[:_TEXT_LIMIT])
