"""What people and programs should not send, over a real socket: proofs that are none, names that
somebody guesses, and the same thing made twice at once.

What else is of that kind stands beside what it is about: writing without the right and reading
another project (`test_rights`), keys beyond their pattern (`test_keys`), too many tries
(`test_sign_in`), a server whose key file is lost (`tests.cli.test_people`).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest

from tests.auth.people import forged
from tests.live import Live, basic
from tests.server.hub.conftest import SETTLED, Caller, make_user
from tests.server.hub.test_keys import make as make_key
from tests.server.hub.test_projects import make as make_project
from tests.server.hub.test_sign_in import AUTHENTICATE, sign_in, token_of

CHALLENGED = {"/v2/": True, "/v1/": True, "/helm/index.yaml": True, "/v1/users/info": False}
MEGABYTE = "x" * 1_000_000
AT_ONCE = 6


Proofs = dict[str, tuple[str, str]]
"""Headers that open nothing, by what is wrong with them."""


@pytest.fixture(scope="module")
def proofs(admin: Caller, anybody: Caller) -> Proofs:
    """Of somebody who has good ones of all kinds, and had others."""
    penny = make_user(admin, "penny", "viewer", password="password of penny")
    good = token_of(sign_in(anybody, "penny", "password of penny"))
    browser = httpx.Client(base_url=anybody.server.url, timeout=60)
    body = {"emailId": "penny", "password": "password of penny"}
    ended = token_of(browser.post(AUTHENTICATE, json=body))
    cookie = browser.cookies["packyard_session"]
    soon = datetime.now(UTC) + timedelta(seconds=2)
    expired, _ = make_key(penny, "expired", expiry=soon.isoformat(timespec="milliseconds"))
    revoked, uid = make_key(penny, "revoked")
    assert penny("DELETE", f"/v1/apiKeys/{uid}").status_code == 204
    switched_off, uid = make_key(penny, "switched off")
    assert penny("PATCH", f"/v1/apiKeys/{uid}", {"isActive": False}).status_code == 204
    headers = {"authorization": ended}
    assert anybody("POST", "/v1/auth/signout", headers=headers).status_code == 204
    orphan = make_user(admin, "orphan", "viewer")
    assert admin("DELETE", f"/v1/users/{orphan.uid}").status_code == 204
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()))
    session, _, secret = cookie.partition(".")
    tokens = {**forged(good), "of a session that ended": ended, "twice": f"{good} {good}"}
    keys = {
        "truncated": penny.key[:-1],
        "longer": f"{penny.key}x",
        "another case": penny.key.swapcase(),
        "expired": expired,
        "revoked": revoked,
        "switched off": switched_off,
        "of nobody any more": orphan.key,
        "a token": good,
    }
    cookies = {
        "of a session that ended": cookie,
        "of no session": f"{'0' * 24}.{secret}",
        "without secret": f"{session}.",
        "an injection": "' OR 1=1 --.x",
    }
    others = {
        "no base64": "Basic %%%",
        "no colon": "Basic cGVubnk=",
        "not UTF-8": "Basic //8=",
        "of another form": "Digest username=penny",
        "nothing": "Basic",
    }
    return {
        **{f"token, {what}": ("authorization", text) for what, text in tokens.items()},
        **{f"key, {what}": ("apikey", text) for what, text in keys.items()},
        **{
            f"key as password, {what}": ("authorization", basic("key", text))
            for what, text in keys.items()
            if what not in ("a token", "another case")
        },
        **{
            f"cookie, {what}": ("cookie", f"packyard_session={text}")
            for what, text in cookies.items()
        },
        **{f"other, {what}": ("authorization", text) for what, text in others.items()},
    }


def test_whatever_proves_nothing_opens_nothing(proofs: Proofs, server: Live) -> None:
    with httpx.Client(base_url=server.url) as client:
        for what, (name, value) in proofs.items():
            for path, challenged in CHALLENGED.items():
                answer = client.get(path, headers={name.encode(): value.encode()})
                assert answer.status_code == 401, (what, path, answer.text)
                assert ("www-authenticate" in answer.headers) == challenged, (what, path)
                assert value[-20:] not in answer.text, what
        for what, (_, value) in proofs.items():
            if what.startswith("token, "):
                answer = client.get(f"/v1/auth/refresh/{value}")
                assert answer.status_code in (401, 404), (what, answer.text)  # 404: no one segment
    log = server.log()
    assert not [
        what for what, (_, value) in proofs.items() if len(value) > 40 and value[-20:] in log
    ]
    assert "Traceback" not in log


def test_a_bad_proof_counts_though_a_good_one_comes_along(viewer: Caller, server: Live) -> None:
    """Else a program would never learn that its key is not good any more."""
    both = {"apikey": viewer.key[:-1], "authorization": f"Bearer {viewer.key}"}
    assert httpx.get(f"{server.url}/v1/users/info", headers=both).status_code == 401


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/v2/", "authorization: " + basic("vera", MEGABYTE)),
        ("/v1/users/info", f"apikey: {MEGABYTE}"),
        ("/v1/users/info", f"cookie: packyard_session={MEGABYTE}"),
        (f"/v1/auth/refresh/{MEGABYTE}", "accept: */*"),
    ],
    ids=["password", "key", "cookie", "token"],
)
def test_a_megabyte_of_proof_is_refused_at_once(server: Live, path: str, header: str) -> None:
    host, port = server.host.split(":")
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        lines = (f"GET {path} HTTP/1.1", f"host: {server.host}", header, "connection: close")
        try:
            raw.sendall("\r\n".join((*lines, "", "")).encode())
            status = raw.recv(100).split(b" ")[1:2]
        except (BrokenPipeError, ConnectionResetError):
            status = []  # closed before it was all sent
    assert status in ([], [b"400"], [b"401"], [b"414"], [b"431"])
    assert time.monotonic() - began < 20


def test_nobody_learns_who_is_there(admin: Caller, anybody: Caller, server: Live) -> None:
    """By words nor by time: all are told the same, after the same work. How long that takes on a
    busy machine tells nothing, so what the server's processes worked is compared."""
    make_user(admin, "nora", "viewer", password="password of nora")
    disabled = make_user(admin, "dirk", "viewer", password="password of dirk")
    admin("PATCH", f"/v1/users/{disabled.uid}/status", {"isActive": False})
    make_user(admin, "otto", "viewer")
    told, worked = set(), {}
    for name in ("nora", "dirk", "otto", server.reader, "who is this", "' OR 1=1"):
        before = seconds_worked(server)
        answer = sign_in(anybody, name, "wrong")
        worked[name] = seconds_worked(server) - before
        told.add((answer.status_code, answer.json()["code"], answer.json()["message"]))
    assert len(told) == 1, told
    assert 0.05 < min(worked.values()) > 0.5 * max(worked.values()), worked


