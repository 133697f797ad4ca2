"""What a listing means for the catalog: what is new, what stayed, what is gone. Pure.

Built page by page. Versions are told apart by name and label, packs of a listing by name and
validator, since their labels are known only when they were read. Nothing is gone that the listing
could not tell about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packyard.catalog.foreign import Known
from packyard.hub.steps import Fault
from packyard.packs.tags import parent_tags, split_tag
from packyard.packs.version import Version, sort_key
from packyard.references import Tag
from packyard.remotes.source import Broken, Kind, Offer, Page

Leads = dict[str, dict[Tag, tuple[str, bool]]]
"""By name and tag: the uid of the pack, and whether it is a parent tag."""


@dataclass
class Plan:
    """`former` are the faults of the synchronization before: what they say of content that has not
    changed is not found out again."""

    known: Iterable[Known]
    former: Iterable[Fault] = ()
    faults: list[Fault] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    count: int = 0
    changed: int = 0

    def __post_init__(self) -> None:
        every = list(self.known)
        self._by_label = {(one.name, one.label): one for one in every}
        self._by_content = {(one.name, one.validator): one for one in every if one.validator}
        self._names: dict[str, list[Known]] = {}
        for one in every:
            self._names.setdefault(one.name, []).append(one)
        self._broken = {
            (one.name, one.tag, one.validator): one for one in self.former if one.validator
        }
        self._here: set[str] = set()
        self._tags: dict[str, dict[str, tuple[str, ...]]] = {}
        self._newest: dict[str, tuple[tuple[bool, str], Offer]] = {}

    def take(self, page: Page) -> list[Offer]:
        """The offers of a page whose content is new or changed."""
        for broken in page.broken:
            self._take_broken(broken)
        return [offer for offer in page.offers if self._is_new(offer)]

    def arrived(self, uid: str, name: str, tags: tuple[str, ...]) -> None:
        """A version is in the catalog from now on, with all tags that lead to it."""
        self._here.add(uid)
        self._tags.setdefault(name, {})[uid] = tags

    def failed(self, offer: Offer, reason: str, *, lasting: bool) -> None:
        """An offer could not be read; a version that stood under its tags stays as it was."""
        self.note(offer, reason, lasting=lasting)
        for tag in offer.tags:
            self._protect(self._by_label.get((offer.name, tag)))

    def note(self, offer: Offer, reason: str, *, lasting: bool) -> None:
        """An offer is in the catalog, but something of it could not be read."""
        validator = offer.validator if lasting else ""
        self.faults.append(Fault(offer.name, offer.tag, reason, validator))

    def newest_charts(self) -> Iterator[tuple[Offer, Known | None]]:
        """The newest version of each chart, with what the catalog has of it in the same content."""
        for _, offer in self._newest.values():
            known = self._by_label.get((offer.name, offer.tag))
            same = known and known.validator == offer.validator and offer.validator
            yield offer, known if same else None

    def gone(self) -> list[str]:
        """Versions that the source holds no longer and that are not marked yet."""
        return [
            one.uid for one in self._by_label.values() if one.uid not in self._here and not one.gone
        ]

    def returned(self) -> list[str]:
        """Versions that were gone and are there again with the same content."""
        return [one.uid for one in self._by_label.values() if one.gone and one.uid in self._here]

    def leads(self, labels: Mapping[str, str]) -> Leads:
        """Every tag of each name that was listed; `labels` are those of new uids."""
        known = {one.uid: one.label for one in self._by_label.values()}
        return {
            name: _leads({uid: labels.get(uid) or known[uid] for uid in tags}, tags)
            for name, tags in self._tags.items()
        }

    def _is_new(self, offer: Offer) -> bool:
        self.count += 1
        known = self._by_content.get((offer.name, offer.validator))
        if offer.kind is Kind.CHART:
            known = self._by_label.get((offer.name, offer.tag))
            self._consider(offer)
        if known and offer.validator and known.validator == offer.validator:
            self.arrived(known.uid, offer.name, offer.tags)
            if known.place != offer.place:
                self.moved[known.uid] = offer.place
            return False
        former = self._broken.get((offer.name, offer.tag, offer.validator))
        if former:
            self.failed(offer, former.reason, lasting=True)
            return False
        self.changed += 1
        return True

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
        else:
            for known in self._names.get(broken.name, ()):
                self._protect(known)

    def _protect(self, known: Known | None) -> None:
        """Leave a version as it is, for want of knowledge."""
        if known is not None and not known.gone and known.uid not in self._here:
            self.arrived(known.uid, known.name, (known.label,))


def _leads(
    labels: Mapping[str, str], tags: Mapping[str, tuple[str, ...]]
) -> dict[Tag, tuple[str, bool]]:
    versions = {Tag(label): uid for uid, label in labels.items()}
    found = {Tag(tag): (uid, False) for uid, several in tags.items() for tag in several}
    found |= {label: (uid, False) for label, uid in versions.items()}
    parents: dict[Tag, tuple[str, bool]] = {}
    for label in sorted(versions, key=_by_version):
        parents |= dict.fromkeys(parent_tags(label), (versions[label], True))
    return parents | found


def _by_version(label: Tag) -> tuple[str, Tag]:
    return sort_key(split_tag(label)[1].replace("_", "+")), label
