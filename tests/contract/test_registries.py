"""Registries of all kinds, as the provider makes, reads, changes and waits for them
(terraform-contract.md, 2, 4, 5, 6 and 9)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.wire import Wire
from tests.live import ADMIN_PASSWORD, Live, start
from tests.packs import samples

HELM = "/v1/registries/helm"
BASIC = "/v1/registries/oci/basic"
ECR = "/v1/registries/oci/ecr"
# What nothing listens at.
NOWHERE = "https://127.0.0.1:9"


def named(name: str, spec: object) -> dict[str, object]:
    """With the zero dates that Go sends."""
    zero = "0001-01-01T00:00:00.000Z"
    dates = ("creationTimestamp", "deletionTimestamp", "lastModifiedTimestamp")
    return {"metadata": {"name": name, **dict.fromkeys(dates, zero)}, "spec": spec}


def login(password: str = ADMIN_PASSWORD, **more: object) -> dict[str, object]:
    return {"type": "basic", "username": "admin", "password": password, **more}


def basic_spec(endpoint: str, **changes: object) -> dict[str, object]:
    tls = {"enabled": True, "certificate": ""}
    spec = {"endpoint": endpoint, "providerType": "helm", "auth": {"type": "noAuth", "tls": tls}}
    return spec | changes


def ecr_spec(**changes: object) -> dict[str, object]:
    keys = {"credentialType": "secret", "accessKey": "AKIATEST", "secretKey": "hush-secret"}
    spec = {
        "endpoint": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "isPrivate": True,
        "providerType": "helm",
        "credentials": keys,
        "tls": {"enabled": True, "certificate": ""},
    }
    return spec | changes


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Another server, with a chart."""
    with start(tmp_path_factory.mktemp("upstream")) as other:
        url, auth = f"{other.url}/helm/api/charts", ("admin", ADMIN_PASSWORD)
        httpx.post(url, content=samples.chart("web"), auth=auth).raise_for_status()
        yield other


def synchronized(wire: Wire, path: str) -> dict[str, object]:
    """The status, once a synchronization is over."""
    deadline = time.monotonic() + 60
    while True:
        status: dict[str, object] = wire.get(f"{path}/sync/status")
        if status["status"] in {"Completed", "Failed", "Error"}:
            return status
        assert status["status"] in {"Pending", "InProgress"}
        assert time.monotonic() < deadline, status
        time.sleep(0.05)


def test_helm_repositories(wire: Wire, upstream: Live) -> None:
    endpoint = f"{upstream.url}/helm"
    spec = {"name": "wire helm", "endpoint": endpoint, "auth": login()}
    uid = wire.uid(f"{HELM}?scope=all", named("wire helm", spec))
    path = f"{HELM}/{uid}"
    found = wire.get(path)
    assert found["metadata"] | {"name": "wire helm", "uid": uid} == found["metadata"]
    assert found["spec"]["endpoint"] == endpoint
    assert not found["spec"].get("isPrivate")
    assert found["spec"]["auth"]["type"] == "basic"
    assert found["spec"]["auth"]["username"] == "admin"
    assert ADMIN_PASSWORD not in json.dumps(found)

    status = synchronized(wire, path)
    assert (status["isSyncSupported"], status["status"]) == (True, "Completed"), status
    for auth in (login(""), {"type": "basic", "username": "admin"}, login("********")):
        wire.done("PUT", path, named("wire helm", {**spec, "auth": auth}))
        assert synchronized(wire, path)["status"] == "Completed", auth
    wire.done("PUT", path, named("wire helm", {**spec, "auth": login("wrong")}))
    assert synchronized(wire, path)["status"] == "Failed"
    wire.done("PUT", path, named("wire helm", {**spec, "auth": login()}))
    assert synchronized(wire, path)["status"] == "Completed"

    assert wire("POST", f"{path}/sync?forceSync=true").status == 202
    listed = wire.get(f"{HELM}?limit=50&scope=all")["items"]
    assert [item for item in listed if item["metadata"]["uid"] == uid]
    wire.done("DELETE", path)
    wire.absent("GET", path)
    wire.uid(HELM, named("wire helm", {**spec, "isPrivate": True}))