def seconds_worked(server: Live) -> float:
    """Of all processors, by the server's processes."""
    ticks = 0
    for pid in server.workers():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # in user and kernel mode
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Race:
    """The same request many times: one is answered `won`, the others `lost`."""

    path: str
    body: Mapping[str, Any]
    won: int
    lost: int
    listed: str = ""  # where the names are, unless at the same path


@pytest.fixture(scope="module")
def races(admin: Caller) -> list[Race]:
    tenant = admin("GET", "/v1/users/info").json()["tenantUid"]
    project = make_project(admin, "of the race")
    twin = {"metadata": {"name": "twin"}}
    macro = {"macros": [{"name": "twin", "value": "1"}]}
    return [
        Race("/v1/users", twin, 201, 409),
        Race("/v1/apiKeys", twin, 201, 409),
        Race("/v1/projects", twin, 201, 409, "/v1/dashboard/projects/metadata"),
        Race(f"/v1/projects/{project}/macros", macro, 204, 422),
        Race(f"/v1/tenants/{tenant}/macros", macro, 204, 422),
    ]


def at_once(admin: Caller, asked: list[tuple[str, str, Mapping[str, Any]]]) -> list[int]:
    """The statuses, sorted; each request has a connection of its own, so both workers are asked."""
    together = Barrier(len(asked))

    def ask(request: tuple[str, str, Mapping[str, Any]]) -> int:
        method, path, body = request
        with httpx.Client(base_url=admin.server.url, headers={"apikey": admin.key}) as client:
            client.get("/health")
            together.wait(30)
            return client.request(method, path, json=body, timeout=60).status_code

    with ThreadPoolExecutor(len(asked)) as pool:
        return sorted(pool.map(ask, asked))


def test_of_equal_names_at_the_same_moment_one_is_made(admin: Caller, races: list[Race]) -> None:
    for race in races:
        post = ("POST", race.path, race.body)
        statuses = at_once(admin, [post] * AT_ONCE)
        assert statuses == [race.won] + [race.lost] * (AT_ONCE - 1), race.path
        time.sleep(SETTLED)
        told = admin("GET", race.listed or race.path).json()
        names = [
            item.get("metadata", item)["name"] for item in told.get("items", told.get("macros"))
        ]
        assert names.count("twin") == 1, race.path


def test_changes_at_the_same_moment_undo_nothing(admin: Caller) -> None:
    """A right that was taken away must not come back by another change."""
    spec: dict[str, Any]
    for number in range(6):
        busy = make_user(admin, f"busy {number}", "admin")
        user = f"/v1/users/{busy.uid}"
        _, uid = make_key(admin, f"busy {number}", userUid=busy.uid)
        state, renamed = {"isActive": False}, {"metadata": {"name": f"renamed {number}"}}
        asked: list[tuple[str, str, Mapping[str, Any]]] = [
            ("PUT", f"{user}/roles", {"role": None}),
            ("PUT", user, {"spec": {"firstName": "new"}}),
            ("PATCH", f"{user}/status", state),
            ("PUT", f"/v1/apiKeys/{uid}/state", state),
            ("PUT", f"/v1/apiKeys/{uid}", renamed),
        ]
        assert at_once(admin, asked) == [204] * len(asked)
        time.sleep(SETTLED)
        found = admin("GET", user).json()
        spec = found["spec"]
        assert (spec["role"], spec["firstName"]) == (None, "new")
        assert not found["status"]["isActive"]
        found = admin("GET", f"/v1/apiKeys/{uid}").json()
        assert (found["metadata"]["name"], found["status"]["isActive"]) == (
            f"renamed {number}",
            False,
        )


def test_letters_of_every_alphabet_are_no_way_to_two_people_of_one_name(
    admin: Caller, anybody: Caller
) -> None:
    first = {"metadata": {"name": "\u00c9bob@example.com"}, "spec": {"password": "of the first"}}
    second = {
        "metadata": {"name": "second"},
        "spec": {"emailId": "\u00e9bob@example.com", "password": "of the second"},
    }
    for body in (first, second):
        assert admin("POST", "/v1/users", body).status_code == 201
    for name, password in (
        ("\u00c9bob@example.com", "of the first"),
        ("\u00e9bob@EXAMPLE.com", "of the second"),
    ):
        assert sign_in(anybody, name, password).status_code == 200, name
    third = {"metadata": {"name": "\u00e9bob@example.COM"}}
    assert admin("POST", "/v1/users", third).status_code == 409
