"""Order of versions, their sort keys, and bounds (spec "pack.json", "Dependency constraints")."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packyard.packs.version import Version, is_semver, sort_key, within

ASCENDING = [
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.0.1",
    "1.5",
    "v1.8.7",
    "1.12.0",
    "2.0.1-up.1",
    "2.0.2-up.3",
    "2.0.2-up.10",
    "2.0.2",
    "20.09.0",
    "26.04.4",
    "26.4.10",
]


def parsed(text: str) -> Version:
    version = Version.parse(text)
    assert version is not None
    return version


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)))
def test_versions_order_by_number_then_by_pre_release(lower: str, higher: str) -> None:
    assert parsed(lower) < parsed(higher)
    assert sort_key(lower) < sort_key(higher)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("26.04.4", "26.4.4"),
        ("1.5", "1.5.0"),
        ("1", "1.0.0.0"),
        ("v1.12.0", "1.12.0"),
        ("1.0.0+build.7", "1.0.0"),
        ("0.30.0-5.05.2026", "0.30.0-5.5.2026"),
    ],
)
def test_versions_that_differ_in_writing_only_are_equal(one: str, other: str) -> None:
    assert parsed(one) == parsed(other)
    assert hash(parsed(one)) == hash(parsed(other))
    assert sort_key(one) == sort_key(other)


def test_a_version_keeps_its_text() -> None:
    assert parsed("v26.04.4-up.3").text == "v26.04.4-up.3"
    assert parsed("v26.04.4-up.3").numbers == (26, 4, 4)
    assert parsed("v26.04.4-up.3").prerelease == "up.3"


@pytest.mark.parametrize(
    "text",
    ["", "v", "latest", "1.", ".1", "1..2", "1.2.x", "1.0.0-", "1.0.0-a..b", "1.0+", " 1", "1\n",
     "1.2.3rc1", "\u0661.\u0662", "1+a+b", "9" * 256],
)  # fmt: skip
def test_what_is_no_version_sorts_below_every_version(text: str) -> None:
    assert Version.parse(text) is None
    assert sort_key(text) < sort_key("0.0.0-0")


def test_numbers_of_any_length_keep_their_order() -> None:
    assert parsed("9" * 200) < parsed("1" + "0" * 200)
    assert sort_key("9" * 200) < sort_key("1" + "0" * 200)


numbers = st.lists(st.integers(0, 120), min_size=1, max_size=5).map(
    lambda parts: ".".join(map(str, parts))
)
identifiers = st.lists(
    st.one_of(st.integers(0, 30).map(str), st.text("aB-z09", min_size=1, max_size=3)), max_size=3
).map(".".join)
versions = st.tuples(st.sampled_from(["", "v"]), numbers, identifiers).map(
    lambda parts: parts[0] + parts[1] + (f"-{parts[2]}" if parts[2] else "")
)


@given(versions, versions)
def test_the_sort_key_agrees_with_the_comparison(one: str, other: str) -> None:
    assert (parsed(one) < parsed(other)) == (sort_key(one) < sort_key(other))
    assert (parsed(one) == parsed(other)) == (sort_key(one) == sort_key(other))


@given(versions, versions, versions)
def test_the_order_is_total(one: str, two: str, three: str) -> None:
    low, middle, high = sorted(map(parsed, (one, two, three)))
    assert low <= middle <= high
    assert low <= high
    assert (low < high) + (low == high) + (low > high) == 1


@given(st.text(max_size=40))
def test_any_text_has_a_sort_key(text: str) -> None:
    assert sort_key(text)[:1] == ("0" if Version.parse(text) is None else "1")


@pytest.mark.parametrize(
    ("version", "minimum", "maximum", "expected"),
    [
        ("1.21.14", "", "1.21", True),
        ("1.22.0", "", "1.21", False),
        ("1.21.14", "", "1.21.0", False),
        ("1.21.0", "1.21", "1.21", True),
        ("1.20.9", "1.21", "", False),
        ("3.4.0-rc.1", "3.4", "", True),
        ("3.4.0-rc.1", "3.4.0", "", False),
        ("1.9.9", "1", "1", True),
        ("2.0.0", "1", "1", False),
        ("1.2.3.4", "", "1.2.3", True),
        ("1.2.4", "", "1.2.3", False),
        ("3.26.7", "", "3.26.7", True),
        ("26.4.4", "26.04.4", "26.04.4", True),
        ("1.5", "1.5.0", "1.5.0", True),
        ("1.21.3", "v1.21", "v1.21", True),
        ("1.21.3", "1.21.3-rc.1", "", True),
        ("anything", "", "", True),
        ("anything", "1.0", "", False),
        ("1.0.0", "newest", "oldest", True),
        ("1.0.0", " ", " ", True),
    ],
)
def test_bounds_are_inclusive_and_a_partial_one_covers_its_train(
    version: str, minimum: str, maximum: str, expected: bool
) -> None:
    assert within(version, minimum, maximum) is expected


@given(versions, versions)
def test_a_full_bound_agrees_with_the_order(version: str, bound: str) -> None:
    full = f"{bound.partition('-')[0]}.0.0-1.{bound.partition('-')[2] or 0}"
    assert within(version, full, "") == (parsed(version) >= parsed(full))
    assert within(version, "", full) == (parsed(version) <= parsed(full))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.3", True),
        ("2.0.2-up.3", True),
        ("1.0.0-rc.1+build.5", True),
        ("0.30.0-5.5.2026", True),
        ("1.5", False),
        ("26.04.4", False),
        ("v1.12.0", False),
        ("1.0.0-01", False),
        ("1.2.3.4", False),
    ],
)
def test_semantic_versions_are_told_from_tolerated_ones(text: str, expected: bool) -> None:
    assert is_semver(text) is expected
