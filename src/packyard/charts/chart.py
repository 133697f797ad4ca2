"""A chart, a release of it, and what comes out of rendering: values without behaviour."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from packyard.findings import Finding

Values = Mapping[str, object]
"""JSON values, as in values.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`files` are all of the archive, by the names that Helm gives them; those of a subchart that
    is an archive itself stand under its name (`charts/sub-1.0.0.tgz/values.yaml`)."""

    metadata: Mapping[str, Any]
    values: Values
    files: Mapping[str, bytes]
    subcharts: tuple[Mapping[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return str(self.metadata.get("name", ""))

    @property
    def version(self) -> str:
        return str(self.metadata.get("version", ""))

    @property
    def values_text(self) -> str:
        """values.yaml with its comments; "" where there is none."""
        return self.files.get("values.yaml", b"").decode(errors="replace")

    @property
    def schema(self) -> Any:
        """values.schema.json as JSON values; None where there is none."""
        text = self.files.get("values.schema.json", b"")
        return json.loads(text) if text else None

    @property
    def templates(self) -> Mapping[str, str]:
        """The templates by name, those of subcharts included."""
        return {
            name: data.decode(errors="replace")
            for name, data in self.files.items()
            if "/templates/" in f"/{name}"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a chart is rendered for. An empty `kubernetes` is the version that Helm is made for;
    `api_versions` are those that the cluster offers besides Kubernetes' own."""

    name: str
    namespace: str = "default"
    kubernetes: str = ""
    api_versions: tuple[str, ...] = ()
    upgrade: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Run by Helm at `events` (`pre-install`, `test`, …), lower weights first."""

    events: tuple[str, ...]
    weight: int = 0
    delete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One YAML document; `source` is the template that gave it, as Helm names it.

    `data` is what the document says, empty where it holds comments only.
    """

    source: str
    text: str
    api_version: str
    kind: str
    name: str
    namespace: str
    data: Mapping[str, Any] = field(repr=False)
    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class Documents:
    """What a stream of YAML holds; `manifests` is None where it is none, and `findings` say why."""

    manifests: tuple[Manifest, ...] | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """A file of `crds/`, which Helm never renders: custom resource definitions, applied first."""

    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What a release consists of. `manifests` stand in the order in which they are installed."""

    chart: str
    version: str
    definitions: tuple[Definitions, ...]
    manifests: tuple[Manifest, ...]
    hooks: tuple[Manifest, ...]
    notes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """A signature that holds: `digest` is the archive's, `signed_by` the identities of its key."""

    file: str
    digest: str
    signed_by: tuple[str, ...]
