"""A profile laid out for checks and for resolving: its texts read once, each with its place.

What cannot be read is absent here; why stands in `findings`. Whatever else can be checked is. An
expression that lacks its quotes is a finding and is read as if it had them, so that what it refers
to is checked all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from packyard.findings import Finding, Position
from packyard.packs.model import Layer
from packyard.packs.values import Document, PackSection, pack_section
from packyard.profiles.actions import MARK
from packyard.profiles.content import Content, PackContent
from packyard.profiles.model import Manifest, PackType, Profile, ProfileLayer
from packyard.profiles.rules import found

_DOCUMENT_START = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_UNQUOTED = re.compile(r"\{\{.*\}\}[^\s#]*")
_REPAIRS, _REPAIRS_OF_LONG, _LONG = 20, 3, 100_000
_MEND = (
    "Put it in single quotes, '{{ … }}', or in double quotes where its value may hold a single one."
)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One YAML document of a layer: its values, or a piece of a manifest that begins at `line`."""

    document: Document
    file: str
    manifest: str = ""
    line: int = 0

    def at(self, position: Position) -> Position:
        return (position[0] + self.line, position[1]) if position[0] else position


@dataclass(frozen=True, kw_only=True, eq=False)
class LaidLayer:
    """`values` are those in force, None where they cannot be read: the layer's, else the pack's.

    `manifests` are the documents of those attached, in order.
    """

    layer: ProfileLayer
    content: Content
    values: Part | None
    manifests: tuple[Part, ...]
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def known(self) -> PackContent | None:
        """What its pack holds, where that is known."""
        return self.content if isinstance(self.content, PackContent) else None

    @property
    def kind(self) -> Layer:
        """What the pack says, else the profile, else an add-on."""
        if self.known:
            return self.known.pack.layer
        return self.layer.layer or Layer.ADDON

    @property
    def kind_is_known(self) -> bool:
        """Whether anybody says which layer it is; a manifest is always an add-on."""
        said = self.known or self.layer.layer
        return bool(said) or self.layer.type in (PackType.MANIFEST, PackType.HELM)

    @cached_property
    def section(self) -> PackSection:
        """`pack:` of the values."""
        return pack_section(self.values.document if self.values else Document.empty())

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*((self.values,) if self.values else ()), *self.manifests)


def lay_out(profile: Profile, packs: Sequence[Content]) -> list[LaidLayer]:
    """Each layer with what its pack holds; `packs` has an entry for each layer."""
    return [_laid(layer, content) for layer, content in zip(profile.layers, packs, strict=True)]


def values_in_force(layer: ProfileLayer, content: Content) -> str:
    """The layer's own values; where it has none, those of its pack."""
    if layer.values.strip() or not isinstance(content, PackContent):
        return layer.values
    return content.values


def documents_in(text: str) -> Iterator[tuple[int, str]]:
    """The documents of a stream of YAML, each with the lines before it; empty ones too."""
    starts = [0, *(match.start() for match in _DOCUMENT_START.finditer(text))]
    line = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield line, text[start:end]
        line += text.count("\n", start, end)


def _laid(layer: ProfileLayer, content: Content) -> LaidLayer:
    findings: list[Finding] = []
    text = values_in_force(layer, content)
    document = None
    if isinstance(content, PackContent) and text == content.values:
        document = content.readable  # has been read before, perhaps for another profile
    document = document or _read(text, layer.file, findings)
    values = Part(document, layer.file) if document else None
    manifests: list[Part] = []
    for manifest in layer.manifests:
        manifests += _parts(manifest, findings)
    about = [replace(finding, layer=layer.name) for finding in findings]
    if layer.type is PackType.MANIFEST and not layer.manifests:
        message = f"The manifest layer {layer.name!r} has no manifests."
        about.append(found("manifest.missing", message, mend="Attach one.", layer=layer.name))
    return LaidLayer(
        layer=layer,
        content=content,
        values=values,
        manifests=tuple(manifests),
        findings=tuple(about),
    )


def _read(text: str, file: str, findings: list[Finding]) -> Document | None:
    """The document, with quotes where an expression lacks them; what is wrong goes to findings."""
    document, faults = Document.parse(text, file)
    unquoted: dict[int, Finding] = {}
    for _ in range(_REPAIRS if len(text) < _LONG else _REPAIRS_OF_LONG):
        lines = text.splitlines(keepends=True)
        fresh = {at[0]: at for at in (_unquoted(fault, lines) for fault in faults) if at[0]}
        if document or not fresh:
            break
        for line, column in fresh.values():
            written = lines[line - 1]
            match = _UNQUOTED.match(written, column - 1)
            expression = match[0] if match else ""
            message = f"The expression {expression[:80]} is not in quotes, so YAML reads a map."
            unquoted[line] = found(
                "macro.unquoted", message, mend=_MEND, file=file, at=(line, column)
            )
            quoted = "'" + expression.replace("'", "''") + "'"
            lines[line - 1] = (
                written[: column - 1] + quoted + written[column - 1 + len(expression) :]
            )
        text = "".join(lines)
        document, faults = Document.parse(text, file)
    findings += [*unquoted.values(), *(fault for fault in faults if fault.line not in unquoted)]
    return document


def _unquoted(fault: Finding, lines: list[str]) -> Position:
    """Where an expression with a macro begins that YAML took for a map; (0, 0) for no such."""
    if fault.rule != "yaml.key" or fault.line > len(lines):
        return 0, 0
    line = lines[fault.line - 1]
    start = line.rfind("{{", 0, fault.column + 1)
    match = _UNQUOTED.match(line, start) if start >= 0 else None
    return (fault.line, start + 1) if match and MARK in match[0] else (0, 0)


def _parts(manifest: Manifest, findings: list[Finding]) -> Iterator[Part]:
    """The documents of a manifest; empty ones are none."""
    file = manifest.file or manifest.name
    for line, text in documents_in(manifest.content):
        faults: list[Finding] = []
        document = _read(text, file, faults)
        findings += [
            replace(fault, line=fault.line + line if fault.line else 0, path=manifest.name)
            for fault in faults
        ]
        if document and document.data:
            yield Part(document, file, manifest.name, line)
