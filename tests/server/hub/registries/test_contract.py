"""Registries as the Terraform provider and scripts make, read, change and delete them, over TLS
(terraform-contract.md, sections 5, 6 and 9): bodies as they send them, exact statuses, what is
echoed and what never is.
"""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests import live
from tests.hub.syncing import Charts
from tests.live import free_port
from tests.remotes.raw import connected
from tests.remotes.scripted import Reply, Request, Scripted, answering
from tests.server.hub.conftest import Caller
from tests.server.hub.registries.conftest import created, settled

ZERO = "0001-01-01T00:00:00.000Z"
TIMES = {"creationTimestamp": ZERO, "deletionTimestamp": ZERO, "lastModifiedTimestamp": ZERO}
NOWHERE = "0123456789abcdef01234567"
LOGIN = {"type": "basic", "username": "me", "password": "hush-password"}
PEM = "-----BEGIN CERTIFICATE-----\nhush is not here\n-----END CERTIFICATE-----\n"


def body(name: str, /, **spec: object) -> dict[str, object]:
    return {"metadata": {"name": name, "labels": None, **TIMES}, "spec": spec}


def helm(name: str, endpoint: str, **more: object) -> dict[str, object]:
    return body(name, name=name, endpoint=endpoint, **{"auth": {"type": "noAuth"}, **more})


def basic(name: str, endpoint: str, **more: object) -> dict[str, object]:
    auth = {**LOGIN, "tls": {"enabled": True, "certificate": "", "insecureSkipVerify": False}}
    return body(name, endpoint=endpoint, **{"providerType": "helm", "auth": auth, **more})


def ecr(name: str, **more: object) -> dict[str, object]:
    credentials = {"credentialType": "secret", "accessKey": "AKIA", "secretKey": "hush-key"}
    fields = {
        "endpoint": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "isPrivate": True,
        "providerType": "helm",
        "credentials": {**credentials, "policyARNs": None, "sts": None},
        "tls": {"enabled": True, "certificate": "", "insecureSkipVerify": False},
        **more,
    }
    return body(name, **fields)


def spec_of(caller: Caller, path: str) -> dict[str, Any]:
    answer = caller("GET", path)
    assert answer.status_code == 200, answer.text
    assert "hush" not in answer.text.replace("hush is not here", "")
    found: dict[str, Any] = answer.json()
    assert found["metadata"]["uid"]
    return {**found["spec"], "name": found["metadata"]["name"]}


def test_a_helm_repository_from_beginning_to_end(
    admin: Caller, repository: Scripted, charts: Charts
) -> None:
    endpoint = f"http://{repository.host}"
    valid = helm("", endpoint)["spec"]
    assert admin("POST", "/v1/registries/helm/validate", valid).status_code == 204
    uid = created(admin("POST", "/v1/registries/helm?scope=all", helm("charts", endpoint)))
    path = f"/v1/registries/helm/{uid}"
    status = settled(admin, f"{path}/sync/status")
    assert (status["status"], status["isSyncSupported"]) == ("Completed", True)
    assert status["progress"] == {"done": 3, "total": 3}
    assert status["lastRunTime"] <= status["lastSyncedTime"]  # type: ignore[operator]
    found = admin("GET", path).json()
    assert found["status"]["helmSyncStatus"] == status
    assert found["spec"] == {
        "name": "charts",
        "endpoint": endpoint,
        "isPrivate": False,
        "auth": {"type": "noAuth", "username": ""},
        "registryUid": uid,
        "scope": "tenant",
    }
    charts.put("web", "1.2.0")
    assert admin("POST", f"{path}/sync?forceSync=true").status_code == 202
    told = admin("GET", f"/v1/audits?resourceUid={uid}&actionType=action").json()["items"]
    assert told[0]["spec"]["actionMsg"] == "Asked for a synchronization of the registry charts"
    status = settled(admin, f"{path}/sync/status")
    assert status["message"] == "4 versions, 1 new or changed, 0 gone."
    change = helm("charts", f"http://127.0.0.1:{free_port()}")
    assert admin("PUT", path, change).status_code == 204
    assert settled(admin, f"{path}/sync/status")["status"] == "Failed"
    assert admin("PUT", path, helm("charts", endpoint)).status_code == 204
    assert admin("GET", f"{path}/sync/status").json()["status"] != "Failed"
    assert settled(admin, f"{path}/sync/status")["status"] == "Completed"
    assert admin("DELETE", path).status_code == 204
    assert admin("GET", path).json()["code"] == "ResourceNotFound"
    created(admin("POST", "/v1/registries/helm", helm("charts", endpoint)))


