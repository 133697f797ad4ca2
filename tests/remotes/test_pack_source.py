"""Pack registries as sources: ours by one list, others by what they have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from packyard.errors import PackyardError, RemoteFailed, Unauthenticated
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from packyard.remotes.pack import PulledPack
from packyard.remotes.pack_source import PackSource
from packyard.remotes.source import Broken
from tests import live
from tests.packs import samples
from tests.remotes.content import counted, names_and_tags, push_pack, taken
from tests.remotes.scripted import Reply, Request, talking

DIGEST = "sha256:" + "a" * 64
ARCHIVE = "spectro-packs/archive"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with live.start(tmp_path_factory.mktemp("ours")) as server:
        admin = Credentials("admin", live.ADMIN_PASSWORD)
        with Client(parse_address(server.host), admin) as client:
            for version in ("1.2.3", "1.3.0"):
                push_pack(client, samples.pack(version=version))
            push_pack(client, samples.pack(name="web", group="LTS"), "stable")
            yield client


def test_our_own_registry_is_listed_by_one_request(ours: Client) -> None:
    source = PackSource(ours)
    source.probe()
    with counted(ours) as asked:
        offers, broken, marks = taken(source.listing({}))
        assert taken(source.listing(marks))[0] == offers
    assert asked == ["GET /v1/_packs"] * 2
    assert not broken
    assert names_and_tags(offers) == [
        ("sample", "1.2.3"),
        ("sample", "1.3.0"),
        ("web", "LTS__1.2.3"),
    ]
    assert offers[2].tags == ("LTS__1.2.3", "stable")
    content = source.read(offers[2])
    assert isinstance(content, PulledPack)
    assert content.digest == offers[2].validator


def test_a_long_list_comes_in_pages(ours: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packyard.remotes.pack_source.PAGE", 2)
    with counted(ours) as asked:
        offers, _, _ = taken(PackSource(ours).listing({}))
    assert (len(offers), len(asked)) == (3, 2)


def test_wrong_credentials_are_told(ours: Client) -> None:
    wrong = Credentials("admin", "wrong-pass")
    with (
        Client(ours.address, wrong) as client,
        pytest.raises(Unauthenticated, match="does not accept the credentials"),
    ):
        PackSource(client).probe()


def other(*, names: list[str] | None, repositories: list[str]) -> Callable[[Request], Reply]:
    """A registry with tags 1.0.0 and 1.x; `names` are at `/v1/_catalog`, None where it has none."""

    def script(request: Request) -> Reply:
        lists: dict[str, object] = {"/v2/": {}, "/v2/_catalog": {"repositories": repositories}}
        if names is not None:
            lists["/v1/_catalog"] = {"metadata": {}, "repositories": names}
        if request.path.endswith("/tags/list"):
            return Reply(body=b'{"tags": ["1.0.0", "1.x"]}')
        if "/manifests/" in request.path:
            return Reply(headers={"Docker-Content-Digest": DIGEST})
        if request.path not in lists:
            return Reply(404)
        return Reply(body=json.dumps(lists[request.path]).encode())

    return script


@pytest.mark.parametrize(
    ("names", "repositories"),
    [(["web", "Bad name", "db"], []), (None, [f"{ARCHIVE}/web", f"{ARCHIVE}/db", "image"])],
    ids=["by names", "by repositories"],
)
def test_other_registries_are_listed_by_what_they_have(
    names: list[str] | None, repositories: list[str]
) -> None:
    with talking(other(names=names, repositories=repositories)) as (_, client):
        source = PackSource(client)
        source.probe()
        offers, broken, _ = taken(source.listing({}))
    assert not broken
    assert names_and_tags(offers) == [("db", "1.0.0"), ("web", "1.0.0")]


def page(*rows: object, following: str = "") -> Reply:
    return Reply(body=json.dumps({"items": rows, "next": following}).encode())


def test_what_is_listed_in_no_known_form_is_broken() -> None:
    good = {"name": "web", "tag": "1.0.0", "digest": DIGEST}
    rows = [7, {"name": "x"}, {**good, "name": "A/b"}, {**good, "digest": "md5:1"}, good]
    rows += [{**good, "tag": "1\ud801"}, {**good, "tags": ["1 0"]}]
    with talking(lambda _: page(*rows, {**good, "tags": [1]})) as (_, client):
        offers, broken, _ = taken(PackSource(client).listing({}))
    assert names_and_tags(offers) == [("web", "1.0.0")]
    assert [(one.name, one.tag) for one in broken] == [
        ("", ""), ("x", ""), ("A/b", "1.0.0"), ("web", "1.0.0"), ("web", "1\ud801"),
        ("web", "1.0.0"), ("web", "1.0.0"),
    ]  # fmt: skip
    assert broken[1] == Broken("x", "", "It has no name and digest.")
    assert "is not a pack's name" in broken[2].reason


def test_a_list_that_leads_in_circles_is_given_up() -> None:
    with (
        talking(lambda _: page(following="x")) as (server, client),
        pytest.raises(RemoteFailed, match="lists packs in circles"),
    ):
        taken(PackSource(client).listing({}))
    assert len(server.requests) == 2


def test_a_list_that_breaks_off_is_no_list() -> None:
    replies = [page(following="x"), Reply(404)]
    with (
        talking(lambda _: replies.pop(0)) as (_, client),
        pytest.raises(RemoteFailed, match="ended its list of packs in the middle"),
    ):
        taken(PackSource(client).listing({}))


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Reply(404), RemoteFailed, "is no pack registry: no packs at /v1/"),
        (Reply(401), Unauthenticated, "asks for credentials"),
        (Reply(503), RemoteFailed, "503 Service Unavailable"),
        (
            Reply(200, {"Content-Type": "text/html"}),
            RemoteFailed,
            "answers with a web page",
        ),
        (Reply(body=b"hello"), RemoteFailed, "not JSON"),
    ],
)
def test_a_probe_tells_the_exact_reason(reply: Reply, kind: type[PackyardError], said: str) -> None:
    with talking(lambda _: reply) as (_, client), pytest.raises(kind, match=said):
        PackSource(client).probe()


def test_a_registry_without_packs_is_told() -> None:
    with (
        talking(other(names=None, repositories=["image"])) as (_, client),
        pytest.raises(RemoteFailed, match="holds no packs"),
    ):
        PackSource(client).probe()
