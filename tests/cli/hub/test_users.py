"""`packyard hub user`, against a live server."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from tests.cli.hub.conftest import Commands, login
from tests.live import Live, basic


def status(server: Live, name: str, password: str) -> int:
    headers = {"authorization": basic(name, password)}
    return httpx.get(f"{server.url}/v2/", headers=headers).status_code


def test_a_user_from_beginning_to_end(server: Live, admin: Commands, tmp_path: Path) -> None:
    added = admin("user", "add", "ann", "--email", "ann@example.com", "--first-name", "Ann")
    (password,) = added.out.split()
    assert status(server, "ann", password) == 200
    secret = tmp_path / "password.txt"
    secret.write_text("bob's own password\n")
    assert admin("user", "add", "bob", "--password-file", secret, "--role", "editor").out == ""
    assert status(server, "bob", "bob's own password") == 200
    assert admin("user", "add", "carl", "--no-password", "--role", "none").out == ""

    admin("user", "set-role", "ann@example.com", "editor")
    admin("user", "set", "ann", "--last-name", "Lee")
    (ann,) = [
        row
        for row in json.loads(admin("user", "ls", "-o", "json").out)
        if row["metadata"]["name"] == "ann"
    ]
    assert ann["spec"]["role"] == "editor"
    lines = admin("user", "ls").out.splitlines()
    assert lines[0].split()[:3] == ["NAME", "FULL", "NAME"]
    assert lines[2].split()[:4] == ["ann", "Ann", "Lee", "ann@example.com"]

    admin("user", "disable", "ann")
    assert status(server, "ann", password) == 401
    assert "disabled" in admin("user", "show", "ann").out
    admin("user", "enable", ann["metadata"]["uid"])
    assert status(server, "ann", password) == 200
    (other,) = admin("user", "reset-password", "ann").out.split()
    assert status(server, "ann", other) == 200
    admin("user", "reset-password", "ann", "--password-stdin", stdin="another one of hers\n")
    assert status(server, "ann", "another one of hers") == 200
    admin("user", "sign-out", "ann")

    assert "--yes" in admin.says("user", "rm", "ann", "bob", "carl", code=2)
    admin("user", "rm", "ann", "bob", "carl", "--yes")
    assert status(server, "ann", "another one of hers") == 401
    assert "last administrator" in admin.says("user", "rm", "admin", "-y")


def test_ones_own_password_changes_here_and_there(
    server: Live, admin: Commands, tmp_path: Path
) -> None:
    password = admin("user", "add", "dora").out.strip()
    dora = login(server, tmp_path / "home", "dora", password)
    assert "dora" in dora("user", "show").out
    assert "config.json" in dora.says(
        "user", "password", "--password-stdin", code=0, stdin="her own choice\n"
    )
    assert status(server, "dora", "her own choice") == 200
    assert "dora" in dora("user", "show").out
    assert "viewer" in dora("user", "show", "-o", "yaml").out


def test_who_is_no_administrator_is_told_so(server: Live, admin: Commands, tmp_path: Path) -> None:
    password = admin("user", "add", "eve").out.strip()
    eve = login(server, tmp_path / "home", "eve", password)
    for words in (("user", "ls"), ("user", "add", "x"), ("user", "rm", "admin", "-y")):
        assert server.host in eve.says(*words)


def test_unknown_names_are_answered_with_the_nearest(admin: Commands) -> None:
    assert "has no user admim. Did you mean 'admin'?" in admin.says("user", "show", "admim")
    assert "has no user x@example.com." in admin.says("user", "disable", "x@example.com")
    told = admin.says("user", "add", "x", "--role", "boss", code=2)
    assert "'--role': 'boss' is not one of 'none', 'viewer'" in told
    assert "Say what to change" in admin.says("user", "set", "admin", code=2)
    assert "exclude" in admin.says(
        "user", "add", "x", "--password-stdin", "--password-file", __file__, code=2, stdin="x"
    )
    assert "holds no password" in admin.says("user", "add", "x", "--password-stdin", code=2)
