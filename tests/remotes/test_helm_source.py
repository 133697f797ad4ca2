"""Helm repositories as sources: what is asked again, what is listed, why they cannot be read."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from packyard.errors import Denied, PackyardError, RemoteFailed, TooLarge, Unauthenticated
from packyard.packs.chart_artifact import ARCHIVE_TYPE
from packyard.remotes import helm
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import AccessToken, Credentials
from packyard.remotes.chart import PulledChart
from packyard.remotes.client import Client
from packyard.remotes.helm_source import HelmSource
from packyard.remotes.source import Broken, Kind, Listing, Marks, Offer
from tests.remotes.scripted import Reply, Request, answering, talking

ARCHIVE = b"the archive of a chart"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
PATH = "/charts/index.yaml"


def row(version: Any, **more: Any) -> dict[str, Any]:
    return {"name": "web", "version": version, "urls": [f"web-{version}.tgz"], **more}


def index(*rows: Any) -> bytes:
    return json.dumps({"apiVersion": "v1", "entries": {"web": list(rows)}}).encode()


def taken(listing: Listing | None) -> tuple[list[Offer], list[Broken], Marks]:
    assert listing is not None
    pages = list(listing.pages)
    offers = [offer for page in pages for offer in page.offers]
    return offers, [broken for page in pages for broken in page.broken], listing.marks


def serve(body: bytes, **headers: str) -> Any:
    return lambda _: Reply(headers=headers, body=body)


def test_an_index_is_asked_for_again_only_if_it_changed() -> None:
    def script(request: Request) -> Reply:
        unchanged = request.headers.get("if-none-match") == '"one"'
        return Reply(304) if unchanged else Reply(headers={"ETag": '"one"'}, body=index(row("1.0")))

    with talking(script) as (server, client):
        source = HelmSource(client, "charts")
        offers, _, marks = taken(source.listing({}))
        assert [offer.tag for offer in offers] == ["1.0"]
        assert source.listing(marks) is None
        assert source.listing({**marks, "reader": "of another release"}) is not None
    assert server.seen() == [f"GET {PATH}"] * 3
    assert "if-none-match" not in server.requests[2].headers


def test_a_server_that_knows_no_tags_is_asked_by_time() -> None:
    def script(request: Request) -> Reply:
        time = "Wed, 21 Oct 2026 07:28:00 GMT"
        unchanged = request.headers.get("if-modified-since") == time
        return Reply(304) if unchanged else Reply(headers={"Last-Modified": time}, body=index())

    with talking(script) as (_, client):
        source = HelmSource(client, "charts")
        _, _, marks = taken(source.listing({}))
        assert source.listing(marks) is None


def test_the_same_bytes_are_the_same_index_where_a_server_knows_no_conditions() -> None:
    bodies = [index(row("1.0")), index(row("1.0")), index(row("1.1"))]
    with talking(lambda _: Reply(body=bodies.pop(0))) as (_, client):
        source = HelmSource(client, "charts")
        _, _, marks = taken(source.listing({}))
        assert source.listing(marks) is None
        offers, _, _ = taken(source.listing(marks))
        assert [offer.tag for offer in offers] == ["1.1"]


def test_offers_say_what_the_index_says() -> None:
    more = {
        "digest": SHA256,
        "created": "2026-01-02T03:04:05Z",
        "description": "Serves\x00 pages.",
        "appVersion": 3,
        "keywords": ["http", 7],
        "maintainers": [{"name": "Ada", "url": 3}, "x"],
        "annotations": {"category": "web", "n": 1},
        "deprecated": True,
        "unknown": {"a": 1},
        "type": ["library"],
        "home": "",
    }
    with talking(serve(index(row("1.0", **more), row("2.0", created="then")))) as (_, client):
        offers, broken, _ = taken(HelmSource(client, "charts").listing({}))
    assert not broken
    assert offers[0] == Offer(
        kind=Kind.CHART,
        name="web",
        tag="1.0",
        tags=("1.0",),
        place="web-1.0.tgz",
        validator=f"sha256:{SHA256}",
        metadata={
            "appVersion": "3",
            "created": "2026-01-02T03:04:05Z",
            "description": "Serves pages.",
            "keywords": ["http"],
            "maintainers": [{"name": "Ada"}],
            "annotations": {"category": "web"},
            "deprecated": True,
            "digest": f"sha256:{SHA256}",
        },
    )
    assert offers[1].validator == "then web-2.0.tgz"


def test_what_is_broken_is_listed_with_its_reason_beside_the_rest() -> None:
    rows = [7, row(1), row("1.0", urls=[]), row("1.1", urls=["a\x00b"]), row("2.0"), row("2.0")]
    rows += [row("not a version"), row("3.0", urls=["file:///etc/passwd"])]
    entries = {"web": rows, "a/b": [row("1")], "": [row("1")], "db": 3}
    with talking(serve(json.dumps({"entries": entries}).encode())) as (_, client):
        offers, broken, _ = taken(HelmSource(client, "charts").listing({}))
    assert [(offer.name, offer.tag) for offer in offers] == [("web", "2.0")]
    assert broken == [
        Broken("web", "", "The entry is not a map."),
        Broken("web", "", "The entry has no version, or one that is no text."),
        Broken("web", "1.0", "The entry has no address of an archive."),
        Broken("web", "1.1", "The entry has no address of an archive."),
        Broken("web", "2.0", "It stands twice in the index; the first one counts."),
        Broken("web", "not a version", "The entry's version is none such as 1.2.3."),
        Broken(
            "web",
            "3.0",
            "The address of its archive is of the scheme 'file': only http, "
            "https, oci are fetched.",
        ),
        Broken("a/b", "1", "It has no usable name."),
        Broken("", "1", "It has no usable name."),
        Broken("db", "", "What stands under this name is not a list."),
    ]


def test_a_long_index_comes_in_pages() -> None:
    body = index(*(row(f"1.{n}.0") for n in range(1200)))
    with talking(serve(body)) as (_, client):
        listing = HelmSource(client, "charts").listing({})
        assert listing is not None
        pages = list(listing.pages)
    assert [len(page.offers) for page in pages] == [500, 500, 200]


def test_an_index_may_come_packed_and_counts_unpacked() -> None:
    def script(request: Request) -> Reply:
        assert request.headers["accept-encoding"] == "gzip"
        body = gzip.compress(index(*(row(f"1.{n}.0") for n in range(1000))))
        return Reply(headers={"Content-Encoding": "gzip"}, body=body)

    with talking(script) as (_, client):
        offers, _, _ = taken(HelmSource(client, "charts").listing({}))
        assert len(offers) == 1000
        with pytest.raises(TooLarge, match="more than 9000 bytes"):
            HelmSource(client, "charts", limit=9000).listing({})


@pytest.mark.parametrize(
    "url", ["web-1.0.tgz", "files/web-1.0.tgz", "/elsewhere/web.tgz", "http://{other}/web.tgz"]
)
def test_an_archive_is_read_from_where_the_index_says(url: str) -> None:
    def closed(request: Request) -> Reply:
        if request.headers.get("authorization") != Credentials("me", "pass").header:
            return Reply(401)
        named = url.format(other=other.host)
        return Reply(body=index(row("1.0", urls=[named], digest=SHA256)) if "index" in request.path
                     else ARCHIVE)  # fmt: skip

    with answering(serve(ARCHIVE)) as other, talking(closed, Credentials("me", "pass")) as pair:
        server, client = pair
        source = HelmSource(client, "charts")
        (offer,), _, _ = taken(source.listing({}))
        content = source.read(offer)
    assert content == PulledChart(ARCHIVE, content.digest)
    assert content.digest == f"sha256:{SHA256}"
    asked = [f"/charts/{url}", url, "/web.tgz"]
    assert (other.requests or server.requests[1:])[0].path in asked
    assert all("authorization" not in request.headers for request in other.requests)


def test_an_archive_may_lie_in_an_oci_registry() -> None:
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"},
            "layers": [
                {"mediaType": ARCHIVE_TYPE, "digest": f"sha256:{SHA256}", "size": len(ARCHIVE)}
            ],
        }
    ).encode()

    def registry(request: Request) -> Reply:
        assert "authorization" not in request.headers
        if request.path == "/v2/charts/web/manifests/1.0_x":
            return Reply(body=manifest)
        return Reply(body=ARCHIVE) if "/blobs/" in request.path else Reply(404)

    with answering(registry) as other:
        url = f"oci://{other.host}/charts/web:1.0_x"
        with talking(serve(index(row("1.0+x", urls=[url])))) as (_, client):
            source = HelmSource(client, "charts")
            (offer,), _, _ = taken(source.listing({}))
            assert source.read(offer).archive == ARCHIVE
            untagged = replace(offer, place=url.removesuffix(":1.0_x"))
            assert source.read(untagged).archive == ARCHIVE


def test_an_archive_of_another_digest_is_refused() -> None:
    bodies = [index(row("1.0", digest="0" * 64)), ARCHIVE]
    with talking(lambda _: Reply(body=bodies.pop(0))) as (_, client):
        source = HelmSource(client, "charts")
        (offer,), _, _ = taken(source.listing({}))
        with pytest.raises(RemoteFailed, match=f"digest sha256:{SHA256}; its index says sha256:0"):
            source.read(offer)


def test_a_token_opens_a_repository() -> None:
    def closed(request: Request) -> Reply:
        known = request.headers.get("authorization") == "Bearer abc"
        return Reply(body=index(row("1.0"))) if known else Reply(401)

    with (
        answering(closed) as server,
        Client(parse_address(f"http://{server.host}"), AccessToken("abc")) as client,
    ):
        HelmSource(client, "charts").probe()
        assert len(taken(HelmSource(client, "charts").listing({}))[0]) == 1


PACKED = {"Content-Encoding": "gzip"}
PAGE = b"<!DOCTYPE html><html><body>Not found</body></html>"
REASONS: list[tuple[Reply, type[PackyardError], str]] = [
    (Reply(404), RemoteFailed, "is no Helm repository: it answers 404"),
    (Reply(401), Unauthenticated, "asks for credentials"),
    (Reply(403), Denied, "does not let strangers read"),
    (Reply(500), RemoteFailed, "500 Internal Server Error"),
    (Reply(body=PAGE), RemoteFailed, "is not the index of a Helm repository. It is a web page."),
    (Reply(body=b""), RemoteFailed, "It is empty."),
    (Reply(body=b"{}"), RemoteFailed, "It has no key 'entries'."),
    (Reply(body=b"a: [\n"), RemoteFailed, "line 2: Not YAML"),
    (
        Reply(headers={"Content-Encoding": "gzip"}, body=b"no gzip"),
        RemoteFailed,
        "cannot be unpacked",
    ),
]


@pytest.mark.parametrize(("reply", "kind", "said"), REASONS, ids=[said for _, _, said in REASONS])
def test_a_probe_tells_the_exact_reason(reply: Reply, kind: type[PackyardError], said: str) -> None:
    with talking(lambda _: reply) as (server, client):
        source = HelmSource(client, "charts")
        with pytest.raises(kind) as probed:
            source.probe()
        with pytest.raises(kind) as listed:
            taken(source.listing({}))
    assert said in str(probed.value)
    assert str(listed.value) == str(probed.value)
    assert server.host in str(probed.value)


def test_a_probe_takes_no_longer_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm, "LOOK", -1.0)
    with (
        talking(serve(b"# A comment\n" * 10_000)) as (_, client),
        pytest.raises(RemoteFailed, match="shows no entry within"),
    ):
        HelmSource(client, "charts").probe()


def test_a_small_answer_does_not_grow_in_memory() -> None:
    body = gzip.compress(b"#" * 100_000_000)
    with talking(lambda _: Reply(headers=PACKED, body=body)) as (_, client):
        source = HelmSource(client, "charts", limit=50_000_000)
        tracemalloc.start()
        try:
            with pytest.raises(TooLarge, match="more than 50000000 bytes"):
                source.listing({})
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()


def test_an_index_may_be_packed_in_several_members_but_not_be_cut_off() -> None:
    packed = (
        gzip.compress(b"entries:\n")
        + gzip.compress(b"  web:\n")
        + gzip.compress(b"  - {version: 1.0.0, urls: [web-1.0.0.tgz]}\n")
    )
    replies = [Reply(headers=PACKED, body=packed), Reply(headers=PACKED, body=packed[:-9])]
    with talking(lambda _: replies[0]) as (_, client):
        (offer,) = taken(HelmSource(client, "charts").listing({}))[0]
        assert (offer.name, offer.tag) == ("web", "1.0.0")
        del replies[0]
        with pytest.raises(RemoteFailed, match="cannot be unpacked"):
            HelmSource(client, "charts").listing({})


def test_wrong_credentials_are_told_from_none() -> None:
    with (
        talking(lambda _: Reply(401), Credentials("me", "pass-word")) as (_, client),
        pytest.raises(Unauthenticated, match="does not accept the credentials") as refused,
    ):
        HelmSource(client, "charts").probe()
    assert "pass-word" not in str(refused.value)


def test_a_probe_reads_no_more_than_it_needs() -> None:
    body = index(*(row(f"1.{n}.0", description="x" * 500) for n in range(40_000)))
    with talking(serve(body)) as (_, client):
        HelmSource(client, "charts", limit=8 * 1024 * 1024).probe()
