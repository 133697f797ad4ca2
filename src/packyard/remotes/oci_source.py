"""An OCI registry as a source of Helm charts or of packs.

Repositories below the base paths are found by `_catalog`; where a registry lists none, each base
path is a repository itself. A listing costs the lists of tags and one HEAD for each tag that can
be a version; which repositories hold something else than charts is found out once and remembered.
(OCI distribution specification 1.1, "Content Discovery".)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from packyard.digests import Digest, digest_of, parse_digest
from packyard.errors import (
    Denied,
    NotFound,
    PackyardError,
    RemoteFailed,
    Unauthenticated,
    Unsupported,
)
from packyard.packs.artifact import pack_of_repository
from packyard.packs.chart_artifact import version_of
from packyard.packs.files import STANDARD, Limits
from packyard.packs.tags import is_parent_form, version_in
from packyard.packs.version import Version, sort_key
from packyard.packs.yaml.scalars import Value
from packyard.references import RepoName, Tag, parse_repo
from packyard.remotes import chart, pack
from packyard.remotes.client import Client
from packyard.remotes.oci import Repository, catalog
from packyard.remotes.source import Broken, Content, Kind, Listing, Marks, Offer, Page, let_in
from packyard.remotes.transfer import unwatched

S = TypeVar("S")
T = TypeVar("T")
Find = Callable[[Client], Iterable[RepoName]]
PARALLEL = 8
_AT_ONCE = 200  # tags after whose heads a listing may be stopped
_CHART, _OTHER = "chart", "other:"
_JUDGED = 5  # newest tags by which a repository is judged


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, and the name that its versions have in the catalog."""

    repository: RepoName
    name: str


class OciSource:
    """`bases` are paths of repositories, "" for the whole registry; `find` lists repositories where
    the registry has another way to do it."""

    def __init__(
        self,
        client: Client,
        kind: Kind,
        bases: Sequence[str],
        *,
        limits: Limits = STANDARD,
        find: Find = catalog,
    ) -> None:
        self._client = client
        self._kind = kind
        self._bases = [base.strip("/") for base in bases] or [""]
        self._limits = limits
        self._find = find

    def probe(self) -> None:
        """Reads no more of a list than shows that each base path has something."""
        self.knock()
        for base in self._bare(self.places()):
            raise RemoteFailed(f"{self._client.host} {self._nothing(base)}.")

    def listing(self, marks: Marks, places: Collection[str] = ()) -> Listing:
        self.knock()
        found = {**marks, **dict.fromkeys(places, _CHART)}
        return Listing(self._pages(list(self.places()), found), found)

    def describe(self, offer: Offer) -> Mapping[str, Value]:
        if self._kind is Kind.PACK:
            return offer.metadata
        repository = Repository(self._client, parse_repo(offer.place))
        return chart.metadata(repository, repository.manifest(parse_digest(offer.validator)))

    def read(self, offer: Offer) -> Content:
        repository = Repository(self._client, parse_repo(offer.place))
        digest = parse_digest(offer.validator)
        if self._kind is Kind.PACK:
            return pack.pull(repository, digest, watch=unwatched, limits=self._limits)
        data = chart.pull(repository, digest, unwatched)
        return chart.PulledChart(data, digest_of(data))

    def places(self) -> Iterator[Place]:
        """Every repository that can hold what this source is for."""
        seen = set()
        for name in self._names():
            place = self._place(name)
            if place and place not in seen:
                seen.add(place)
                yield place

    def _names(self) -> Iterator[RepoName]:
        listed = iter(self._find(self._client))
        try:
            yield from islice(listed, 1)
        except (NotFound, Denied, Unauthenticated, Unsupported):
            named = (parse_repo(base) for base in self._bases if base)
            yield from (name for name in named if self._holds_tags(name))
            return
        try:
            yield from listed
        except PackyardError as error:
            raise let_in(error, self._client) from error

    def _place(self, name: RepoName) -> Place | None:
        for base in self._bases:
            if not _is_below(name, base):
                continue
            if self._kind is Kind.CHART:
                below = name.removeprefix(base).strip("/")
                return Place(name, below or name.rpartition("/")[2])
            if packed := pack_of_repository(name, base) or _named_pack(name):
                return Place(name, packed)
        return None

    def knock(self) -> None:
        """Raise the reason where there is no OCI registry, or one that does not let us in."""
        if not self.is_there():
            raise RemoteFailed(f"{self._client.host} is no OCI registry: it has nothing at /v2/.")

    def is_there(self) -> bool:
        """Whether there is anything; raises the reason where that is none, or lets us not in."""
        self._client.expect_login()
        try:
            answer = self._client.request("GET", "/v2/")
        except NotFound:
            return False
        except PackyardError as error:
            raise let_in(error, self._client) from error
        if answer.headers.get("content-type", "").startswith("text/html"):
            raise RemoteFailed(
                f"{self._client.host} is no OCI registry: it answers with a web page at /v2/."
            )
        return True

    def _bare(self, places: Iterable[Place]) -> list[str]:
        """The base paths below which there is nothing."""
        bare = self._bases
        for place in places:
            bare = [base for base in bare if not _is_below(place.repository, base)]
            if not bare:
                break
        return bare

    def _holds_tags(self, name: RepoName) -> bool:
        try:
            return bool(Repository(self._client, name).tags())
        except NotFound:
            return False
        except PackyardError as error:
            raise let_in(error, self._client) from error

    def _nothing(self, base: str) -> str:
        what = "packs" if self._kind is Kind.PACK else "repositories"
        if base:
            return (
                f"holds no {what} below {base!r}, or lists none; where it lists none, name each "
                "repository in the base content path"
            )
        return f"lists no {what}; where it lists none, name each in the base content path"

    def _pages(self, places: Sequence[Place], marks: dict[str, str]) -> Iterator[Page]:
        if bare := [base for base in self._bare(places) if base]:
            said = {base: f"{self._client.host} {self._nothing(base)}." for base in bare}
            yield Page((), [Broken(base, "", reason, gone=True) for base, reason in said.items()])
        pool = ThreadPoolExecutor(PARALLEL)
        try:
            for place, listed in zip(places, _ahead(pool, self._tags, places), strict=True):
                if isinstance(listed, Broken):
                    yield Page((), [listed])
                else:
                    yield from self._versions(place, listed, marks, pool)
        finally:
            pool.shutdown(cancel_futures=True)

    def _tags(self, place: Place) -> Sequence[Tag] | Broken:
        try:
            return Repository(self._client, place.repository).tags()
        except NotFound:
            return []
        except PackyardError as error:
            return _broken(place, "", error, self._client)

    def _versions(
        self, place: Place, tags: Sequence[Tag], marks: dict[str, str], pool: ThreadPoolExecutor
    ) -> Iterator[Page]:
        wanted = [tag for tag in tags if self._can_be_version(tag)]
        if not wanted or self._is_other(place, wanted, marks, pool):
            yield Page()
            return
        by_digest: dict[Digest, list[Tag]] = {}
        broken: list[Broken] = []
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            heads = pool.map(lambda tag: self._head(place, tag), some)
            for tag, head in zip(some, heads, strict=True):
                if isinstance(head, Broken):
                    broken.append(head)
                else:
                    by_digest.setdefault(head, []).append(tag)
            yield Page()
        offer = _pack if self._kind is Kind.PACK else _chart
        yield Page([offer(place, digest, same) for digest, same in by_digest.items()], broken)

    def _can_be_version(self, tag: Tag) -> bool:
        """Parent tags are made anew here, and those of signatures and the like lead to no version;
        a chart stands under its version, and others lead to it."""
        if self._kind is Kind.PACK:
            return not is_parent_form(tag) and not tag.startswith(("sha256-", "sha512-"))
        return chart.can_be_version(tag)

    def _is_other(
        self, place: Place, tags: Sequence[Tag], marks: dict[str, str], pool: ThreadPoolExecutor
    ) -> bool:
        """Whether a repository of a registry for charts holds something else, as images: none of
        its newest tags leads to a chart."""
        if self._kind is Kind.PACK or marks.get(place.repository) == _CHART:
            return False
        repository = Repository(self._client, place.repository)
        newest = sorted(tags, key=lambda tag: sort_key(version_of(tag)), reverse=True)[:_JUDGED]
        known = marks.get(place.repository)
        try:
            if known and known == f"{_OTHER}{repository.head(newest[0])}":
                return True
            received = [repository.manifest(newest[0])]
            if not chart.is_chart(received[0]):
                received += pool.map(repository.manifest, newest[1:])
        except PackyardError:
            return False  # the heads tell what is wrong
        if not all(one.document() for one in received):
            return False  # the report does
        is_other = not any(map(chart.is_chart, received))
        marks[place.repository] = f"{_OTHER}{received[0].digest}" if is_other else _CHART
        return is_other

    def _head(self, place: Place, tag: Tag) -> Digest | Broken:
        try:
            return Repository(self._client, place.repository).head(tag)
        except NotFound:
            return Broken(place.name, tag, "It vanished while the registry was listed.", gone=True)
        except PackyardError as error:
            return _broken(place, tag, error, self._client)


