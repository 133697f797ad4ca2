"""Users and secrets of a server, looked after on its own store while it runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests import live
from tests.cli.program import Done, Inside, Program
from tests.live import Live, basic


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live.start(tmp_path_factory.mktemp("server")) as running:
        yield running


def status(server: Live, name: str, password: str) -> int:
    headers = {"authorization": basic(name, password)}
    return httpx.get(f"{server.url}/v2/", headers=headers).status_code


def test_a_user_from_beginning_to_end(server: Live, packyard: Program) -> None:
    inside = Inside(packyard.home)

    def run(*words: str, stdin: str = "", code: int = 0) -> Done:
        done = inside("user", *words, "--config", server.config, stdin=stdin)
        assert done.code == code, done.err
        return done

    added = run("add", "ann", "--email", "Ann@example.com", "--role", "viewer")
    (password,) = added.out.split()
    assert status(server, "ann", password) == status(server, "ann@example.com", password) == 200
    assert "a user ann already" in run("add", "ann", code=1).err
    assert run("add", "bob", "--password-stdin", stdin="bob's password\n").out == ""
    assert status(server, "bob", "bob's password") == 200
    assert run("add", "carl", "--no-password", "--role", "none").out == ""

    run("set-role", "ann", "editor")
    run("set-role", "ann", "admin", "--project", "Default")
    assert (
        "no project Nowhere" in run("set-role", "ann", "admin", "--project", "Nowhere", code=1).err
    )
    run("set-role", "ann@example.com", "fly", code=2)
    rows = {row["name"]: row for row in json.loads(run("ls", "-o", "json").out)}
    ann = rows["ann"]
    assert (ann["email"], ann["role"], ann["projects"]) == (
        "ann@example.com",
        "editor",
        {"Default": "admin"},
    )
    assert (rows["carl"]["role"], rows["carl"]["signedInAt"]) == ("", "")
    table = run("ls").out.splitlines()
    assert table[0].split() == ["NAME", "E-MAIL", "ROLE", "PROJECTS", "SIGNED", "IN", "STATE"]
    assert table[2].split() == ["ann", "ann@example.com", "editor", "Default=admin"]

    run("disable", "ann")
    assert status(server, "ann", password) == 401
    run("enable", "ann")
    assert status(server, "ann", password) == 200
    assert run("reset-password", "ann", "--password-stdin", stdin="another one\n").out == ""
    assert status(server, "ann", "another one") == 200
    run("rm", "ann")
    assert status(server, "ann", "another one") == 401
    assert "no user ann" in run("rm", "ann", code=1).err
    assert "last administrator" in run("rm", "admin", code=1).err


def test_the_audit_has_the_name_of_who_worked_on_the_machine(
    server: Live, packyard: Program
) -> None:
    assert packyard("user", "add", "dora", "--config", server.config).code == 0
    with closing(sqlite3.connect(server.root / "packyard.db")) as database:
        query = "SELECT actor, via, address, message FROM audits ORDER BY uid DESC LIMIT 1"
        actor, via, address, message = database.execute(query).fetchone()
    assert actor
    assert (via, address, message) == ("cli", "", "Created the user dora")


def test_secrets_are_sealed_with_another_key_while_the_server_runs(
    server: Live, packyard: Program
) -> None:
    before = (server.root / "secrets.key").read_bytes()
    done = packyard("secrets", "rotate", "--config", server.config)
    assert done.code == 0, done.err
    assert "sealed with another key" in done.out
    assert (server.root / "secrets.key").read_bytes() != before
    assert (server.root / "secrets.key").stat().st_mode & 0o777 == 0o600


def test_a_server_whose_key_is_lost_does_not_start_and_says_how_to_go_on(
    packyard: Program, tmp_path: Path
) -> None:
    with live.start(tmp_path) as running:
        config, key = running.config, running.root / "secrets.key"
    kept = key.read_bytes()
    key.unlink()
    done = packyard("serve", config)
    assert done.code == 1
    for said in (str(key), "Put it back", "packyard secrets reset"):
        assert said in done.err
    assert not key.exists()
    assert packyard("secrets", "rotate", "--config", config).code == 1
    assert packyard("secrets", "reset", "--config", config).code == 2
    key.write_bytes(kept)
    with live.start(tmp_path):
        pass
    key.unlink()
    assert packyard("secrets", "reset", "--yes", "--config", config).code == 0
    with live.start(tmp_path):
        assert key.read_bytes() != kept
