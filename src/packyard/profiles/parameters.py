"""The values of layers against what their packs ask of them: schema constraints, and labels that
Kubernetes takes. Macros are replaced first, as far as they are known.

No finding shows a value that a macro brought, for it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile

from packyard.findings import Finding, Position, Severity
from packyard.packs import edits, sections
from packyard.packs import rules as pack_rules
from packyard.packs.paths import Path, format_path
from packyard.packs.schema import Schema, breaches
from packyard.packs.yaml.scalars import Value
from packyard.profiles.actions import MARK
from packyard.profiles.content import PackContent
from packyard.profiles.laid import LaidLayer, Part
from packyard.profiles.resolve import Resolution
from packyard.profiles.rules import found
from packyard.profiles.variables import is_masked

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/"
_LABEL = re.compile(rf"(?:{_PREFIX})?{_NAME}=(?:{_NAME})?")


def check_parameters(layers: Sequence[LaidLayer], resolution: Resolution) -> Iterator[Finding]:
    """What breaks the schemas of the packs, as it is written and as it becomes."""
    for layer in layers:
        if layer.known and layer.values and layer.known.schema.parameters:
            yield from _parameters(layer, layer.known, layer.values, resolution)


def _parameters(
    layer: LaidLayer, known: PackContent, values: Part, resolution: Resolution
) -> Iterator[Finding]:
    schema = known.schema
    compares = any(parameter.readonly for parameter in schema.parameters)
    defaults: Value = known.defaults.data if compares else {}
    masked = set(_masked(schema, values))
    for path in masked:
        message = f"{format_path(path)} was masked when the profile was exported."
        yield _found("layer.masked", layer, values, path, message, "Fill in the secret.")
    written = set()
    for breach in breaches(schema, values.document.data, defaults):
        written.add((breach.rule, breach.path))
        if breach.path not in masked:
            yield _found(breach.rule, layer, values, breach.path, breach.message, breach.mend)
    touched = _touched(schema, resolution.changed(values))
    for breach in breaches(touched, resolution.data(values), defaults):
        if (breach.rule, breach.path) not in written:
            place = format_path(breach.path)
            what = "is empty" if breach.rule == "parameter.required" else "breaks its constraint"
            message = f"{place} {what} once its macros are replaced."
            yield _found(breach.rule, layer, values, breach.path, message, breach.mend)


def _touched(schema: Schema, changed: Collection[Path]) -> Schema:
    """What the schema says of values that a macro changed."""
    above = {path[:length] for path in changed for length in range(1, len(path) + 1)}
    parameters = (p for p in schema.parameters if tuple(takewhile(_is_named, p.path)) in above)
    return Schema(tuple(parameters))


def _is_named(part: str | int | None) -> bool:
    return part is not None


def _masked(schema: Schema, values: Part) -> Iterator[Path]:
    """The secrets that consist of asterisks."""
    for parameter in schema.parameters:
        if parameter.secret:
            for path in parameter.places(values.document.data):
                value = values.document.get(path)
                if isinstance(value, str) and is_masked(value):
                    yield path


def check_sections(layers: Sequence[LaidLayer], resolution: Resolution) -> Iterator[Finding]:
    """The keys that mean the same in every pack, as they are written and as they become.

    What Kubernetes would refuse blocks here, where somebody means it.
    """
    for layer in layers:
        if layer.values is None:
            continue
        at = partial(_at, layer.values)
        told = set()
        for finding in sections.check_sections(layer.values.document.data, at, layer.values.file):
            told.add((finding.rule, finding.path))
            yield _of_layer(layer, finding)
        if not any(path[:1] == ("pack",) for path in resolution.changed(layer.values)):
            continue
        data = resolution.data(layer.values)
        for finding in sections.check_sections(data, at, layer.values.file):
            if (finding.rule, finding.path) not in told:
                message = f"{finding.path} is not what it must be once its macros are replaced."
                yield _of_layer(layer, replace(finding, message=message))


def _of_layer(layer: LaidLayer, finding: Finding) -> Finding:
    severity = Severity.BLOCK if finding.rule == "values.namespace-form" else finding.severity
    return replace(finding, layer=layer.name, severity=severity)


def _at(values: Part, path: Path) -> Position:
    return values.at(values.document.at(path))


def check_labels(layers: Sequence[LaidLayer], resolution: Resolution) -> Iterator[Finding]:
    """Labels of namespaces, once their macros are replaced, as far as these are known."""
    for layer in layers:
        if layer.values is None or not layer.section.namespace_labels:
            continue
        labelled = edits.get(resolution.data(layer.values), ("pack", "namespaceLabels"))
        for namespace, text in labelled.items() if isinstance(labelled, dict) else ():
            known = isinstance(text, str) and MARK not in text
            labels = [label.strip() for label in str(text).split(",")] if known else []
            wrong = [label for label in labels if label and not _LABEL.fullmatch(label)]
            if wrong:
                path = ("pack", "namespaceLabels", namespace)
                message = (
                    f"The labels of the namespace {namespace} become something that Kubernetes "
                    "does not take as labels."
                )
                mend = "Write key=value,key=value; a value has at most 63 letters, digits, '-_.'."
                yield _found("macro.label", layer, layer.values, path, message, mend)


def _found(
    rule: str, layer: LaidLayer, values: Part, path: Path, message: str, mend: str
) -> Finding:
    """By the rules of packs where the rule is theirs."""
    place, at = format_path(path), _at(values, path)
    if rule in pack_rules.RULES:
        made = pack_rules.found(rule, message, mend=mend, file=values.file, path=place, at=at)
        return replace(made, layer=layer.name)
    return found(rule, message, mend=mend, layer=layer.name, file=values.file, path=place, at=at)
