"""Paths into values, as schema.yaml, presets.yaml and findings write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packyard.errors import ParameterInvalid
from packyard.packs.paths import Path, format_path, parse_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("pack", ("pack",)),
        ("pack.namespace", ("pack", "namespace")),
        ("charts.argo-cd.ports[0].name", ("charts", "argo-cd", "ports", 0, "name")),
        ("charts.kubevious.ui.resources.requests.cpu",
         ("charts", "kubevious", "ui", "resources", "requests", "cpu")),
        ("a[0][12]", ("a", 0, 12)),
        ('pack."spectrocloud.com/install-priority"', ("pack", "spectrocloud.com/install-priority")),
        (r"pack.spectrocloud\.com/install-priority", ("pack", "spectrocloud.com/install-priority")),
        ('"a.b".c', ("a.b", "c")),
        (r'"a\"b"', ('a"b',)),
        (r'"a\\b"', ("a\\b",)),
        ("1.2", ("1", "2")),
        ("charts.größe", ("charts", "größe")),
        ("a.b c", ("a", "b c")),
    ],
)  # fmt: skip
def test_a_path_is_read_into_keys_and_indexes(text: str, path: Path) -> None:
    assert parse_path(text) == path
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize(
    "text",
    ["", ".", ".a", "a.", "a..b", "a[", "a[]", "a[x]", "a[-1]", "a[0", "a]", 'a."b', "a.[0]",
     '"a"b', "a[0]b", "a\\"],
)  # fmt: skip
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        parse_path(text)
    assert "path" in refused.value.message


def test_an_index_without_end_is_refused_and_its_message_is_short() -> None:
    with pytest.raises(ParameterInvalid) as refused:
        parse_path("a[" + "9" * 100_000 + "]")
    assert len(refused.value.message) < 1000


KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(KEYS, st.lists(KEYS | st.integers(0, 999_999_999), max_size=6))
def test_a_path_that_is_written_is_read_back(first: str, rest: list[str | int]) -> None:
    path = (first, *rest)
    assert parse_path(format_path(path)) == path


@given(st.text('ab.[]"\\0 ', max_size=12))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = parse_path(text)
    except ParameterInvalid:
        return
    assert parse_path(format_path(path)) == path
