"""Projects over HTTP: what clients send and get, who may, and what goes with one."""

from __future__ import annotations

import re

import pytest

from tests.server.hub.conftest import Caller, make_user

ZERO = "0001-01-01T00:00:00.000Z"
NOWHERE = "0" * 24


def make(admin: Caller, name: str, **metadata: object) -> str:
    made = admin("POST", "/v1/projects", {"metadata": {"name": name, **metadata}, "spec": {}})
    assert made.status_code == 201, made.text
    assert made.json().keys() == {"uid"}
    uid: str = made.json()["uid"]
    return uid


def profile(name: str) -> dict[str, object]:
    spec = {"version": "1.0.0", "template": {"type": "add-on", "packs": []}}
    return {"metadata": {"name": name}, "spec": spec}


def names(caller: Caller) -> list[str]:
    items = caller("GET", "/v1/dashboard/projects/metadata").json()["items"]
    return [item["metadata"]["name"] for item in items]


def test_a_project_from_beginning_to_end_as_the_provider_does_it(admin: Caller) -> None:
    labels = {"owner": "platform", "tag": "spectro__tag", "": ""}
    given = {
        "metadata": {
            "name": "Team A",
            "uid": "chosen by the client",
            "annotations": {"description": "<Team> Ä\n"},
            "labels": labels,
            "creationTimestamp": ZERO,
            "deletionTimestamp": ZERO,
            "lastModifiedTimestamp": ZERO,
        },
        "spec": {"users": None, "teams": None, "logoUid": ""},
    }
    uid = admin("POST", "/v1/projects", given).json()["uid"]
    assert len(uid) == 24
    path = f"/v1/projects/{uid}"
    found = admin("GET", path).json()
    assert found["metadata"]["labels"] == labels
    assert found["metadata"]["annotations"] == {"description": "<Team> Ä\n"}
    assert found["metadata"]["creationTimestamp"] > "2020"
    assert found["spec"] == {"logoUrl": ""}
    changed = {"metadata": {"name": "Team Ä", "labels": None, "annotations": {"description": ""}}}
    assert admin("PUT", f"{path}/", changed).status_code == 204
    found = admin("GET", path).json()["metadata"]
    assert (found["name"], found["labels"]) == ("Team Ä", {})
    assert found["annotations"] == {"description": ""}
    assert "Team Ä" in names(admin)
    assert admin("DELETE", path).status_code == 204
    for method, body in (("GET", None), ("PUT", changed), ("DELETE", None)):
        gone = admin(method, path, body)
        assert (gone.status_code, gone.json()["code"]) == (404, "ResourceNotFound")
    assert "Team Ä" not in names(admin)


def test_the_default_project_is_found_at_once_and_stays(admin: Caller) -> None:
    found = admin("GET", "/v1/dashboard/projects/metadata?name=Default").json()["items"]
    ((uid, name),) = [(item["metadata"]["uid"], item["metadata"]["name"]) for item in found]
    assert name == "Default"
    assert admin("DELETE", f"/v1/projects/{uid}").status_code == 409
    renamed = admin("PUT", f"/v1/projects/{uid}", {"metadata": {"name": "Other"}})
    assert renamed.status_code == 409
    described = {"metadata": {"name": "Default", "annotations": {"description": "of all"}}}
    assert admin("PUT", f"/v1/projects/{uid}", described).status_code == 204
    assert admin("GET", "/v1/dashboard/projects/metadata?name=none").json() == {"items": []}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "is not a name"),
        ({"name": ""}, "is not a name"),
        ({"name": " x"}, "is not a name"),
        ({"name": "a\nb"}, "is not a name"),
        ({"name": "n" * 256}, "is not a name"),
        ({"name": 7}, "metadata.name"),
        ({"name": "\ud800"}, "surrogate"),
        ({"name": "x", "labels": {"a": 1}}, "metadata.labels.a"),
        ({"name": "x", "labels": ["a"]}, "metadata.labels"),
        (
            {"name": "\t", "annotations": {"description": "d" * 40_000}},
            "is not a name.*up to 32768",
        ),
    ],
)
def test_what_cannot_be_a_project_is_refused_with_all_that_is_wrong(
    admin: Caller, metadata: dict[str, object], said: str
) -> None:
    before = names(admin)
    answer = admin("POST", "/v1/projects", {"metadata": metadata})
    assert answer.status_code == 400
    assert re.search(said, answer.json()["message"])
    assert names(admin) == before


