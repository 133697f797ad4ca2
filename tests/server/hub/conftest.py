"""A live server of two workers with an administrator, an editor and a viewer, each with a key."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx
import pytest

from tests import live
from tests.live import ADMIN_PASSWORD, Live, basic
from tests.server.hub import checker

SETTLED = 0.02  # seconds after which every worker has noticed a change of people


@dataclass
class Caller:
    """Somebody with an API key; answers are those of httpx, held against the API (`checker`)."""

    server: Live
    key: str
    uid: str = ""
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(verify=self.server.tls or True, timeout=60)

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        sent = {"ApiKey": self.key} if self.key else {}
        if body is not None:
            sent["content-type"] = "application/json"
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.http.request(
            method, f"{self.server.url}{path}", headers={**sent, **(headers or {})}, content=content
        )
        if method != "GET":
            time.sleep(SETTLED)
        checker.check(self.server.url, answer, self.http)
        return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live.start(tmp_path_factory.mktemp("server"), workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def anybody(server: Live) -> Caller:
    return Caller(server, "")


@pytest.fixture(scope="module")
def admin(server: Live) -> Caller:
    found = Caller(server, _key(Caller(server, ""), basic("admin", ADMIN_PASSWORD)))
    found.uid = found("GET", "/v1/users/info").json()["userUid"]
    return found


@pytest.fixture(scope="module")
def editor(admin: Caller) -> Caller:
    return make_user(admin, "eddie", "editor")


@pytest.fixture(scope="module")
def viewer(admin: Caller) -> Caller:
    return make_user(admin, "vera", "viewer")


def make_user(admin: Caller, name: str, role: str | None, **more: object) -> Caller:
    """A new user with a key. A password takes a while to be set, so only who needs one has it."""
    body = {"metadata": {"name": name}, "spec": {"role": role, **more}}
    made = admin("POST", "/v1/users", body)
    assert made.status_code == 201, made.text
    uid: str = made.json()["uid"]
    return Caller(admin.server, _key(admin, userUid=uid), uid)


def _key(caller: Caller, authorization: str = "", **spec: object) -> str:
    headers = {"authorization": authorization} if authorization else {}
    body = {"metadata": {"name": "tests"}, "spec": spec}
    made = caller("POST", "/v1/apiKeys", body, headers=headers)
    assert made.status_code == 201, made.text
    key: str = made.json()["apiKey"]
    return key
