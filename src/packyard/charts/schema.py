"""References of a chart's values.schema.json that leave it (JSON Schema 2020-12, section 8.2).

Helm would fetch them over the network or read them from the disk of whoever renders. A schema may
refer to itself, to what it embeds by `$id`, and to the metaschemas, which the engine carries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlsplit

from packyard.charts.archive import Source
from packyard.charts.rules import found
from packyard.findings import Finding

_FILE = re.compile(r"(?:(?:.+\.tgz/)?(?:charts/[^/]+/)*)?values\.schema\.json")
_BASE = "file:///values.schema.json"
_KNOWN = re.compile(
    r"https?://json-schema\.org/"
    r"(?:schema|draft-0[467]/schema|draft/(?:2019-09|2020-12)/(?:schema|meta/[a-z-]+))"
)
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef", "$schema")
# What stands below these is data, in which the same words mean nothing.
_DATA = ("const", "default", "enum", "examples")


def check(source: Source) -> list[Finding]:
    """What is wrong with the schemas of a chart and its subcharts before any is used."""
    findings: list[Finding] = []
    for name, data in source.everything():
        if data and _FILE.fullmatch(name):
            findings.extend(_check(name, data))
    return findings


def _check(name: str, data: bytes) -> Iterator[Finding]:
    try:
        schema = json.loads(data.decode(), object_pairs_hook=_Pairs)
        references = list(_references(schema, _BASE))
        known = {_BASE, *_ids(schema, _BASE)}
    except RecursionError:
        yield found("helm.schema-form", f"{name} is nested too deeply.", file=name)
        return
    except ValueError as error:
        reason = str(error).partition(": ")[0].rstrip(".")
        yield found("helm.schema-form", f"{name} is not JSON: {reason}.", file=name)
        return
    for reference, base in references:
        if reference.startswith("#"):
            continue
        target = urldefrag(_joined(base, reference)).url
        if target not in known and not _KNOWN.fullmatch(target) and not _is_urn(target):
            yield found(
                "helm.schema-remote",
                f"{name} refers to {reference[:200]!r}, which lies outside the chart.",
                mend="Put what it refers to under $defs and refer to it by #/$defs/….",
                file=name,
            )


class _Pairs(list[tuple[str, object]]):
    """An object as it stands: of a key that stands twice, both values are looked at."""


def _references(node: object, base: str) -> Iterator[tuple[str, str]]:
    """Every reference with the address it is relative to."""
    if isinstance(node, _Pairs):
        base = _base(node, base)
        for key, value in node:
            if key in _REFERENCES and isinstance(value, str):
                yield value, base
            elif key not in _DATA:
                yield from _references(value, base)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item, base)


def _ids(node: object, base: str) -> Iterator[str]:
    if isinstance(node, _Pairs):
        inner = _base(node, base)
        if inner != base:
            yield inner
        for key, value in node:
            if key not in _DATA:
                yield from _ids(value, inner)
    elif isinstance(node, list):
        for item in node:
            yield from _ids(item, base)


def _base(node: _Pairs, base: str) -> str:
    for key, value in node:
        if key in ("$id", "id") and isinstance(value, str):
            base = urldefrag(_joined(base, value)).url
    return base


def _joined(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def _is_urn(target: str) -> bool:
    """Helm resolves no URN: it takes everything there."""
    try:
        return urlsplit(target).scheme == "urn"
    except ValueError:
        return False
