"""Signing in and out over HTTP, as scripts and browsers do it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.live import Live, basic
from tests.server.hub.conftest import SETTLED, Caller, make_user

AUTHENTICATE = "/v1/auth/authenticate"


@pytest.fixture(scope="module")
def viewer(admin: Caller) -> Caller:
    return make_user(admin, "vera", "viewer", password="password of vera")


def sign_in(
    anybody: Caller, name: str, password: str, query: str = "", **headers: str
) -> httpx.Response:
    body = {"emailId": name, "password": password, "org": None}
    with httpx.Client(timeout=60) as client:
        return client.post(f"{anybody.server.url}{AUTHENTICATE}{query}", json=body, headers=headers)


def token_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["Authorization"]
    return token


def info(anybody: Caller, **headers: str) -> httpx.Response:
    return httpx.get(f"{anybody.server.url}/v1/users/info", headers=headers)


def test_a_script_signs_in_renews_and_signs_out(anybody: Caller, viewer: Caller) -> None:
    answer = sign_in(anybody, "vera", "password of vera", "?setCookie=false")
    token = token_of(answer)
    assert answer.json() == {"Authorization": token, "isMfa": False}
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    for value in (token, f"Bearer {token}"):
        found = info(anybody, authorization=value)
        assert found.status_code == 200
        assert found.json()["userUid"] == viewer.uid
        assert found.json()["tenantUid"]
    second = token_of(anybody("GET", f"/v1/auth/refresh/{token}"))
    assert info(anybody, authorization=second).status_code == 200
    told = viewer("GET", "/v1/audits?resourceKind=session").json()["items"][-1]["spec"]
    assert (told["origin"]["name"], told["actionMsg"]) == ("vera", "Signed in")
    again = anybody("GET", f"/v1/auth/refresh/{token}")
    assert again.status_code == 401
    time.sleep(SETTLED)
    assert info(anybody, authorization=second).status_code == 401


def test_no_token_is_in_the_log(anybody: Caller, viewer: Caller, server: Live) -> None:
    token = token_of(sign_in(anybody, "vera", "password of vera"))
    renewed = token_of(anybody("GET", f"/v1/auth/refresh/{token}/"))
    assert anybody("GET", f"/v1/auth/refresh/{token[:-1]}x").status_code == 401
    log = server.log()
    for part in (*token.split("."), *renewed.split("."), viewer.key):
        if len(part) > 60 or part == viewer.key:
            assert part not in log
    assert "/v1/auth/refresh/***" in log


def test_refusals_are_json_without_a_challenge_and_all_alike(
    anybody: Caller, viewer: Caller
) -> None:
    told = set()
    for name, password in (("vera", "wrong"), ("nobody", "wrong"), ("vera", "x" * 5000)):
        answer = sign_in(anybody, name, password)
        assert answer.status_code == 401
        assert "www-authenticate" not in answer.headers
        assert answer.headers["content-type"] == "application/json"
        told.add((answer.json()["code"], answer.json()["message"]))
        assert answer.json()["ref"]
    assert len(told) == 1
    assert info(anybody).status_code == 401
    assert info(anybody, apikey=viewer.key[:-1]).status_code == 401
    assert info(anybody, authorization="Bearer a.b.c").json()["code"] == "Unauthorized"
    registry = httpx.get(f"{anybody.server.url}/v1/")
    assert registry.headers["www-authenticate"].startswith("Basic ")


def test_a_password_of_a_megabyte_is_not_even_read(anybody: Caller) -> None:
    assert sign_in(anybody, "vera", "x" * 1_000_000).status_code == 413
    assert sign_in(anybody, "v" * 1_000_000, "x").status_code == 413


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"emailId":1,"password":[]}', b"\xff", b"null"]
)
def test_what_is_no_sign_in_is_said(anybody: Caller, body: bytes) -> None:
    url = f"{anybody.server.url}{AUTHENTICATE}"
    answer = httpx.post(url, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidParameter"


def test_people_of_the_htpasswd_file_have_the_registry_alone(anybody: Caller, server: Live) -> None:
    answer = sign_in(anybody, server.reader, server.reader_password)
    assert answer.status_code == 403
    assert "registry alone" in answer.json()["message"]
    authorization = basic(server.reader, server.reader_password)
    assert info(anybody, authorization=authorization).status_code == 403


def test_a_browser_signs_in_changes_something_and_signs_out(admin: Caller, anybody: Caller) -> None:
    make_user(admin, "bella", "editor", password="password of bella")
    browser = httpx.Client(base_url=anybody.server.url)
    body = {"emailId": "bella", "password": "password of bella"}
    answer = browser.post(AUTHENTICATE, json=body)
    cookies = answer.headers.get_list("set-cookie")
    session, page = (
        next(c for c in cookies if c.startswith(n)) for n in ("packyard_s", "packyard_c")
    )
    assert "HttpOnly" in session
    assert "HttpOnly" not in page
    assert all("SameSite=lax" in cookie and "Path=/" in cookie for cookie in cookies)
    assert browser.get("/v1/users/me").json()["metadata"]["name"] == "bella"
    assert browser.get("/v2/").status_code == 200
    new = {"metadata": {"name": "from the console"}}
    assert browser.post("/v1/apiKeys", json=new).status_code == 403
    token = {"X-CSRF-Token": browser.cookies["packyard_csrf"]}
    assert browser.post("/v1/apiKeys", json=new, headers=token).status_code == 201
    kept = dict(browser.cookies)
    assert browser.post("/v1/auth/signout", headers=token).status_code == 204
    time.sleep(SETTLED)
    assert not browser.cookies.get("packyard_session")
    stolen = httpx.get(f"{anybody.server.url}/v1/users/me", cookies=kept)
    assert stolen.status_code == 401
    assert admin("POST", "/v1/auth/signout").status_code == 400


def test_people_see_their_sessions_and_end_them_everywhere(admin: Caller, anybody: Caller) -> None:
    sarah = make_user(admin, "sarah", "viewer", password="password of sarah")
    tokens = [token_of(sign_in(anybody, "sarah", "password of sarah")) for _ in range(3)]
    listed = anybody("GET", "/v1/auth/sessions", headers={"authorization": tokens[0]}).json()
    assert [item["isCurrent"] for item in listed["items"]] == [False, False, True]
    assert {item["address"] for item in listed["items"]} == {"127.0.0.1"}
    newest = listed["items"][0]["uid"]
    ended = anybody("DELETE", f"/v1/auth/sessions/{newest}", headers={"authorization": tokens[0]})
    assert ended.status_code == 204
    assert info(anybody, authorization=tokens[2]).status_code == 401
    assert admin("DELETE", f"/v1/auth/sessions/{newest}").status_code == 404
    assert sarah("DELETE", "/v1/auth/sessions").status_code == 204
    for token in tokens:
        assert info(anybody, authorization=token).status_code == 401
    assert info(anybody, apikey=sarah.key).status_code == 200


def test_too_many_tries_are_refused_by_every_worker(admin: Caller, anybody: Caller) -> None:
    make_user(admin, "tessa", "viewer", password="password of tessa")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: sign_in(anybody, "tessa", f"wrong {n}"), range(16)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 401
    assert statuses.count(429) >= 4
    last = sign_in(anybody, "tessa", "password of tessa")
    assert last.status_code == 429
    assert last.json()["code"] == "TooManyRequests"
    assert 0 < int(last.headers["retry-after"]) <= 60


def test_no_provider_is_offered_where_none_is_known(anybody: Caller) -> None:
    assert anybody("GET", "/v1/auth/providers").json() == {"items": []}
    assert anybody("GET", "/v1/auth/oidc/login").status_code == 405
