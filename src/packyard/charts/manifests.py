"""What templates give, as the manifests of a release: split, told apart, ordered as Helm does.

The rules are Helm's (its `release/v1/util`): a line `---` divides documents even where something
follows on that line; partials, notes and empty documents are none; a manifest with the annotation
`helm.sh/hook` is a hook, and none at all where the hook is unknown; the rest stands in the order in
which it is installed, by kind.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

_SEPARATOR = re.compile(r"(?:^|\s*\n)---\s*")
_NOTES = "NOTES.txt"

_HOOK = "helm.sh/hook"
_WEIGHT = "helm.sh/hook-weight"
_DELETE = "helm.sh/hook-delete-policy"
_WHOLE = re.compile(r"[+-]?[0-9]+")
_EVENTS = {
    event: event
    for event in (
        "pre-install",
        "post-install",
        "pre-delete",
        "post-delete",
        "pre-upgrade",
        "post-upgrade",
        "pre-rollback",
        "post-rollback",
        "test",
    )
} | {"test-success": "test"}

_ORDER = """
    PriorityClass Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy
    PodDisruptionBudget ServiceAccount Secret SecretList ConfigMap StorageClass PersistentVolume
    PersistentVolumeClaim CustomResourceDefinition ClusterRole ClusterRoleList ClusterRoleBinding
    ClusterRoleBindingList Role RoleList RoleBinding RoleBindingList Service DaemonSet Pod
    ReplicationController ReplicaSet Deployment HorizontalPodAutoscaler StatefulSet Job CronJob
    IngressClass Ingress APIService MutatingWebhookConfiguration ValidatingWebhookConfiguration
"""
_RANK = {kind: rank for rank, kind in enumerate(_ORDER.split())}

Json = dict[str, object]
Parse = Callable[[str], object]
"""One YAML document to JSON values, as Helm parses it; raises `ValueError`."""


class NotManifest(ValueError):
    """A document that Helm would not take; `source` is the template that gave it."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(reason)
        self.source = source


def split(text: str) -> list[str]:
    """The documents of a stream that hold anything."""
    parts = (part.lstrip() for part in _SEPARATOR.split(text.lstrip()))
    return [part for part in parts if part]


def notes(rendered: Mapping[str, str], chart: str) -> str:
    """What the chart tells people after it was installed; subcharts stay silent."""
    return rendered.get(f"{chart}/templates/{_NOTES}", "")


def sort(rendered: Mapping[str, str], parse: Parse) -> tuple[list[Json], list[Json]]:
    """Manifests and hooks in the order of installing, as the fields of `chart.Manifest`.

    Raises `NotManifest` for the first document that is none.
    """
    found = list(_manifests(rendered, parse))
    rest = [manifest for manifest in found if manifest["hook"] is None]
    hooks = [manifest for manifest in found if manifest["hook"]]
    return sorted(rest, key=_rank), sorted(hooks, key=_rank)


def read(source: str, text: str, parse: Parse) -> Iterator[Json]:
    """The manifests of one stream as they stand there; raises `NotManifest`."""
    for document in split(text):
        yield _manifest(source, document, parse)


def _rank(manifest: Mapping[str, object]) -> tuple[int, str]:
    kind = str(manifest["kind"])
    return (_RANK[kind], "") if kind in _RANK else (len(_RANK), kind)


def _manifests(rendered: Mapping[str, str], parse: Parse) -> Iterator[Json]:
    for source in sorted(rendered, key=str.encode):
        name = posixpath.basename(source)
        if source.endswith(_NOTES) or name.startswith("_"):
            continue
        yield from read(source, rendered[source], parse)


def _manifest(source: str, text: str, parse: Parse) -> Json:
    try:
        data = parse(text)
    except ValueError as error:
        raise NotManifest(source, str(error)) from None
    content = data if isinstance(data, dict) else {}
    metadata = _map(content, "metadata", source)
    annotations = _map(metadata, "annotations", source)
    return {
        "source": source,
        "text": text,
        "api_version": _text(content, "apiVersion", source),
        "kind": _text(content, "kind", source),
        "name": _text(metadata, "name", source),
        "namespace": _namespace(metadata),
        "data": content,
        "hook": _hook({key: _text(annotations, key, source) for key in annotations}),
    }


def _hook(annotations: Mapping[str, str]) -> Json | None:
    """The hook's events, weight and policies; empty for an unknown one; None where it is none."""
    if _HOOK not in annotations:
        return None
    events = [_EVENTS.get(event) for event in _words(annotations[_HOOK])]
    if None in events:
        return {}
    weight = annotations.get(_WEIGHT, "")
    return {
        "events": events,
        "weight": int(weight) if _WHOLE.fullmatch(weight) else 0,
        "delete": list(_words(annotations[_DELETE])) if _DELETE in annotations else [],
    }


def _words(text: str) -> Iterable[str]:
    return (word.strip().lower() for word in text.split(","))


def _map(content: Mapping[str, object], key: str, source: str) -> Json:
    value = content.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotManifest(source, f"{key} is no map")
    return value


def _text(content: Mapping[str, object], key: str, source: str) -> str:
    """A scalar as Helm takes it where it wants text."""
    value = content.get(key)
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise NotManifest(source, f"{key} is no text")
    return value if isinstance(value, str) else json.dumps(value)


def _namespace(metadata: Mapping[str, object]) -> str:
    """Helm does not look at it, so a strange one is Kubernetes' business."""
    value = metadata.get("namespace")
    return value if isinstance(value, str) else ""
