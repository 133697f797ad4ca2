"""Helm's messages as findings: which chart, which template and line, which value is missing.

The messages are those of Go's `text/template` and of Helm around it. A message that is not
understood is given as it is. Values that it repeats are masked (`masks`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from packyard.charts.masks import masked
from packyard.charts.rules import found
from packyard.findings import Finding

_PLACE = r"(?P<file>[^\n]+?):(?P<line>[0-9]+)(?::(?P<column>[0-9]+))?"
_PARSE = re.compile(rf"parse error (?:at|in) \((?:{_PLACE}|[^)\n]*)\): (?P<reason>.*)", re.DOTALL)
_REFUSED = re.compile(rf"execution error (?:at|in) \({_PLACE}\): (?P<reason>.*)", re.DOTALL)
_FRAMES = re.compile(
    rf"^{_PLACE}\n  executing \"[^\n]*\" at <(?P<action>[^\n]*)>:\n    (?P<reason>[^\n]*)",
    re.MULTILINE,
)
_CHAIN = re.compile(rf"template: {_PLACE}: executing \"[^\n]*?\" at <(?P<action>.*?)>: ", re.DOTALL)
_SCHEMA = "values don't meet the specifications of the schema(s) in the following chart(s):\n"
_SCHEMA_FAULT = re.compile(r"^- at '(?P<pointer>[^']*)'(?: \[[^\]]*\])?: (?P<reason>.*)$")
_SCHEMA_CHART = re.compile(r"^(?P<chart>\S+):$")
_OUTSIDE = re.compile(r"failing loading \"(?P<address>[^\"]*)\"")
_NOTHING = re.compile(r"nil pointer evaluating |can't evaluate field |index of (?:untyped )?nil")
_VALUE = re.compile(r"\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")
_LENGTH = 1000

Text = Callable[[str], str]
"""A template by the path that Helm gives it; "" where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a message is about: `subject` begins the sentence, `name` is the chart's own.

    `values` are those in force, `known` the chart's defaults; `section` is what the caller calls
    the place of the given values, as `charts.<name>`.
    """

    subject: str
    name: str
    given: Mapping[str, object]
    known: Mapping[str, object]
    values: Mapping[str, object]
    text: Text
    section: str = ""

    def masked(self, message: str) -> str:
        hidden = masked(message.strip(), self.given, self.known).rstrip(".")
        return hidden if len(hidden) <= _LENGTH else hidden[:_LENGTH] + "…"

    def path(self, keys: Iterable[str]) -> str:
        """The path of a value as the caller knows it."""
        return ".".join([*([self.section] if self.section else []), *keys])


@dataclass(frozen=True, slots=True)
class _Frame:
    """A place in a template; `column` counts bytes from 0, -1 where it is not known."""

    file: str = ""
    line: int = 0
    column: int = -1
    action: str = ""


def render_failure(message: str, context: Context) -> list[Finding]:
    """Why Helm did not render: faults of the values by the schema, or the template that failed."""
    if message.startswith(_SCHEMA):
        return list(_schema_faults(message.removeprefix(_SCHEMA), context))
    if match := _PARSE.fullmatch(message):
        place = _frame(match) if match["file"] else _Frame()
        reason = context.masked(match["reason"])
        return [_finding(f"{context.subject} cannot be parsed as a template: {reason}.", place)]
    if match := _REFUSED.fullmatch(message):
        return [_failure([_frame(match)], match["reason"], context, stopped=True)]
    frames, reason = _frames(message)
    return [_failure(frames, reason, context, stopped=False)]


def _failure(frames: list[_Frame], reason: str, context: Context, *, stopped: bool) -> Finding:
    """`stopped` tells that the chart's author wrote the reason, in `required` or `fail`."""
    used = _used(frames, context)
    missing = [context.path(path) for path in used if _is_missing(context.values, path)]
    place = frames[-1] if frames else _Frame()
    told = context.masked(reason)
    if stopped:
        why = f"it asks for more: {told}" if missing else f"it refuses: {told}"
    elif missing and _NOTHING.search(reason):
        why = f"<{place.action}> finds nothing"
    else:
        why = f"<{place.action}> fails: {told}" if place.action else told
    sentence = f"{context.subject} does not render: {why}."
    if not missing:
        return _finding(sentence, place, path=context.path(used[0]) if used else "")
    names = " and ".join(missing)
    mend = f"Give {names} a value."
    return _finding(f"{sentence} Not set: {names}.", place, path=missing[0], mend=mend)


