"""OCI registries as sources of packs and charts, against a real one and scripted ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from packyard.errors import Denied, PackyardError, RemoteFailed, Unauthenticated
from packyard.packs.charts import read_chart
from packyard.references import parse_repo, parse_tag
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.chart import PulledChart
from packyard.remotes.client import Client
from packyard.remotes.oci import Repository
from packyard.remotes.oci_source import OciSource
from packyard.remotes.pack import PulledPack
from packyard.remotes.source import Broken, Kind
from tests.packs import samples
from tests.remotes.content import (
    counted,
    names_and_tags,
    push_chart,
    push_image,
    push_pack,
    taken,
)
from tests.remotes.distribution import PASSWORD, USER, running
from tests.remotes.scripted import Reply, Request, answering, talking


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A registry with packs at two places, charts, and images beside them."""
    with (
        running(tmp_path_factory.mktemp("oci"), login=True) as host,
        Client(parse_address(host), Credentials(USER, PASSWORD)) as client,
    ):
        for version in ("1.2.3", "1.3.0"):
            push_pack(client, samples.pack(version=version), base="team/prod")
        push_pack(client, samples.pack(name="web", group="LTS"), "stable", "1.x", base="team/prod")
        push_pack(client, samples.pack(name="other"))
        for version in ("1.0.0", "1.1.0-rc.1+build.7"):
            push_chart(client, "web", version)
        push_chart(client, "db", "2.0.0", base="charts/data")
        push_image(client, "charts/image", "3.1.0")
        push_image(client, "charts/web", "sha256-0123.sig")
        push_image(client, "charts/web", "latest")
        yield client


def test_packs_below_a_base_path_are_listed_with_all_their_tags(client: Client) -> None:
    source = OciSource(client, Kind.PACK, ["team/prod"])
    source.probe()
    offers, broken, marks = taken(source.listing({}))
    assert not broken
    assert names_and_tags(offers) == [
        ("sample", "1.2.3"),
        ("sample", "1.3.0"),
        ("web", "LTS__1.2.3"),
    ]
    assert [sorted(offer.tags) for offer in offers] == [
        ["1.2.3"],
        ["1.3.0"],
        ["LTS__1.2.3", "stable"],
    ]
    with counted(client) as again:
        assert taken(source.listing(marks))[0] == offers
    lists = [line for line in again if line.endswith(("/v2/", "/_catalog", "/tags/list"))]
    heads = [line for line in again if line.startswith("HEAD")]
    assert len(heads) == 4
    assert len(again) == len(heads) + len(lists) == 4 + 2 + 2


def test_the_content_of_a_pack_is_verified_and_described(client: Client) -> None:
    source = OciSource(client, Kind.PACK, ["team/prod"])
    offer = taken(source.listing({}))[0][2]
    content = source.read(offer)
    assert isinstance(content, PulledPack)
    assert (content.pack.name, content.pack.label) == ("web", "LTS__1.2.3")
    assert content.digest == offer.validator
    assert content.archive.size > 0
    assert content.files["values.yaml"].data


def test_several_base_paths_are_one_source(client: Client) -> None:
    offers, _, _ = taken(OciSource(client, Kind.PACK, ["", "team/prod"]).listing({}))
    assert {offer.name for offer in offers} == {"other", "sample", "web"}
    offers, _, _ = taken(OciSource(client, Kind.PACK, ["team/prod/", "team"]).listing({}))
    assert {offer.name for offer in offers} == {"sample", "web"}


def test_charts_are_listed_by_version_and_all_else_is_passed_over(client: Client) -> None:
    source = OciSource(client, Kind.CHART, ["charts"])
    source.probe()
    offers, broken, marks = taken(source.listing({}))
    assert not broken
    assert names_and_tags(offers) == [
        ("data/db", "2.0.0"),
        ("web", "1.0.0"),
        ("web", "1.1.0-rc.1+build.7"),
    ]
    with counted(client) as again:
        assert taken(source.listing(marks))[0] == offers
    heads = [line for line in again if line.startswith("HEAD")]
    assert len(heads) == 4  # the image's newest tag among them
    assert not [line for line in again if "/manifests/" in line and line not in heads]
    assert not [line for line in again if "/blobs/" in line]


def test_the_metadata_of_a_chart_is_read_without_its_archive(client: Client) -> None:
    source = OciSource(client, Kind.CHART, ["charts"])
    offer = taken(source.listing({}))[0][1]
    with counted(client) as asked:
        said = source.describe(offer)
    assert len(asked) == 2
    content = source.read(offer)
    assert isinstance(content, PulledChart)
    assert said == {
        "name": "web",
        "version": "1.0.0",
        "description": "Chart web.",
        "appVersion": "7",
        "digest": content.digest,
        "size": len(content.archive),
    }
    chart, findings = read_chart(content.archive)
    assert chart is not None, findings
    assert (chart.name, chart.version) == ("web", "1.0.0")


