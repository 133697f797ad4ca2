"""A Helm repository as a source of charts.

A listing is one conditional request; an index that is the same byte for byte counts as unchanged
where the server knows no conditions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from packyard.digests import digest_of
from packyard.errors import NotFound, PackyardError, RemoteFailed
from packyard.packs.yaml.scalars import Value
from packyard.remotes.chart import PulledChart
from packyard.remotes.client import Client
from packyard.remotes.helm import INDEX_LIMIT, HelmRepository, Index
from packyard.remotes.helm_index import INDEX, ChartVersion
from packyard.remotes.source import Broken, Kind, Listing, Marks, Offer, Page, let_in

PAGE = 500
_PAGE_BYTES = 4 * 1024 * 1024  # after which whoever reads may stop, however few entries that were
_DIGEST = "sha256:"


class HelmSource:
    """`path` is where the repository stands on its server."""

    def __init__(self, client: Client, path: str, *, limit: int = INDEX_LIMIT) -> None:
        self._client = client
        self._repository = HelmRepository(client, path, limit=limit)
        client.expect_login()  # as Helm does; many servers show strangers an empty index

    def probe(self) -> None:
        try:
            self._repository.look()
        except PackyardError as error:
            raise self._explained(error) from error

    def listing(self, marks: Marks, places: Collection[str] = ()) -> Listing | None:  # noqa: ARG002
        try:
            index = self._repository.fetch(marks)
        except PackyardError as error:
            raise self._explained(error) from error
        return None if index is None else Listing(self._pages(index), index.marks)

    def describe(self, offer: Offer) -> Mapping[str, Value]:
        return offer.metadata

    def read(self, offer: Offer) -> PulledChart:
        sha256 = offer.validator if offer.validator.startswith(_DIGEST) else ""
        data = self._repository.pull(
            ChartVersion(
                name=offer.name,
                version=offer.tag,
                url=offer.place,
                sha256=sha256.removeprefix(_DIGEST),
            )
        )
        return PulledChart(data, digest_of(data))

    def _pages(self, index: Index) -> Iterator[Page]:
        with index.file:
            offers: list[Offer] = []
            broken: list[Broken] = []
            start = 0
            for entry in self._repository.entries(index):
                if isinstance(entry, Broken):
                    broken.append(entry)
                else:
                    offers.append(_offer(entry))
                at = index.file.tell()
                if len(offers) + len(broken) >= PAGE or at - start >= _PAGE_BYTES:
                    yield Page(offers, broken)
                    offers, broken, start = [], [], at
            yield Page(offers, broken)

    def _explained(self, error: PackyardError) -> PackyardError:
        if isinstance(error, NotFound):
            status = error.detail.get("status", 404)
            return RemoteFailed(
                f"{self._repository} is no Helm repository: it answers {status} when asked for "
                f"{INDEX}. Is there a path missing?"
            )
        return let_in(error, self._client)


def _offer(entry: ChartVersion) -> Offer:
    created = entry.metadata.get("created", "")
    digest = f"{_DIGEST}{entry.sha256}" if entry.sha256 else ""
    return Offer(
        kind=Kind.CHART,
        name=entry.name,
        tag=entry.version,
        tags=(entry.version,),
        place=entry.url,
        validator=digest or f"{created} {entry.url}",
        metadata=entry.metadata | ({"digest": digest} if digest else {}),
    )
