"""Every end of the program: results, usage, interruption, broken pipes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from packyard import __version__
from tests.cli.program import COMMAND, Program, make_pack
from tests.remotes.scripted import Reply, Request, answering

VERSION = re.compile(rf"Packyard CLI Version {re.escape(__version__)} linux/[a-z0-9]+\n")


@pytest.mark.parametrize("words", [["version"], ["--version"], ["-s", "/x", "version"]])
def test_the_version_is_one_line(words: list[str], packyard: Program) -> None:
    done = packyard(*words)
    assert (done.code, done.err) == (0, "")
    assert VERSION.fullmatch(done.out)


LOADED = "import sys; from packyard.cli.main import run_words; run_words(sys.argv[1:]); "
LOADED += "print(*sys.modules, file=sys.stderr)"


def test_the_version_imports_nothing_heavy(packyard: Program) -> None:
    """What takes time is not loaded, so that 150 ms are kept on any machine."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "packyard", "version"],
        capture_output=True,
        text=True,
        env=packyard.variables,
        check=True,
    )
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert not loaded & {
        "typer",
        "rich",
        "httpx",
        "pydantic",
        "asyncio",
        "ssl",
        "sqlalchemy",
        "re2",
    }


@pytest.mark.parametrize(
    ("words", "wanted", "unwanted"),
    [
        (
            ["hub", "key", "--help"],
            "packyard.cli.hub.keys",
            {"packyard.cli.profile", "packyard.cli.hub.users", "httpx", "yaml"},
        ),
        (
            ["user", "ls", "--config", "/nowhere"],
            "packyard.server.people",
            {"packyard.server.app", "fastapi", "granian", "httpx"},
        ),
        (
            ["gc", "/nowhere"],
            "packyard.server.upkeep",
            {"packyard.server.app", "fastapi", "granian", "httpx"},
        ),
    ],
    ids=["a group", "people of a store", "a store"],
)
def test_commands_wait_for_nothing_that_others_need(
    words: list[str], wanted: str, unwanted: set[str], packyard: Program
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        capture_output=True,
        text=True,
        env=packyard.variables,
        check=True,
    )
    loaded = set(done.stderr.split())
    assert wanted in loaded
    assert not loaded & unwanted


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["pak"], "pack"),
        (["pack", "pul"], "pull"),
        (["registry", "logon"], "login"),
        (["pack", "push", "--forse", "."], "--force"),
        (["pack", "tag", "remove"], ""),
    ],
)
def test_an_unknown_word_is_a_usage_error_that_names_the_nearest(
    words: list[str], nearest: str, packyard: Program
) -> None:
    done = packyard(*words)
    assert (done.code, done.out) == (2, "")
    assert f"{nearest}" in done.err.partition("Error: ")[2].replace(words[-1], "", 1)


@pytest.mark.parametrize("words", [[], ["pack"], ["registry"], ["pack", "tag"]])
def test_without_a_command_the_help_is_shown(words: list[str], packyard: Program) -> None:
    done = packyard(*words)
    assert done.code == 2
    assert "Commands:" in done.err


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_a_result(flag: str, packyard: Program) -> None:
    done = packyard("pack", "push", flag)
    assert (done.code, done.err) == (0, "")
    assert "--skip-digest-check" in done.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_completions(shell: str, packyard: Program) -> None:
    words = {"bash": "packyard pack pu", "zsh": "packyard pack pu", "fish": "packyard pack pu"}
    environment = {
        "_PACKYARD_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words[shell],
        "COMP_CWORD": "2",
        "_TYPER_COMPLETE_ARGS": words[shell],
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = Program(packyard.home, environment)()
    assert "pull" in done.out
    assert "push" in done.out
    assert "login" not in done.out


def test_a_missing_default_registry_is_a_usage_error(packyard: Program) -> None:
    done = packyard("pack", "ls")
    assert done.code == 2
    assert "packyard registry login" in done.err


def test_a_reader_that_goes_away_is_no_failure_to_talk_about(packyard: Program) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m packyard pack push --help | true', sys.executable],
        capture_output=True,
        text=True,
        env=packyard.variables,
        check=False,
    )
    assert done.stderr == ""


def test_an_interrupt_ends_at_once_with_a_sentence(packyard: Program, tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "demo", "demo", "1.0.0")
    asked, release = threading.Event(), threading.Event()

    def hang(request: Request) -> Reply:
        if "manifests" in request.path:
            asked.set()
            release.wait(60)
        return Reply(404 if "manifests" in request.path else 200)

    with answering(hang) as server:
        process = subprocess.Popen(
            [*COMMAND, "pack", "push", "-r", f"http://{server.host}", str(pack)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=packyard.variables,
        )
        try:
            assert asked.wait(60)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            release.set()
            process.kill()
    assert (process.returncode, out) == (130, b"")
    assert err.startswith(b"Interrupted.")
    assert err.count(b"\n") == 1


def test_a_failure_shows_its_trace_only_when_asked(packyard: Program) -> None:
    words = ["registry", "logout", "ftp://host"]
    assert "Traceback" not in packyard(*words).err
    done = subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        env={**packyard.variables, "PACKYARD_DEBUG": "1"},
        check=False,
    )
    assert "Traceback" in done.stderr
    assert done.returncode == 2
