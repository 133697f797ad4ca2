"""What can be the next layer of a profile: the packs of that layer, each version with what stands
against it (profiles.md, "Creating one").

Candidates are rows of a catalog, so that thousands can be looked through while a person waits; only
those that have constraints, or that a chosen pack has some on, are looked at closely.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from packyard.errors import several
from packyard.findings import Finding
from packyard.packs import rules as pack_rules
from packyard.packs.constraints import dependency_fault
from packyard.packs.model import Dependency, Layer, Pack, is_for
from packyard.packs.version import sort_key
from packyard.profiles.content import parents_of
from packyard.profiles.rules import found


class Candidate(NamedTuple):
    """One version of a pack in one registry. `order` sorts as versions do, `tag` is its first tag.

    `uid` and `registry` are kept for whoever asks.
    """

    name: str
    version: str
    tag: str
    layer: str
    order: str
    display_name: str = ""
    clouds: Collection[str] = ()
    dependencies: Sequence[Dependency] = ()
    state: str = ""
    registry: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A candidate; `against` is why it does not fit, `needs` what must be added with it."""

    candidate: Candidate
    against: tuple[Finding, ...] = ()
    needs: tuple[Finding, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.against


@dataclass(frozen=True, slots=True)
class LayerOption:
    """A pack, its versions newest first; of equal ones in the order of registries given."""

    name: str
    display_name: str
    offers: tuple[Offer, ...]

    @property
    def fits(self) -> bool:
        return any(offer.fits for offer in self.offers)

    def parent_tags(self) -> list[str]:
        """The tags that follow the newest of a train."""
        return parents_of([offer.candidate.tag for offer in self.offers])


def candidate_of(pack: Pack, registry: str = "", uid: str = "") -> Candidate:
    return Candidate(
        name=pack.name,
        version=pack.version,
        tag=pack.label,
        layer=pack.layer,
        order=sort_key(pack.version),
        display_name=pack.display_name,
        clouds=pack.cloud_types,
        dependencies=pack.constraints.dependencies,
        state=pack.annotations.get("system_state", ""),
        registry=registry,
        uid=uid,
    )


def options(
    candidates: Iterable[Candidate], chosen: Sequence[Candidate], layer: Layer, cloud: str
) -> list[LayerOption]:
    """The packs of a layer, those that fit first, each group by the names that people see.

    `chosen` are the packs of the layers so far; `cloud` is "" or `all` for every one.
    """
    asked: dict[str, list[tuple[Candidate, Dependency]]] = defaultdict(list)
    for pack in chosen:
        for dependency in pack.dependencies:
            asked[dependency.pack_name].append((pack, dependency))
    by_name: dict[str, list[Offer]] = defaultdict(list)
    for candidate in candidates:
        if candidate.layer == layer:
            by_name[candidate.name].append(_offer(candidate, chosen, asked, cloud))
    found_options = [
        _option(name, sorted(offers, key=_order, reverse=True)) for name, offers in by_name.items()
    ]
    return sorted(found_options, key=lambda one: (not one.fits, one.display_name.lower(), one.name))


def _order(offer: Offer) -> str:
    return offer.candidate.order


def _option(name: str, offers: list[Offer]) -> LayerOption:
    """Its display name is the newest version's."""
    return LayerOption(name, offers[0].candidate.display_name or name, tuple(offers))


def _offer(
    candidate: Candidate,
    chosen: Sequence[Candidate],
    asked: dict[str, list[tuple[Candidate, Dependency]]],
    cloud: str,
) -> Offer:
    fits_cloud = is_for(candidate.clouds, cloud)
    if fits_cloud and not candidate.dependencies and candidate.name not in asked:
        return Offer(candidate)
    against = [] if fits_cloud else [_wrong_cloud(candidate, cloud)]
    needs: list[Finding] = []
    for finding, dependency in _asks(candidate, chosen):
        if finding.rule != "dependency.missing":
            against.append(finding)
        elif taken := _taken(dependency, chosen):
            message = f"{finding.message} The layer {dependency.layer} is {taken}."
            against.append(replace(finding, message=message, mend=f"Choose it instead of {taken}."))
        else:
            needs.append(finding)
    against += _asked(candidate, asked)
    return Offer(candidate, tuple(against), tuple(needs))


def _asks(
    candidate: Candidate, chosen: Sequence[Candidate]
) -> Iterator[tuple[Finding, Dependency]]:
    """What a candidate asks of the chosen packs, and they break."""
    for dependency in candidate.dependencies:
        if fault := dependency_fault(candidate, dependency, chosen):
            rule, message, mend = fault
            yield pack_rules.found(rule, message, mend=mend), dependency


def _asked(
    candidate: Candidate, asked: dict[str, list[tuple[Candidate, Dependency]]]
) -> Iterator[Finding]:
    """What chosen packs ask of a candidate, and it breaks."""
    for pack, dependency in asked.get(candidate.name, ()):
        if dependency.layer in ("", candidate.layer):
            fault = dependency_fault(pack, dependency, (candidate,))
            if fault:
                rule, message, mend = fault
                yield pack_rules.found(rule, message, mend=mend)


def _taken(dependency: Dependency, chosen: Sequence[Candidate]) -> str:
    """The pack that already is the only one of the layer in which another one is required."""
    if dependency.layer in ("", Layer.ADDON):
        return ""
    return next((pack.name for pack in chosen if pack.layer == dependency.layer), "")


def _wrong_cloud(candidate: Candidate, cloud: str) -> Finding:
    clouds = several(list(candidate.clouds))
    message = f"{candidate.name} {candidate.version} is not made for {cloud}, but for {clouds}."
    return found("layer.cloud", message, mend=f"Choose a pack for {cloud}.")