def test_what_is_not_synchronized_need_not_answer(wire: Wire) -> None:
    spec = {"endpoint": f"{NOWHERE}/charts", "isPrivate": True, "auth": {"type": "noAuth"}}
    private = f"{HELM}/{wire.uid(HELM, named('private', spec))}"
    assert wire.get(private)["spec"]["endpoint"] == f"{NOWHERE}/charts"
    assert wire.get(f"{private}/sync/status")["isSyncSupported"] is False
    for provider in ("helm", "zarf"):
        spec = basic_spec(NOWHERE, providerType=provider)
        made = wire.uid(f"{BASIC}?skipPackSync=false", named(f"quiet {provider}", spec))
        path = f"/v1/registries/oci/{made}/basic"
        found = wire.get(path)
        assert found["status"]["syncStatus"]["isSyncSupported"] is False
        status = wire.get(f"{path}/sync/status")
        assert status["isSyncSupported"] is False
        assert provider != "zarf" or (status["status"], "lastRunTime" in status) == (
            "Completed",
            False,
        )
        wire.done("DELETE", path)


@pytest.mark.parametrize("type_", ["noAuth", "basic"])
def test_basic_is_echoed_as_sent(wire: Wire, type_: str) -> None:
    certificate = "" if type_ == "noAuth" else "-----BEGIN CERTIFICATE-----\nMIIB\n-----END\n"
    auth = {
        "type": type_,
        "username": "robot" if type_ == "basic" else "",
        "password": "hush-secret",
        "tls": {"enabled": True, "certificate": "", "insecureSkipVerify": bool(certificate)},
    }
    spec = basic_spec(
        "https://127.0.0.1:9/", basePath="/v2/suffix", baseContentPath="a/b,c", auth=auth
    )
    uid = wire.uid(f"{BASIC}?skipPackSync=false", named(f"echo {type_}", spec))
    path = f"/v1/registries/oci/{uid}/basic"
    found = wire.get(path)["spec"]
    for key in ("endpoint", "basePath", "baseContentPath", "providerType"):
        assert found[key] == spec[key], key
    assert found["auth"]["type"] == type_
    assert found["auth"].get("username", "") == auth["username"]
    # The provider reads it without looking whether it is there.
    assert found["auth"]["tls"]["insecureSkipVerify"] is bool(certificate)
    assert "hush-secret" not in json.dumps(found)
    wire.done("PUT", path, named(f"echo {type_}", spec | {"basePath": "/other"}))
    assert wire.get(path)["spec"]["basePath"] == "/other"
    wire.done("DELETE", path)
    wire.absent("GET", path)


