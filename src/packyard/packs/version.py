"""Versions of packs: parsed leniently, kept as written, ordered totally (spec "pack.json").

Numbers are compared one by one, an absent one as 0 and leading zeros dropped: `26.04.4` equals
`26.4.4`, `1.5` equals `1.5.0`. A pre-release then orders as semantic versioning 2.0.0 says, and
build metadata does not count. `sort_key` gives the same order to a database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Self

_LENGTH_LIMIT = 255
_FORM = re.compile(
    r"[vV]?(?P<numbers>[0-9]+(?:\.[0-9]+)*)"
    r"(?:-(?P<prerelease>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_NUMBER = r"(?:0|[1-9][0-9]*)"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)

_Identifier = tuple[int, int, str]  # a number sorts below a word: (0, number, "") or (1, 0, word)
_Key = tuple[tuple[int, ...], bool, tuple[_Identifier, ...]]


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Compares by `key` alone; `numbers` are as many as were written, `prerelease` "" or text."""

    key: _Key = field(repr=False)
    text: str = field(compare=False)
    numbers: tuple[int, ...] = field(compare=False)
    prerelease: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None where `text` is no version: it begins with no number, or is absurdly long."""
        form = _FORM.fullmatch(text) if len(text) <= _LENGTH_LIMIT else None
        if form is None:
            return None
        numbers = tuple(int(number) for number in form["numbers"].split("."))
        prerelease = form["prerelease"] or ""
        identifiers = tuple(map(_identifier, prerelease.split("."))) if prerelease else ()
        key = (_without_trailing_zeros(numbers), not prerelease, identifiers)
        return cls(key=key, text=text, numbers=numbers, prerelease=prerelease)


def is_semver(text: str) -> bool:
    """Whether `text` is a version by the letter of semantic versioning 2.0.0."""
    return _SEMVER.fullmatch(text) is not None


def sort_key(text: str) -> str:
    """Text whose order, byte by byte, is that of the versions; equal versions have one key.

    What is no version sorts below all versions, by its text. A number is its count of digits, then
    its digits, so that 9 stands before 10; `.` ends the numbers and `,` a word, both below whatever
    could stand there instead; `~` marks a release, which stands above its pre-releases.
    """
    version = Version.parse(text)
    if version is None:
        return f"0{text}"
    numbers, release, identifiers = version.key
    tail = "~" if release else "".join(map(_sortable_identifier, identifiers))
    return f"1{''.join(map(_sortable_number, numbers))}.{tail}"


def within(version: str, minimum: str, maximum: str) -> bool:
    """Whether `version` lies within the bounds, both inclusive; "" and what is no version bind not.

    A bound with fewer parts covers its train: maximum `1.21` admits 1.21.14, minimum `3.4` admits
    3.4.0-rc.1. What is no version is within no bound.
    """
    low, high, candidate = _known(minimum.strip()), _known(maximum.strip()), _known(version)
    if candidate is None:
        return low is None and high is None
    return (low is None or _against(candidate, low) >= 0) and (
        high is None or _against(candidate, high) <= 0
    )


# Catalogs name the same versions again and again.
_known = lru_cache(maxsize=4096)(Version.parse)


def _against(version: Version, bound: Version) -> int:
    """Below 0, 0 or above 0: where `version` stands to the train that `bound` names."""
    parts = len(bound.numbers)
    if not bound.prerelease and parts < max(3, len(version.numbers)):
        pairs = zip_longest(version.numbers[:parts], bound.numbers, fillvalue=0)
        return next((mine - other for mine, other in pairs if mine != other), 0)
    return (version > bound) - (version < bound)


def _without_trailing_zeros(numbers: tuple[int, ...]) -> tuple[int, ...]:
    end = len(numbers)
    while end and not numbers[end - 1]:
        end -= 1
    return numbers[:end]


def _identifier(text: str) -> _Identifier:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)


def _sortable_number(number: int) -> str:
    digits = str(number)
    return f"{len(digits):03}{digits}"


def _sortable_identifier(identifier: _Identifier) -> str:
    is_word, number, word = identifier
    return f"1{word}," if is_word else f"0{_sortable_number(number)}"
