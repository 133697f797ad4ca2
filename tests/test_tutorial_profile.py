"""docs/tutorial-profile.md, command by command: each prints what the page says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import live
from tests.conftest import ROOT
from tests.test_docs import FENCE

PAGE = ROOT / "docs" / "tutorial-profile.md"
HOST = "localhost:5000"
ANYTHING = "..."
PROGRAM = f'#!/bin/sh\nexec "{sys.executable}" -m packyard "$@"\n'


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Each command with what it prints."""
    for language, body in FENCE.findall(text):
        if language == "console":
            joined = body.replace("\\\n", " ")
            for step in re.split(r"(?m)^\$ ", joined)[1:]:
                command, _, printed = step.partition("\n")
                yield command, printed


def matches(printed: str, told: str) -> bool:
    """Whether it is what the page says; three dots stand for anything, in a line or of lines."""
    pattern = re.escape(told.rstrip()).replace(re.escape(ANYTHING), "(?s:.*?)")
    return re.fullmatch(pattern, printed.rstrip()) is not None


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_every_command_of_the_page_prints_what_it_says(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "packyard"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    config = {"starterpacks": {"enabled": True}}
    with live.start(tmp_path, config=config) as server:
        text = PAGE.read_text(encoding="utf-8").replace(HOST, server.host)
        written = steps(text)
        folder = tmp_path / "work"
        folder.mkdir()
        (folder / "password.txt").write_text(server.admin_password)
        environment = {
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT / "src"),
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }
        known = ""  # assignments of the steps before
        for command, told in written:
            if command.startswith("cat ") and ">" not in command:
                (folder / command.split()[1]).write_text(told)
                continue
            assigned = re.match(r"([A-Z]+)=", command)
            shown = f'\necho "${assigned[1]}"' if assigned else ""
            done = subprocess.run(
                ["bash", "-c", f"{known}{command}{shown}"],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            if assigned:
                known += f"{assigned[1]}={shlex.quote(done.stdout.strip())}\n"
            else:
                assert matches(done.stdout, told), f"{command}\n{done.stdout}\n{done.stderr}"
