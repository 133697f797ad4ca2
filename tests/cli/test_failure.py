"""How failures are said, and what they exit with."""

from __future__ import annotations

import errno

import pytest

from packyard import errors
from packyard.cli.failure import EXIT_CODES, FAILED, USAGE, report
from packyard.errors import ContentRefused, ParameterInvalid, RemoteFailed, Unauthenticated
from packyard.findings import Finding, Severity


def test_every_error_has_its_exit_code() -> None:
    known = {cls for cls in errors.concrete() if cls.__module__ == errors.__name__}
    assert set(EXIT_CODES) == known
    assert set(EXIT_CODES.values()) == {FAILED, USAGE}


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (RemoteFailed("It broke."), 1, "Error: It broke.\n"),
        (ParameterInvalid("Not so."), 2, "Error: Not so.\n"),
        (
            Unauthenticated("host: who are you.", host="host:5000"),
            1,
            "Error: host: who are you. Log in with: packyard registry login host:5000\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x"),
            1,
            "Error: /x: No space left on device.\n",
        ),
    ],
)
def test_an_error_is_a_sentence_and_a_code(
    error: Exception, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error) == code
    assert capsys.readouterr() == ("", said)


def test_findings_follow_the_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        Finding(rule="a.b", severity=Severity.REFUSE, message="Bad.", file="pack.json", line=2),
        Finding(rule="c.d", severity=Severity.WARNING, message="Odd.", mend="Mend it."),
    ]
    assert report(ContentRefused("Refused.", found)) == 1
    assert capsys.readouterr().err.splitlines() == [
        "Error: Refused.",
        "  pack.json:2: refuse: Bad. [a.b]",
        "  warning: Odd. Mend it. [c.d]",
    ]


def test_a_fault_of_our_own_is_a_sentence_that_names_the_way_to_the_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PACKYARD_DEBUG", raising=False)
    assert report(ZeroDivisionError("division by zero")) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "PACKYARD_DEBUG=1" in said
    assert "Traceback" not in said


def test_the_trace_is_shown_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKYARD_DEBUG", "1")
    report(RemoteFailed("It broke."))
    assert "packyard.errors.RemoteFailed: It broke." in capsys.readouterr().err


def test_what_others_wrote_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    report(RemoteFailed("red \x1b[31malert\x07\r\x9b2J"))
    assert capsys.readouterr().err == "Error: red [31malert2J\n"
