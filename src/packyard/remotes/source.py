"""What all registries that we read have in common: they say what they hold, and give one thing.

A listing costs as little as the registry allows. `Listing.marks` is what the next one is given, so
that a source can say that nothing changed; an offer's `validator` tells whether its content is what
it was, so that it is read once. What is broken comes as `Broken` beside the rest and stops nothing;
an exception means that the registry as a whole cannot be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from packyard.errors import Denied, PackyardError, Unauthenticated
from packyard.packs.yaml.scalars import Value
from packyard.remotes.chart import PulledChart
from packyard.remotes.client import Client
from packyard.remotes.pack import PulledPack

Marks = Mapping[str, str]
"""What a listing leaves for the next one, in the source's own words; {} before the first."""

Content = PulledPack | PulledChart


class Kind(StrEnum):
    PACK = "pack"
    CHART = "chart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One version that a source holds.

    `tag` is the source's own name of it and one of `tags`, which all lead to this content; `place`
    is where that is read: only the source knows what it means. Content with the same `validator` is
    the same; "" where the source tells nothing. `metadata` is what the listing itself says, with
    the keys of Chart.yaml; `name` and `version` are among them where the content says them.
    """

    kind: Kind
    name: str
    tag: str
    tags: tuple[str, ...]
    place: str
    validator: str = ""
    metadata: Mapping[str, Value] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Broken:
    """Something listed that cannot be taken; without `tag` it is all of that name.

    What is known of it from before still holds, unless it is `gone`.
    """

    name: str
    tag: str
    reason: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Perhaps an empty one, so that whoever reads may stop there."""

    offers: Sequence[Offer] = ()
    broken: Sequence[Broken] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """Every page is there once; `marks` hold once all pages were taken."""

    pages: Iterator[Page]
    marks: Marks = field(default_factory=dict)


class Source(Protocol):
    """One registry, used by several threads."""

    def probe(self) -> None:
        """Raise the exact reason where it is no registry of its kind, or lets us not in."""

    def listing(self, marks: Marks, places: Collection[str] = ()) -> Listing | None:
        """Everything that it holds; None where that is what it was when `marks` were given.

        At these `places` of offers there is something known: none of them is passed over.
        """

    def describe(self, offer: Offer) -> Mapping[str, Value]:
        """The metadata of an offer, asked for where the listing did not say it."""

    def read(self, offer: Offer) -> Content:
        """The content of an offer, verified as far as the source states digests."""


def let_in(error: PackyardError, client: Client) -> PackyardError:
    """The error, saying where it is so that the credentials are what is wrong."""
    given = "does not accept the credentials" if client.has_login else "asks for credentials"
    if isinstance(error, Unauthenticated):
        return Unauthenticated(f"{client.host} {given} ({error.message.rstrip('.')}).")
    if isinstance(error, Denied):
        allowed = "this login" if client.has_login else "strangers"
        return Denied(f"{client.host} does not let {allowed} read ({error.message.rstrip('.')}).")
    return error
