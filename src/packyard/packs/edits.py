"""Edits of plain data: what a change of values means, apart from its text.

Nothing is changed in place; what an edit does not touch is shared with the data it came from.
"""

from __future__ import annotations

from packyard.errors import ParameterInvalid
from packyard.packs.paths import Path, format_path
from packyard.packs.yaml.nodes import same
from packyard.packs.yaml.scalars import Value


class Absent:
    """The type of `ABSENT`, which no YAML value equals."""


ABSENT = Absent()


def get(data: Value, path: Path) -> Value | Absent:
    """The value at a path, or ABSENT."""
    found: Value | Absent = data
    for part in path:
        if isinstance(found, dict) and isinstance(part, str):
            found = found.get(part, ABSENT)
        elif isinstance(found, list) and isinstance(part, int):
            found = found[part] if part < len(found) else ABSENT
        else:
            return ABSENT
    return found


def put(data: Value, path: Path, value: Value, depth: int = 0) -> Value:
    """`data` with `value` at a path. Absent and null parents are made; an index may be the next.

    Raises `ParameterInvalid` where something else than a map or list is in the way.
    """
    if depth == len(path):
        return value
    part = path[depth]
    if isinstance(part, str) and (data is None or isinstance(data, dict)):
        own = data or {}
        return {**own, part: put(own.get(part), path, value, depth + 1)}
    if isinstance(part, int) and (data is None or isinstance(data, list)):
        items = list(data or [])
        if part > len(items):
            raise ParameterInvalid(
                f"{format_path(path[: depth + 1])} cannot be set: the list has {len(items)} items."
            )
        below = items[part] if part < len(items) else None
        items[part : part + 1] = [put(below, path, value, depth + 1)]
        return items
    kind = "a list" if isinstance(data, list) else "a map" if isinstance(data, dict) else "a value"
    raise ParameterInvalid(
        f"{format_path(path)} cannot be set: {format_path(path[:depth]) or 'the whole'} is {kind}, "
        f"which has no {'key' if isinstance(part, str) else 'index'} {part!r}."
    )


def drop(data: Value, path: Path) -> Value:
    """`data` without what stands at a path; as it is where nothing does."""
    first, rest = path[0], path[1:]
    if isinstance(data, dict) and isinstance(first, str) and first in data:
        if rest:
            return {**data, first: drop(data[first], rest)}
        return {key: value for key, value in data.items() if key != first}
    if isinstance(data, list) and isinstance(first, int) and first < len(data):
        below = [drop(data[first], rest)] if rest else []
        return [*data[:first], *below, *data[first + 1 :]]
    return data


def deep_merge(data: Value, added: Value) -> Value:
    """Maps are merged key by key; anything else in `added` replaces what stands there."""
    if not isinstance(data, dict) or not isinstance(added, dict):
        return added
    return {
        **data,
        **{key: deep_merge(data[key], new) if key in data else new for key, new in added.items()},
    }


def contains(data: Value, part: Value) -> bool:
    """Whether all of `part` is in `data`: maps key by key, anything else as equal."""
    if isinstance(data, dict) and isinstance(part, dict):
        return all(key in data and contains(data[key], value) for key, value in part.items())
    return same(data, part)
