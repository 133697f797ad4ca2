"""What a command asks the person at the terminal, and where it takes the answer from without one.

Secrets come from standard input, from a file, or from the terminal, where they are not shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from packyard.errors import ParameterInvalid

_REFUSED = 1


def confirm(question: str, *, yes: bool) -> None:
    """Go on where the person says so, or said so with --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ParameterInvalid(f"{question} There is no terminal to ask at: say so with --yes.")
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        raise typer.Exit(130) from None
    if not agreed:
        raise typer.Exit(_REFUSED)


def secret(
    what: str, *, file: Path | None = None, from_stdin: bool = False, instead: str = ""
) -> str:
    """A secret, without the end of its line: `what` names it, as in "password", and `instead` the
    options that spare the question."""
    if from_stdin:
        found = sys.stdin.readline().rstrip("\r\n")
        source = "Standard input"
    elif file:
        found = text_of(file, file.read_bytes()).removesuffix("\n").removesuffix("\r")
        source = str(file)
    else:
        return prompt(what[0].upper() + what[1:], hidden=True, instead=instead)
    if not found:
        raise ParameterInvalid(f"{source} holds no {what}.")
    return found


def text_of(file: Path, data: bytes) -> str:
    """What a file holds; raises `ParameterInvalid` where that is no text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ParameterInvalid(f"{file} is no text in UTF-8.") from None


def prompt(question: str, *, hidden: bool = False, twice: bool = False, instead: str = "") -> str:
    """What the person types; `twice` against slips in what is not shown."""
    if not sys.stdin.isatty():
        mend = f" Give it by {instead}." if instead else ""
        raise ParameterInvalid(f"{question}: there is no terminal to ask at.{mend}")
    try:
        answer: str = typer.prompt(question, hide_input=hidden, confirmation_prompt=twice, err=True)
    except typer.Abort:  # Ctrl-C or Ctrl-D in place of an answer
        raise typer.Exit(130) from None
    return answer
