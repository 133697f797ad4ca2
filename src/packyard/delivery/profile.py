"""A cluster profile as Kubernetes manifests: its add-on layers in the order of installation.

Macros are replaced first, in values and in what pack and layer bring along; one that is not known
is a finding, and then nothing is rendered. Layers of lower priority come first, those of one
priority in the profile's order, and a namespace is made once, by the first layer that asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packyard.charts.engine import Engine
from packyard.delivery.macros import holds_macro
from packyard.delivery.namespaces import KIND, labelled
from packyard.delivery.part import Part
from packyard.delivery.render import Cluster, render
from packyard.findings import Finding, Severity
from packyard.packs.files import Files
from packyard.packs.model import Layer
from packyard.packs.values import VALUES, Document, pack_section
from packyard.profiles.actions import MARK, Family
from packyard.profiles.cells import Cell
from packyard.profiles.check import ordered
from packyard.profiles.content import Content, Missing
from packyard.profiles.laid import LaidLayer, lay_out
from packyard.profiles.laid import Part as Text
from packyard.profiles.layers import check_pack
from packyard.profiles.model import PackType, Profile
from packyard.profiles.resolve import Resolution, resolve
from packyard.profiles.rules import found
from packyard.profiles.scope import Scope, kubernetes_version
from packyard.profiles.system import known_values
from packyard.profiles.variables import given_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What is known of one deployment: values of variables, system values, macros in force."""

    variables: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    macros: Mapping[str, str] = field(default_factory=dict)
    cluster: Cluster = field(default_factory=Cluster)


def render_profile(
    profile: Profile,
    packs: Sequence[Content],
    files: Sequence[Files | None],
    deployment: Deployment,
    engine: Engine,
) -> tuple[tuple[Part, ...] | None, list[Finding]]:
    """`packs` and `files` are what the pack of each layer holds, None for a manifest layer.

    The source of a part begins with its layer. Parts are None where a finding stands in the way.
    """
    work = _Work(profile, lay_out(profile, packs), files, deployment, engine)
    parts = work.parts()
    findings = ordered(profile, work.findings)
    return (None if work.failed else tuple(_namespaces_once(parts))), findings


