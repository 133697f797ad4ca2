"""`packyard hub audit`, against a live server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from packyard.remotes import hub
from tests.cli.hub.conftest import Commands


def test_changes_are_listed_newest_first_filtered_and_exported(
    admin: Commands, tmp_path: Path
) -> None:
    admin("macro", "set", "zone=1")
    admin("user", "add", "ann", "--no-password")
    admin("macro", "set", "size=1", "--project", "Default")
    head, newest, *rest = admin("audit", "ls").out.splitlines()
    assert head.split() == ["WHEN", "WHO", "FROM", "BY", "PROJECT", "WHAT"]
    assert "Default" in newest
    assert "size" in newest
    assert any("Created the user ann" in line for line in rest)
    assert len(admin("audit", "ls", "-n", "2").out.splitlines()) == 3

    words = ("--kind", "macro", "--user", "admin", "--since", "1h", "--action", "create")
    rows = json.loads(admin("audit", "ls", *words, "-o", "json").out)
    assert {row["spec"]["resource"]["kind"] for row in rows} == {"macro"}
    assert len(rows) == 2
    rows = json.loads(admin("audit", "ls", "--project", "Default", "-o", "json").out)
    assert len(rows) == 1
    assert "no such changes" in admin.says("audit", "ls", "--until", "2020-01-01", code=0)

    file = tmp_path / "audit.jsonl"
    assert str(file) in admin.says("audit", "export", "-o", file, code=0)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["spec"]["resource"]["name"] for line in lines][-1] == "size"
    assert str(file) in admin.says("audit", "export", "-o", file)  # it is there already
    assert "--since is 'soon'" in admin.says("audit", "ls", "--since", "soon", code=2)
    assert "has no user bob." in admin.says("audit", "ls", "--user", "bob")


def test_more_than_a_page_is_read_page_by_page(
    admin: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        admin("macro", "set", f"page={number}")
    monkeypatch.setattr(hub, "PAGE", 2)
    whole = admin("audit", "export").out.splitlines()
    assert len(whole) > 4
    assert len(json.loads(admin("audit", "ls", "-n", "3", "-o", "json").out)) == 3
    listed = json.loads(admin("audit", "ls", "-n", "1000", "-o", "json").out)
    assert listed == [json.loads(line) for line in reversed(whole)]
