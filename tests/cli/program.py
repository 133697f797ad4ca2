"""The real program in a process of its own, with a home folder of its own; and small packs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

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


def make_pack(folder: Path, name: str, version: str, **about: object) -> Path:
    """A good pack with a file that can run; `about` changes its pack.json."""
    files = {**samples.pack(None, name=name, version=version, **about), "run.sh": SCRIPT}
    return samples.write(files, folder)
