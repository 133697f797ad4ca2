"""presets.yaml: named sets of values, and choosing one (spec "presets.yaml").

Choosing removes the preset's paths and merges what it adds, with its comments. Within a group the
former preset is taken back first: what it put there and nobody has changed since gives way to the
pack's defaults, so that the result does not depend on which preset stood before. The comment
`# spectrocloud.com/enabled-presets:` notes what was chosen; it is never a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packyard.errors import ParameterInvalid
from packyard.findings import Finding
from packyard.packs import edits
from packyard.packs.edits import Absent
from packyard.packs.paths import Path, parse_path
from packyard.packs.rules import Position, found
from packyard.packs.values import Document
from packyard.packs.yaml_layout import PRESETS_NOTE
from packyard.packs.yaml_nodes import BOM, BREAK, Node, Sequence, Tree, same
from packyard.packs.yaml_nodes import Mapping as MappingNode
from packyard.packs.yaml_reader import compose, decode
from packyard.packs.yaml_scalars import Value

PRESETS = "presets.yaml"
_NOTE = re.compile(rf"(?P<lead>[ \t]*#[ \t]*{re.escape(PRESETS_NOTE)})(?P<list>.*)")
_HEAD_LINE = re.compile(r"[ \t]*(?:#.*|%.*|---[ \t]*(?:#.*)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """`add` is YAML as written, a map; `at` is where presets.yaml names the preset."""

    name: str
    display_name: str = ""
    group: str = ""
    remove: tuple[Path, ...] = ()
    add: str = ""
    at: Position = (0, 0)

    def added(self) -> Document:
        document, _ = Document.parse(self.add, PRESETS)
        return document or _NOTHING


_nothing, _ = Document.parse("")
assert _nothing is not None
_NOTHING = _nothing
