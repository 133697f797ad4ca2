"""The client of a hub's API: what it sends, how lists are read, how things are found by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from packyard.errors import Conflict, Denied, RemoteFailed, UserUnknown
from packyard.remotes.challenge import Credentials
from packyard.remotes.hub import Hub, segment
from packyard.remotes.items import USER, Item, at, maps, name_of, pick, text, texts, uid_of
from tests.remotes.scripted import Reply, Request, Scripted, talking

ME = Credentials("me", "geheim")


@contextmanager
def hub_of(script: Callable[[Request], Reply]) -> Iterator[tuple[Scripted, Hub]]:
    with talking(script, ME) as (server, client):
        yield server, Hub(client)


def test_requests_are_signed_in_and_in_a_project_say_so() -> None:
    with hub_of(lambda _: Reply(body=b"{}")) as (server, hub):
        hub.get("/v1/users/info")
        inside = hub.within("b" * 24)
        inside.send("DELETE", f"/v1/x/{segment('a/b c')}", {"macros": []}, query={"force": True})
    first, second = server.requests
    assert first.headers["authorization"] == second.headers["authorization"] == ME.header
    assert "projectuid" not in first.headers
    assert second.headers["projectuid"] == "b" * 24
    assert (second.method, second.path) == ("DELETE", "/v1/x/a%2Fb%20c?force=true")
    assert json.loads(second.body) == {"macros": []}


def test_lists_are_read_page_by_page_and_no_further_than_wanted() -> None:
    def pages(request: Request) -> Reply:
        start = int(request.path.rpartition("continue=")[2]) if "continue" in request.path else 0
        items = [{"uid": str(start + number)} for number in range(2)]
        place = "" if start >= 4 else str(start + 2)
        return Reply(body=json.dumps({"items": items, "listmeta": {"continue": place}}).encode())

    with hub_of(pages) as (server, hub):
        assert [uid_of(item) for item in hub.items("/v1/x")] == list("012345")
        before = len(server.requests)
        found, more = hub.first("/v1/x", 3)
        assert ([uid_of(item) for item in found], more) == (list("012"), True)
        assert len(server.requests) - before == 2
        assert not hub.first("/v1/x", 6)[1]
        before = len(server.requests)
        hub.found("/v1/x", {"filter": {}})
    assert {request.method for request in server.requests[before:]} == {"POST"}


def test_refusals_are_the_servers_own_sentences() -> None:
    body = {"code": "OperationForbidden", "message": "Ask an administrator.", "ref": "r"}
    refused = hub_of(lambda _: Reply(403, body=json.dumps(body).encode()))
    with refused as (_, hub), pytest.raises(Denied, match="Ask an administrator"):
        hub.get("/v1/users")
    elsewhere = hub_of(lambda _: Reply(404, body=b"404 page not found"))
    with elsewhere as (_, hub), pytest.raises(RemoteFailed, match="is no hub"):
        hub.get("/v1/users")


def test_things_are_found_by_uid_then_by_name() -> None:
    def user(uid: str, name: str) -> Item:
        return {"metadata": {"uid": uid, "name": name}}

    ann, odd, twin, other = user("1", "ann"), user("2", "1"), user("3", "bo"), user("4", "bo")
    known = [ann, odd, twin, other]
    assert pick(known, USER, "1", "h") is ann
    assert pick(known, USER, "ann", "h") is ann
    with pytest.raises(Conflict, match="several users bo; name one by its uid: 3, 4"):
        pick(known, USER, "bo", "h")
    with pytest.raises(UserUnknown, match="h has no user an"):
        pick(known, USER, "an", "h")


def test_what_is_absent_or_of_another_kind_is_empty() -> None:
    item: Item = {"spec": {"a": 1, "b": True, "c": ["x", 2], "d": [{"e": 1}, 3], "f": None}}
    assert [text(item, f"spec.{name}") for name in "abcf"] == ["1", "", "", ""]
    assert (texts(item, "spec.c"), texts(item, "spec.a")) == (["x"], [])
    assert (maps(item, "spec.d"), maps(item, "nothing.here")) == ([{"e": 1}], [])
    assert at(item, "spec.a.b") is None
    assert (uid_of({"uid": "1", "name": "n"}), name_of({"uid": "1", "name": "n"})) == ("1", "n")