def test_who_gives_up_leaves_the_place_to_others(admin: Caller, repository: Scripted) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        while True:
            connection.sendall(b"# nothing yet\n")
            time.sleep(0.05)

    def give_up(endpoint: str) -> None:
        impatient = Caller(admin.server, admin.key)
        impatient.http.timeout = httpx.Timeout(1.5)
        spec = {"endpoint": endpoint, "auth": {"type": "noAuth"}}
        with pytest.raises(httpx.ReadTimeout), impatient.http:
            impatient("POST", "/v1/registries/helm/validate", spec)

    with connected(trickle) as host, ThreadPoolExecutor(20) as pool:
        list(pool.map(give_up, [f"http://{host}"] * 20))
        began = time.monotonic()
        spec = {"endpoint": f"http://{repository.host}", "auth": {"type": "noAuth"}}
        answers = pool.map(
            lambda _: admin("POST", "/v1/registries/helm/validate", spec).status_code, range(4)
        )
        assert set(answers) == {204}
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("kind", "place"),
    [("helm", "helm/{}"), ("oci/basic", "oci/{}/basic"), ("oci/ecr", "oci/{}/ecr")],
)
def test_labels_and_annotations_come_back_and_stay_where_they_are_not_said(
    admin: Caller, kind: str, place: str
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    spec = {
        "helm": helm("", nobody, isPrivate=True),
        "oci/basic": basic("", nobody),
        "oci/ecr": ecr(""),
    }[kind]["spec"]
    given = {"labels": {"team": "ä", "tier": ""}, "annotations": {"description": "Ours.\n"}}

    def sent(**more: object) -> dict[str, object]:
        return {"metadata": {"name": f"labelled {kind}", **TIMES, **more}, "spec": spec}

    uid = created(admin("POST", f"/v1/registries/{kind}", sent(**given)))
    path = f"/v1/registries/{place.format(uid)}"

    def told() -> dict[str, object]:
        metadata = admin("GET", path).json()["metadata"]
        return {name: metadata[name] for name in given}

    assert told() == given
    for unsaid in ({}, {"labels": None, "annotations": None}):
        assert admin("PUT", path, sent(**unsaid)).status_code == 204
        assert told() == given
    assert admin("PUT", path, sent(labels={"team": "b"}, annotations={})).status_code == 204
    assert told() == {"labels": {"team": "b"}, "annotations": {}}
    assert admin("PUT", path, sent(labels={"team": 7})).status_code == 400
    assert admin("DELETE", path).status_code == 204


class Locked(Charts):
    """Lets one user in."""

    def __call__(self, request: Request) -> Reply:
        if request.headers.get("authorization") != live.basic("me", "hush-password"):
            return Reply(401, {"WWW-Authenticate": 'Basic realm="charts"'})
        return super().__call__(request)


def test_secrets_stay_where_a_change_leaves_them_out(admin: Caller) -> None:
    charts = Locked()
    charts.put("web", "1.0.0")
    with answering(charts) as repository:
        endpoint = f"http://{repository.host}"
        uid = created(admin("POST", "/v1/registries/helm", helm("locked", endpoint, auth=LOGIN)))
        path = f"/v1/registries/helm/{uid}"
        settled(admin, f"{path}/sync/status")
        for auth, kept in (
            ({"type": "basic", "username": "me"}, True),
            ({"type": "basic", "username": "me", "password": ""}, True),
            ({"type": "basic", "username": "me", "password": "********"}, True),
            ({"type": "basic", "username": "you"}, False),
            (LOGIN, True),
            ({"type": "noAuth"}, False),
        ):
            spec = {"endpoint": endpoint, "auth": auth, "registryUid": uid}
            answer = admin("POST", "/v1/registries/helm/validate", spec)
            assert answer.status_code == (204 if kept else 422), auth
            assert admin("PUT", path, helm("locked", endpoint, auth=auth)).status_code == 204
            status = settled(admin, f"{path}/sync/status")
            assert status["status"] == ("Completed" if kept else "Failed"), auth
        assert admin("PUT", path, helm("locked", endpoint, auth=LOGIN)).status_code == 204
        with answering(charts) as stranger:
            there, auth = f"http://{stranger.host}", {"type": "basic", "username": "me"}
            spec = {"endpoint": there, "auth": auth, "registryUid": uid}
            for method, address, sent in (
                ("POST", "/v1/registries/helm/validate", spec),
                ("PUT", path, helm("locked", there, auth=auth)),
            ):
                answer = admin(method, address, sent)
                assert answer.status_code == 422
                assert "another server: give it again" in answer.json()["message"]
            assert not stranger.requests
        spec = {"endpoint": endpoint, "auth": {"type": "basic", "username": "me"}}
        assert admin("POST", "/v1/registries/helm/validate", spec).status_code == 422
        spec["registryUid"] = NOWHERE
        assert admin("POST", "/v1/registries/helm/validate", spec).status_code == 404


def test_a_private_repository_is_kept_whether_or_not_it_answers(
    admin: Caller, repository: Scripted
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    auth = {"type": "basic", "username": "me", "password": "hush"}
    for name, endpoint, said in (
        ("silent", nobody, f"{nobody.removeprefix('http://')} refuses connections"),
        ("answering", f"http://{repository.host}", ", and is not synchronized."),
    ):
        sent = helm(name, endpoint, isPrivate=True, auth=auth)
        uid = created(admin("POST", "/v1/registries/helm", sent))
        status = settled(admin, f"/v1/registries/helm/{uid}/sync/status")
        assert status["isSyncSupported"] is False
        assert said in str(status["message"])
        spec = spec_of(admin, f"/v1/registries/helm/{uid}")
        assert (spec["isPrivate"], spec["auth"]) == (True, {"type": "basic", "username": "me"})


def test_basic_oci_registries_are_echoed_as_they_were_sent(admin: Caller) -> None:
    bundle = PEM * 2000
    tls = {"enabled": True, "certificate": bundle, "insecureSkipVerify": True}
    sent = basic(
        "harbor",
        "https://registry.example.com/",
        basePath="/team/",
        baseContentPath="a, b",
        auth={**LOGIN, "tls": tls},
    )
    uid = created(admin("POST", "/v1/registries/oci/basic?skipPackSync=false", sent))
    path = f"/v1/registries/oci/{uid}/basic"
    expected = {
        "name": "harbor",
        "endpoint": "https://registry.example.com/",
        "basePath": "/team/",
        "baseContentPath": "a, b",
        "providerType": "helm",
        "isSyncSupported": False,
        "containsSpectroManifest": False,
        "auth": {"type": "basic", "username": "me", "tls": {**tls, "ca": ""}},
        "registryUid": uid,
        "scope": "tenant",
    }
    assert spec_of(admin, path) == expected
    assert admin("GET", path).json()["status"]["syncStatus"]["isSyncSupported"] is False
    assert admin("GET", f"{path}/sync/status").json()["isSyncSupported"] is False
    del sent["spec"]["auth"]["password"]  # type: ignore[index]
    sent["spec"]["baseContentPath"] = "c"  # type: ignore[index]
    assert admin("PUT", path, sent).status_code == 204
    assert spec_of(admin, path) == {**expected, "baseContentPath": "c"}
    assert admin("GET", f"/v1/registries/oci/{uid}").json() == {
        "type": "basic",
        "endpoint": "https://registry.example.com/",
        "providerType": "helm",
        "auth": expected["auth"],
        "defaultRegion": "",
        "scope": "tenant",
    }
    assert admin("POST", f"{path}/sync").status_code == 202
    assert admin("DELETE", path).status_code == 204


@pytest.mark.parametrize(
    ("name", "more", "credentials"),
    [
        ("by key", {}, {"credentialType": "secret", "accessKey": "AKIA"}),
        (
            "by role",
            {"credentials": {"credentialType": "sts", "sts": {"arn": "arn:x", "externalId": "e"}}},
            {
                "credentialType": "sts",
                "accessKey": "",
                "sts": {"arn": "arn:x", "externalId": "e"},
            },
        ),
        (
            "by pod",
            {
                "credentials": {
                    "credentialType": "pod-identity",
                    "podIdentity": {"roleArn": "arn:y", "permissionBoundaryArn": "arn:z"},
                }
            },
            {
                "credentialType": "pod-identity",
                "accessKey": "",
                "podIdentity": {"roleArn": "arn:y", "permissionBoundaryArn": "arn:z"},
            },
        ),
        (
            "public",
            {"isPrivate": False, "credentials": None},
            {"credentialType": "secret", "accessKey": ""},
        ),
    ],
)
def test_ecr_registries_always_say_how_they_sign_in(
    admin: Caller, name: str, more: dict[str, object], credentials: dict[str, object]
) -> None:
    uid = created(admin("POST", "/v1/registries/oci/ecr?skipPackSync=false", ecr(name, **more)))
    path = f"/v1/registries/oci/{uid}/ecr"
    spec = spec_of(admin, path)
    assert spec["credentials"] == credentials
    assert spec["endpoint"] == "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert "tls" not in spec
    assert admin("GET", path).json()["status"]["syncStatus"]["isSyncSupported"] is False
    tls = {"enabled": True, "certificate": "", "insecureSkipVerify": True}
    assert admin("PUT", path, ecr(name, **{**more, "tls": tls})).status_code == 204
    assert spec_of(admin, path)["tls"] == {**tls, "ca": ""}
    assert admin("GET", f"/v1/registries/oci/{uid}").json()["type"] == "ecr"
    for address in ("ecr", "basic"):
        assert admin("GET", f"/v1/registries/oci/{uid}/{address}/sync/status").status_code == 200
    assert admin("GET", f"/v1/registries/oci/{uid}/basic").json()["code"] == "ResourceNotFound"
    assert admin("DELETE", path).status_code == 204


def test_the_own_registry_stands_first_and_stays_as_it_is(admin: Caller) -> None:
    first = admin("GET", "/v1/registries/pack?limit=50&scope=all").json()["items"][0]
    uid = first["metadata"]["uid"]
    assert first["metadata"]["name"] == "Public Repo"
    assert first["spec"]["endpoint"] == admin.server.url
    assert first["status"]["packSyncStatus"]["status"] == "Completed"
    path = f"/v1/registries/pack/{uid}"
    assert admin("GET", path).json() == first
    assert admin("GET", f"{path}/sync/status").json()["isSyncSupported"] is True
    assert admin("POST", f"{path}/sync").status_code == 202
    for method, address, sent in (
        ("PUT", path, helm("mine", "https://registry.example.com")),
        ("DELETE", path, None),
        ("DELETE", f"/v1/registries/{uid}", None),
    ):
        assert admin(method, address, sent).status_code == 403
    named = admin("GET", "/v1/registries/metadata").json()["items"][0]
    assert named == {
        "uid": uid,
        "name": "Public Repo",
        "kind": "pack",
        "scope": "system",
        "isDefault": True,
        "isPrivate": False,
    }
    config = admin("GET", "/v1/registries/Public%20Repo/config").json()["config"]
    assert config["endpoint"] == admin.server.url
    image = admin("GET", "/v1/registries/oci/image").json()
    assert (image["name"], image["endpoint"]) == ("Public Repo", admin.server.host)


def test_more_registries_than_a_page_holds_are_all_listed(
    admin: Caller, viewer: Caller, anybody: Caller
) -> None:
    uids = {}
    for number in range(55):
        name = f"many/{number:02}"
        sent = helm(name, "https://charts.example.com", isPrivate=True)
        uids[name] = created(admin("POST", "/v1/registries/helm", sent))
    for path in ("/v1/registries/helm?limit=50&scope=all", "/v1/registries/helm/summary"):
        answer = viewer("GET", path).json()
        assert uids.keys() <= {item["metadata"]["name"] for item in answer["items"]}
        assert answer["listmeta"]["continue"] == ""
        assert answer["listmeta"]["count"] == len(answer["items"])
        assert (
            viewer("GET", f"{path}{'&' if '?' in path else '?'}offset=1000").json()["items"] == []
        )
    fields = viewer(
        "GET", "/v1/registries/helm?fields=metadata.name&orderBy=metadata.name=-1&limit=2"
    )
    assert len(fields.json()["items"]) == 2
    assert all(item.keys() == {"metadata"} for item in fields.json()["items"])
    for filters, count in (
        ("metadata.name=many/07", 1),
        ("metadata.name_in_many/07,many/08ANDspec.isPrivate=true", 2),
        ("metadata.name=many/07ANDspec.isPrivate=false", 0),
        ("metadata.name=many/07ORspec.endpoint=nowhere", 1),
        ("metadata.name!=many/07ANDmetadata.name_in_many/07,many/08", 1),
    ):
        answer = viewer("GET", f"/v1/registries/helm?filters={filters}").json()
        assert len(answer["items"]) == count, filters
    for filters in ("metadata.name", "spec.magic=1", "metadata.name>a"):
        assert viewer("GET", f"/v1/registries/helm?filters={filters}").status_code == 400
    metadata = viewer("GET", "/v1/registries/metadata").json()["items"]
    assert {(item["name"], item["uid"]) for item in metadata} >= set(uids.items())
    system = viewer("GET", "/v1/registries/metadata?scope=system").json()["items"]
    assert [item["isDefault"] for item in system] == [True]
    config = viewer("GET", "/v1/registries/many%2F07/config").json()["config"]
    assert (config["name"], config["endpoint"]) == ("many/07", "https://charts.example.com")
    assert anybody("GET", "/v1/registries/metadata").status_code == 401
    assert viewer("GET", "/v1/registries/metadata?scope=others").status_code == 400
    for uid in uids.values():
        assert admin("DELETE", f"/v1/registries/{uid}").status_code == 204


KIND_PATHS = ["helm/{uid}", "pack/{uid}", "oci/{uid}/basic", "oci/{uid}/ecr"]


@pytest.mark.parametrize("kind", KIND_PATHS)
@pytest.mark.parametrize("uid", [NOWHERE, "my charts", "..%2F..", "7"])
def test_an_unknown_uid_or_a_name_in_its_place_is_not_found(
    admin: Caller, kind: str, uid: str
) -> None:
    path = f"/v1/registries/{kind.format(uid=uid)}"
    sent = ecr("x") if "ecr" in kind else helm("x", "https://charts.example.com")
    for method, address, given in (
        ("GET", path, None),
        ("PUT", path, sent),
        ("DELETE", path, None),
        ("POST", f"{path}/sync", None),
        ("GET", f"{path}/sync/status", None),
        ("GET", f"/v1/registries/oci/{uid}", None),
        ("GET", f"/v1/registries/{uid}/config", None),
        ("GET", f"/v1/registries/{uid}/sync/report", None),
        ("DELETE", f"/v1/registries/{uid}", None),
    ):
        answer = admin(method, address, given)
        assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound"), address


@pytest.mark.parametrize(
    ("path", "sent", "status", "said"),
    [
        ("helm", {"metadata": {"name": "x"}}, 400, "spec: Field required"),
        ("helm", body("", endpoint="ftp://x", auth={"type": "magic"}), 422,
         "The name must have 1 to 255 characters. The endpoint cannot be used: 'ftp' is no scheme"),
        ("helm", helm("x", "https://me:hush@charts.example.com"), 422, "fields of their own"),
        ("helm", helm("Public Repo", "https://charts.example.com", isPrivate=True), 409,
         "There is a registry named 'Public Repo' already."),
        ("helm", helm("x", "http://169.254.169.254/latest/"), 422, "is link-local"),
        ("helm", helm("x", "http://10.1.2.3/"), 422, "name its network in `hub.networks`"),
        ("helm", helm("x", "x", createOption={"charts": [{"name": "web"}]}), 422, "x cannot be"),
        ("pack", body("x", endpoint="https://127.0.0.1:1/charts"), 422, "named without a path"),
        ("helm", helm("x", "x", createOption={"charts": [{"version": "1.0.0"}]}), 400,
         "spec.createOption.charts.0.name: Field required"),
        ("oci/basic", basic("x", "x", isSyncSupported=True), 422, "a base content path is"),
        ("oci/basic", basic("x", "x", providerType="floppy"), 400,
         "Input should be 'pack', 'helm' or 'zarf'"),
        ("oci/basic", basic("x", "x", auth={"type": "basic"}), 422, "needs a user name"),
        ("oci/ecr", ecr("x", credentials=None), 422, "'' is no type of AWS credentials"),
        ("oci/ecr", ecr("x", credentials={"credentialType": "sts"}), 422, "The ARN of the role"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_with_what_is_wrong(
    admin: Caller, path: str, sent: dict[str, object], status: int, said: str
) -> None:
    answer = admin("POST", f"/v1/registries/{path}", sent)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["message"]
    assert "hush" not in answer.text


def test_viewers_read_editors_synchronize_and_administrators_change(
    admin: Caller, editor: Caller, viewer: Caller
) -> None:
    sent = helm("of admin", "https://charts.example.com", isPrivate=True)
    uid = created(admin("POST", "/v1/registries/helm", sent))
    path = f"/v1/registries/helm/{uid}"
    for method, address, given, statuses in (
        ("GET", path, None, (200, 200)),
        ("GET", f"{path}/sync/status", None, (200, 200)),
        ("GET", f"/v1/registries/{uid}/sync/report", None, (200, 200)),
        ("POST", f"{path}/sync", None, (403, 202)),
        ("POST", "/v1/registries/helm", sent, (403, 403)),
        ("POST", "/v1/registries/helm/validate", sent["spec"], (403, 403)),
        ("PUT", path, sent, (403, 403)),
        ("DELETE", path, None, (403, 403)),
        ("DELETE", f"/v1/registries/{uid}", None, (403, 403)),
    ):
        found = tuple(caller(method, address, given).status_code for caller in (viewer, editor))
        assert found == statuses, (method, address)