def _finding(message: str, place: _Frame, path: str = "", mend: str = "") -> Finding:
    column = place.column + 1 if place.column >= 0 and place.line else 0
    at = place.line, column
    return found("helm.template", message, mend=mend, file=place.file, path=path, at=at)


def _frames(message: str) -> tuple[list[_Frame], str]:
    """The templates that were at work, the innermost last, and what happened there."""
    if matches := list(_FRAMES.finditer(message)):
        reason = matches[-1]["reason"] + message[matches[-1].end() :]
        return [_frame(match) for match in matches], reason.strip()
    if matches := list(_CHAIN.finditer(message)):
        return [_frame(match) for match in matches], message[matches[-1].end() :].strip()
    return [], message.strip()


def _frame(match: re.Match[str]) -> _Frame:
    groups = match.groupdict()
    column = int(groups["column"]) if groups["column"] else -1
    return _Frame(groups["file"], int(groups["line"]), column, groups.get("action") or "")


def _used(frames: list[_Frame], context: Context) -> list[list[str]]:
    """Paths of the values that the failing action uses: the innermost that uses any, or rather
    the innermost that uses some that are not set."""
    used: list[list[str]] = []
    for frame in reversed(frames):
        prefix = [part.partition("/")[0] for part in frame.file.split("/charts/")[1:]]
        for action in (frame.action, _source(context.text(frame.file), frame)):
            found_here = [[*prefix, *match[1][1:].split(".")] for match in _VALUE.finditer(action)]
            missing = [path for path in found_here if _is_missing(context.values, path)]
            if missing:
                return [list(path) for path in dict.fromkeys(map(tuple, missing))]
            used = used or found_here
    return used


def _source(text: str, frame: _Frame) -> str:
    """The whole action of the template's text that stands at the frame's place."""
    lines = text.encode().split(b"\n")
    if frame.column < 0 or not 0 < frame.line <= len(lines):
        return ""
    before, after = b"\n".join(lines[: frame.line - 1]), b"\n".join(lines[frame.line - 1 :])
    whole = before + b"\n" + after if frame.line > 1 else after
    at = len(whole) - len(after) + frame.column
    start = whole.rfind(b"{{", 0, at + 2)
    end = whole.find(b"}}", at)
    return whole[start:end].decode(errors="replace") if 0 <= start < end else ""


def _is_missing(values: object, path: list[str]) -> bool:
    for key in path:
        if not isinstance(values, Mapping):
            return True
        values = values.get(key)
    return values is None or values == ""


def _schema_faults(text: str, context: Context) -> Iterator[Finding]:
    chart = ""
    others: list[str] = []
    told = False
    for line in text.splitlines():
        if match := _SCHEMA_CHART.match(line):
            chart = match["chart"]
        elif match := _SCHEMA_FAULT.match(line):
            told = True
            yield _schema_fault(chart, match["pointer"], match["reason"], context)
        elif line.strip():
            others.append(line.strip())
    if told or not others:
        return
    reason = " ".join(others)
    if match := _OUTSIDE.search(reason):
        address = match["address"][:200]
        message = f"The schema of the chart {chart!r} refers to {address!r}, which lies outside it."
        yield found("helm.schema-remote", message)
    else:
        why = context.masked(reason)
        message = f"The values do not meet the schema of the chart {chart!r}: {why}."
        yield found("helm.values", message)


def _schema_fault(chart: str, pointer: str, reason: str, context: Context) -> Finding:
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    path = context.path([*([] if chart == context.name else [chart]), *keys])
    about = f"The value {path!r}" if keys else "What is given"
    told = context.masked(reason)
    return found(
        "helm.values",
        f"{about} does not meet the schema of the chart {chart!r}: {told}.",
        mend="See the chart's values.schema.json for what it takes.",
        path=path,
    )
