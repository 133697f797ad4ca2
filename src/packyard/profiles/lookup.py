"""What a reference to a layer's value leads to (macros.md, section 3).

Keys contain dots, so `options.system.registry` may be the key `system.registry` in `options`: the
longest key is tried first, and a shorter one where that leads nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from packyard.packs.paths import Path
from packyard.packs.rules import near
from packyard.packs.yaml.scalars import Value
from packyard.profiles.laid import LaidLayer

_LONGEST = 1_000
"""Characters of a name; longer ones lead nowhere, for each of their parts may begin a key."""


def find_layer(layers: Sequence[LaidLayer], name: str, own: int) -> tuple[int, str] | None:
    """Which layer a reference means that stands in layer `own`, and the rest of its name.

    Names of layers may hold dots: the longest that fits counts. A pack means itself by its name,
    else the layer of that name, else the first one of that pack.
    """
    parts = name.split(".") if len(name) <= _LONGEST else []
    for length in range(len(parts), 0, -1):
        pack, rest = ".".join(parts[:length]), ".".join(parts[length:])
        named = [i for i, layer in enumerate(layers) if pack in (layer.name, layer.layer.pack)]
        if named:
            exact = [i for i in named if layers[i].name == pack]
            return (own if own in named else (exact or named)[0]), rest
    return None


def find_path(data: Value, name: str) -> Path | None:
    """The path that a dotted name leads to; None where it leads nowhere."""
    return _find(data, tuple(name.split(".")), 0, set()) if len(name) <= _LONGEST else None


def nearest(data: Value, name: str) -> str:
    """The name that was probably meant by one that leads nowhere; "" for none."""
    parts, above = name.split("."), ""
    while isinstance(data, dict):
        keys = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        key = next((key for key in keys if key in data), None)
        if key is None:
            meant = near(".".join(parts), data) or near(parts[0], data)
            return above + meant if meant else ""
        data, above = data[key], f"{above}{key}."
        parts = parts[key.count(".") + 1 :]
    return ""


def _find(
    data: Value, parts: tuple[str, ...], start: int, dead: set[tuple[int, int]]
) -> Path | None:
    """`dead` are the maps from which the rest is known to lead nowhere, by how much is read."""
    if start == len(parts):
        return ()
    if not isinstance(data, dict) or (id(data), start) in dead:
        return None
    for end in range(len(parts), start, -1):
        key = ".".join(parts[start:end])
        if key in data and (below := _find(data[key], parts, end, dead)) is not None:
            return (key, *below)
    dead.add((id(data), start))
    return None
