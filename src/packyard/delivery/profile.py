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
from packyard.delivery.quoting import Quoted, quoted
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
        told = resolution.findings
        self.findings += (one for one in told if not one.layer or one.layer in named)
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
            attached = Part(source=text.manifest, text="", data={})
            yield self._named(layer, _of(attached, resolution.document(text)))

    def _named(self, layer: LaidLayer, part: Part) -> Part:
        return replace(part, source=f"{layer.name}/{part.source}")

    def _resolved(self, index: int, parts: Sequence[Part]) -> Iterator[Part]:
        """Parts without the macros that a pack's own manifests hold."""
        pieces = [piece for part in parts for piece in self._pieces(index, part)]
        texts = [piece.part for _, piece in pieces if piece]
        if texts:
            layer = replace(self._layers[index], manifests=tuple(texts))
            around = [*self._layers[:index], layer, *self._layers[index + 1 :]]
            resolution = resolve(around, self._scope, self._engine.fill)
            ours, sources = {id(text) for text in texts}, {text.file for text in texts}
            self._complain(cell for cell in resolution.kept if id(cell.part) in ours)
            told = resolution.findings
            self.findings += (one for one in told if not one.layer or one.file in sources)
        for part, piece in pieces:
            yield _of(part, piece.resolved(resolution)) if piece else part

    def _pieces(self, index: int, part: Part) -> Iterator[tuple[Part, Quoted | None]]:
        """Each document of a part, to be resolved; None where it stays as it is."""
        if MARK not in part.text or not holds_macro(part.text):
            yield part, None
            return
        document, _ = Document.parse(part.text, part.source) if part.data else (None, [])
        if document:
            yield part, Quoted(Text(document, part.source, part.source))
            return
        for piece in quoted(part.text, part.source):
            match piece:
                case Quoted():
                    yield part, piece
                case Finding():
                    self.findings.append(_unread(self._layers[index].name, piece))
                case str():
                    yield replace(part, text=piece), None

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


def _unread(layer: str, fault: Finding) -> Finding:
    file = fault.file.removeprefix(f"{layer}/")
    message = f"{file} holds macros, but is no YAML even where they are replaced: {fault.message}"
    mend = "Correct it there; leave out what spans several expressions."
    at = fault.line, fault.column
    return found("macro.unresolved", message, mend=mend, layer=layer, file=file, at=at)


def _of(part: Part, document: Document) -> Part:
    """A part with what became of its document."""
    metadata = document.data.get("metadata")
    return replace(
        part,
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
