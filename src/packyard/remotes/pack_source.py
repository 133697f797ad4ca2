"""A pack registry as a source of packs: one of ours, or another of the same interface.

Ours says everything in pages of one list. Others name their packs at `/v1/_catalog`, or only as
repositories at `/v2/_catalog`; their tags are listed one repository at a time. Content comes over
the OCI interface, which all of them have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from urllib.parse import urlencode

from packyard.digests import parse_digest
from packyard.errors import DigestInvalid, NotFound, PackyardError, RemoteFailed, Unsupported
from packyard.packs.artifact import repository
from packyard.packs.files import STANDARD, Limits
from packyard.packs.model import parse_pack_name
from packyard.packs.tags import is_parent_form
from packyard.packs.yaml.scalars import Value
from packyard.references import RepoName, Tag, parse_tag
from packyard.remotes import oci
from packyard.remotes.client import Client
from packyard.remotes.oci_source import OciSource
from packyard.remotes.paging import pages
from packyard.remotes.source import Broken, Content, Kind, Listing, Marks, Offer, Page, let_in

PAGE = 1000


class PackSource:
    def __init__(self, client: Client, *, limits: Limits = STANDARD) -> None:
        self._client = client
        self._oci = OciSource(client, Kind.PACK, [""], limits=limits, find=_repositories)
        client.expect_login()

    def probe(self) -> None:
        if (
            self._page("", 1) is None
            and self._is_other()
            and next(self._oci.places(), None) is None
        ):
            raise RemoteFailed(f"{self._client.host} is a registry, but holds no packs.")

    def listing(self, marks: Marks, places: Collection[str] = ()) -> Listing:
        first = self._page("", PAGE)
        if first is None and self._is_other():
            return self._oci.listing(marks, places)
        return Listing(self._pages(first or {}))

    def _is_other(self) -> bool:
        if self._oci.is_there():
            return True
        raise RemoteFailed(
            f"{self._client.host} is no pack registry: no packs at /v1/, and nothing at /v2/."
        )

    def describe(self, offer: Offer) -> Mapping[str, Value]:
        return offer.metadata

    def read(self, offer: Offer) -> Content:
        return self._oci.read(offer)

    def _page(self, after: str, limit: int) -> Mapping[str, object] | None:
        """A page of the list that only ours has; None where there is no such thing."""
        asked = {"limit": str(limit), "after": after}
        query = urlencode({name: value for name, value in asked.items() if value})
        try:
            answer = self._client.request("GET", f"/v1/_packs?{query}")
        except (NotFound, Unsupported):
            return None
        except PackyardError as error:
            raise let_in(error, self._client) from error
        _require_no_page(self._client, answer.headers.get("content-type", ""))
        data = answer.json()
        return data if isinstance(data, dict) and isinstance(data.get("items"), list) else None

    def _pages(self, first: Mapping[str, object]) -> Iterator[Page]:
        def read(after: str) -> tuple[Page, str, int]:
            page = self._page(after, PAGE) if after else first
            if page is None:
                raise RemoteFailed(f"{self._client.host} ended its list of packs in the middle.")
            rows, following = page.get("items"), page.get("next")
            taken = [_taken(row) for row in rows] if isinstance(rows, list) else []
            offers = [one for one in taken if isinstance(one, Offer)]
            broken = [one for one in taken if isinstance(one, Broken)]
            return Page(offers, broken), following if isinstance(following, str) else "", 0

        return pages(self._client.host, "packs", "", read)


def _taken(row: object) -> Offer | Broken:
    try:
        name, tag, digest, tags = _fields(row)
        return Offer(
            kind=Kind.PACK,
            name=parse_pack_name(name),
            tag=parse_tag(tag),
            tags=tuple(dict.fromkeys((tag, *_own(tags)))),
            place=repository(name),
            validator=parse_digest(digest),
        )
    except (LookupError, TypeError, DigestInvalid, PackyardError) as error:
        said = error.message if isinstance(error, PackyardError) else "It has no name and digest."
        where = row if isinstance(row, dict) else {}
        return Broken(str(where.get("name", ""))[:250], str(where.get("tag", ""))[:250], said)


def _own(tags: list[str]) -> list[Tag]:
    """Those that people set; our own registry moves parent tags itself."""
    return [tag for tag in map(parse_tag, tags) if not is_parent_form(tag)]


def _fields(row: object) -> tuple[str, str, str, list[str]]:
    if not isinstance(row, dict):
        raise TypeError
    texts = row["name"], row["tag"], row["digest"]
    tags = row.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(text, str) for text in (*texts, *tags)):
        raise TypeError
    return (*texts, tags)


def _repositories(client: Client) -> Iterable[RepoName]:
    try:
        answer = client.request("GET", "/v1/_catalog")
    except (NotFound, Unsupported):
        return oci.catalog(client)
    data = answer.json()
    names = data.get("repositories") if isinstance(data, dict) else None
    if not isinstance(names, list):
        raise RemoteFailed(f"{client.host} is no pack registry: /v1/_catalog lists no names.")
    found = []
    for name in names:
        try:
            found.append(repository(parse_pack_name(str(name))))
        except PackyardError:
            continue
    return found


def _require_no_page(client: Client, content_type: str) -> None:
    if content_type.startswith("text/html"):
        raise RemoteFailed(
            f"{client.host} is no pack registry: it answers with a web page at /v1/_packs."
        )
