"""What `packyard hub` asks a person at a terminal, and shows there while it waits."""

from __future__ import annotations

import threading

from tests.cli.hub.conftest import Commands
from tests.cli.program import Program
from tests.cli.test_terminal import at_terminal
from tests.hub.syncing import Charts
from tests.remotes.scripted import Reply, Request, answering


def test_what_deletes_asks_and_heeds_the_answer(admin: Commands) -> None:
    admin("macro", "set", "zone=1")
    answers = {"n": 1, "y": 0}
    for answer, expected in answers.items():

        def person(shown: str, answer: str = answer) -> bytes | None:
            return f"{answer}\n".encode() if shown.endswith("[y/N]: ") else None

        words = ("hub", "macro", "rm", "zone")
        code, shown = at_terminal(Program(admin.home), *words, talk=person)
        assert code == expected, shown
        assert "Delete the macro zone of 127.0.0.1" in shown
        assert ("Deleted zone" in shown) == (expected == 0)


def test_a_secret_is_asked_for_and_a_synchronization_shown(admin: Commands) -> None:
    charts, asked = Charts(), threading.Event()
    charts.put("web", "1.0.0")

    def closed(request: Request) -> Reply:
        if not request.headers.get("authorization"):
            return Reply(401, {"WWW-Authenticate": 'Basic realm="r"'})
        asked.set()
        return charts(request)

    def person(shown: str) -> bytes | None:
        return b"geheim\n" if shown.endswith("Password: ") else None

    with answering(closed) as server:
        words = (
            "hub",
            "registry",
            "add",
            "helm",
            "slow",
            f"http://{server.host}",
            "-u",
            "me",
            "-w",
        )
        code, shown = at_terminal(Program(admin.home), *words, talk=person)
    assert code == 0, shown
    assert "geheim" not in shown
    assert asked.is_set()
    assert "━" in shown
    assert "synchronized  slow  1 version" in shown