def test_a_repository_that_gets_charts_later_is_found(client: Client) -> None:
    source = OciSource(client, Kind.CHART, ["later"])
    push_image(client, "later/both", "1.0.0")
    offers, _, marks = taken(source.listing({}))
    assert offers == []
    push_chart(client, "both", "2.0.0", base="later")
    offers, _, _ = taken(source.listing(marks))
    assert ("both", "2.0.0") in names_and_tags(offers)


def test_an_empty_base_path_is_told(client: Client) -> None:
    with pytest.raises(RemoteFailed, match="holds no packs below 'nowhere', or lists none"):
        OciSource(client, Kind.PACK, ["team/prod", "nowhere"]).probe()
    with pytest.raises(RemoteFailed, match="holds no repositories below 'chart'"):
        OciSource(client, Kind.CHART, ["chart"]).probe()


def test_credentials_are_told_to_be_wrong(client: Client) -> None:
    address = client.address
    with (
        Client(address, Credentials(USER, "wrong-pass")) as wrong,
        pytest.raises(Unauthenticated, match="does not accept the credentials"),
    ):
        OciSource(wrong, Kind.PACK, [""]).probe()
    with Client(address) as none, pytest.raises(Unauthenticated, match="asks for credentials"):
        OciSource(none, Kind.PACK, [""]).probe()


# Registries that do less, or fail.

DIGEST = "sha256:" + "a" * 64
PACKS = "spectro-packs/archive"


def registry(answers: dict[str, Reply | list[str]]) -> dict[str, Reply]:
    """Lists of tags by repository, and replies by path."""
    found = {"/v2/": Reply(body=b"{}")}
    for path, answer in answers.items():
        if isinstance(answer, Reply):
            found[f"/v2/{path}"] = answer
        else:
            tags = json.dumps({"tags": answer}).encode()
            found[f"/v2/{path}/tags/list"] = Reply(body=tags)
    return found


def listing(*names: str) -> dict[str, Reply | list[str]]:
    """The catalog, with packs of these names."""
    rows = [f"{PACKS}/{name}" for name in names]
    return {"_catalog": Reply(body=json.dumps({"repositories": rows}).encode())}


def scripted(answers: dict[str, Reply]) -> Callable[[Request], Reply]:
    def script(request: Request) -> Reply:
        if "/manifests/" in request.path and request.path not in answers:
            return Reply(headers={"Docker-Content-Digest": DIGEST})
        return answers.get(request.path, Reply(404))

    return script


def test_a_probe_reads_no_more_of_a_list_than_it_needs() -> None:
    def endless(request: Request) -> Reply:
        link = {"Link": f'</v2/_catalog?last={len(server.requests)}>; rel="next"'}
        return Reply(200, link, b'{"repositories": ["charts/web", "other"]}')

    with talking(endless) as (server, client):
        OciSource(client, Kind.CHART, ["charts", "other"]).probe()
        assert server.seen() == ["GET /v2/", "GET /v2/_catalog"]


def test_what_is_no_manifest_at_all_is_not_taken_for_another_kind() -> None:
    answers = registry({"_catalog": Reply(404), "web": ["1.0.0"]})
    answers["/v2/web/manifests/1.0.0"] = Reply(body=b"<html>")
    with talking(scripted(answers)) as (_, client):
        source = OciSource(client, Kind.CHART, ["web"])
        offers, _, marks = taken(source.listing({}))
        assert (names_and_tags(offers), marks) == ([("web", "1.0.0")], {})
        with pytest.raises(PackyardError, match="another manifest"):
            source.describe(offers[0])


def test_a_listing_can_be_stopped_within_a_repository_of_many_tags() -> None:
    answers = registry({"web": [f"1.{number}.0" for number in range(1000)]})
    answers["/v2/_catalog"] = Reply(body=b'{"repositories": ["web"]}')
    config = {"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"}}
    answers["/v2/web/manifests/1.999.0"] = Reply(body=json.dumps(config).encode())
    with talking(scripted(answers)) as (server, client):
        listing = OciSource(client, Kind.CHART, [""]).listing({})
        assert next(listing.pages).offers == ()
        assert len(server.requests) < 300
        listing.pages.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_where_no_repositories_are_listed_base_paths_are_repositories(status: int) -> None:
    answers = registry(
        {"_catalog": Reply(status), "charts/web": ["1.0.0"], f"x/{PACKS}/db": ["1.1.0"]}
    )
    manifest = {"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"}}
    answers["/v2/charts/web/manifests/1.0.0"] = Reply(body=json.dumps(manifest).encode())
    with talking(scripted(answers)) as (_, client):
        source = OciSource(client, Kind.CHART, ["charts/web", "charts/none"])
        offers, broken, _ = taken(source.listing({}))
        assert names_and_tags(offers) == [("web", "1.0.0")]
        assert [(one.name, one.tag, one.gone) for one in broken] == [("charts/none", "", True)]
        assert "holds no repositories below 'charts/none'" in broken[0].reason
        with pytest.raises(RemoteFailed, match="name each repository in the base content path"):
            source.probe()
        packs = OciSource(client, Kind.PACK, [f"x/{PACKS}/db"])
        packs.probe()
        assert names_and_tags(taken(packs.listing({}))[0]) == [("db", "1.1.0")]


