"""The whole check of a profile: everything that is wrong with it, at once (profiles.md, "Checks").

Pure: packs and macros are handed in, and so is the template engine. What is refused is not stored,
what blocks is not published (`rules`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from packyard.findings import Finding, Severity
from packyard.packs.constraints import Pool, check_dependencies, check_resources
from packyard.profiles.cells import cells
from packyard.profiles.content import Content
from packyard.profiles.filling import Engine
from packyard.profiles.laid import LaidLayer, lay_out
from packyard.profiles.layers import check_structure
from packyard.profiles.macros import check_macros
from packyard.profiles.model import Profile, ProfileType
from packyard.profiles.parameters import check_labels, check_parameters, check_sections
from packyard.profiles.resolve import resolve
from packyard.profiles.scope import scope_of
from packyard.profiles.variables import check_variables


def check(
    profile: Profile,
    packs: Sequence[Content],
    *,
    macros: Mapping[str, str],
    engine: Engine,
    system: Mapping[str, str] | None = None,
    pools: Iterable[Pool] = (),
) -> list[Finding]:
    """`packs` has what is known of the pack of each layer; `macros` are those in force.

    `system` are values that are known besides those of the profile, `pools` nodes that it has to
    fit on. The findings about the profile come first, then those of each layer in order.
    """
    layers = lay_out(profile, packs)
    known_cells = cells(layers)
    scope = scope_of(profile, layers, macros, system, shown=False)
    resolution = resolve(layers, scope, engine, known_cells)
    on = list(pools)
    return ordered(
        profile,
        chain(
            check_structure(profile, layers),
            check_variables(profile.variables),
            chain.from_iterable(layer.findings for layer in layers),
            chain.from_iterable(
                _constraints(profile, layers, own, on) for own in range(len(layers))
            ),
            check_parameters(layers, resolution),
            check_sections(layers, resolution),
            check_labels(layers, resolution),
            check_macros(layers, known_cells, scope, profile.variables),
            resolution.findings,
        ),
    )


def resolved_values(
    profile: Profile,
    packs: Sequence[Content],
    *,
    macros: Mapping[str, str],
    engine: Engine,
    system: Mapping[str, str] | None = None,
) -> tuple[list[str], list[Finding]]:
    """The values of each layer, in order, with all macros replaced that are known; to be shown, so
    secrets are masked. Variables have their defaults.

    Values that cannot be read stay as they are. Findings are about macros alone.
    """
    layers = lay_out(profile, packs)
    scope = scope_of(profile, layers, macros, system)
    resolution = resolve(layers, scope, engine)
    texts = [
        resolution.document(layer.values).text if layer.values else layer.layer.values
        for layer in layers
    ]
    return texts, ordered(profile, resolution.findings)


def publishable(findings: Iterable[Finding]) -> bool:
    """Whether nothing refuses or blocks."""
    return not any(finding.severity in (Severity.REFUSE, Severity.BLOCK) for finding in findings)


def _constraints(
    profile: Profile, layers: Sequence[LaidLayer], own: int, pools: list[Pool]
) -> Iterator[Finding]:
    """What the pack of a layer asks of those beside it, and of nodes."""
    layer = layers[own]
    if layer.known is None:
        return
    pack = layer.known.pack
    others = [other.known.pack for i, other in enumerate(layers) if i != own and other.known]
    for finding in check_dependencies(pack, others):
        if finding.rule == "dependency.missing" and profile.type is ProfileType.ADDON:
            finding = _elsewhere(finding)  # noqa: PLW2901 - the same one, weighed for this profile
        yield replace(finding, layer=layer.name)
    if layer.values:
        for finding in check_resources(pack, layer.values.document, pools):
            file = "" if finding.file == layer.values.document.file else finding.file
            yield replace(finding, layer=layer.name, file=file or layer.values.file)


def _elsewhere(finding: Finding) -> Finding:
    """An add-on profile is deployed beside others, which may hold what it needs."""
    mend = f"{finding.mend} Or deploy it with another profile that has it.".strip()
    return replace(finding, severity=Severity.WARNING, mend=mend)


def ordered(profile: Profile, findings: Iterable[Finding]) -> list[Finding]:
    """Each once: those about the profile first, then layer by layer, by file and line."""
    order = {"": -1}
    for index, layer in enumerate(profile.layers):
        order.setdefault(layer.name, index)

    def place(finding: Finding) -> tuple[int, str, int, int]:
        return order.get(finding.layer, -1), finding.file, finding.line, finding.column

    return sorted(dict.fromkeys(findings), key=place)
