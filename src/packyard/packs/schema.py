"""schema.yaml: what the author of a pack asks of its values (spec "schema.yaml").

Each entry is a path with a template, a pipe of `required`, `readonly`, `format "…"` and
`hints "…"`. What cannot be understood is a finding and binds nothing. Checking values is pure; a
password is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from packyard.errors import ParameterInvalid
from packyard.findings import Finding, Position
from packyard.packs import edits
from packyard.packs.formats import Format, FormatError, parse_format
from packyard.packs.paths import Path, format_path, parse_path
from packyard.packs.rules import found, near
from packyard.packs.values import Document
from packyard.packs.yaml.nodes import Mapping, Node, same
from packyard.packs.yaml.reader import compose, decode
from packyard.packs.yaml.scalars import Value

SCHEMA = "schema.yaml"
_FUNCTIONS = ("required", "readonly", "format", "hints")
_MACRO = re.compile(r"\{\{[^{}]*\.spectro\.")
_TEMPLATE = re.compile(r"\s*\{\{-?(?P<pipe>.*?)-?\}\}\s*", re.DOTALL)
_TOKEN = re.compile(
    r"\s*(?:(?P<pipe>\|)|(?P<word>[A-Za-z_][\w.]*)"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"|`(?P<raw>[^`]*)`)',
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_EACH = re.compile(r"\.?\$?\[\]\.?")

Pattern: TypeAlias = tuple[str | int | None, ...]
"""A path in which None stands for every item of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What the schema says of one path; `at` is where it says so."""

    text: str
    path: Pattern
    required: bool = False
    readonly: bool = False
    format: Format | None = None
    hints: tuple[str, ...] = ()
    at: Position = (0, 0)

    @property
    def head(self) -> Path:
        """The path up to its first "every item"."""
        head = self.path[: self.path.index(None)] if None in self.path else self.path
        return tuple(part for part in head if part is not None)

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(slot.kind for slot in self.format.slots) if self.format else ()

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen from, where the whole value is one of a list."""
        slots = self.format.slots if self.format and len(self.format.parts) == 1 else ()
        return slots[0].choices if slots else ()

    @property
    def secret(self) -> bool:
        return self.format is not None and self.format.secret

    def places(self, data: Value) -> Iterator[Path]:
        """The paths that it speaks of, in these values; one that is absent counts as well."""
        return _places(data, self.path)


@dataclass(frozen=True, slots=True)
class Schema:
    """In the order written."""

    parameters: tuple[Parameter, ...] = ()


def parse_schema(text: str | bytes) -> tuple[Schema | None, list[Finding]]:
    """None where it is not YAML; an entry that cannot be understood is a finding and left out."""
    decoded, findings = decode(text, SCHEMA) if isinstance(text, bytes) else (text, [])
    tree, more = compose(decoded, SCHEMA) if decoded is not None else (None, [])
    findings += more
    if tree is None:
        return None, findings
    root = tree.root
    if root is None or root.data is None:
        return Schema(), findings
    if not isinstance(root, Mapping):
        message = "The whole of the file is not a map of paths."
        mend = "Write `path: {schema: '{{ … }}'}`, a path a line."
        return None, [found("yaml.root", message, mend=mend, file=SCHEMA, at=tree.at(root))]
    parameters = []
    for entry in root.entries:
        at = tree.at(entry.key)
        try:
            parameters.append(_parameter(entry.name or "<<", entry.value, at))
        except _Misunderstood as fault:
            where = {"file": SCHEMA, "path": entry.name or "", "mend": fault.mend}
            findings.append(found(fault.rule, str(fault), at=at, **where))
    return Schema(tuple(parameters)), findings


@dataclass(frozen=True, slots=True)
class Breach:
    """One value that breaks the schema; `message` is a sentence that may show it."""

    rule: str
    path: Path
    message: str
    mend: str


def check_values(schema: Schema, values: Document, defaults: Document) -> list[Finding]:
    """Every value that breaks the schema; `readonly` compares with the pack's own `defaults`.

    A path that is absent or empty is checked for `required` only, and a value that holds an
    unresolved macro is not checked.
    """
    return [
        found(
            breach.rule,
            breach.message,
            mend=breach.mend,
            file=values.file,
            path=format_path(breach.path),
            at=values.at(breach.path),
        )
        for breach in breaches(schema, values.data, defaults.data)
    ]


def breaches(schema: Schema, data: Value, defaults: Value) -> Iterator[Breach]:
    """The same of plain data."""
    for parameter in schema.parameters:
        for path in parameter.places(data):
            value, default = edits.get(data, path), edits.get(defaults, path)
            for rule, fault, mend in _faults(parameter, value, default):
                yield Breach(rule, path, f"{format_path(path)} {fault}.", mend)


def holds_macro(text: str) -> bool:
    """Whether a value is known only when its macros are resolved."""
    return _MACRO.search(text) is not None


def parse_pattern(text: str) -> Pattern:
    """A path that may hold `$[]`; raise `ParameterInvalid` unless `text` is one."""
    pieces = [parse_path(piece) if piece else () for piece in _EACH.split(text)]
    if not pieces[0]:
        raise ParameterInvalid(f"{text[:200]!r} is no path into values: it begins with a key.")
    pattern: list[str | int | None] = list(pieces[0])
    for piece in pieces[1:]:
        pattern += (None, *piece)
    return tuple(pattern)


