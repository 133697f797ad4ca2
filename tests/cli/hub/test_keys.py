"""`packyard hub key`, against a live server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.cli.hub.conftest import Commands, login
from tests.live import Live


def status(server: Live, key: str, path: str = "/v1/users/info") -> int:
    return httpx.get(f"{server.url}{path}", headers={"ApiKey": key}).status_code


def test_a_key_from_beginning_to_end(server: Live, admin: Commands) -> None:
    made = admin("key", "create", "ci", "--expires", "90d")
    (key,) = made.out.splitlines()
    assert made.err == ""
    assert status(server, key) == 200
    assert "API key ci of this user already" in admin.says("key", "create", "ci")

    (row,) = json.loads(admin("key", "ls", "-o", "json").out)
    left = datetime.fromisoformat(row["spec"]["expiry"]) - datetime.now(UTC)
    assert timedelta(days=89) < left < timedelta(days=91)
    assert key not in json.dumps(row)
    head, line = admin("key", "ls").out.splitlines()
    assert head.split()[:3] == ["NAME", "CREATED", "EXPIRES"]
    assert line.startswith("ci ")

    admin("key", "disable", "ci")
    assert status(server, key) == 401
    assert "disabled" in admin("key", "ls").out
    admin("key", "enable", row["metadata"]["uid"])
    assert status(server, key) == 200
    admin("key", "set", "ci", "--name", "team a/ci", "--expires", "never")
    shown = admin("key", "show", "team a/ci").out
    assert "never" in shown
    assert row["metadata"]["uid"] in shown
    assert "name: team a/ci" in admin("key", "show", "team a/ci", "-o", "yaml").out

    assert "--yes" in admin.says("key", "rm", "team a/ci", code=2)
    assert status(server, key) == 200
    assert "Deleted team a/ci" in admin.says("key", "rm", "team a/ci", "--yes", code=0)
    assert status(server, key) == 401
    assert "There are no API keys" in admin.says("key", "ls", code=0)


def test_a_key_is_narrowed_and_logs_in_itself(
    server: Live, admin: Commands, tmp_path: Path
) -> None:
    words = ("--action", "pull", "--action", "push", "--repositories", "team/**")
    key = admin("key", "create", "narrow", *words).out.strip()
    assert status(server, key, "/v2/_catalog") == 200
    shown = admin("key", "show", "narrow").out
    assert "pull, push" in shown
    assert "team/**" in shown
    narrowed = login(server, tmp_path / "home", "key", key)
    assert "key" in narrowed.says("key", "ls").lower()

    whole = admin("key", "create", "whole").out.strip()
    person = login(server, tmp_path / "home", "key", whole)
    assert "admin" in person("user", "show").out
    admin("key", "rm", "narrow", "whole", "-y")
    assert f"registry login {server.host}" in person.says("key", "ls")


def test_keys_of_others_have_their_owner_and_ones_own_comes_first(admin: Commands) -> None:
    admin("user", "add", "ann", "--no-password")
    admin("key", "create", "same")
    admin("key", "create", "same", "--user", "ann")
    lines = [line.split()[:2] for line in admin("key", "ls").out.splitlines()]
    assert lines == [["NAME", "OWNER"], ["same", "admin"], ["same", "ann"]]
    admin("key", "rm", "same", "-y")
    assert [line.split()[1] for line in admin("key", "ls").out.splitlines()[1:]] == ["ann"]
    admin("key", "rm", "same", "-y")
    admin("user", "rm", "ann", "-y")


def test_wrong_words_are_sentences(admin: Commands) -> None:
    admin("key", "create", "pipeline")
    for words, code, said in (
        (("show", "pipelin"), 1, "has no API key pipelin. Did you mean 'pipeline'?"),
        (("show", "0" * 24), 1, f"has no API key {'0' * 24}."),
        (("create", "x", "--expires", "soon"), 2, "write 12h, 90d or 8w"),
        (("create", "x", "--expires", "999999w"), 2, "write 12h, 90d or 8w"),
        (("create", "x", "--expires", "9999-12-31T23:59:59-12:00"), 2, "write 12h, 90d or 8w"),
        (("create", "x", "--expires", "2020-01-01"), 1, "expires in the future"),
        (("create", "x", "--repositories", "A B"), 1, "no pattern of repositories"),
        (("create", "x", "--user", "nobody"), 1, "has no user nobody."),
        (("create", "x", "--action", "fly"), 2, "fly"),
        (("create", ""), 1, "name of 1 to 255"),
        (("set", "pipeline"), 2, "Say what to change"),
    ):
        assert said in admin.says("key", *words, code=code)
