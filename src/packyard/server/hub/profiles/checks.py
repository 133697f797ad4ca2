"""Checks and what they rest on: packs of a template validated, macros, values resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from packyard.auth.principal import Principal
from packyard.findings import Finding, Severity
from packyard.hub.composing import Composed, surroundings
from packyard.packs.values import Document
from packyard.packs.yaml.writer import Style, entry
from packyard.profiles.model import PackType, Profile, ProfileLayer
from packyard.server.hub.forms import Form
from packyard.server.hub.profiles.access import Readable, router_at
from packyard.server.hub.profiles.bodies import ReferencesBody, TemplateBody
from packyard.server.hub.profiles.layer_answers import Resolved
from packyard.server.hub.scope import Reading, Scoped
from packyard.server.packs import Wired

router = router_at("/v1/clusterprofiles")
_SERIOUS = (Severity.REFUSE, Severity.BLOCK)


class Macro(Form):
    name: str
    value: str


class Macros(Form):
    macros: list[Macro]


class Fault(Form):
    code: str
    message: str


class Result(Form):
    """Of one layer; of the profile as a whole where the name is empty."""

    name: str
    display_name: str
    errors: list[Fault]


class Results(Form):
    results: list[Result]


class Validation(Form):
    packs: Results


@router.get("/macros")
def list_macros(parts: Wired, caller: Reading) -> Macros:
    """Those that a profile may use here: the project's, and the tenant's that they do not hide."""
    with parts.store.read() as connection:
        found = surroundings(connection, caller.project).macros
    return Macros(macros=[Macro(name=name, value=found[name]) for name in sorted(found)])


@router.post("/validate/packs")
def validate_packs(parts: Wired, caller: Reading, body: TemplateBody) -> Validation:
    """Everything that keeps such layers from being published, by layer."""
    return _validation(parts.profiles.compose(body.profile(), caller.project))


@router.post("/{uid}/validate/packs")
def validate_packs_of(parts: Wired, kept: Readable, body: TemplateBody) -> Validation:
    """The same of layers that would be put in the place of a profile's."""
    given, former = body.profile(), kept.profile
    profile = replace(
        former,
        type=body.type or former.type,
        cloud_type=given.cloud_type or former.cloud_type,
        layers=given.layers if body.packs is not None else former.layers,
    )
    composed = parts.profiles.compose(profile, kept.project, former.layers, uid=kept.uid)
    return _validation(composed)


@router.get("/{uid}/packs/resolvedValues")
def resolved_values(
    parts: Wired, caller: Scoped, kept: Readable, body: ReferencesBody | None = None
) -> Resolved:
    """The values of each layer with all macros replaced that are known; with `references`, what
    each of those stands for. Secrets are masked."""
    system = system_of(caller.person)
    references = list(dict.fromkeys((body.references if body else None) or ()))
    profile = _with_references(kept.profile, references)
    texts, _ = parts.profiles.resolved_values(profile, kept.project, system, kept.uid)
    if not references:
        names = (layer.name for layer in profile.layers)
        return Resolved(resolved=dict(zip(names, texts, strict=True)))
    document, _ = Document.parse(texts[-1])
    values = document.data if document else {}
    return Resolved(
        resolved={text: str(values.get(f"r{i}", "")) for i, text in enumerate(references)}
    )


def system_of(person: Principal) -> Mapping[str, str]:
    """The system values that whoever asks decides."""
    return {"user.name": person.name, "user.uid": person.uid}


def _with_references(profile: Profile, references: list[str]) -> Profile:
    """With a layer behind the others whose values are these references."""
    if not references:
        return profile
    expressions = (
        text if "{{" in text else f"{{{{ .{text.strip().lstrip('.')} }}}}" for text in references
    )
    lines = (line for i, text in enumerate(expressions) for line in entry(f"r{i}", text, Style()))
    layer = ProfileLayer(
        name="references", type=PackType.MANIFEST, uid="references", values="\n".join(lines) + "\n"
    )
    return replace(profile, layers=(*profile.layers, layer))


def _validation(composed: Composed) -> Validation:
    serious = [one for one in composed.findings if one.severity in _SERIOUS]
    layers = composed.profile.layers
    results = [
        Result(
            name=layer.name,
            display_name=content.pack.display_name if content else layer.name,
            errors=_faults(one for one in serious if one.layer == layer.name),
        )
        for layer, content in zip(layers, composed.known, strict=True)
    ]
    names = {layer.name for layer in layers}
    general = _faults(one for one in serious if one.layer not in names)
    if general:
        results.insert(0, Result(name="", display_name="", errors=general))
    different = {result.model_dump_json(): result for result in results}
    return Validation(packs=Results(results=list(different.values())))


def _faults(findings: Iterable[Finding]) -> list[Fault]:
    """Each once, as the published API has it, though layers may have it several times."""
    told = dict.fromkeys((one.rule, one.told) for one in findings)
    return [Fault(code=rule, message=message) for rule, message in told]