def test_ecr_is_echoed_as_sent(wire: Wire) -> None:
    sts = {"credentialType": "sts", "sts": {"arn": "arn:aws:iam::1:role/x", "externalId": "e-1"}}
    uids = {}
    for kind, spec in (
        ("secret", ecr_spec(baseContentPath="a")),
        ("sts", ecr_spec(credentials=sts, tls={"enabled": True, "insecureSkipVerify": True})),
    ):
        uid = wire.uid(f"{ECR}?skipPackSync=false", named(f"ecr {kind}", spec))
        uids[kind] = uid
        found = wire.get(f"/v1/registries/oci/{uid}/ecr")
        for key in ("endpoint", "isPrivate", "providerType"):
            assert found["spec"][key] == spec[key]
        assert found["spec"]["credentials"]["credentialType"] == kind
        assert found["status"]["syncStatus"]["isSyncSupported"] is False
        assert "hush-secret" not in json.dumps(found)
    keys = wire.get(f"/v1/registries/oci/{uids['secret']}/ecr")["spec"]
    assert keys["credentials"]["accessKey"] == "AKIATEST"
    assert not keys.get("tls"), "an empty TLS block is a change in every plan"
    role = wire.get(f"/v1/registries/oci/{uids['sts']}/ecr")["spec"]
    assert role["credentials"]["sts"] == sts["sts"]
    assert role["tls"]["insecureSkipVerify"] is True
    kept = {"credentialType": "secret", "accessKey": "AKIATEST"}
    path = f"/v1/registries/oci/{uids['secret']}/ecr"
    wire.done("PUT", path, named("ecr secret", ecr_spec(credentials=kept)))
    rows = wire.get("/v1/registries/oci/summary")["items"]
    kinds = {row["metadata"]["name"]: row["spec"]["registryType"] for row in rows}
    assert kinds["ecr sts"] == "ecr"
    for uid in uids.values():
        wire.done("DELETE", f"/v1/registries/oci/{uid}/ecr")
    bare = wire("POST", ECR, named("bare", ecr_spec(credentials={"accessKey": "AKIA"})))
    if bare.status == 201:
        found = wire.get(f"/v1/registries/oci/{bare.json['uid']}/ecr")["spec"]
        assert found["credentials"]["credentialType"] == "secret"
    else:
        assert 400 <= bare.status < 500


def test_validation_says_what_is_wrong_and_takes_the_bare_spec(wire: Wire, upstream: Live) -> None:
    good = basic_spec(upstream.url, isSyncSupported=True, auth=login())
    wire.done("POST", f"{BASIC}/validate", good | {"baseContentPath": "charts"})
    for spec in (basic_spec(NOWHERE), basic_spec(upstream.url, auth=login("wrong"))):
        answer = wire("POST", f"{BASIC}/validate", spec | {"isSyncSupported": True})
        assert 400 <= answer.status < 500, answer.content
        assert answer.status != 404
        assert len(answer.json["message"]) > 20


def test_the_default_registry_is_in_the_lists(wire: Wire) -> None:
    rows = wire.get("/v1/registries/metadata")["items"]
    found = [row for row in rows if row["name"] == "Public Repo"]
    assert len(found) == 1
    uid = found[0]["uid"]
    packs = wire.get("/v1/registries/pack?limit=50&scope=all")["items"]
    assert [
        item["metadata"]["uid"] for item in packs if item["metadata"]["name"] == "Public Repo"
    ] == [uid]
    status = wire.get(f"/v1/registries/pack/{uid}/sync/status")
    assert (status["isSyncSupported"], status["status"]) == (True, "Completed")
    for method, body in (("PUT", named("x", {"endpoint": NOWHERE})), ("DELETE", None)):
        answer = wire(method, f"/v1/registries/pack/{uid}", body)
        assert 400 <= answer.status < 500
        assert answer.code != "ResourceNotFound"


def test_a_name_is_free_again_once_its_registry_is_gone_and_taken_until_then(wire: Wire) -> None:
    body = named("once", {"endpoint": NOWHERE, "isPrivate": True, "auth": {"type": "noAuth"}})
    uid = wire.uid(HELM, body)
    answer = wire("POST", HELM, body)
    assert (answer.status, "once" in answer.json["message"]) == (409, True)
    wire.done("DELETE", f"{HELM}/{uid}")
    wire.done("DELETE", f"{HELM}/{wire.uid(HELM, body)}")


def test_more_than_fifty_registries_are_all_found(wire: Wire) -> None:
    """Clients read the first page only."""
    made = []
    for number in range(51):
        body = named(
            f"many {number}", {"endpoint": NOWHERE, "isPrivate": True, "auth": {"type": "noAuth"}}
        )
        made.append(wire.uid(HELM, body))
    for path in (f"{HELM}?limit=50&scope=all", "/v1/registries/metadata"):
        items = wire.get(path)["items"]
        uids = {item["uid"] if "uid" in item else item["metadata"]["uid"] for item in items}
        assert set(made) <= uids, path
    for uid in made:
        wire.done("DELETE", f"{HELM}/{uid}")
