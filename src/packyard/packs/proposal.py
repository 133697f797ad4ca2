"""A schema.yaml proposed from a chart's values.schema.json, for the author to go on from.

Of JSON Schema it takes what a pack's schema can say (spec "schema.yaml"): types, choices, ranges,
whole patterns, what is required and read only, descriptions as hints. What the chart's own
defaults would break is left out, so that a proposal never blocks the pack it was made for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from packyard.packs import edits
from packyard.packs.formats import FormatError, parse_format
from packyard.packs.paths import Path, format_path
from packyard.packs.schema import Schema, check_values, parse_schema
from packyard.packs.values import Document
from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.writer import Style, entry

_DEPTH_LIMIT = 20
_ENTRY_LIMIT = 1000
_NODE_LIMIT = 20_000  # a schema may refer to itself in many places
_HINT_LIMIT = 200  # characters
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_TYPES = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean"}

Node: TypeAlias = Mapping[str, Value]


def propose_schema(
    json_schema: Node, values: Document, prefix: Path, *, present: bool = False
) -> str:
    """The text of a schema.yaml for what stands under `prefix` in `values`; "" for nothing.

    With `present` only for values that are there, which is what people can see and change.
    """
    proposed: dict[str, str] = {}
    reader = _Reader(json_schema, values)
    for path, template in reader.entries(reader.resolved(json_schema), prefix, "", depth=0):
        proposed.setdefault(path, template)
        if len(proposed) >= _ENTRY_LIMIT:
            break
    text = _written(proposed)
    schema, findings = parse_schema(text)
    parameters = schema.parameters if schema else ()
    broken = {finding.path for finding in findings}
    if present:
        broken |= {known.text for known in parameters if not values.has(known.head)}
    for parameter in parameters:
        complaints = check_values(Schema((parameter,)), values, values)
        if any(complaint.rule == "parameter.format" for complaint in complaints):
            broken.add(parameter.text)
    return _written({path: text for path, text in proposed.items() if path not in broken})


def _written(entries: Mapping[str, str]) -> str:
    lines = [
        line
        for path, template in entries.items()
        for line in entry(path, {"schema": template}, Style())
    ]
    return "\n".join([*lines, ""]) if lines else ""


class _Reader:
    def __init__(self, root: Node, values: Document) -> None:
        self._root = dict(root)
        self._data = values.data
        self._left = _NODE_LIMIT

    def entries(
        self, node: Node, path: Path, pattern: str, *, depth: int
    ) -> Iterator[tuple[str, str]]:
        """Path and template of every parameter at or below `node`, which describes `path`.

        `pattern` is the text of the path where it leads through every item of a list, and then
        there is no path; what is required is known only where there is one.
        """
        self._left -= 1
        if depth > _DEPTH_LIMIT or self._left < 0:
            return
        required = set(_texts(node.get("required"))) if not pattern else set()
        for key, below in _map(node.get("properties")).items():
            child = self.resolved(below)
            place = f"{pattern}.{format_path((key,))}" if pattern else format_path((*path, key))
            if template := self._template(child, (*path, key), demanded=key in required):
                yield place, template
            yield from self.entries(child, (*path, key), place if pattern else "", depth=depth + 1)
            items = self.resolved(child.get("items"))
            if "properties" in items:
                yield from self.entries(items, (), f"{place}.$[]", depth=depth + 1)

    def resolved(self, node: Value | Node) -> Node:
        """With local references followed and the parts of `allOf` laid over each other."""
        found = _map(node)
        for _ in range(_DEPTH_LIMIT):
            reference = found.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#/"):
                break
            parts = [
                part.replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/")
            ]
            target = edits.get(self._root, tuple(parts))
            beside = {key: value for key, value in found.items() if key != "$ref"}
            found = {**_map(None if isinstance(target, edits.Absent) else target), **beside}
        parts_of = found.get("allOf")
        for part in parts_of if isinstance(parts_of, list) else ():
            more = _map(part)
            properties = {**_map(found.get("properties")), **_map(more.get("properties"))}
            found = {**more, **found, **({"properties": properties} if properties else {})}
        return found

    def _template(self, node: Node, path: Path, *, demanded: bool) -> str:
        calls = []
        if demanded and self._must_be_filled(node, path):
            calls.append("required")
        if node.get("readOnly") is True:
            calls.append("readonly")
        if form := _format(node, str(path[-1])):
            calls.append(f"format {_quoted(form)}")
        elif not calls:
            return ""
        if hint := _hint(node):
            calls.append(f"hints {_quoted(hint)}")
        return f"{{{{ {' | '.join(calls)} }}}}"

    def _must_be_filled(self, node: Node, path: Path) -> bool:
        """An empty text satisfies JSON Schema unless it says how long it has to be."""
        above = edits.get(self._data, path[:-1])
        if isinstance(above, edits.Absent) or above is None:
            return False
        value = edits.get(self._data, path)
        return value not in ("", {}, []) or bool(node.get("minLength"))


def _format(node: Node, name: str) -> str:
    for form in _forms(node, name):
        try:
            parse_format(form)
        except FormatError:
            continue
        return form
    return ""


def _forms(node: Node, name: str) -> Iterator[str]:
    """The formats that say what `node` says, the most exact first."""
    choices = node.get("enum")
    if isinstance(choices, list) and choices:
        texts = [str(choice) for choice in choices if isinstance(choice, str | int)]
        if len(texts) == len(choices) and all(re.fullmatch(r"[^,\[\]{}\s]+", t) for t in texts):
            yield f"${{list:[{','.join(texts)}]}}"
    given = node.get("type")
    types = [
        name for name in _texts(given if isinstance(given, list) else [given]) if name != "null"
    ]
    kind = _TYPES.get(types.pop()) if len(types) == 1 else None
    low, high = node.get("minimum"), node.get("maximum")
    if kind == "number" and _is_number(low) and _is_number(high):
        yield f"${{number:[{low}-{high}]}}"
    if kind == "string":
        yield from _of_text(node, name)
    if kind:
        yield f"${{{kind}}}"


def _of_text(node: Node, name: str) -> Iterator[str]:
    secret = node.get("format") == "password" or node.get("writeOnly") is True
    if secret or name.lower().endswith("password"):
        yield "${password}"
    if node.get("format") == "ipv4":
        yield "${ipv4}"
    pattern = node.get("pattern")
    if isinstance(pattern, str) and re.fullmatch(r"\^.*(?<!\\)\$", pattern, re.DOTALL):
        escaped = re.sub(r"(?<!\\)/", r"\\/", pattern[1:-1])
        yield f"${{string:/{escaped}/}}"


def _hint(node: Node) -> str:
    text = node.get("description") or node.get("title")
    first = _SENTENCE_END.split(" ".join(text.split()))[0] if isinstance(text, str) else ""
    return first[:_HINT_LIMIT]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _map(value: Value | Node) -> Node:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Value) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
