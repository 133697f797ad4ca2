"""Macros of projects and of the tenant over HTTP, with the statuses that clients rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.server.hub.conftest import Caller, make_user
from tests.server.hub.test_projects import NOWHERE, make


def macros(**values: str) -> dict[str, object]:
    return {"macros": [{"name": name, "value": value} for name, value in values.items()]}


def held(caller: Caller, path: str) -> Mapping[str, str]:
    answer = caller("GET", path)
    assert answer.status_code == 200, answer.text
    return {item["name"]: item["value"] for item in answer.json()["macros"]}


@pytest.fixture(scope="module")
def tenant(admin: Caller) -> str:
    uid: str = admin("GET", "/v1/users/info").json()["tenantUid"]
    return uid


@pytest.fixture(params=["project", "tenant"])
def path(request: pytest.FixtureRequest, admin: Caller, tenant: str) -> str:
    if request.param == "tenant":
        path = f"/v1/tenants/{tenant}/macros"
        admin("PUT", path, {"macros": None})
        return path
    return f"/v1/projects/{make(admin, f'macros {request.node.name}')}/macros"


def test_macros_from_beginning_to_end(editor: Caller, path: str) -> None:
    assert editor("GET", path).json() == {"macros": []}
    for method, body, expected in (
        ("POST", macros(a="1", b="2"), {"a": "1", "b": "2"}),
        ("POST", macros(**{"_c.d-e": "a\n'\"{{ä"}), {"a": "1", "b": "2", "_c.d-e": "a\n'\"{{ä"}),
        ("PATCH", macros(b=""), {"a": "1", "b": "", "_c.d-e": "a\n'\"{{ä"}),
        ("DELETE", macros(a="whatever", gone=""), {"b": "", "_c.d-e": "a\n'\"{{ä"}),
        ("PUT", macros(b="3", z="4"), {"b": "3", "z": "4"}),
        ("POST", {"macros": []}, {"b": "3", "z": "4"}),
        ("DELETE", {"macros": [{"name": "b"}]}, {"z": "4"}),
        ("PUT", {"macros": None}, {}),
        ("PUT", macros(A="5", a="6"), {"A": "5", "a": "6"}),
        ("PUT", {}, {}),
    ):
        answer = editor(method, f"{path}/", body)
        assert (answer.status_code, answer.content) == (204, b""), answer.text
        assert held(editor, path) == expected


@pytest.mark.parametrize(
    ("method", "body", "status", "said"),
    [
        ("POST", macros(new="1", kept="2"), 422, "kept: there already"),
        ("PATCH", macros(kept="2", new="1"), 404, "no macro new"),
        ("POST", {"macros": [{"name": "a"}, {"name": "a"}]}, 422, "a: named more than once"),
        ("PUT", {"macros": [{"name": "a"}, {"name": "a"}]}, 422, "a: named more than once"),
        ("POST", macros(**{"": "1", "-a": "2", "a b": "3", "ä": "4", "kept": ""}), 422,
         "'', '-a', 'a b', 'ä': a name.*kept: there already"),
        ("PUT", macros(**{"n" * 256: "1"}), 422, "a name has"),
        ("PUT", macros(a="v" * (1024 * 1024 + 1)), 422, "a: a value has up to"),
        ("PUT", {"macros": [{"value": "1"}]}, 400, "macros.0.name"),
        ("PUT", {"macros": [{"name": "a", "value": 1}]}, 400, "macros.0.value"),
        ("PUT", {"macros": [None]}, 400, "macros.0"),
        ("PUT", {"macros": {"a": "1"}}, 400, "macros"),
        ("PUT", {"macros": [{"name": "a", "value": "x \ud800 y"}]}, 400, "surrogate"),
        ("PUT", None, 400, "body"),
        ("DELETE", None, 400, "body"),
        ("PUT", macros(**{f"m{number}": "" for number in range(10_001)}), 422, "up to 10000"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_all_that_is_wrong_and_nothing_kept(
    editor: Caller, path: str, method: str, body: object, status: int, said: str
) -> None:
    assert editor("PUT", path, macros(kept="1")).status_code == 204
    answer = editor(method, path, body)
    assert answer.status_code == status, answer.text
    assert re.search(said, answer.json()["message"]), answer.text
    assert held(editor, path) == {"kept": "1"}


def test_who_may_read_and_change_macros(
    admin: Caller, editor: Caller, viewer: Caller, anybody: Caller, tenant: str
) -> None:
    a, b = make(admin, "Macros A"), make(admin, "Macros B")
    in_a = [{"projectUid": a, "role": "editor"}]
    inside = make_user(admin, "macro-editor", None, projectRoles=in_a)
    for caller, owner, reads, writes in (
        (admin, f"projects/{a}", 200, 204),
        (editor, f"projects/{b}", 200, 204),
        (viewer, f"projects/{a}", 200, 403),
        (inside, f"projects/{a}", 200, 204),
        (inside, f"projects/{b}", 404, 404),
        (anybody, f"projects/{a}", 401, 401),
        (inside, f"tenants/{tenant}", 200, 403),
        (viewer, f"tenants/{tenant}", 200, 403),
        (editor, f"tenants/{tenant}", 200, 204),
        (admin, f"tenants/{a}", 404, 404),
        (admin, f"projects/{tenant}", 404, 404),
        (admin, f"projects/{NOWHERE}", 404, 404),
        (admin, "projects/Default", 404, 404),
        (admin, "tenants/a%2Fb", 404, 404),
    ):
        path = f"/v1/{owner}/macros"
        for headers in ({}, {"ProjectUid": a if caller is not anybody else ""}):
            assert caller("GET", path, headers=headers).status_code == reads, owner
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                answer = caller(method, path, {"macros": []}, headers=headers)
                assert answer.status_code == writes, (owner, method, answer.text)


def test_bodies_are_large_for_those_who_are_somebody(
    admin: Caller, editor: Caller, anybody: Caller
) -> None:
    path = f"/v1/projects/{make(admin, 'Large')}/macros"
    big = macros(**{f"m{number}": "v" * 1_000_000 for number in range(12)})
    assert editor("PUT", path, big).status_code == 204
    assert len(held(editor, path)) == 12
    assert anybody("PUT", path, big).status_code == 401

    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    url = f"{editor.server.url}{path}"
    for key, status in ((editor.key, 413), ("", 401)):
        headers = {"ApiKey": key, "content-type": "application/json"}
        try:
            answer = httpx.put(url, content=endless(), headers=headers)
        except httpx.WriteError:
            continue
        assert answer.status_code == status, answer.text
