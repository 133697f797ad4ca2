"""What is written, where, and how."""

from __future__ import annotations

import io

import pytest

from packyard.cli import screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert screen.paint("x", "red", Terminal()) == "\x1b[31mx\x1b[0m"
    assert screen.paint("x", "red", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert screen.paint("x", "red", Terminal()) == "x"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (10_000, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (5_300_000, "5.3 MB"),
        (31_000_000_000, "31 GB"),
        (5_000_000_000_000, "5000 GB"),
    ],
)
def test_sizes_have_two_or_three_figures(number: int, text: str) -> None:
    assert screen.size(number) == text


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [["a", "1.0", "x"], ["longer", "", "\x1b[2Jy"]]
    assert screen.table(["NAME", "TAG", "Z"], rows) == [
        "NAME     TAG   Z",
        "a        1.0   x",
        "longer         [2Jy",
    ]
    assert screen.table(["NAME", "KIND"], [["仓库", "pack"], ["cafe\u0301", "a\nb\tc"]]) == [
        "NAME   KIND",
        "仓库   pack",
        "cafe\u0301   a b c",
    ]


@pytest.mark.parametrize(("number", "text"), [(0, "0 packs"), (1, "1 pack"), (2, "2 packs")])
def test_amounts_agree_in_number(number: int, text: str) -> None:
    assert screen.amount(number, "pack") == text