def _places(data: Value, pattern: Pattern, above: Path = ()) -> Iterator[Path]:
    """The paths that a pattern stands for; it asks nothing of a list that is absent."""
    if None not in pattern:
        yield (*above, *(part for part in pattern if part is not None))
        return
    cut = pattern.index(None)
    head = tuple(part for part in pattern[:cut] if part is not None)
    items = edits.get(data, (*above, *head))
    for index in range(len(items) if isinstance(items, list) else 0):
        yield from _places(data, pattern[cut + 1 :], (*above, *head, index))


def _faults(
    parameter: Parameter, value: Value | edits.Absent, default: Value | edits.Absent
) -> Iterator[tuple[str, str, str]]:
    """Rule, the end of a sentence that begins with the path, and how to mend it."""
    hint = " ".join(parameter.hints)
    if isinstance(value, edits.Absent) or value in (None, "", {}, []):
        if parameter.required:
            yield "parameter.required", "needs a value", hint or "Fill it in."
        return
    if isinstance(value, str) and holds_macro(value):
        return
    if parameter.readonly and (isinstance(default, edits.Absent) or not same(value, default)):
        yield "parameter.readonly", "may not be changed from the pack's default", "Restore it."
    complaint = _complaint(parameter.format, value) if parameter.format else ""
    if complaint:
        yield "parameter.format", complaint, hint


def _complaint(form: Format, value: Value) -> str:
    """What is wrong with a value, without the value where it is a secret."""
    if isinstance(value, list) and form.slots and form.slots[0].kind == "list":
        items = (_complaint(form, item) for item in value) if form.slots[0].choices else ()
        return next(filter(None, items), "")
    if isinstance(value, dict | list):
        kind = "a map" if isinstance(value, dict) else "a list"
        return f"is {kind}, where one value is asked for"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    complaint = form.complaint(text)
    if complaint and form.secret:
        return "is a password that does not match its format"
    return f"is {text[:80]!r}, which {complaint}" if complaint else ""


# Reading entries.


class _Misunderstood(Exception):
    def __init__(self, rule: str, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.mend = mend


def _parameter(text: str, node: Node, at: Position) -> Parameter:
    template = node.data.get("schema") if isinstance(node.data, dict) else None
    if not isinstance(template, str):
        mend = 'Write schema: \'{{ required | format "${string}" | hints "…" }}\'.'
        raise _Misunderstood("schema.entry", f"{text} has no template under `schema`.", mend)
    try:
        path = parse_pattern(text)
    except ParameterInvalid as error:
        raise _Misunderstood("schema.entry", error.message) from None
    calls = _calls(template)
    form = None
    try:
        form = parse_format(calls["format"][0]) if "format" in calls else None
    except FormatError as error:
        raise _Misunderstood(error.rule, f"The format of {text} {error}.") from None
    return Parameter(
        text=text,
        path=path,
        required="required" in calls,
        readonly="readonly" in calls,
        format=form,
        hints=tuple(calls.get("hints", ())),
        at=at,
    )


def _calls(template: str) -> dict[str, list[str]]:
    """The functions of a template's pipe with their texts."""
    match = _TEMPLATE.fullmatch(template)
    if match is None:
        raise _Misunderstood("schema.template", "The template does not stand in {{ and }}.")
    calls: dict[str, list[str]] = {}
    texts: list[str] | None = None  # of the function that is being read
    for kind, token in _tokens(match["pipe"]):
        if kind == "pipe" and texts is not None:
            texts = None
        elif kind == "word" and texts is None:
            if token not in _FUNCTIONS:
                meant = near(token, _FUNCTIONS)
                mend = f"Did you mean {meant!r}?" if meant else f"Use {', '.join(_FUNCTIONS)}."
                raise _Misunderstood(
                    "schema.template", f"There is no function {token!r} for a schema.", mend
                )
            texts = calls[token] = []
        elif kind == "text" and texts is not None:
            texts.append(token)
        else:
            raise _Misunderstood("schema.template", f"{token!r} stands where it cannot.")
    for name, given in calls.items():
        wanted = {"format": len(given) == 1, "hints": len(given) >= 1}.get(name, not given)
        if not wanted:
            raise _Misunderstood("schema.template", f"{name!r} is given {len(given)} texts.")
    return calls


def _tokens(pipe: str) -> Iterator[tuple[str, str]]:
    offset = 0
    pipe = pipe.rstrip()
    while offset < len(pipe):
        match = _TOKEN.match(pipe, offset)
        if match is None:
            rest = pipe[offset:].strip()[:20]
            raise _Misunderstood(
                "schema.template", f"The template cannot be read from {rest!r} on."
            )
        offset = match.end()
        if match["quoted"] is not None:
            yield "text", _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[0]), match["quoted"])
        elif match["raw"] is not None:
            yield "text", match["raw"]
        else:
            yield ("pipe", "|") if match["pipe"] else ("word", match["word"])