class _Work:
    """One profile being rendered; `findings` gathers what is wrong."""

    def __init__(
        self,
        profile: Profile,
        layers: Sequence[LaidLayer],
        files: Sequence[Files | None],
        deployment: Deployment,
        engine: Engine,
    ) -> None:
        self._layers = layers
        self._files = files
        self._engine = engine
        kubernetes = kubernetes_version(layers)
        cluster = deployment.cluster
        self._cluster = replace(cluster, kubernetes=cluster.kubernetes or kubernetes)
        variables, faults = given_values(profile.variables, deployment.variables)
        system = {**known_values(profile, kubernetes), **deployment.system}
        self._scope = Scope(system, deployment.macros, variables)
        self.findings = [found("variable.value", fault, path="variables") for fault in faults]
        self.unrendered = False
        for layer in layers:
            self.findings += layer.findings
            if isinstance(layer.content, Missing):
                self.findings += check_pack(profile, layer)

    @property
    def failed(self) -> bool:
        """Whether anything stands in the way."""
        serious = (Severity.REFUSE, Severity.BLOCK)
        return self.unrendered or any(finding.severity in serious for finding in self.findings)

    def parts(self) -> list[Part]:
        """The parts of every add-on layer in order; none where something is wrong before."""
        resolution = resolve(self._layers, self._scope, self._engine.fill)
        addons = [i for i, layer in enumerate(self._layers) if layer.kind is Layer.ADDON]
        named = {self._layers[index].name for index in addons}
        self.findings += (finding for finding in resolution.findings if finding.layer in named)
        self._complain(cell for cell in resolution.kept if cell.own in addons)
        if self.failed:
            return []
        values = {index: self._values(index, resolution) for index in addons}
        order = sorted(addons, key=lambda index: pack_section(values[index]).install_priority)
        return [part for index in order for part in self._layer(index, values[index], resolution)]

    def _values(self, index: int, resolution: Resolution) -> Document:
        part = self._layers[index].values
        return resolution.document(part) if part else Document.empty()

    def _layer(self, index: int, values: Document, resolution: Resolution) -> Iterator[Part]:
        """What the pack of a layer brings, then the manifests attached to it."""
        layer, files = self._layers[index], self._files[index]
        if layer.known and files is not None:
            file = layer.layer.file
            parts, faults = render(files, layer.known.pack, values, self._engine, self._cluster)
            self.unrendered |= parts is None
            for fault in faults:
                own = replace(fault, file=file) if fault.file == VALUES else fault
                self.findings.append(replace(own, layer=layer.name))
            yield from self._resolved(index, [self._named(layer, part) for part in parts or ()])
        elif layer.layer.type is not PackType.MANIFEST:
            message = f"What the pack of {layer.name} holds is not known."
            mend = "Name its registry."
            self.findings.append(found("layer.pack-unknown", message, mend=mend, layer=layer.name))
        for text in layer.manifests:
            document = resolution.document(text)
            yield self._named(layer, _part(text.manifest, document))

    def _named(self, layer: LaidLayer, part: Part) -> Part:
        return replace(part, source=f"{layer.name}/{part.source}")

    def _resolved(self, index: int, parts: list[Part]) -> Iterator[Part]:
        """Parts without the macros that a pack's own manifests hold."""
        texts = {i: self._text(part) for i, part in enumerate(parts) if MARK in part.text}
        known = {i: text for i, text in texts.items() if text}
        self.findings += (
            _unread(self._layers[index].name, parts[i])
            for i, text in texts.items()
            if not text and holds_macro(parts[i].text)
        )
        layer = replace(self._layers[index], manifests=tuple(known.values()))
        around = [*self._layers[:index], layer, *self._layers[index + 1 :]]
        if known:
            resolution = resolve(around, self._scope, self._engine.fill)
            ours = {id(text) for text in known.values()}
            sources = {text.file for text in known.values()}
            self._complain(cell for cell in resolution.kept if id(cell.part) in ours)
            self.findings += (one for one in resolution.findings if one.file in sources)
        for number, part in enumerate(parts):
            text = known.get(number)
            if text is None:
                yield part
                continue
            document = resolution.document(text)
            yield replace(part, text=document.text, data=document.data)

    def _text(self, part: Part) -> Text | None:
        """A part to be resolved; None where it is no single document in YAML."""
        document, _ = Document.parse(part.text, part.source) if part.data else (None, [])
        return Text(document, part.source, part.source) if document else None

    def _complain(self, kept: Iterable[Cell]) -> None:
        """Of every reference that is not known, or leads to a value that is not, at its place."""
        told = {(one.layer, one.path) for one in self.findings}
        for cell in kept:
            references = [one for action in cell.actions for one in action.references]
            unknown = [one for one in references if self._is_unknown(one.family, one.name)]
            failed = (cell.layer, str(cell)) in told
            for reference in unknown or ([] if failed else references):
                what = "is" if unknown else "leads to a value that is"
                message = f"{reference} {what} not known, so {cell} cannot be rendered."
                mend = "Give it a value for this deployment."
                at = reference.offset
                self.findings.append(cell.found("macro.unresolved", message, at, mend))

    def _is_unknown(self, family: str, name: str) -> bool:
        known: dict[str, Mapping[str, str]] = {
            Family.SYSTEM: self._scope.system,
            Family.MACRO: self._scope.macros,
            Family.VARIABLE: self._scope.variables,
        }
        return family != Family.PACK and name not in known.get(family, {})


def _unread(layer: str, part: Part) -> Finding:
    file = part.source.removeprefix(f"{layer}/")
    message = f"{file} holds macros and is no YAML that can be read, so they are not replaced."
    mend = "Put them in quotes there, and leave out what spans several expressions."
    return found("macro.unresolved", message, mend=mend, layer=layer, file=file)


def _part(manifest: str, document: Document) -> Part:
    metadata = document.data.get("metadata")
    return Part(
        source=manifest,
        text=document.text.removeprefix("---").lstrip("\n"),
        data=document.data,
        kind=str(document.data.get("kind", "")),
        name=str(metadata.get("name", "")) if isinstance(metadata, Mapping) else "",
    )


def _namespaces_once(parts: Iterable[Part]) -> Iterator[Part]:
    """Each namespace where it is first made, with the labels of all who make it."""
    kept: list[Part] = []
    made: dict[str, int] = {}
    for part in parts:
        if part.kind == KIND and part.name in made and part.data:
            kept[made[part.name]] = labelled(kept[made[part.name]], part)
            continue
        if part.kind == KIND and part.data:
            made[part.name] = len(kept)
        kept.append(part)
    return iter(kept)
