"""Which hub a command works with, and what is said where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.hub.conftest import Commands
from tests.live import Live, basic
from tests.remotes.scripted import Reply, Request, answering

HERE = "packyard registry login"


def always(reply: Reply) -> Callable[[Request], Reply]:
    return lambda _: reply


def test_without_a_login_it_says_how_to_log_in(tmp_path: Path, server: Live) -> None:
    nobody = Commands(tmp_path)
    assert HERE in nobody.says("key", "ls", code=2)
    assert f"{HERE} {server.host}" in nobody.says("key", "ls", "--hub", server.host)
    assert "host[:port]" in nobody.says("key", "ls", "--hub", "a b", code=2)
    assert "in place of oci://" in nobody.says("key", "ls", "--hub", "oci://x.example.com", code=2)


def test_a_login_of_the_other_pack_cli_opens_a_hub(tmp_path: Path, server: Live) -> None:
    theirs = tmp_path / ".spectro" / "config.json"
    theirs.parent.mkdir()
    auth = server.authorization.removeprefix("Basic ")
    theirs.write_text(json.dumps({"auths": {server.host: {"auth": auth}}}))
    assert "admin" in Commands(tmp_path)("user", "show", "--hub", server.host).out


def test_a_server_that_is_no_hub_or_does_not_answer_is_named(
    tmp_path: Path, closed_registry: str
) -> None:
    def stored(host: str) -> Commands:
        path = tmp_path / ".packyard" / "config.json"
        path.parent.mkdir(exist_ok=True)
        auth = basic("a", "b").removeprefix("Basic ")
        path.write_text(json.dumps({"auths": {host: {"auth": auth}}, "defaultRegistry": host}))
        return Commands(tmp_path)

    assert "127.0.0.1:9 refuses connections" in stored("127.0.0.1:9").says("key", "ls")
    said = stored(closed_registry).says("key", "ls")
    assert closed_registry in said

    for reply, expected in (
        (Reply(404, body=b"<html>"), "is no hub"),
        (Reply(200, body=b"<html>"), "not JSON"),
        (Reply(200, body=b"[]"), "something else than a hub"),
        (Reply(200, body=b'{"items": 7}'), "something else than a hub"),
        (Reply(401, body=b'{"code":"Unauthorized","message":"It has expired."}'), HERE),
        (Reply(401), "The stored login of a is not accepted"),
        (Reply(403, body=b'{"code":"OperationForbidden","message":"Not you."}'), "Not you."),
    ):
        with answering(always(reply)) as other:
            assert expected in stored(other.host).says("key", "ls")


def test_lists_are_read_to_their_end_and_refused_where_they_have_none(tmp_path: Path) -> None:
    last = {"continue": ""}

    def key(number: int) -> dict[str, object]:
        user = {"uid": "me", "firstName": "", "lastName": ""}
        return {
            "metadata": {"uid": f"{number}", "name": f"key{number}"},
            "spec": {"user": user, "actions": []},
            "status": {"isActive": True},
        }

    def pages(request: Request) -> Reply:
        if "/users/info" in request.path:
            return Reply(body=b'{"userUid": "me"}')
        page = 1 if "continue=1" in request.path else 0
        data = {"items": [key(page)], "listmeta": last if page else {"continue": "1"}}
        return Reply(body=json.dumps(data).encode())

    with answering(pages) as other:
        folder = tmp_path / ".packyard"
        folder.mkdir()
        auth = basic("a", "b").removeprefix("Basic ")
        (folder / "config.json").write_text(json.dumps({"auths": {other.host: {"auth": auth}}}))
        words = ("key", "ls", "-o", "json", "--hub", other.host)
        rows = json.loads(Commands(tmp_path)(*words).out)
        last["continue"] = "1"
        assert "in circles" in Commands(tmp_path).says(*words)
    assert [row["metadata"]["name"] for row in rows] == ["key0", "key1"]
