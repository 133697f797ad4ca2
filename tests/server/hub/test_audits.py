"""The audit over HTTP: what is in it, how it is found, who sees what, and that no secret is."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.live import basic
from tests.server.hub.conftest import Caller, make_user
from tests.server.hub.test_projects import NOWHERE, make


def listed(caller: Caller, query: str = "", headers: dict[str, str] | None = None) -> list[Any]:
    answer = caller("GET", f"/v1/audits{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


def messages(caller: Caller, query: str = "") -> list[str]:
    return [item["spec"]["actionMsg"] for item in listed(caller, query)]


def test_every_change_is_accounted_for_whatever_it_came_by(admin: Caller) -> None:
    uid = make(admin, "Audited")
    ann = make_user(admin, "ann", None, projectRoles=[{"projectUid": uid, "role": "editor"}])
    path = f"/v1/projects/{uid}/macros"
    added = ann("POST", path, {"macros": [{"name": "m", "value": "sesame"}]})
    assert added.status_code == 204
    (entry,) = listed(admin, f"?projectUid={uid}&resourceKind=macro")
    assert added.headers["AuditUid"] == entry["metadata"]["uid"]
    assert "AuditUid" not in ann("GET", path).headers
    spec = entry["spec"]
    assert spec["actionType"] == "create"
    assert spec["actionMsg"] == "Added macros m to the project Audited"
    assert spec["actor"]["actorType"] == "user"
    assert spec["actor"]["user"]["uid"] == ann.uid
    assert spec["actor"]["project"] == {"uid": uid, "name": "Audited"}
    assert spec["resource"] == {"kind": "macro", "name": "m", "uid": uid, "label": ""}
    origin = spec["origin"]
    assert (origin["name"], origin["via"]) == ("ann with the API key tests", "api")
    assert origin["address"] == "127.0.0.1"
    assert origin["requestId"] in admin.server.log()
    assert admin("GET", f"/v1/audits/{entry['metadata']['uid']}/").json() == entry
    pushed = httpx.put(
        f"{admin.server.url}/v2/team/app/manifests/1",
        content=b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",'
        b'"manifests":[]}',
        headers={
            "authorization": basic("admin", admin.server.admin_password),
            "content-type": "application/vnd.oci.image.index.v1+json",
        },
    )
    assert pushed.status_code == 201, pushed.text
    vias = {item["spec"]["origin"]["via"] for item in listed(admin)}
    assert {"api", "oci", "server"} <= vias
    everything = admin("GET", "/v1/audits/export").text
    for secret in ("sesame", admin.key, ann.key, admin.server.admin_password):
        assert secret not in everything


def test_the_audit_is_filtered_paged_and_exported(admin: Caller) -> None:
    uid = make(admin, "Paged")
    path = f"/v1/projects/{uid}/macros"
    for number in range(60):
        assert admin("PUT", path, {"macros": [{"name": f"m{number}"}]}).status_code == 204
    one = f"?projectUid={uid}"
    first = admin("GET", f"/v1/audits{one}&limit=1000").json()
    assert (len(first["items"]), first["listmeta"]["count"]) == (50, 61)
    assert first["items"][0]["spec"]["resource"]["name"] == "m59"
    assert admin("PUT", path, {"macros": []}).status_code == 204  # comes in between
    token = first["listmeta"]["continue"]
    rest = admin("GET", f"/v1/audits{one}&continue={token}").json()
    assert rest["items"][0]["spec"]["resource"]["name"] == "m9"
    assert rest["items"][-1]["spec"]["actionMsg"] == "Created the project Paged"
    assert len(listed(admin, f"{one}&offset=50")) == 12
    exported = admin("GET", f"/v1/audits/export{one}")
    assert exported.headers["content-type"].startswith("application/jsonl")
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert len(lines) == 62
    assert lines[1:11] == [*reversed(rest["items"][:-1])]
    middle = lines[30]["metadata"]["creationTimestamp"]
    later = listed(admin, f"{one}&startTime={middle}")
    earlier = listed(admin, f"{one}&endTime={middle}")
    assert all(item["metadata"]["creationTimestamp"] >= middle for item in later)
    assert all(item["metadata"]["creationTimestamp"] <= middle for item in earlier)
    assert later
    assert earlier
    me = {"ProjectUid": uid}
    assert len(listed(admin, "?actionType=create", me)) == 1
    for query, count in (
        (f"{one}&actionType=update", 50),
        (f"{one}&actionType=deploy", 0),
        (f"{one}&userUid={admin.uid}&resourceKind=project&resourceUid={uid}", 1),
        (f"{one}&userUid={NOWHERE}", 0),
        (f"?projectUid={NOWHERE}", 0),
        (f"?tenantUid={NOWHERE}", 0),
        ("?startTime=9999-12-31T23:59:59Z", 0),
        ("?endTime=1970-01-01", 0),
        (f"{one}&startTime=0001-01-01T00:00:00.000Z&endTime=", 50),
    ):
        assert len(listed(admin, query)) == count, query
    tenant = admin("GET", "/v1/users/info").json()["tenantUid"]
    assert len(listed(admin, f"{one}&tenantUid={tenant}")) == 50
    for query in ("startTime=soon", "actionType=fly", "continue=x"):
        assert admin("GET", f"/v1/audits?{query}").status_code == 400
    assert admin("DELETE", f"/v1/projects/{uid}").status_code == 204
    assert listed(admin, f"{one}&actionType=delete")[0]["spec"]["actor"]["project"]["name"] == ""


def test_who_sees_what_of_the_audit(admin: Caller, viewer: Caller, anybody: Caller) -> None:
    a, b = make(admin, "Audit A"), make(admin, "Audit B")
    leader = make_user(admin, "head", None, projectRoles=[{"projectUid": a, "role": "admin"}])
    inside = make_user(admin, "hand", None, projectRoles=[{"projectUid": a, "role": "editor"}])
    path = f"/v1/projects/{a}/macros"
    assert inside("PUT", path, {"macros": [{"name": "by-hand"}]}).status_code == 204
    assert "Created the project Audit B" in messages(admin)
    seen = messages(leader)
    assert "Created the project Audit A" in seen
    assert any("by-hand" in message for message in seen)
    assert "Created the project Audit B" not in seen
    assert not any("user" in message for message in seen)
    own = messages(inside)
    assert any("by-hand" in message for message in own)
    assert {item["spec"]["actor"]["user"]["uid"] for item in listed(inside)} == {inside.uid}
    exported = inside("GET", "/v1/audits/export").text.splitlines()
    assert len(exported) == len(own)
    assert listed(viewer, f"?projectUid={b}") == []
    (made,) = [item for item in listed(admin) if item["spec"]["resource"]["uid"] == b]
    uid = made["metadata"]["uid"]
    for caller, status in ((admin, 200), (leader, 404), (inside, 404), (viewer, 404)):
        assert caller("GET", f"/v1/audits/{uid}").status_code == status
    for path in ("/v1/audits", "/v1/audits/export", f"/v1/audits/{uid}"):
        assert anybody("GET", path).status_code == 401

    def narrow(name: str, **spec: object) -> Caller:
        made = admin("POST", "/v1/apiKeys", {"metadata": {"name": name}, "spec": spec})
        return Caller(admin.server, made.json()["apiKey"])

    in_a = narrow("audit a", projectUid=a)
    assert "Created the project Audit B" not in messages(in_a)
    assert "Created the project Audit A" in messages(in_a)
    reading = narrow("audit reading", actions=["pull"])
    assert {item["spec"]["actor"]["user"]["uid"] for item in listed(reading)} == {admin.uid}
    assert narrow("audit pattern", repositories="a/*")("GET", "/v1/audits").status_code == 403


@pytest.mark.parametrize("uid", ["export2", NOWHERE, "a%2Fb", "%00", "x" * 3000])
def test_what_is_no_row_is_not_found(admin: Caller, uid: str) -> None:
    answer = admin("GET", f"/v1/audits/{uid}")
    assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound")
