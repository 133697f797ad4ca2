"""What a listing means for the catalog: what is new, what stayed, what is gone. Pure.

Built page by page. Versions are told apart by name and label, packs of a listing by name and
validator, since their labels are known only when they were read. What a synchronization that broke
off has left behind counts as read. Nothing is gone that the listing could not tell about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packyard.catalog.entries import ON_ITS_WAY
from packyard.catalog.foreign import Known, Tags
from packyard.hub.steps import Fault, Step
from packyard.packs.tags import by_version, parent_tags
from packyard.packs.version import Version, sort_key
from packyard.references import Tag
from packyard.remotes.source import Broken, Kind, Offer, Page


@dataclass
class Plan:
    """`left` are the steps of a run that broke off, `former` the faults that the last whole one
    found: what they say of content that has not changed is not found out again."""

    known: Iterable[Known]
    left: Iterable[Step] = ()
    former: Iterable[Fault] = ()
    faults: list[Fault] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    resumed: list[str] = field(default_factory=list)
    """Uids of steps that were left and still hold."""
    count: int = 0
    """Versions that were listed."""
    bare: set[tuple[str, str]] = field(default_factory=set)
    """Names and tags of versions that are there without their contents."""

    def __post_init__(self) -> None:
        self._by_uid = {one.uid: one for one in self.known}
        self._by_label = {(one.name, one.label): one for one in self._by_uid.values()}
        self._by_content = {
            (one.name, one.validator): one for one in self._by_uid.values() if one.validator
        }
        self._steps = {(step.name, step.validator): step for step in self.left if step.validator}
        self._broken = {(one.name, one.tag, one.validator) for one in self.former if one.validator}
        self._reasons = {(one.name, one.tag): one.reason for one in self.former}
        self._here: dict[str, str] = {}
        self._tags: dict[str, dict[str, tuple[str, ...]]] = {}
        self._newest: dict[str, tuple[tuple[bool, str], Offer]] = {}

    def take(self, page: Page) -> list[Offer]:
        """The offers of a page whose content is new or changed."""
        for broken in page.broken:
            self._take_broken(broken)
        new = [offer for offer in page.offers if self._is_new(offer)]
        self.count += len(page.offers)
        return new

    def arrived(self, uid: str, name: str, label: str, tags: tuple[str, ...]) -> None:
        """A version is in the catalog from now on, with all tags that lead to it."""
        self._here[uid] = label
        self._tags.setdefault(name, {})[uid] = tags

    def failed(self, offer: Offer, reason: str, *, lasting: bool) -> None:
        """An offer could not be read; a version that stood under its tags stays as it was."""
        self._report(offer, reason, lasting=lasting)
        for tag in offer.tags:
            self._protect(self._by_label.get((offer.name, tag)))

    def note(self, offer: Offer, reason: str, *, lasting: bool) -> None:
        """The contents of an offer could not be read."""
        self._report(offer, reason, lasting=lasting)
        self.bare.add((offer.name, offer.tag))

    def _report(self, offer: Offer, reason: str, *, lasting: bool) -> None:
        """A `lasting` fault is the content's own."""
        validator = offer.validator if lasting else ""
        self.faults.append(Fault(offer.name, offer.tag, reason, validator))

    @property
    def here(self) -> int:
        """How many versions are there."""
        return len(self._here)

    def is_seen(self, uid: str) -> bool:
        """Whether people may know that version: what is new of it must wait."""
        known = self._by_uid.get(uid)
        return known is not None and known.gone_at != ON_ITS_WAY

    def is_same(self, uid: str, validator: str) -> bool:
        """Whether people see that version with this content."""
        known = self._by_uid.get(uid)
        return known is not None and known.gone_at == 0 and known.validator == validator != ""

    def newest_charts(self) -> Iterator[Offer]:
        """The newest version of each chart, where its contents are not there."""
        for _, offer in self._newest.values():
            known = self._known(offer)
            there = known and known.has_contents and known.validator == offer.validator != ""
            if not there and (offer.name, offer.validator) not in self._steps:
                yield offer

    def gone(self) -> list[str]:
        """Versions that the source holds no longer and that are not marked yet."""
        return self._not_here(0)

    def unseen(self) -> set[str]:
        """The versions that are there and that people do not see yet, or no longer."""
        there = {uid: self._by_uid.get(uid) for uid in self._here}
        return {uid for uid, known in there.items() if known is None or known.gone_at != 0}

    def emptied(self) -> int:
        """How many versions would be gone because the source holds nothing at all; 0 where it
        holds something, or never did."""
        return 0 if self.count or self._here else len(self.gone())

    def stale(self) -> list[str]:
        """Versions on their way that the source holds no longer."""
        return self._not_here(ON_ITS_WAY)

    def returned(self) -> list[str]:
        """Versions that were gone and are there again with the same content."""
        return [
            one.uid for one in self._by_uid.values() if one.gone_at > 0 and one.uid in self._here
        ]

    def leads(self) -> Iterator[tuple[str, Tags]]:
        """Every tag of each name that was listed."""
        for name, tags in self._tags.items():
            yield name, _leads({uid: self._here[uid] for uid in tags}, tags)

    def _is_new(self, offer: Offer) -> bool:
        known = self._known(offer)
        if offer.kind is Kind.CHART:
            self._consider(offer)
        if known and known.validator == offer.validator != "":
            self.arrived(known.uid, offer.name, known.label, offer.tags)
            if known.place != offer.place:
                self.moved[known.uid] = offer.place
            return False
        if step := self._steps.get((offer.name, offer.validator)):
            self.arrived(step.uid, offer.name, step.label, offer.tags)
            self.resumed.append(step.uid)
            return False
        if (offer.name, offer.tag, offer.validator) in self._broken:
            self.failed(offer, self._reasons[offer.name, offer.tag], lasting=True)
            return False
        return True

    def _known(self, offer: Offer) -> Known | None:
        """The version that it was; several charts of an index may have the same content."""
        known = self._by_content.get((offer.name, offer.validator))
        if offer.kind is Kind.PACK or (known and known.label in offer.tags):
            return known
        return self._by_label.get((offer.name, offer.tag))

    def _consider(self, offer: Offer) -> None:
        version = Version.parse(offer.tag)
        rank = version is not None and not version.prerelease, sort_key(offer.tag)
        if offer.name not in self._newest or rank > self._newest[offer.name][0]:
            self._newest[offer.name] = rank, offer

    def _take_broken(self, broken: Broken) -> None:
        self.faults.append(Fault(broken.name, broken.tag, broken.reason))
        if broken.gone:
            return
        if broken.tag:
            self._protect(self._by_label.get((broken.name, broken.tag)))
            return
        for known in self._by_uid.values():
            if known.name == broken.name:
                self._protect(known)

    def _protect(self, known: Known | None) -> None:
        """Leave a version as it is, for want of knowledge."""
        if known is not None and known.gone_at == 0 and known.uid not in self._here:
            self.arrived(known.uid, known.name, known.label, (known.label,))

    def _not_here(self, gone_at: int) -> list[str]:
        every = self._by_uid.values()
        return [one.uid for one in every if one.gone_at == gone_at and one.uid not in self._here]


def _leads(
    labels: Mapping[str, str], tags: Mapping[str, tuple[str, ...]]
) -> dict[Tag, tuple[str, bool]]:
    versions = {Tag(label): uid for uid, label in labels.items()}
    found = {Tag(tag): (uid, False) for uid, several in tags.items() for tag in several}
    found |= {label: (uid, False) for label, uid in versions.items()}
    parents: dict[Tag, tuple[str, bool]] = {}
    for label in sorted(versions, key=by_version):
        parents |= dict.fromkeys(parent_tags(label), (versions[label], True))
    return parents | found