def test_a_body_is_utf_8_whatever_else_json_might_be(admin: Caller) -> None:
    text = '{"metadata":{"name":"\ud800"}}'
    for body in (text.encode("utf-8", "surrogatepass"), text.encode("utf-16-le", "surrogatepass")):
        sent = {"ApiKey": admin.key, "content-type": "application/json"}
        answer = admin.http.post(f"{admin.server.url}/v1/projects", headers=sent, content=body)
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"metadata":{"name":"a"},"metadata":{"name":"b"}}', "'metadata' several times"),
        ('{"metadata":{"name":"a"},"x":NaN}', "NaN is no number"),
        ('{"metadata":' * 5000, "nested too deeply"),
    ],
)
def test_what_programs_read_differently_is_refused(admin: Caller, text: str, said: str) -> None:
    sent = {"ApiKey": admin.key, "content-type": "application/json"}
    answer = admin.http.post(f"{admin.server.url}/v1/projects", headers=sent, content=text.encode())
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_everybody_sees_the_projects_they_may_read(
    admin: Caller, editor: Caller, viewer: Caller
) -> None:
    a, b = make(admin, "See A"), make(admin, "See B")
    inside = make_user(admin, "inside", None, projectRoles=[{"projectUid": a, "role": "editor"}])
    leader = make_user(admin, "leader", None, projectRoles=[{"projectUid": a, "role": "admin"}])
    assert names(inside) == ["See A"]
    assert {"See A", "See B", "Default"} <= set(names(viewer))
    assert [item["metadata"]["name"] for item in inside("GET", "/v1/projects").json()["items"]] == [
        "See A"
    ]
    body = {"metadata": {"name": "Sea A"}}
    for caller, method, uid, status in (
        (inside, "GET", a, 200),
        (inside, "GET", b, 404),
        (inside, "PUT", a, 403),
        (inside, "PUT", b, 404),
        (inside, "DELETE", a, 403),
        (inside, "DELETE", b, 404),
        (leader, "DELETE", a, 403),
        (leader, "PUT", b, 404),
        (leader, "PUT", a, 204),
        (viewer, "GET", b, 200),
        (viewer, "PUT", b, 403),
        (editor, "PUT", b, 403),
        (editor, "DELETE", b, 403),
    ):
        answer = caller(method, f"/v1/projects/{uid}", body if method == "PUT" else None)
        assert answer.status_code == status, (method, uid, answer.text)
    for caller in (inside, leader, editor, viewer):
        assert caller("POST", "/v1/projects", {"metadata": {"name": "mine"}}).status_code == 403


def test_the_scope_comes_by_header_or_query_in_any_case(admin: Caller) -> None:
    uid = make(admin, "Scoped")
    other = make(admin, "Scoped elsewhere")
    key = admin("POST", "/v1/apiKeys", {"metadata": {"name": "s"}, "spec": {"projectUid": uid}})
    narrow = Caller(admin.server, key.json()["apiKey"])
    assert names(narrow) == ["Scoped"]
    path = f"/v1/projects/{uid}"
    for caller, status in ((admin, 200), (narrow, 200)):
        for headers in ({}, {"Projectuid": uid}, {"projectUid": uid}, {"ProjectUid": other}):
            assert caller("GET", path, headers=headers).status_code == status
    made = admin("POST", "/v1/clusterprofiles", profile("of the tenant"))
    shared = f"/v1/clusterprofiles/{made.json()['uid']}"
    for caller, given, status in (
        (admin, uid, 200),
        (admin, other, 200),
        (admin, "", 200),
        (admin, NOWHERE, 404),
        (admin, "Scoped", 404),
        (narrow, uid, 200),
        (narrow, "", 200),
        (narrow, other, 404),
    ):
        for name in ("ProjectUid", "Projectuid", "projectuid"):
            by_header = caller("GET", shared, headers={name: given})
            by_query = caller("GET", f"{shared}?{name}={given}")
            assert (by_header.status_code, by_query.status_code) == (status, status), given