def test_tags_that_vanish_while_listing_are_skipped_and_reported() -> None:
    answers = registry({**listing("web", "gone"), f"{PACKS}/web": ["1.0.0", "1.1.0"]})
    answers[f"/v2/{PACKS}/web/manifests/1.0.0"] = Reply(404)
    with talking(scripted(answers)) as (_, client):
        offers, broken, _ = taken(OciSource(client, Kind.PACK, [""]).listing({}))
    assert names_and_tags(offers) == [("web", "1.1.0")]
    reason = "It vanished while the registry was listed."
    assert broken == [Broken("web", "1.0.0", reason, gone=True)]


def test_what_fails_for_one_repository_leaves_the_others() -> None:
    answers = registry(
        {
            **listing("web", "db", "mq"),
            f"{PACKS}/web": ["1.0.0"],
            f"{PACKS}/db/tags/list": Reply(403),
            f"{PACKS}/mq": ["2", "3"],
        }
    )
    answers[f"/v2/{PACKS}/mq/manifests/2"] = Reply(500)
    with talking(scripted(answers)) as (_, client):
        offers, broken, _ = taken(OciSource(client, Kind.PACK, [""]).listing({}))
    assert names_and_tags(offers) == [("mq", "3"), ("web", "1.0.0")]
    assert [(one.name, one.tag, one.gone) for one in broken] == [
        ("db", "", False),
        ("mq", "2", False),
    ]
    assert "does not let strangers read" in broken[0].reason
    assert "500" in broken[1].reason


def test_credentials_that_end_in_the_middle_end_the_listing() -> None:
    answers = registry({**listing("web"), f"{PACKS}/web": ["1.0.0"]})
    answers[f"/v2/{PACKS}/web/manifests/1.0.0"] = Reply(401)
    with (
        talking(scripted(answers)) as (_, client),
        pytest.raises(Unauthenticated),
    ):
        taken(OciSource(client, Kind.PACK, [""]).listing({}))


def test_a_registry_of_tokens_is_listed() -> None:
    """Each repository has a scope of its own, and the catalog too."""
    inner = scripted(
        registry({**listing("web", "db"), f"{PACKS}/web": ["1.0.0"], f"{PACKS}/db": ["1.0.0"]})
    )

    def script(request: Request) -> Reply:
        if request.path.startswith("/token"):
            assert request.headers["authorization"] == Credentials("me", "pass").header
            scope = request.path.partition("scope=")[2]
            return Reply(body=json.dumps({"token": scope.replace("%", ".") or "none"}).encode())
        host = request.headers["host"]
        wanted = "none"
        if request.path.endswith("_catalog"):
            wanted = "registry.3Acatalog.3A."
        elif request.path != "/v2/":
            wanted = "db.3Apull" if "/db/" in request.path else "web.3Apull"
        if wanted in request.headers.get("authorization", ""):
            return inner(request)
        return Reply(401, {"WWW-Authenticate": f'Bearer realm="http://{host}/token",service="r"'})

    with talking(script, Credentials("me", "pass")) as (_, client):
        source = OciSource(client, Kind.PACK, [""])
        source.probe()
        assert {offer.name for offer in taken(source.listing({}))[0]} == {"web", "db"}


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Reply(404), RemoteFailed, "is no OCI registry: it has nothing at /v2/"),
        (Reply(401), Unauthenticated, "asks for credentials"),
        (Reply(403), Denied, "does not let strangers read"),
        (Reply(500), RemoteFailed, "500 Internal Server Error"),
        (Reply(200, {"Content-Type": "text/html"}, b"<html>"), RemoteFailed, "with a web page"),
    ],
)
def test_a_probe_tells_the_exact_reason(reply: Reply, kind: type[PackyardError], said: str) -> None:
    with (
        answering(lambda _: reply) as server,
        Client(parse_address(f"http://{server.host}")) as client,
        pytest.raises(kind, match=said) as refused,
    ):
        OciSource(client, Kind.CHART, ["charts"]).probe()
    assert server.host in str(refused.value)


def test_the_head_of_a_manifest_needs_no_stated_digest() -> None:
    with talking(lambda _: Reply(body=b"{}")) as (server, client):
        repository = Repository(client, parse_repo("a"))
        assert repository.head(parse_tag("b")) == repository.manifest(parse_tag("b")).digest
    assert server.seen()[:2] == ["HEAD /v2/a/manifests/b", "GET /v2/a/manifests/b"]
