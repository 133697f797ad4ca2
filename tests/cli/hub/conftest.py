"""A live hub, and the program as its administrator."""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest

from packyard.cli import main
from tests import live
from tests.cli.program import Done
from tests.live import ADMIN_PASSWORD, Live

REACHING = {"hub": {"networks": ["127.0.0.0/8"], "rate": 10_000}}
"""What lets a hub call registries of this machine."""


@dataclass(frozen=True)
class Commands:
    """`packyard hub …` of somebody with the home folder `home`, expected to end with `code`.

    In this process, for the many commands that these tests run; the door is tested elsewhere.
    """

    home: Path
    group: tuple[str, ...] = field(default=("hub",))

    def __call__(self, *words: str | Path, code: int = 0, stdin: str = "") -> Done:
        out, err = io.StringIO(), io.StringIO()
        streams = patch.multiple(sys, stdin=io.StringIO(stdin), stdout=out, stderr=err)
        with streams, patch.dict(os.environ, {"HOME": str(self.home)}):
            ended = main.run_words([*self.group, *map(str, words)])
        done = Done(ended, out.getvalue(), err.getvalue())
        assert "Traceback" not in done.err
        assert "fault of Packyard" not in done.err
        assert done.code == code, (done.out, done.err)
        return done

    def says(self, *words: str | Path, code: int = 1, stdin: str = "") -> str:
        """What stands on standard error, where nothing else stands on standard output."""
        done = self(*words, code=code, stdin=stdin)
        assert done.out == ""
        return done.err


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live.start(tmp_path_factory.mktemp("server"), config=REACHING) as running:
        yield running


def login(server: Live, home: Path, name: str, password: str) -> Commands:
    home.mkdir(exist_ok=True)
    words = ("login", server.host, "-u", name, "--password-stdin")
    Commands(home, ("registry",))(*words, stdin=password)
    return Commands(home)


@pytest.fixture(scope="module")
def admin(server: Live, tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return login(server, tmp_path_factory.mktemp("admin"), "admin", ADMIN_PASSWORD)


def typed(home: Path, line: str) -> None:
    """What a page says to type: a command, its input from a file or its output to one."""
    words, files = shlex.split(line), {}
    for sign in "<>":
        if sign in words:
            place = words.index(sign)
            files[sign] = Path(words[place + 1])
            del words[place : place + 2]
    given = files["<"].read_text() if "<" in files else ""
    done = Commands(home, ())(*words[1:], stdin=given)
    if ">" in files:
        files[">"].write_text(done.out)
