"""What docs/people.md tells people to type is typed here, in its order, at a live hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.hub.conftest import typed
from tests.live import ADMIN_PASSWORD, Live
from tests.test_docs import ROOT, console_lines

HUB = "packs.example.com"
GROUPS = (("packyard", "hub"), ("packyard", "registry"))


def test_every_command_on_people_does_what_it_says(
    server: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password.txt").write_text(ADMIN_PASSWORD)
    (tmp_path / "ca.pem").write_text("one\ntwo\n")
    lines = [line.replace(HUB, server.host) for line in console_lines(ROOT / "docs/people.md")]
    own = [line for line in lines if tuple(line.split()[:2]) in GROUPS]
    assert len(own) > 25
    for line in own:
        home = tmp_path / ("pipeline" if "--username key" in line else "person")
        home.mkdir(exist_ok=True)
        typed(home, line)
    assert "Deleted the API key laptop" in (tmp_path / "audit.jsonl").read_text()
