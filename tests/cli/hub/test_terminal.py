"""What `packyard hub` asks a person at a terminal, and shows there while it waits."""

from __future__ import annotations

import signal
import subprocess
import threading
import time

from tests.cli.hub.conftest import Commands
from tests.cli.program import COMMAND, Program
from tests.cli.test_terminal import at_terminal
from tests.hub.syncing import Charts
from tests.live import Live
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


def test_who_stops_waiting_is_told_where_to_look(server: Live, admin: Commands) -> None:
    charts, asked, release = Charts(), threading.Event(), threading.Event()
    charts.put("web", "1.0.0")

    def hanging(request: Request) -> Reply:
        if request.path.endswith(".tgz"):
            asked.set()
            release.wait(60)
        return charts(request)

    with answering(hanging) as other:
        words = ("hub", "registry", "add", "helm", "to come", f"http://{other.host}", "--watch")
        process = subprocess.Popen(
            [*COMMAND, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=Program(admin.home).variables,
        )
        try:
            assert process.stdout
            uid = process.stdout.readline().decode().strip()
            assert asked.wait(60)
            while f"/v1/registries/{uid}/sync/report" not in server.log():
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            release.set()
            process.kill()
        admin("registry", "rm", "to come", "-y")
    assert process.returncode == 130
    assert err.decode().splitlines() == [
        "Interrupted. The hub goes on; see how it ends with:",
        "  packyard hub registry show 'to come'",
    ]
