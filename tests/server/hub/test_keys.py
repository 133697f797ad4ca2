"""API keys over HTTP, and what they open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.live import basic
from tests.server.hub.conftest import Caller, make_user

ZERO = "0001-01-01T00:00:00.000Z"


def make(caller: Caller, name: str, **spec: object) -> tuple[str, str]:
    """The key and its uid."""
    answer = caller("POST", "/v1/apiKeys", {"metadata": {"name": name}, "spec": spec})
    assert answer.status_code == 201, answer.text
    assert answer.json().keys() == {"apiKey", "uid"}
    return answer.json()["apiKey"], answer.json()["uid"]


def test_a_key_from_beginning_to_end(editor: Caller) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="milliseconds")
    key, uid = make(editor, "ci", expiry=tomorrow, actions=["push"], repositories="team/*")
    path = f"/v1/apiKeys/{uid}"
    found = editor("GET", path).json()
    assert found["metadata"]["name"] == "ci"
    assert found["spec"] == {
        "user": {"uid": editor.uid, "firstName": "", "lastName": ""},
        "expiry": tomorrow.replace("+00:00", "Z"),
        "actions": ["push"],
        "repositories": "team/*",
        "projectUid": "",
    }
    assert found["status"] == {"isActive": True}
    assert key not in editor("GET", "/v1/apiKeys").text
    assert found in editor("GET", "/v1/apiKeys/").json()["items"]

    def pushes() -> int:
        url = f"{editor.server.url}/v2/team/app/blobs/uploads/"
        return httpx.post(url, headers={"authorization": basic("anything", key)}).status_code

    assert pushes() == 202
    assert editor("PATCH", path, {"isActive": False}).status_code == 204
    assert pushes() == 401
    assert editor("PUT", f"{path}/state", {"isActive": True}).status_code == 204
    assert pushes() == 202
    renamed: dict[str, object] = {"metadata": {"name": "ci-1"}, "spec": {}}
    assert editor("PUT", path, renamed).status_code == 204
    assert "expiry" in editor("GET", path).json()["spec"]
    change = {"metadata": {"name": "ci-2"}, "spec": {"expiry": ZERO}}
    assert editor("PUT", path, change).status_code == 204
    found = editor("GET", path).json()
    assert found["metadata"]["name"] == "ci-2"
    assert "expiry" not in found["spec"]
    assert found["status"]["lastUsed"]
    assert editor("DELETE", path).status_code == 204
    assert pushes() == 401
    assert editor("DELETE", path).status_code == 404


def test_keys_beyond_what_they_are_for_are_refused_by_every_face(editor: Caller) -> None:
    key, _ = make(editor, "narrow", actions=["pull"], repositories="team/*")
    narrow = Caller(editor.server, key)
    for method, path, status in (
        ("GET", "/v2/team/app/tags/list", 404),
        ("GET", "/v2/other/app/tags/list", 403),
        ("POST", "/v2/team/app/blobs/uploads/", 403),
        ("GET", "/v1/_packs/nginx", 403),
        ("POST", "/helm/api/charts", 403),
        ("GET", "/v1/users/info", 403),
        ("GET", "/v1/apiKeys", 403),
        ("POST", "/v1/apiKeys", 403),
    ):
        answer = narrow(method, path, {} if path == "/v1/apiKeys" else None)
        assert answer.status_code == status, (method, path, answer.text)


def test_a_key_is_told_what_it_may_and_not_what_its_owner_may(admin: Caller) -> None:
    made = [
        admin("POST", "/v1/projects", {"metadata": {"name": name}}) for name in ("me-a", "me-b")
    ]
    one, two = (answer.json()["uid"] for answer in made)
    roles = [{"projectUid": one, "role": "editor"}, {"projectUid": two, "role": "admin"}]
    ann = make_user(admin, "ann of two projects", "viewer", projectRoles=roles)
    whole = {one: "editor", two: "admin"}
    for caller, limits, role, inside in (
        (ann, {}, "viewer", whole),
        (ann, {"actions": ["pull"]}, "viewer", {one: "viewer", two: "viewer"}),
        (ann, {"actions": ["pull", "push"]}, "viewer", {one: "editor", two: "editor"}),
        (ann, {"actions": ["push"]}, None, {}),
        (ann, {"projectUid": two}, "viewer", {two: "admin"}),
        (admin, {"projectUid": one, "actions": ["pull", "push"]}, "viewer", {one: "editor"}),
    ):
        key, uid = make(caller, "asks", **limits)
        found = Caller(caller.server, key)("GET", "/v1/users/me").json()
        told = {row["projectUid"]: row["role"] for row in found["spec"]["projectRoles"]}
        assert (found["spec"].get("role"), told) == (role, inside), limits
        own = {"name": "asks", "actions": [], "projectUid": "", **limits}
        assert found["status"]["apiKey"] == own
        caller("DELETE", f"/v1/apiKeys/{uid}")


def test_nobody_widens_their_rights_by_a_key(admin: Caller, editor: Caller) -> None:
    key, _ = make(admin, "reading", actions=["pull"])
    reading = Caller(admin.server, key)
    assert reading("GET", "/v1/users/info").status_code == 200
    for method, path, body in (
        ("POST", "/v1/apiKeys", {"metadata": {"name": "wide"}}),
        ("PATCH", f"/v1/apiKeys/{admin.uid}", {"isActive": True}),
        ("PATCH", f"/v1/users/{admin.uid}/password", {"password": "mine"}),
        ("PATCH", "/v1/users/me/password", {"currentPassword": "a", "newPassword": "b"}),
        ("DELETE", "/v1/auth/sessions", None),
        ("GET", "/v1/auth/sessions", None),
        ("GET", "/v1/apiKeys", None),
        ("GET", "/v1/users", None),
    ):
        assert reading(method, path, body).status_code == 403, path
    other = {"metadata": {"name": "theirs"}, "spec": {"userUid": admin.uid}}
    assert editor("POST", "/v1/apiKeys", other).status_code == 403


def test_people_see_their_own_keys_and_administrators_all(
    admin: Caller, editor: Caller, viewer: Caller
) -> None:
    _, mine = make(editor, "mine")
    listed = [item["metadata"]["uid"] for item in viewer("GET", "/v1/apiKeys").json()["items"]]
    assert mine not in listed
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {}), ("PATCH", {})):
        assert viewer(method, f"/v1/apiKeys/{mine}", body).status_code == 404
    whose = {item["spec"]["user"]["uid"] for item in admin("GET", "/v1/apiKeys").json()["items"]}
    assert {admin.uid, editor.uid, viewer.uid} <= whose
    given = {"metadata": {"name": "given"}, "spec": {"userUid": viewer.uid}}
    key = admin("POST", "/v1/apiKeys", given).json()["apiKey"]
    assert Caller(admin.server, key)("GET", "/v1/users/info").json()["userUid"] == viewer.uid
    assert admin("DELETE", f"/v1/apiKeys/{mine}").status_code == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"metadata": {"name": ""}}, 400),
        ({"metadata": {"name": "n" * 300}}, 400),
        ({"metadata": {"name": 7}}, 400),
        ({"metadata": {"name": "tests"}}, 409),
        ({"metadata": {"name": "x"}, "spec": {"expiry": "soon"}}, 400),
        ({"metadata": {"name": "x"}, "spec": {"expiry": "2020-01-01T00:00:00Z"}}, 400),
        ({"metadata": {"name": "x"}, "spec": {"expiry": "9999-12-31 23:59:59"}}, 201),
        ({"metadata": {"name": "z"}, "spec": {"expiry": "9999-12-31T23:59:59.9999999Z"}}, 201),
        ({"metadata": {"name": "x2"}, "spec": {"expiry": "9999-12-31T23:59:59-12:00"}}, 400),
        ({"metadata": {"name": "y"}, "spec": {"expiry": "", "actions": None}}, 201),
        ({"metadata": {"name": "x2"}, "spec": {"actions": ["fly"]}}, 400),
        ({"metadata": {"name": "x2"}, "spec": {"repositories": "A B"}}, 400),
        ({"metadata": {"name": "x2"}, "spec": {"projectUid": "0" * 24}}, 404),
        ({"metadata": {"name": "x2"}, "spec": {"projectUid": "no uid"}}, 404),
    ],
)
def test_new_keys_are_taken_or_refused_with_what_is_wrong(
    editor: Caller, body: dict[str, object], status: int
) -> None:
    answer = editor("POST", "/v1/apiKeys", body)
    assert answer.status_code == status, answer.text
    if status != 201:
        assert answer.json().keys() == {"code", "message", "details", "ref"}
    assert editor("GET", "/v1/apiKeys").status_code == 200


def test_a_user_taken_away_takes_keys_along(admin: Caller) -> None:
    karl = make_user(admin, "karl", "viewer")
    assert karl("GET", "/v1/users/info").status_code == 200
    assert admin("DELETE", f"/v1/users/{karl.uid}").status_code == 204
    assert karl("GET", "/v1/users/info").status_code == 401
