"""docs/tutorial-profile.md, command by command: each prints what the page says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import live
from tests.conftest import ROOT
from tests.typed import PROGRAM, matches, steps

PAGE = ROOT / "docs" / "tutorial-profile.md"
HOST = "localhost:5000"


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
