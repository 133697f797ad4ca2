"""A pack with its values as Kubernetes manifests (format specification, "values.yaml").

First the namespaces, then each chart of pack.json as Helm installs it, with its definitions of
custom resources before and its hooks behind, then the manifests of pack.json. Macros stay: they are
resolved where a profile is deployed. Everything that is wrong comes out at once, and then nothing
is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from packyard.charts.chart import Manifest, Release, Rendering
from packyard.charts.engine import Engine
from packyard.charts.template import Template
from packyard.delivery.macros import guarded, holds_macro
from packyard.delivery.namespaces import DEFAULT, with_namespaces
from packyard.delivery.part import Part
from packyard.findings import Finding
from packyard.packs.charts import read_chart
from packyard.packs.files import Files
from packyard.packs.folder import package_missing_charts
from packyard.packs.model import PACK_JSON, Pack
from packyard.packs.rules import found
from packyard.packs.values import VALUES, Document, format_path, pack_section, parse_path

# What templates of manifests may read besides their values; of a cluster, as macros.
_CLUSTER = {"cluster": "{{ .spectro.system.cluster.name }}", "apiServer": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What is known of the cluster that the manifests are for; see `charts.chart.Release`."""

    kubernetes: str = ""
    api_versions: tuple[str, ...] = ()


def render(
    files: Files, pack: Pack, values: Document, engine: Engine, cluster: Cluster | None = None
) -> tuple[tuple[Part, ...] | None, list[Finding]]:
    """Everything that the pack brings, in the order in which it is applied."""
    work = _Work(package_missing_charts(files, pack), pack, values, engine, cluster or Cluster())
    parts = [*work.charts(), *work.manifests()]
    if work.findings:
        return None, [_explained(finding, values) for finding in work.findings]
    return tuple(with_namespaces(work.section, parts)), []


class _Work:
    """One pack being rendered; `findings` gathers what is wrong."""

    def __init__(
        self, files: Files, pack: Pack, values: Document, engine: Engine, cluster: Cluster
    ) -> None:
        self._files = files
        self._pack = pack
        self._values = values
        self._engine = engine
        self._cluster = cluster
        self.section = pack_section(values)
        self.findings: list[Finding] = []

    def charts(self) -> Iterator[Part]:
        """The parts of every chart, in the order of pack.json."""
        for path in self._pack.charts:
            if (archive := self._file(path)) is not None:
                yield from self._chart(path, archive)

    def manifests(self) -> Iterator[Part]:
        """Those with a section of values filled, the others untouched, in that order too."""
        named = ((path, self._file(path)) for path in self._pack.manifests)
        texts = {path: data.decode(errors="replace") for path, data in named if data is not None}
        templates = [template for path in texts if (template := self._template(path, texts[path]))]
        for template, filled in zip(templates, self._engine.fill(templates), strict=True):
            self.findings += filled.findings
            texts[template.name] = filled.text or ""
        names = {template.name for template in templates}
        read = zip(texts.items(), self._engine.read(texts), strict=True)
        for (path, text), documents in read:
            if documents.manifests is not None:
                yield from (_part(manifest) for manifest in documents.manifests if manifest.data)
            elif path in names and not holds_macro(text):
                self.findings += documents.findings
            else:  # untouched, it may be anything; and a macro need not be YAML
                yield Part(source=path, text=text, data={})

    def _chart(self, path: str, archive: bytes) -> Iterator[Part]:
        chart, faults = read_chart(archive)
        if chart is None:
            self.findings += (replace(fault, file=fault.file or path) for fault in faults)
            return
        key = ("charts", chart.name)
        override = self.section.release_name_override.get(chart.name)
        release = Release(
            name=override or f"{self._pack.name}-{chart.name}",
            namespace=self.section.namespace or DEFAULT,
            kubernetes=self._cluster.kubernetes,
            api_versions=self._cluster.api_versions,
        )
        given = self._given(key)
        if given is None:
            return
        rendering, faults = self._engine.render(archive, given, release, section=format_path(key))
        if rendering is not None:
            yield from _applied(rendering)
        name_it = f"Name it in {format_path(('pack', 'releaseNameOverride', chart.name))}."
        for fault in faults:
            is_name = fault.rule == "helm.release" and not fault.mend
            self.findings.append(replace(fault, mend=name_it) if is_name else fault)

    def _template(self, path: str, text: str) -> Template | None:
        """The manifest as a template; None where values.yaml has no section for it."""
        key = ("manifests", PurePosixPath(path).stem)
        given = self._given(key) if self._values.has(key) else None
        if given is None:
            return None
        data = {"Values": given, "Spectro": _CLUSTER}
        return Template(name=path, text=guarded(text), data=data, section=format_path(key))

    def _given(self, path: tuple[str, ...]) -> Mapping[str, Any] | None:
        """The section of values at a path; absent and null are an empty one."""
        section = self._values.get(path)
        if section is None or isinstance(section, Mapping):
            return section or {}
        where, at = format_path(path), self._values.at(path)
        message = f"{where} must be a map."
        self.findings.append(found("values.type", message, file=VALUES, path=where, at=at))
        return None

    def _file(self, path: str) -> bytes | None:
        if path in self._files:
            return self._files[path].data
        message = f"{path!r} is named by {PACK_JSON}, but missing."
        mend = "Put the file there, or do not name it."
        self.findings.append(found("files.named-missing", message, mend=mend, file=PACK_JSON))
        return None


def _applied(rendering: Rendering) -> Iterator[Part]:
    """The parts of a chart: definitions, manifests, hooks."""
    for definitions in rendering.definitions:
        source, text = definitions.source, definitions.text
        yield Part(source=source, text=text, data={}, chart=rendering.chart)
    for manifest in (*rendering.manifests, *rendering.hooks):
        if manifest.data:
            yield _part(manifest, rendering.chart)


def _part(manifest: Manifest, chart: str = "") -> Part:
    return Part(
        source=manifest.source,
        text=manifest.text,
        data=manifest.data,
        chart=chart,
        kind=manifest.kind,
        name=manifest.name,
        hook=manifest.hook if chart else None,  # outside of charts nobody runs hooks
    )


def _explained(finding: Finding, values: Document) -> Finding:
    """With a macro named as the reason, where the value that the template used holds one."""
    if finding.rule != "helm.template" or not finding.path:
        return finding
    value = values.get(parse_path(finding.path))
    if not isinstance(value, str) or not holds_macro(value):
        return finding
    message = f"{finding.message} {finding.path} holds a macro, which is not resolved here."
    return replace(finding, message=message, mend=f"Give {finding.path} the value it will have.")
