"""YAML nodes to the dataclasses of `model`, gathering faults instead of raising them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import MISSING
from typing import Any

import yaml

from packyard.config import foreign
from packyard.config.environment import Environment, Variable
from packyard.config.keys import Path, Shape, all_keys, members, words
from packyard.config.kinds import Kind

_DEPTH = 32
_SHOWN = 80  # characters of a wrong value
_CREDENTIALS = re.compile(r"://[^/\s@]*@")
_NULL = "tag:yaml.org,2002:null"


def composed(text: str | bytes) -> yaml.Node | None:
    """The document's nodes; raises `YAMLError`, also for one that is nested too deeply.

    Such a one is found before it is composed, which would exhaust the stack of the process.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise yaml.YAMLError(f"line {line} is nested deeper than {_DEPTH} levels")
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    return node


class Reader:
    """`faults` stop the start, `warnings` do not. `origins` says where a given key stands."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.faults: list[str] = []
        self.warnings: list[str] = []
        self.origins: dict[Path, str] = {}

    def section(self, cls: type, node: yaml.Node | None, path: Path) -> Any:
        """A `cls`; keys with a fault have their default. None where one without default lacks."""
        entries = self._entries(node, path)
        word = self._chosen(entries, path)
        values: dict[str, object] = {}
        lacking = False
        for name, (field, shape) in members(cls).items():
            place, given = (*path, name), entries.pop(name, None)
            if shape.section:
                wanted = given or (self.environment.below(place) and word in (None, name))
                if wanted or not shape.alternative:
                    values[name] = self.section(shape.section, given, place)
                continue
            value = self._value(shape, given, place)
            if value is not MISSING:
                values[name] = value
            elif field.default is MISSING and field.default_factory is MISSING:
                lacking = True
                if place not in self.origins:
                    self.fault(place, "must be given")
        for name in entries:
            self._stranger((*path, name))
        return None if lacking else cls(**values)

    def fault(self, path: Path, message: str, hint: str = "") -> None:
        """Note what is wrong with a key, and where that key stands."""
        origin = self.origins.get(path)
        parts = [f"{'.'.join(path) or 'the file'}: {message}"]
        parts += [origin] if origin else []
        self.faults.append(", ".join(parts) + (f"; {hint}" if hint else ""))

    def _entries(self, node: yaml.Node | None, path: Path) -> dict[str, yaml.Node]:
        """What stands in a section, by key; a word stands for an empty section of that name."""
        if node is None or node.tag == _NULL:
            return {}
        if isinstance(node, yaml.ScalarNode) and path in words():
            self.origins[(*path, node.value)] = _line(node)
            return {node.value: yaml.ScalarNode(_NULL, "")}
        if not isinstance(node, yaml.MappingNode):
            self.origins[path] = _line(node)
            known = " or ".join(words().get(path, ()))
            self.fault(path, f"must be a section with keys{known and f', or the word {known}'}")
            return {}
        return self._pairs(node, path)

    def _pairs(self, node: yaml.MappingNode, path: Path) -> dict[str, yaml.Node]:
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            place = (*path, name)
            if name in found:
                self.fault(place, "stands there twice", f"again on {_line(key)}")
                continue
            self.origins[place] = _line(key)
            found[name] = value
        return found

    def _chosen(self, entries: dict[str, yaml.Node], path: Path) -> str | None:
        """The word that the environment chooses for a section; it wins over the file's choice."""
        variable = self.environment.variables.get(path)
        if variable is None or path not in words():
            return None
        for name in words()[path]:
            if name != variable.text:
                entries.pop(name, None)
        if variable.text not in entries:
            entries[variable.text] = yaml.ScalarNode(_NULL, "")
            self.origins[(*path, variable.text)] = variable.name
        return variable.text

    def _value(self, shape: Shape, node: yaml.Node | None, path: Path) -> object:
        """The value of a key, `MISSING` where it is not given or cannot be read."""
        variable = self.environment.variables.get(path)
        if variable:
            self.origins[path] = variable.name
            node = self._parsed(variable, path) if shape.many else _text(variable)
        more = self.environment.entries(path) if shape.many.startswith("map") else {}
        if (node is None or node.tag == _NULL) and not more:
            return MISSING
        assert shape.kind  # noqa: S101 - a shape without section
        if shape.many == "list":
            return self._list(shape.kind, node, path)
        if shape.many:
            return self._map(shape, node, path, more)
        return self._scalar(shape.kind, node, path)

    def _parsed(self, variable: Variable, path: Path) -> yaml.Node | None:
        try:
            return composed(variable.text)
        except yaml.YAMLError:
            self.fault(path, "is not YAML")
            return None

    def _scalar(self, kind: Kind, node: yaml.Node | None, path: Path) -> object:
        if not isinstance(node, yaml.ScalarNode):
            self.fault(path, f"must be one value ({kind.name}), not a list or section")
            return MISSING
        try:
            return kind.read(node.value)
        except ValueError as error:
            shown = _CREDENTIALS.sub("://***@", node.value[:_SHOWN])
            self.fault(path, f"must be {error}, not {shown!r}")
            return MISSING

    def _list(self, kind: Kind, node: yaml.Node | None, path: Path) -> object:
        """One value is a list of one."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found = [self._scalar(kind, item, path) for item in nodes]
        return MISSING if MISSING in found else tuple(found)

    def _map(
        self, shape: Shape, node: yaml.Node | None, path: Path, more: dict[str, Variable]
    ) -> object:
        if node is not None and not isinstance(node, yaml.MappingNode):
            self.fault(path, "must be a section of names and values")
            return MISSING
        assert shape.kind  # noqa: S101 - a map's values are no sections
        entries: dict[str, yaml.Node | None] = {**self._pairs(node, path)} if node else {}
        lists = shape.many == "map of lists"
        for name, variable in more.items():
            self.origins[(*path, name)] = variable.name
            entries[name] = self._parsed(variable, path) if lists else _text(variable)
        read = self._list if lists else self._scalar
        found = {name: read(shape.kind, item, (*path, name)) for name, item in entries.items()}
        return MISSING if MISSING in found.values() else found

    def _stranger(self, path: Path) -> None:
        refusal = foreign.refusal(path)
        if refusal:
            self.fault(path, refusal)
        elif foreign.ignored(path):
            self.warnings.append(f"{'.'.join(path)} has no effect here ({self.origins[path]})")
        else:
            near = _nearest(path)
            self.fault(path, "unknown key", f"did you mean {near}?" if near else "")


def _nearest(path: Path) -> str | None:
    """The known key or section that was most likely meant: a similar one beside it, or one of
    that very name elsewhere."""
    known = list(dict.fromkeys(_prefixes(all_keys())))
    beside = {place[-1]: place for place in known if place[:-1] == path[:-1]}
    similar = difflib.get_close_matches(path[-1], beside, 1, 0.6)
    if similar:
        return ".".join(beside[similar[0]])
    elsewhere = {place[-1]: place for place in reversed(known)}
    similar = difflib.get_close_matches(path[-1], elsewhere, 1, 0.85)
    return ".".join(elsewhere[similar[0]]) if similar else None


def _prefixes(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        yield from (path[:end] for end in range(1, len(path) + 1))


def _text(variable: Variable) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", variable.text)


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"
