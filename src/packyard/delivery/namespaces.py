"""The namespaces of a pack with their labels and annotations (format specification, values.yaml).

Those are written `key=value,key2=value2`; a comma or `=` inside a macro divides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from packyard.delivery.part import Part
from packyard.packs.values import VALUES, PackSection
from packyard.packs.yaml.writer import Style, entry

DEFAULT = "default"
KIND = "Namespace"
_PAIR = re.compile(r"((?:\{\{[^{}]*\}\}|[^,])*+)(?:,|$)", re.DOTALL)
_KEY = re.compile(r"((?:\{\{[^{}]*\}\}|[^=])*+)=(.*)", re.DOTALL)


def with_namespaces(section: PackSection, parts: Iterable[Part]) -> Iterator[Part]:
    """The namespaces of the pack, then the parts.

    A namespace that a part makes itself is not made twice: applied later, it would take the labels
    of the earlier one away. It gets them instead.
    """
    kept = list(parts)
    ours = {namespace.name: namespace for namespace in _namespaces(section)}
    brought = {part.name for part in kept if part.kind == KIND}
    yield from (namespace for name, namespace in ours.items() if name not in brought)
    for part in kept:
        is_ours = part.kind == KIND and part.name in ours
        yield labelled(part, ours[part.name]) if is_ours else part


def _namespaces(section: PackSection) -> Iterator[Part]:
    """The pack's own namespace, further ones, and those that get labels or annotations only.

    `default` is always there, so it is made only to give it those.
    """
    named = [section.namespace or DEFAULT, *section.additional_namespaces]
    for name in dict.fromkeys([*named, *section.namespace_labels, *section.namespace_annotations]):
        labels = pairs(section.namespace_labels.get(name, ""))
        annotations = pairs(section.namespace_annotations.get(name, ""))
        if name != DEFAULT or labels or annotations:
            yield _namespace(name, labels, annotations)


def pairs(text: str) -> dict[str, str]:
    """`key=value` separated by commas; what is no pair is left out."""
    found = (_KEY.fullmatch(match[1].strip()) for match in _PAIR.finditer(text))
    return {pair[1].strip(): pair[2].strip() for pair in found if pair and pair[1].strip()}


def _namespace(name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Part:
    metadata: dict[str, object] = {"name": name}
    metadata |= {"labels": labels} if labels else {}
    metadata |= {"annotations": annotations} if annotations else {}
    data = {"apiVersion": "v1", "kind": KIND, "metadata": metadata}
    return Part(source=VALUES, text=_yaml(data), data=data, kind=KIND, name=name)


def labelled(theirs: Part, ours: Part) -> Part:
    """A namespace with the labels and annotations of another besides; as it is without those."""
    metadata = dict(theirs.data["metadata"])
    for key in ("labels", "annotations"):
        added = ours.data["metadata"].get(key) or {}
        if added:
            metadata[key] = {**(metadata.get(key) or {}), **added}
    if metadata == theirs.data["metadata"]:
        return theirs
    data = {**theirs.data, "metadata": metadata}
    return replace(theirs, data=data, text=_yaml(data))


def _yaml(data: Mapping[str, Any]) -> str:
    return "\n".join(line for key in data for line in entry(key, data[key], Style())) + "\n"
