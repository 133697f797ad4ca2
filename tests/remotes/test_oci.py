"""A repository, against the CNCF distribution registry and a scripted one."""

from __future__ import annotations

import json

import pytest

from packyard.digests import digest_of, parse_digest
from packyard.errors import ManifestUnknown, NotFound, PackyardError, RemoteFailed
from packyard.references import parse_repo, parse_tag
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from packyard.remotes.oci import Repository, catalog
from packyard.remotes.transfer import push_blob
from tests.remotes.distribution import PASSWORD, USER
from tests.remotes.scripted import Reply, Request, answering, talking

TAG = parse_tag("1.0.0")
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def empty_manifest(note: str) -> bytes:
    """A manifest without layers; its config is the blob `{}`."""
    config = {"mediaType": "application/x", "digest": digest_of(b"{}"), "size": 2}
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config,
            "layers": [],
            "annotations": {"note": note},
        }
    ).encode()


def put(repository: Repository, *tags: str) -> None:
    push_blob(repository, digest_of(b"{}"), b"{}", lambda _: None)
    for tag in tags:
        repository.put_manifest(parse_tag(tag), empty_manifest(tag), MANIFEST_TYPE)


@pytest.mark.parametrize("login", [False, True])
def test_manifests_are_put_read_by_tag_and_digest_and_deleted(
    login: bool, request: pytest.FixtureRequest
) -> None:
    host = request.getfixturevalue("closed_registry" if login else "open_registry")
    credentials = Credentials(USER, PASSWORD) if login else None
    with Client(parse_address(host), credentials) as client:
        repository = Repository(client, parse_repo("a/b/manifests"))
        with pytest.raises(NotFound):
            repository.manifest(TAG)
        put(repository, TAG)
        received = repository.manifest(TAG)
        assert received.content == empty_manifest(TAG)
        assert received.digest == digest_of(received.content)
        assert received.media_type == MANIFEST_TYPE
        assert repository.manifest(received.digest) == received
        repository.delete(received.digest)
        with pytest.raises(ManifestUnknown):
            repository.manifest(TAG)


def test_lists_are_read_over_all_pages(open_registry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = [f"1.0.{number}" for number in range(7)]
    with Client(parse_address(open_registry)) as client:
        repository = Repository(client, parse_repo("pages/tags"))
        put(repository, *tags)
        request = client.request

        def in_pages(method: str, url: str, **kwargs: object) -> object:
            paged = url.endswith(("/tags/list", "/_catalog"))
            return request(method, f"{url}?n=3" if paged else url, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(client, "request", in_pages)
        assert repository.tags() == tags
        assert repository.name in catalog(client)


def test_names_and_tags_of_no_known_form_are_passed_over() -> None:
    answers = {
        "/v2/_catalog": {"repositories": ["good/one", "Bad", 7, "../up"]},
        "/v2/good/one/tags/list": {"tags": ["1.0", "-bad", None]},
        "/v2/none/tags/list": {"tags": None},
    }

    def script(request: Request) -> Reply:
        return Reply(body=json.dumps(answers[request.path]).encode())

    with talking(script) as (_server, client):
        assert list(catalog(client)) == ["good/one"]
        assert Repository(client, parse_repo("good/one")).tags() == ["1.0"]
        assert Repository(client, parse_repo("none")).tags() == []


@pytest.mark.parametrize(
    ("limit", "value", "said"),
    [
        ("PAGES", 20, "more than 20 pages of repositories"),
        ("LIMIT", 100, "more than 100 bytes of repositories"),
        ("PATIENCE", 0.0, "has not listed its repositories in 0 seconds"),
    ],
)
def test_a_list_that_never_ends_is_given_up(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: float, said: str
) -> None:
    monkeypatch.setattr(f"packyard.remotes.paging.{limit}", value)

    def script(request: Request) -> Reply:
        place = f"/v2/_catalog?last={len(server.requests)}"
        return Reply(200, {"Link": f'<{place}>; rel="next"'}, b'{"repositories": ["a"]}')

    with talking(script) as (server, client), pytest.raises(PackyardError, match=said):
        list(catalog(client))
    assert len(server.requests) <= 20


def test_a_list_that_goes_on_elsewhere_is_asked_for_there_without_the_credentials() -> None:
    with answering(lambda _: Reply(body=b'{"repositories": ["b"]}')) as other:
        link = {"Link": f'<http://{other.host}/v2/_catalog?last=a>; rel="next"'}
        first = Reply(200, link, b'{"repositories": ["a"]}')
        with talking(lambda _: first, Credentials("me", "pass")) as (server, client):
            client.expect_login()
            assert list(catalog(client)) == ["a", "b"]
            assert "authorization" in server.requests[0].headers
        assert "authorization" not in other.requests[0].headers
        assert "pass" not in str(other.requests)


@pytest.mark.parametrize("by", ["tag", "digest", "sha512"])
def test_a_manifest_of_another_digest_is_refused(by: str) -> None:
    true = digest_of(b"the true one", "sha512" if by == "sha512" else "sha256")
    headers = {"Docker-Content-Digest": true}
    with talking(lambda _: Reply(200, headers, b"a forged one")) as (_server, client):
        repository = Repository(client, parse_repo("a"))
        with pytest.raises(RemoteFailed, match="another manifest"):
            repository.manifest(TAG if by == "tag" else true)


def test_a_manifest_without_a_stated_digest_gets_its_own() -> None:
    with talking(lambda _: Reply(200, {"Docker-Content-Digest": "md5:x"}, b"{}")) as (
        _server,
        client,
    ):
        received = Repository(client, parse_repo("a")).manifest(TAG)
    assert received.digest == digest_of(b"{}")


def test_a_put_for_new_tags_only_says_so() -> None:
    with talking(lambda _: Reply(201)) as (server, client):
        repository = Repository(client, parse_repo("a"))
        repository.put_manifest(TAG, b"{}", MANIFEST_TYPE, only_new=True)
        repository.put_manifest(TAG, b"{}", MANIFEST_TYPE)
    assert [r.headers.get("if-none-match") for r in server.requests] == ["*", None]


def test_an_upload_without_an_address_is_refused() -> None:
    with (
        talking(lambda _: Reply(202)) as (_server, client),
        pytest.raises(RemoteFailed, match="did not say where"),
    ):
        Repository(client, parse_repo("a")).begin_upload()


def test_an_unknown_blob_is_not_there(open_registry: str) -> None:
    with Client(parse_address(open_registry)) as client:
        repository = Repository(client, parse_repo("a/none"))
        assert not repository.has_blob(parse_digest("sha256:" + "0" * 64))