def test_roles_keys_and_macros_go_with_a_project_and_profiles_keep_it(admin: Caller) -> None:
    uid = make(admin, "Going")
    inside = make_user(admin, "goer", None, projectRoles=[{"projectUid": uid, "role": "editor"}])
    key = admin("POST", "/v1/apiKeys", {"metadata": {"name": "g"}, "spec": {"projectUid": uid}})
    narrow = Caller(admin.server, key.json()["apiKey"])
    assert inside("POST", f"/v1/projects/{uid}/macros", {"macros": []}).status_code == 204
    made = inside("POST", "/v1/clusterprofiles", profile("kept"), headers={"ProjectUid": uid})
    assert made.status_code == 201, made.text
    refused = admin("DELETE", f"/v1/projects/{uid}")
    assert refused.status_code == 409
    assert "kept 1.0.0" in refused.json()["message"]
    body = {"deletingClusterDurationThresholdInMin": 0}
    cleaned = admin("DELETE", f"/v1/projects/{uid}?cleanupProjectResources=true", body)
    assert cleaned.status_code == 204
    assert admin("GET", f"/v1/clusterprofiles/{made.json()['uid']}").status_code == 404
    assert narrow("GET", "/v1/users/info").status_code == 401
    assert inside("GET", "/v1/projects").json()["items"] == []
    assert admin("GET", f"/v1/users/{inside.uid}").json()["spec"]["projectRoles"] == []


def test_lists_of_projects_are_paged_ordered_and_filtered(admin: Caller) -> None:
    for number in range(53):
        make(admin, f"page {number:02}")
    first = admin("GET", "/v1/projects?limit=1000").json()
    count = first["listmeta"]["count"]
    assert (len(first["items"]), first["listmeta"]["limit"]) == (50, 50)
    token = first["listmeta"]["continue"]
    rest = admin("GET", f"/v1/projects?continue={token}").json()
    assert rest["listmeta"] == {
        "continue": "", "count": count, "limit": count - 50, "offset": count,
    }  # fmt: skip
    assert admin("GET", "/v1/projects?limit=50&offset=50").json() == rest
    uids = [item["metadata"]["uid"] for item in first["items"] + rest["items"]]
    assert len(set(uids)) == count
    past = admin("GET", f"/v1/projects?offset={count + 7}").json()
    assert (past["items"], past["listmeta"]["continue"]) == ([], "")
    falling = admin("GET", "/v1/projects?orderBy=metadata.name=-1&limit=0").json()["items"]
    listed = [item["metadata"]["name"].casefold() for item in falling]
    assert listed == sorted(listed, reverse=True)
    for query in (
        "continue=none", "limit=x", "offset=99999999999999999", "orderBy=metadata.size=1",
        "orderBy=metadata.name=up", "orderBy=spec", "limit=" + "9" * 5000,
    ):  # fmt: skip
        assert admin("GET", f"/v1/projects?{query}").status_code == 400, query

    def search(body: object, query: str = "") -> list[str]:
        answer = admin("POST", f"/v1/dashboard/projects{query}", body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["listmeta"].keys() == {"continue", "count", "limit", "offset"}
        return [item["metadata"]["name"] for item in answer.json()["items"]]

    assert search({"filter": {"name": {"eq": "PAGE 07"}}, "sort": None}) == ["page 07"]
    assert search({"filter": {"name": {"eq": "PAGE 07", "ignoreCase": False}}}) == []
    assert len(search({"filter": {"name": {"eq": "", "ne": None, "contains": "age 0"}}})) == 10
    assert len(search({"filter": {"name": {"beginsWith": "page 0", "ne": "page 00"}}})) == 9
    sort = [{"field": "name", "order": "desc"}]
    assert search({"filter": {"name": {"contains": "ge 1"}}, "sort": sort}, "?limit=2") == [
        "page 19",
        "page 18",
    ]
    assert search(None) == search({"filter": {}, "sort": []})
    assert admin("POST", "/v1/dashboard/projects", {"sort": [{"field": "size"}]}).status_code == 400
