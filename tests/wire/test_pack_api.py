"""The pack registry's own addresses: `/health`, `/ready`, `/v1/`, `/v1/_catalog`."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.live import Live, start
from tests.wire import packs
from tests.wire.oci import Repo, unique


def test_health_needs_no_credentials(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "UP"}


def test_a_started_server_is_ready(anonymous: httpx.Client) -> None:
    assert anonymous.get("/ready").status_code == 200


@pytest.mark.parametrize("path", ["/v1/", "/v1/_catalog"])
@pytest.mark.parametrize("header", [None, "Basic YWRtaW46d3Jvbmc=", "Bearer x"])
def test_the_pack_registry_asks_for_basic_credentials(
    anonymous: httpx.Client, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = anonymous.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Basic realm="')
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("path", ["/v1/", "/v1/_catalog", "/v1/_catalog/", "/v1"])
def test_slashes_at_the_end_are_routed_never_redirected(
    admin: httpx.Client, reader: httpx.Client, path: str
) -> None:
    for client in (admin, reader):
        assert client.get(path).status_code == 200


def test_the_catalog_lists_packs_with_the_time_of_the_last_change(admin: httpx.Client) -> None:
    name = unique("catalog")
    _, answer = packs.push(admin, name, "1.0.0")
    assert answer.status_code == 201, answer.text
    body = admin.get("/v1/_catalog").json()
    assert set(body) == {"metadata", "repositories"}
    assert set(body["metadata"]) == {"lastUpdatedTime"}
    assert body["repositories"] == sorted(body["repositories"])
    assert body["repositories"].count(name) == 1
    changed = dt.datetime.fromisoformat(body["metadata"]["lastUpdatedTime"])
    assert changed.tzinfo is not None
    assert abs(dt.datetime.now(dt.UTC) - changed) < dt.timedelta(seconds=60)
    time.sleep(0.01)
    packs.push(admin, name, "1.0.1")
    later = admin.get("/v1/_catalog").json()["metadata"]["lastUpdatedTime"]
    assert dt.datetime.fromisoformat(later) > changed


def test_what_is_no_pack_is_not_in_the_catalog_of_packs(admin: httpx.Client) -> None:
    repo = Repo(admin, unique("images/nothing"))
    repo.store(repo.image(), "v1")
    assert not [name for name in packs.catalog(admin) if "nothing" in name]


@pytest.mark.parametrize("path", ["/health", "/ready", "/v2/", "/v1/", "/v2/a/manifests/x", "/no"])
def test_every_answer_has_the_security_headers(anonymous: httpx.Client, path: str) -> None:
    headers = anonymous.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-xss-protection"] == "1; mode=block"
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers, "only over TLS"


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Anonymous pull, a realm and headers of one's own; without starter packs."""
    live = start(
        tmp_path_factory.mktemp("configured"),
        config={
            "auth": {"anonymous": "pull", "htpasswd": {"realm": "packs of the house"}},
            "http": {"headers": {"X-Frame-Options": ["SAMEORIGIN"], "X-Site": ["one"]}},
            "starterpacks": {"enabled": False},
        },
    )
    yield live
    live.stop()


def test_an_empty_catalog(configured: Live) -> None:
    auth = ("admin", configured.admin_password)
    with httpx.Client(base_url=configured.url, auth=auth) as client:
        body = client.get("/v1/_catalog").json()
        assert body["repositories"] == []
        assert "lastUpdatedTime" in body["metadata"]


def test_the_realm_and_headers_are_those_of_the_configuration(configured: Live) -> None:
    with httpx.Client(base_url=configured.url) as client:
        answer = client.post("/v2/a/blobs/uploads/")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Basic realm="packs of the house"')
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["x-site"] == "one"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_anonymous_pull_reads_and_does_not_write(configured: Live) -> None:
    auth = ("admin", configured.admin_password)
    with httpx.Client(base_url=configured.url, auth=auth) as client:
        repo = Repo(client, "public/image")
        data = b"open to all"
        image = repo.store(repo.image(data), "v1")
    with httpx.Client(base_url=configured.url) as nobody:
        public = Repo(nobody, "public/image")
        assert nobody.get("/v2/").status_code == 200
        assert public.get("v1").content == image.body
        assert public.get(image.digest(), "HEAD").status_code == 200
        assert public.tags() == ["v1"]
        assert public.referrers(image.digest()).status_code == 200
        for answer in (public.begin(), public.put("v2", image), public.delete("v1")):
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")
        assert public.tags() == ["v1"]
        wrong = nobody.get("/v2/", headers={"authorization": "Basic YWRtaW46d3Jvbmc="})
        assert wrong.status_code == 401, "wrong credentials are not none"


def test_nobody_fills_the_memory_with_the_body_of_a_tag(
    anonymous: httpx.Client, admin: httpx.Client
) -> None:
    """Bodies are read before it is asked who sends them."""
    path, large = "/v1/_packs/sample/tags/more", b'{"tag":"' + b"x" * 1_000_000 + b'"}'
    for client in (anonymous, admin):
        answer = client.put(path, content=large, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert len(answer.content) < 1000


@pytest.mark.parametrize("tag", ["\\ud800", "not a tag", ""])
def test_a_tag_that_is_none_is_refused(admin: httpx.Client, tag: str) -> None:
    body = f'{{"tag":"{tag}"}}'.encode()
    headers = {"content-type": "application/json"}
    answer = admin.put("/v1/_packs/sample/tags/more", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.json()["message"]
