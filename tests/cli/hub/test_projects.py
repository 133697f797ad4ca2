"""`packyard hub project` and `hub macro`, and what the commands do in a project."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.hub.conftest import Commands, login
from tests.live import Live


def test_a_project_from_beginning_to_end(server: Live, admin: Commands, tmp_path: Path) -> None:
    words = ("--description", "Ours", "--label", "team=a", "--label", "prod")
    (uid,) = admin("project", "create", "Team A", *words).out.split()
    head, default, team = admin("project", "ls").out.splitlines()
    assert head.split()[:3] == ["NAME", "DESCRIPTION", "LABELS"]
    assert default.startswith("Default")
    assert team.split()[:5] == ["Team", "A", "Ours", "team=a,", "prod"]
    admin("project", "set", uid, "--name", "Team B", "--label", "team=b", "--unlabel", "prod")
    metadata = json.loads(admin("project", "show", "Team B", "-o", "json").out)["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({"team": "b"}, {"description": "Ours"})
    assert "Say what to change" in admin.says("project", "set", uid, code=2)
    assert "Did you mean 'Team B'?" in admin.says("project", "show", "Team C")
    assert "Team B" in admin.says("project", "create", "Team B")

    password = admin("user", "add", "ann", "--role", "none").out.strip()
    admin("user", "set-role", "ann", "editor", "--project", "Team B")
    assert "Team B=editor" in admin("user", "ls").out
    ann = login(server, tmp_path / "home", "ann", password)
    assert [line.split()[0] for line in ann("project", "ls").out.splitlines()[1:]] == ["Team"]
    key = ann("key", "create", "ours", "--project", "Team B").out
    assert key.startswith("pyk_")
    assert "Team B" in ann("key", "ls").out
    ann("macro", "set", "size=3", "--project", "Team B")
    assert "size" in ann("macro", "ls", "--project", uid).out
    assert server.host in ann.says("macro", "set", "size=3")
    assert "has no project Default" in ann.says("macro", "ls", "--project", "Default")

    assert "--yes" in admin.says("project", "rm", "Team B", code=2)
    assert "Deleted Team B" in admin.says("project", "rm", "Team B", "--yes", code=0)
    assert len(admin("project", "ls").out.splitlines()) == 2
    admin("user", "rm", "ann", "-y")


def test_macros_are_added_changed_printed_and_deleted(admin: Commands, tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_text("one\ntwo\n")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x1f\x8b")
    assert "no text in UTF-8" in admin.says("macro", "set", "-f", f"x={binary}", code=2)
    said = admin.says("macro", "set", "zone=eu=1", "--file", f"ca.pem={file}", code=0)
    assert [line.split() for line in said.splitlines()] == [["added", "zone"], ["added", "ca.pem"]]
    said = admin.says("macro", "set", "zone=us", f"new={'x' * 100}", "-f", f"ca.pem={file}", code=0)
    assert [line.split()[0] for line in said.splitlines()] == ["changed", "added", "unchanged"]
    assert admin("macro", "get", "zone").out == "us\n"
    assert admin("macro", "get", "ca.pem").out == "one\ntwo\n\n"
    head, *lines = admin("macro", "ls").out.splitlines()
    assert head.split() == ["NAME", "VALUE"]
    assert [line.split()[0] for line in lines] == ["ca.pem", "new", "zone"]
    assert lines[0].endswith("one …")
    assert {"name": "zone", "value": "us"} in json.loads(admin("macro", "ls", "-o", "json").out)
    assert "There are no macros" in admin.says("macro", "ls", "--project", "Default", code=0)

    for words, code, wrong in (
        (("get", "zon"), 1, "has no macro zon there. Did you mean 'zone'?"),
        (("rm", "zone", "gone", "-y"), 1, "has no macro gone there."),
        (("set", "zone"), 2, "not of the form NAME=VALUE"),
        (("set",), 2, "Say which macros to set"),
        (("set", "a b=c"), 1, "a name has 1 to"),
        (("set", "-f", "a=nowhere.pem"), 1, "nowhere.pem"),
        (("ls", "--project", "Defalt"), 1, "Did you mean 'Default'?"),
    ):
        assert wrong in admin.says("macro", *words, code=code)
    assert "--yes" in admin.says("macro", "rm", "zone", code=2)
    admin("macro", "rm", "zone", "ca.pem", "new", "--yes")
    assert "There are no macros" in admin.says("macro", "ls", code=0)
