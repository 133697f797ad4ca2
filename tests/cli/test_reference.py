"""docs/cli.md says what the program says."""

from __future__ import annotations

import pytest

from tests.cli.program import Program
from tests.cli.reference import PAGE, page, sections

HELP = dict(sections())


def test_the_page_holds_every_command_as_its_help_prints_it() -> None:
    made_anew = "run `python -m tests.cli.reference`"
    assert PAGE.read_text(encoding="utf-8") == page(), made_anew


@pytest.mark.parametrize("path", ["packyard", "packyard pack push"])
def test_the_reference_is_what_a_person_sees(path: str, packyard: Program) -> None:
    program = Program(packyard.home, {"COLUMNS": "80"})
    assert program(*path.split()[1:], "--help").out == HELP[path] + "\n"


def test_every_command_and_option_says_what_it_does() -> None:
    for path, text in HELP.items():
        lines = text.splitlines()
        assert lines[2].strip(), path
        options = lines[lines.index("Options:") + 1 :]
        flags = [line for line in options if line.startswith("  -")]
        silent = [line for line in flags if len(line.split("  ")) < 3 and len(line) < 30]
        assert not silent, path
        assert not [line for line in lines[2:] if line.endswith("...")], path  # cut off