def _ahead(pool: ThreadPoolExecutor, function: Callable[[T], S], items: Iterable[T]) -> Iterator[S]:
    """What it gives of each, in their order, begun for no more than can be done at once."""
    running: deque[Future[S]] = deque()
    for item in items:
        running.append(pool.submit(function, item))
        if len(running) == PARALLEL:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def _is_below(repository: str, base: str) -> bool:
    return not base or repository == base or repository.startswith(f"{base}/")


def _named_pack(repository: str) -> str:
    """The pack of a repository that a base path names whole."""
    above, archive, name = repository.rpartition("spectro-packs/archive/")
    return name if archive and (not above or above.endswith("/")) and "/" not in name else ""


def _pack(place: Place, digest: Digest, tags: Sequence[Tag]) -> Offer:
    return Offer(
        kind=Kind.PACK,
        name=place.name,
        tag=max(tags, key=_likeness),
        tags=tuple(tags),
        place=place.repository,
        validator=digest,
    )


def _chart(place: Place, digest: Digest, tags: Sequence[Tag]) -> Offer:
    return Offer(
        kind=Kind.CHART,
        name=place.name,
        tag=version_of(max(tags, key=_likeness)),
        tags=tuple(map(version_of, tags)),
        place=place.repository,
        validator=digest,
    )


def _likeness(tag: Tag) -> tuple[int, int, str]:
    """How much a tag looks like that of a version."""
    version = Version.parse(version_in(tag))
    return (len(version.numbers), not version.prerelease, tag) if version else (0, 0, tag)


def _broken(place: Place, tag: str, error: PackyardError, client: Client) -> Broken:
    """Raises where the failure is not this repository's own."""
    if isinstance(error, Unauthenticated) or error.detail.get("broken"):
        raise let_in(error, client)
    return Broken(place.name, tag, let_in(error, client).message)
