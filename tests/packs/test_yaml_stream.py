"""Lists in long YAML documents, item by item: the same data as when all is read at once."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from packyard.errors import ContentRefused
from packyard.packs.values import Document
from packyard.packs.yaml.stream import Odd, listed_items

NAMES = st.text("abc-.0 é", min_size=1, max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=6) | st.floats(-9, 9)
ITEMS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
LISTS = st.dictionaries(NAMES, st.lists(ITEMS, max_size=4), max_size=4)


def items(text: str | bytes) -> list[tuple[str, Any]]:
    data = text.encode() if isinstance(text, str) else text
    return list(listed_items(io.BytesIO(data), "entries", "index.yaml"))


def reasons(text: str) -> list[str]:
    return [item.reason if isinstance(item, Odd) else "" for _, item in items(text)]


@settings(max_examples=60)
@given(LISTS, st.booleans())
def test_items_are_what_the_whole_document_says(lists: dict[str, list[Any]], flow: bool) -> None:
    whole = {"before": [1, {"a": [2]}], "entries": lists, "after": {"b": {}}}
    text = yaml.safe_dump(whole, default_flow_style=flow, allow_unicode=True)
    document, findings = Document.parse(text)
    assert document is not None, findings
    expected = [(name, item) for name, found in document.data["entries"].items() for item in found]
    assert items(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("entries: {a: [{v: 1.10, w: '1.10', x: yes}]}", {"v": 1.1, "w": "1.10", "x": True}),
        ("entries: {a: [{v: !!str 1, w: !!int x, x: ! 2}]}", {"v": "1", "w": "x", "x": "2"}),
        ("entries: {a: [{v: .inf, w: .nan}]}", {"v": ".inf", "w": ".nan"}),
        ("entries: {a: [{v: &x [1], w: *x}]}", {"v": [1], "w": [1]}),
        ("base: &b {k: 1}\nentries: {a: [{v: 0}]}", {"v": 0}),
        ("entries: {a: [{<<: {k: 1}, v: 2}]}", {"k": 1, "v": 2}),
        ("entries: {a: [{'<<': {k: 1}}]}", {"<<": {"k": 1}}),
        ("entries: {a: [{1: x, true: z}]}", {"1": "x", "true": "z"}),
        ("\ufeffentries: {a: [{v: 1}]}", {"v": 1}),
        ("---\nentries: {a: [{v: 1}]}\n...\n---\nmore: 1", {"v": 1}),
    ],
)
def test_scalars_anchors_and_merges_are_read_as_helm_reads_them(text: str, expected: Any) -> None:
    assert items(text) == [("a", expected)]


def test_an_anchor_of_one_item_is_known_to_the_next() -> None:
    found = items("entries:\n  a:\n  - &one {k: [1, 2]}\n  - *one\n  - {<<: *one, v: 3}\n")
    assert [item for _, item in found] == [
        {"k": [1, 2]},
        {"k": [1, 2]},
        {"k": [1, 2], "v": 3},
    ]


def test_what_is_no_list_or_no_item_hides_no_other() -> None:
    deep = "[" * 70 + "]" * 70
    text = (
        f"entries:\n  a: 7\n  b: {{x: 1}}\n  none:\n  c:\n  - {deep}\n  - {{? [1] : 2}}\n"
        "  - *nowhere\n  - {v: 1}\n"
    )
    a, b, c, d, e, last = reasons(text)
    assert (a, b) == ("What stands under this name is not a list.",) * 2
    assert "nested too deeply" in c
    assert "keys" in d
    assert "No anchor &nowhere" in e
    assert last == ""


@pytest.mark.parametrize("text", ["entries:\n  a: " + "[" * 20_000, "x: " + "{a: " * 20_000])
def test_what_is_passed_over_has_an_end_too(text: str) -> None:
    with pytest.raises(ContentRefused, match="nested too deeply"):
        items(text)


def test_an_item_is_bounded_however_its_aliases_multiply() -> None:
    bomb = "entries:\n  a:\n  - a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for name, below in zip("bcdefg", "abcdef", strict=True):
        bomb += f"    {name}: &{name} [{', '.join([f'*{below}'] * 10)}]\n"
    bomb += "  - {v: 1}\n"
    long = "entries:\n  a:\n  - v: " + "x" * 2_000_000 + "\n  - {v: 1}\n"
    many = "entries:\n  a:\n  - [" + "1," * 30_000 + "]\n  - {v: 1}\n"
    for text in (bomb, long, many):
        first, second = reasons(text)
        assert "too large" in first
        assert second == ""


def test_directives_cost_no_more_than_a_few() -> None:
    began = time.process_time()
    with pytest.raises(ContentRefused, match="too many directives"):
        items("".join(f"%TAG !t{n}! x\n" for n in range(200_000)) + "---\nentries: {}\n")
    assert time.process_time() - began < 2
    assert items("%YAML 1.1\n---\nentries: {a: [1]}\n") == [("a", 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "It is empty"),
        ("- a", "not a map"),
        ("a: 1", "no key 'entries'"),
        ("entries: 3", "not a map"),
        ("entries: []", "not a map"),
        ("entries: {a: [", "Not YAML"),
        ("entries:\n\ta: 1", "cannot start any token"),
        ("\0", "Not YAML"),
        (b"\xff\xfea", "Not YAML"),
        (b"entries: {a: ['\xff']}", "Not YAML"),
    ],
)
def test_what_is_no_such_document_is_refused(text: str | bytes, said: str) -> None:
    with pytest.raises(ContentRefused, match=said):
        items(text)
    if text == "entries: 3":
        assert items("entries:") == []


def test_a_fault_in_the_middle_comes_after_what_stands_before_it() -> None:
    found = listed_items(
        io.BytesIO(b"entries:\n  a:\n  - {v: 1}\n  - {v: 2}\n\tx: 1\n"), "entries", "index.yaml"
    )
    assert next(found) == ("a", {"v": 1})
    with pytest.raises(ContentRefused) as refused:
        list(found)
    (finding,) = refused.value.findings
    assert (finding.file, finding.line) == ("index.yaml", 5)
