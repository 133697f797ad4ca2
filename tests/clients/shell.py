"""Runs client programs as a person with a fresh home would, logged in or not."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.live import Live


@dataclass(slots=True)
class Shell:
    """Programs run in `home`, with nothing of the real user's settings."""

    home: Path
    server: Live
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return self.server.host

    def log_in(self, name: str = "admin", password: str = "") -> None:
        """Write the credentials where docker writes them; every client reads them there."""
        secret = f"{name}:{password or self.server.admin_password}".encode()
        auths = {self.host: {"auth": base64.b64encode(secret).decode()}}
        folder = self.home / ".docker"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"auths": auths}))

    def start(
        self, *words: str | Path, cwd: Path | None = None, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "DOCKER_CONFIG": str(self.home / ".docker"),
            "REGISTRY_AUTH_FILE": str(self.home / ".docker" / "config.json"),
            "XDG_RUNTIME_DIR": str(self.home),
            "NO_COLOR": "1",
            **self.extra,
        }
        return subprocess.run(
            [str(word) for word in words],
            cwd=cwd or self.home,
            env=environment,
            input=text if text is not None else "",
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def run(self, *words: str | Path, cwd: Path | None = None, text: str | None = None) -> str:
        """What a program printed, which must have succeeded."""
        done = self.start(*words, cwd=cwd, text=text)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}\n{self._tail()}"
        return done.stdout

    def fails(self, *words: str | Path, cwd: Path | None = None) -> str:
        """What a program complained of, which must have failed."""
        done = self.start(*words, cwd=cwd)
        assert done.returncode != 0, f"{words} should have failed: {done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def _tail(self) -> str:
        return "\n".join(self.server.log().splitlines()[-15:])
