"""The container images that a rendered pack runs, for copies to where no network is.

Every `image` of an object counts, wherever it stands: pods, what makes pods, and the objects of
operators. So do image volumes, and whole references among the arguments and variables of a
container that name their registry, by which operators are told what to start. Definitions of
custom resources and the texts of config maps say nothing of what runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from packyard.delivery.part import Part
from packyard.packs.images import Image

_SILENT = frozenset({"ConfigMap", "CustomResourceDefinition", "Secret"})
_WORDS = ("args", "command", "env")
_OPTION = re.compile(r"--?[\w.-]+=")


def images_of(parts: Iterable[Part]) -> list[Image]:
    """Each image once, in the order of the parts."""
    found: dict[str, Image] = {}
    for part in parts:
        if part.kind not in _SILENT:
            for image in _in(part.data):
                found.setdefault(image.full, image)
    return list(found.values())


def _in(data: Any) -> Iterator[Image]:
    if isinstance(data, list):
        for item in data:
            yield from _in(item)
    elif isinstance(data, dict):
        for key, value in data.items():
            if key == "image":
                yield from _named(value)
            elif key in _WORDS and isinstance(value, list):
                yield from _told(value)
            else:
                yield from _in(value)


def _named(value: Any) -> Iterator[Image]:
    """`image: text`, or of an image volume `image: {reference: text}`."""
    text = value.get("reference") if isinstance(value, dict) else value
    image = Image.parse(text) if isinstance(text, str) else None
    if image:
        yield image
    elif isinstance(value, dict):
        yield from _in(value)


def _told(items: list[Any]) -> Iterator[Image]:
    for item in items:
        text = item.get("value") if isinstance(item, dict) else item
        if not isinstance(text, str):
            continue
        image = Image.parse(_OPTION.sub("", text, count=1))
        if image and "." in image.host and (image.tag or image.digest):
            yield image
