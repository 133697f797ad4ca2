"""What only a terminal gets: questions, and bars of progress."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.program import COMMAND, Program, make_pack
from tests.remotes.distribution import PASSWORD, USER
from tests.remotes.scripted import Reply, Request, answering

Talk = Callable[[str], bytes | None]
"""From everything that was shown so far to what a person types next; None for nothing yet."""


def at_terminal(
    program: Program, *words: str | Path, talk: Talk = lambda _: None
) -> tuple[int, str]:
    """Run with a terminal as standard input, output and error; the exit code and all shown."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**program.variables, "TERM": "xterm-256color", "COLUMNS": "100"},
        start_new_session=True,
    )
    os.close(follower)
    shown, deadline = "", time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([leader], [], [], 0.2)
            if ready:
                try:
                    part = os.read(leader, 65536)
                except OSError:  # the other side is closed
                    break
                shown += part.decode(errors="replace")
                typed = talk(shown)
                if typed:
                    os.write(leader, typed)
        return process.wait(60), shown
    finally:
        process.kill()
        os.close(leader)


def test_a_login_asks_for_name_and_password_and_does_not_show_it(
    packyard: Program, closed_registry: str
) -> None:
    answers = iter([("Username: ", USER), ("Password: ", PASSWORD)])
    question, answer = next(answers)

    def person(shown: str) -> bytes | None:
        nonlocal question, answer
        if not shown.endswith(question):
            return None
        typed = f"{answer}\n".encode()
        question, answer = next(answers, ("never asked", ""))
        return typed

    code, shown = at_terminal(packyard, "registry", "login", closed_registry, talk=person)
    assert code == 0, shown
    assert "Login Succeeded" in shown
    assert USER in shown
    assert PASSWORD not in shown


def test_a_question_that_is_left_unanswered_ends_quietly(packyard: Program) -> None:
    def person(shown: str) -> bytes | None:
        return b"\x04" if shown.endswith("Username: ") else None

    code, shown = at_terminal(packyard, "registry", "login", "127.0.0.1:9", talk=person)
    assert code == 130
    assert "Interrupted" not in shown
    assert "Error" not in shown
    assert "Abort" not in shown


def test_a_push_shows_bars_and_then_the_results(packyard: Program, tmp_path: Path) -> None:
    packs = [make_pack(tmp_path / name, name, "1.0.0") for name in ("one", "two")]

    def slowly(request: Request) -> Reply:
        time.sleep(0.1)
        if request.method == "POST":
            return Reply(202, {"Location": "/v2/upload"})
        return Reply(404 if request.method in ("GET", "HEAD") and request.path != "/v2/" else 201)

    with answering(slowly) as server:
        code, shown = at_terminal(packyard, "pack", "push", "-r", f"http://{server.host}", *packs)
    assert code == 0, shown
    assert "Pushing" in shown
    assert "━" in shown
    assert "0/2" in shown
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r", "\n").splitlines()
    results = [line.split()[:2] for line in lines if "sha256:" in line]
    assert results == [["pushed", "one:1.0.0"], ["pushed", "two:1.0.0"]]
