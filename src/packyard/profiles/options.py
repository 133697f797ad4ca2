"""What can be the next layer of a profile: the packs of that layer, each version with what stands
against it (profiles.md, "Creating one").

Candidates are rows of a catalog, so that thousands can be looked through while a person waits:
whether one fits is told of all, why it does not only of those that are shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, TypeAlias

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


class LayerOption(NamedTuple):
    """A pack that `fits` in one version at least; `versions` are newest first."""

    versions: Sequence[Candidate]
    fits: bool
    beside: Beside

    @property
    def name(self) -> str:
        return self.versions[0].name

    @property
    def display_name(self) -> str:
        """The newest version's."""
        return self.versions[0].display_name or self.name

    def offers(self) -> list[Offer]:
        """Each version, and why it does not fit."""
        return [self.beside.offer(candidate) for candidate in self.versions]

    def parent_tags(self) -> list[str]:
        """The tags that follow the newest of a train."""
        return parents_of([candidate.tag for candidate in self.versions])


Packs: TypeAlias = Sequence[Sequence[Candidate]]
"""The versions of each pack, newest first; the packs by the names that people see."""


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


def packs_of(candidates: Iterable[Candidate]) -> Packs:
    """Candidates of one layer by their packs; equal versions stay in the order given."""
    by_name = sorted(candidates, key=attrgetter("name"))
    groups = [
        sorted(versions, key=attrgetter("order"), reverse=True)
        for _, versions in groupby(by_name, attrgetter("name"))
    ]
    return sorted(groups, key=_by_shown_name)


def _by_shown_name(versions: Sequence[Candidate]) -> tuple[str, str]:
    newest = versions[0]
    return (newest.display_name or newest.name).lower(), newest.name


def options(packs: Packs, chosen: Sequence[Candidate], cloud: str) -> list[LayerOption]:
    """The packs of a layer, those that fit first.

    `chosen` are the packs of the layers so far; `cloud` is "" or `all` for every one.
    """
    beside = Beside(chosen, cloud)
    fitting: list[LayerOption] = []
    others: list[LayerOption] = []
    for versions in packs:
        fits = any(map(beside.fits, versions))
        (fitting if fits else others).append(LayerOption(versions, fits, beside))
    return fitting + others


class Beside:
    """What a candidate is held against: the packs of the layers so far, and the cloud."""

    def __init__(self, chosen: Sequence[Candidate], cloud: str) -> None:
        self._chosen = chosen
        self._cloud = cloud
        self._asked: dict[str, list[tuple[Candidate, Dependency]]] = defaultdict(list)
        for pack in chosen:
            for dependency in pack.dependencies:
                self._asked[dependency.pack_name].append((pack, dependency))
        self._broken: dict[Dependency, bool] = {}

    def fits(self, candidate: Candidate) -> bool:
        """Whether nothing stands against it."""
        if not is_for(candidate.clouds, self._cloud):
            return False
        for dependency in candidate.dependencies:
            if self._is_broken(candidate, dependency):
                return False
        return candidate.name not in self._asked or not any(self._asks(candidate))

    def offer(self, candidate: Candidate) -> Offer:
        wrong_cloud = not is_for(candidate.clouds, self._cloud)
        against = [_wrong_cloud(candidate, self._cloud)] if wrong_cloud else []
        needs: list[Finding] = []
        for dependency in candidate.dependencies:
            finding = _fault(candidate, dependency, self._chosen)
            if finding is None:
                continue
            if finding.rule != "dependency.missing":
                against.append(finding)
            elif taken := _taken(dependency, self._chosen):
                message = f"{finding.message} The layer {dependency.layer} is {taken}."
                mend = f"Choose it instead of {taken}."
                against.append(replace(finding, message=message, mend=mend))
            else:
                needs.append(finding)
        against += self._asks(candidate)
        return Offer(candidate, tuple(against), tuple(needs))

    def _is_broken(self, candidate: Candidate, dependency: Dependency) -> bool:
        """The same for every candidate that has this dependency."""
        broken = self._broken.get(dependency)
        if broken is None:
            finding = _fault(candidate, dependency, self._chosen)
            needed = finding is not None and finding.rule == "dependency.missing"
            broken = bool(_taken(dependency, self._chosen)) if needed else finding is not None
            self._broken[dependency] = broken
        return broken

    def _asks(self, candidate: Candidate) -> Iterator[Finding]:
        """What chosen packs ask of a candidate, and it breaks."""
        for pack, dependency in self._asked.get(candidate.name, ()):
            if dependency.layer in ("", candidate.layer):
                finding = _fault(pack, dependency, (candidate,))
                if finding:
                    yield finding


def _fault(pack: Candidate, dependency: Dependency, beside: Sequence[Candidate]) -> Finding | None:
    fault = dependency_fault(pack, dependency, beside)
    if fault is None:
        return None
    rule, message, mend = fault
    return pack_rules.found(rule, message, mend=mend)


def _taken(dependency: Dependency, chosen: Sequence[Candidate]) -> str:
    """The pack that already is the only one of the layer in which another one is required."""
    if dependency.layer in ("", Layer.ADDON):
        return ""
    return next((pack.name for pack in chosen if pack.layer == dependency.layer), "")


def _wrong_cloud(candidate: Candidate, cloud: str) -> Finding:
    clouds = several(list(candidate.clouds))
    message = f"{candidate.name} {candidate.version} is not made for {cloud}, but for {clouds}."
    return found("layer.cloud", message, mend=f"Choose a pack for {cloud}.")
