"""The real program with a home folder of its own, in a process of its own or in this one; and small
packs.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from packyard.cli import main
from packyard.packs.files import File
from tests.packs import samples

SCRIPT = File(b"#!/bin/sh\n", executable=True)
SOURCES = Path(__file__).parent.parent.parent / "src"
COMMAND = [sys.executable, "-m", "packyard"]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Program:
    """`packyard` as a user with the home folder `home` runs it."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        kept = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        paths = os.pathsep.join([str(SOURCES), kept["PYTHONPATH"]])
        return kept | {"PYTHONPATH": paths, "HOME": str(self.home), **self.environment}

    def __call__(self, *words: str | Path, stdin: str = "", cwd: Path | None = None) -> Done:
        done = subprocess.run(
            [*COMMAND, *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.variables,
            cwd=cwd,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def logins(self) -> dict[str, object]:
        """What the program stored."""
        stored: dict[str, object] = json.loads((self.home / ".packyard/config.json").read_bytes())
        return stored


class Inside(Program):
    """The same words to the same entry in this process: for tests of very many commands, each of
    which would take half a second to start. How a process starts and ends is tested by others."""

    def __call__(self, *words: str | Path, stdin: str = "", cwd: Path | None = None) -> Done:
        given = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        with (
            patch.multiple(sys, stdin=given, stdout=out, stderr=err),
            patch.dict(os.environ, self.variables, clear=True),
            contextlib.chdir(cwd or Path.cwd()),
        ):
            code = main.run_words([*map(str, words)])
        done = Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
        assert "Traceback" not in done.err
        return done


def make_pack(folder: Path, name: str, version: str, **about: object) -> Path:
    """A good pack with a file that can run; `about` changes its pack.json."""
    files = {**samples.pack(None, name=name, version=version, **about), "run.sh": SCRIPT}
    return samples.write(files, folder)
