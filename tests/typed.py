"""Pages typed by somebody who reads along: their files written, their commands run in one shell,
and what each of these prints held against what the page shows.

A page names a file as "`config.yml`:" above its block. Servers go on in the background until the
page ends, those of ours until the next one begins; what follows waits until they can be reached.
What a page has systemd do is done without: the server is started, and ended by SIGTERM.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.test_docs import FENCE, ROOT

ANYTHING = "..."
NAMED = re.compile(r"`([\w./-]+)`[^`\n]*:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = f'#!/bin/sh\nexec "{sys.executable}" -m packyard "$@"\n'
_MARK = "--- typed ---"
_BEGIN = """\
set -euo pipefail
running=
ended() { if [ -n "$running" ]; then kill $running; wait; fi; running=; }
trap ended EXIT
serve() {
  ended
  background "$@"
  until (: < "/dev/tcp/${SERVER/:/\\/}") 2> /dev/null; do alive; done
}
background() { "$@" >> server.log 2>&1 & running="$running $!"; }
alive() { kill -0 $running && sleep 0.1; }
reachable() { curl -sfk "http://$1/health" || curl -sfk "https://$1/health"; } > /dev/null
systemctl() { if [ "$1" = start ]; then serve "${SERVED:-packyard}" serve; else ended; fi; }
"""
# What goes on until the page ends; a server of ours in the place of the one before.
_SERVERS = {"packyard serve": "serve", "caddy run": "background", "nginx -c": "background"}


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


@dataclass
class Desk:
    """Where a reader sits; `places` says what stands here for names in pages."""

    folder: Path
    server: str = ""
    """host:port of the server."""
    proxy: str = ""
    """host:port of what stands in front of it, over TLS."""
    places: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.folder / name
        if not path.is_relative_to(self.folder):
            # One of a real machine, which no command here may read: nothing is written there.
            path = self.folder / "machine" / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def type(
        self, page: str, only: Callable[[str], bool] = lambda command: True, begun: str = ""
    ) -> None:
        """What docs/`page` has, of the commands those that `only` takes; after `begun`."""
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        for name, place in self.places.items():
            text = text.replace(name, place)
        for name, body in NAMED.findall(text):
            self.put(name, body)
        typed = [(begun, ""), *(step for step in steps(text) if only(step[0]))]
        self.put("bin/packyard", PROGRAM, 0o755)
        lines = [self._line(command) for command, _ in typed]
        done = subprocess.run(
            ["bash", "-c", _BEGIN + f"\necho '{_MARK}'\n".join([*lines, ""])],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder),
                "PYTHONPATH": str(ROOT / "src"),
                "SERVER": self.server,
                "COLUMNS": "200",
                "NO_COLOR": "1",
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = done.stdout + done.stderr + self._log()
        printed = done.stdout.split(f"{_MARK}\n")
        assert done.returncode == 0, f"{lines[len(printed) - 1]}\n{said}"
        for (command, told), real in zip(typed, printed, strict=False):
            assert not told or matches(real, told), f"{command}\n{real}\n{said}"

    def _line(self, command: str) -> str:
        begun = [how for words, how in _SERVERS.items() if command.startswith(words)]
        if begun == ["background"]:
            return f"background {command}; until reachable {self.proxy}; do alive; done"
        if command.startswith("docker run --detach"):
            return f"{command}; until reachable {self.server}; do sleep 0.1; done"
        return " ".join([*begun, command])

    def _log(self) -> str:
        log = self.folder / "server.log"
        return "\n".join(log.read_text().splitlines()[-10:]) if log.exists() else ""
