"""Users and their rights over HTTP."""

from __future__ import annotations

import pytest

from tests.live import basic
from tests.server.hub.conftest import Caller, make_user

NOBODY = "0" * 24


def test_an_administrator_makes_reads_changes_and_deletes_users(admin: Caller) -> None:
    spec = {"emailId": "Ulla@example.com", "firstName": "Ulla", "lastName": "U", "role": "viewer"}
    made = admin("POST", "/v1/users", {"metadata": {"name": "ulla"}, "spec": spec})
    assert made.status_code == 201
    uid = made.json()["uid"]
    assert len(uid) == 24
    path = f"/v1/users/{uid}"
    found = admin("GET", path).json()
    assert found["metadata"]["name"] == "ulla"
    assert found["spec"] == {**spec, "emailId": "ulla@example.com", "projectRoles": []}
    assert found["status"] == {"isActive": True, "hasPassword": False, "lastSignIn": None}
    assert found in admin("GET", "/v1/users/").json()["items"]

    change = {"metadata": {"name": "ulla-2", "uid": "ignored"}, "spec": {"firstName": ""}}
    assert admin("PUT", path, change).status_code == 204
    found = admin("GET", path).json()
    assert (found["metadata"]["name"], found["spec"]["firstName"]) == ("ulla-2", "")
    assert found["spec"]["lastName"] == "U"
    assert admin("PUT", f"{path}/roles", {"role": "editor"}).status_code == 204
    assert admin("GET", path).json()["spec"]["role"] == "editor"
    assert admin("PUT", f"{path}/roles", {}).status_code == 204
    assert admin("GET", path).json()["spec"]["role"] is None
    assert admin("PATCH", f"{path}/password", {"password": "new word"}).status_code == 204
    assert admin("GET", path).json()["status"]["hasPassword"]
    assert admin("PATCH", f"{path}/status", {"isActive": False}).status_code == 204
    assert not admin("GET", path).json()["status"]["isActive"]
    assert admin("DELETE", f"{path}/sessions").status_code == 204
    assert admin("DELETE", path).status_code == 204
    assert admin("DELETE", path).status_code == 404


@pytest.mark.parametrize("uid", [NOBODY, "name", "x" * 300, "%00", "päck"])
def test_whatever_is_no_uid_is_not_found(admin: Caller, uid: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "", {}),
        ("DELETE", "", None),
        ("PUT", "/roles", {}),
        ("PATCH", "/status", {"isActive": True}),
        ("PATCH", "/password", {"password": "x" * 8}),
        ("DELETE", "/sessions", None),
    ):
        answer = admin(method, f"/v1/users/{uid}{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound"), method


def test_bad_users_are_refused_and_nothing_is_stored(admin: Caller) -> None:
    before = admin("GET", "/v1/users").json()
    for body, status in (
        ({}, 400),
        ({"metadata": {}}, 400),
        ({"metadata": {"name": "a:b"}}, 400),
        ({"metadata": {"name": "admin"}}, 409),
        ({"metadata": {"name": "zed"}, "spec": {"role": "owner"}}, 400),
        ({"metadata": {"name": "zed"}, "spec": {"password": "x" * 73}}, 400),
        ({"metadata": {"name": "zed"}, "spec": {"password": "x" * 7}}, 400),
        ({"metadata": {"name": "zed"}, "spec": {"emailId": "nowhere"}}, 400),
        ({"metadata": {"name": "zed\ud800"}}, 400),
        (
            {
                "metadata": {"name": "zed"},
                "spec": {"projectRoles": [{"projectUid": NOBODY, "role": "viewer"}]},
            },
            404,
        ),
        (
            {
                "metadata": {"name": "zed"},
                "spec": {"projectRoles": [{"projectUid": NOBODY, "role": "viewer"}] * 2},
            },
            400,
        ),
    ):
        answer = admin("POST", "/v1/users", body)
        assert answer.status_code == status, (body, answer.text)
    assert admin("GET", "/v1/users").json() == before


def test_others_than_administrators_see_themselves_alone(
    admin: Caller, editor: Caller, viewer: Caller, anybody: Caller
) -> None:
    for caller in (editor, viewer):
        assert caller("GET", "/v1/users/me").json()["metadata"]["uid"] == caller.uid
        for method, path, body in (
            ("GET", "/v1/users", None),
            ("GET", f"/v1/users/{caller.uid}", None),
            ("POST", "/v1/users", {"metadata": {"name": "mine"}}),
            ("PUT", f"/v1/users/{caller.uid}/roles", {"role": "admin"}),
            ("PATCH", f"/v1/users/{admin.uid}/password", {"password": "mine"}),
            ("DELETE", f"/v1/users/{admin.uid}", None),
        ):
            answer = caller(method, path, body)
            assert (answer.status_code, answer.json()["code"]) == (403, "OperationForbidden")
    assert anybody("GET", "/v1/users").status_code == 401


def test_the_last_administrator_stays(admin: Caller) -> None:
    path = f"/v1/users/{admin.uid}"
    for method, more, body in (
        ("DELETE", "", None),
        ("PUT", "/roles", {"role": "editor"}),
        ("PATCH", "/status", {"isActive": False}),
    ):
        answer = admin(method, f"{path}{more}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "Conflict")


def test_people_change_their_own_password_with_the_one_they_have(
    admin: Caller, anybody: Caller
) -> None:
    paula = make_user(admin, "paula", "viewer", password="password of paula")
    change = {"currentPassword": "wrong", "newPassword": "another one"}
    assert paula("PATCH", "/v1/users/me/password", change).status_code == 401
    change["currentPassword"] = "password of paula"
    assert paula("PATCH", "/v1/users/me/password", change).status_code == 204
    for password, status in (("another one", 200), ("password of paula", 401)):
        headers = {"authorization": basic("paula", password)}
        assert anybody("GET", "/v1/users/me", headers=headers).status_code == status
