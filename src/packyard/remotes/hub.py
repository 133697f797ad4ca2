"""The hub of one of our servers: its API under `/v1`, as its client (spec: hub.md, "API").

Requests go out as those of every other client of a registry (`client`), signed in from the first
one on, for the hub asks for no credentials. In a project they carry its uid in `ProjectUid`, in the
tenant nothing. Lists are read to their end. What there is has a uid and a name, and can be found by
either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from urllib.parse import quote, urlencode

from packyard.errors import ContentRefused, NotFound, RemoteFailed, Unsupported
from packyard.findings import Finding
from packyard.remotes.client import Answer, Client
from packyard.remotes.items import Item, Kind, pick, text
from packyard.remotes.paging import pages

Query = Mapping[str, str | int | bool]
PAGE = 50
ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that is read whole; a page of profiles or packs holds all their values."""


class Hub:
    """One hub, in the project of that uid, "" for the tenant."""

    def __init__(self, client: Client, project: str = "") -> None:
        self._client = client
        self.project = project
        client.expect_login()

    @property
    def host(self) -> str:
        return self._client.host

    def within(self, project: str) -> Hub:
        """The same hub in the project of that uid."""
        return Hub(self._client, project)

    def get(self, path: str, query: Query | None = None) -> Item:
        """An object."""
        return self._object(self.send("GET", path, query=query), path)

    def items(self, path: str, query: Query | None = None, *, key: str = "items") -> list[Item]:
        """All items of a list, over all its pages."""
        return list(self._listed("GET", path, None, query or {}, key))

    def found(self, path: str, body: Item, query: Query | None = None) -> list[Item]:
        """All items that a search by POST gives."""
        return list(self._listed("POST", path, body, query or {}, "items"))

    def first(
        self, path: str, limit: int, query: Query | None = None, body: Item | None = None
    ) -> tuple[list[Item], bool]:
        """So many items of a list at most, or of a search, where there is a `body` for it; and
        whether there are more."""
        method = "GET" if body is None else "POST"
        found = list(islice(self._listed(method, path, body, query or {}, "items"), limit + 1))
        return found[:limit], len(found) > limit

    def create(self, path: str, body: Item, query: Query | None = None) -> Item:
        """POST something new; the answer, which has its `uid`."""
        return self._object(self.send("POST", path, body, query=query), path)

    def send(
        self, method: str, path: str, body: Item | None = None, *, query: Query | None = None
    ) -> Answer:
        """Send a request with a body of JSON or none."""
        headers = self._headers()
        if body is not None:
            headers["content-type"] = "application/json"
        with self._expected(path):
            return self._client.request(
                method,
                f"{path}?{urlencode(_plain(query))}" if query else path,
                headers=headers,
                content=b"" if body is None else json.dumps(body).encode(),
                limit=ANSWER_LIMIT,
            )

    @contextmanager
    def download(self, path: str, query: Query) -> Iterator[Iterator[bytes]]:
        """The bytes that stand there, of any number."""
        target = f"{path}?{urlencode(_plain(query))}" if query else path
        with (
            self._expected(path),
            self._client.stream("GET", target, headers=self._headers()) as answer,
        ):
            yield answer.iter_raw()

    def named(self, path: str, kind: Kind, wanted: str) -> Item:
        """The item of a list that has this uid, or this name."""
        return pick(self.items(path), kind, wanted, self.host)

    def _listed(
        self, method: str, path: str, body: Item | None, query: Query, key: str
    ) -> Iterator[Item]:
        def read(place: str) -> tuple[list[Item], str, int]:
            asked: Query = {**query, "limit": PAGE, **({"continue": place} if place else {})}
            page = self._object(self.send(method, path, body, query=asked), path)
            items = page.get(key)
            if items is not None and not isinstance(items, list):
                raise self._odd(path)
            rows: list[Item] = [item for item in items or () if isinstance(item, dict)]
            return rows, text(page, "listmeta.continue"), 0

        for rows in pages(self.host, path, "", read):
            yield from rows

    def _headers(self) -> dict[str, str]:
        scope = {"projectuid": self.project} if self.project else {}
        return {"accept": "application/json", **scope}

    @contextmanager
    def _expected(self, path: str) -> Iterator[None]:
        """What is nowhere, and is not said so as a hub says it, was asked of something else.

        Findings about a layer's texts name the layer as their folder.
        """
        try:
            yield
        except ContentRefused as refusal:
            raise ContentRefused(refusal.message, list(map(_in_layer, refusal.findings))) from None
        except (NotFound, Unsupported) as error:
            if error.detail.get("code"):
                raise
            raise RemoteFailed(
                f"{self.host} is no hub: it has nothing at {path}. It is a registry of another "
                "kind, or a Packyard older than this command.",
                host=self.host,
            ) from error

    def _object(self, answer: Answer, path: str) -> Item:
        data = answer.json()
        if not isinstance(data, dict):
            raise self._odd(path)
        return data

    def _odd(self, path: str) -> RemoteFailed:
        return RemoteFailed(
            f"{self.host} answered {path} with something else than a hub does.", host=self.host
        )


def _in_layer(finding: Finding) -> Finding:
    above = "/".join(filter(None, (finding.layer, finding.file)))
    return replace(finding, file=above)


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _plain(query: Query) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in query.items()
    }
