"""A document under keys reads as it did, with every comment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packyard.packs.values import Document
from packyard.packs.yaml.nest import nest
from packyard.packs.yaml.reader import DEFAULT_LIMITS
from packyard.packs.yaml.writer import Style, entry


def nested(text: str) -> str:
    document, findings = Document.parse(text)
    assert document, findings
    out = nest(text, document.data, ["charts", "web.1"], DEFAULT_LIMITS)
    again, findings = Document.parse(out)
    assert again, findings
    assert again.data == {"charts": {"web.1": document.data}}
    return out


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "charts:\n  web.1: {}\n"),
        ("# nothing\n", "charts:\n  web.1: {}\n    # nothing\n"),
        ("{}\n", "charts:\n  web.1:\n    {}\n"),
        ("a: 1", "charts:\n  web.1:\n    a: 1"),
        (
            "# head\n\na: &x {b: 1}  # side\nc: *x\n",
            "charts:\n  web.1:\n    # head\n\n    a: &x {b: 1}  # side\n    c: *x\n",
        ),
        ("---\n# head\na: 1\n...\n", "charts:\n  web.1:\n    # head\n    a: 1\n"),
        ("\ufeff%YAML 1.1\n---\na: 1\n", "charts:\n  web.1:\n    a: 1\n"),
        (
            "a: |2\n   deep\n\n  less\nb: 'x\n  y'\n",
            "charts:\n  web.1:\n    a: |2\n       deep\n\n      less\n    b: 'x\n      y'\n",
        ),
        ("a: 1\r\nb: 2\r\n", "charts:\n  web.1:\n    a: 1\r\n    b: 2\r\n"),
        ("{a: 1,\nb: 2}\n", "charts:\n  web.1:\n    {a: 1,\n    b: 2}\n"),
    ],
    ids=range(10),
)
def test_every_line_is_kept(text: str, wanted: str) -> None:
    assert nested(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "--- {a: 1}\n",
        "---  # head\na: 1\n",
        "a: 'x\n\n\ty'\n",
        'a: "x\\\n  y"\n',
        "a: >+\n  x\n\n\n",
    ],
    ids=range(5),
)
def test_odd_layouts_read_as_before(text: str) -> None:
    nested(text)


def test_what_helm_alone_reads_is_written_anew() -> None:
    out = nest("a: 1\na: 2\n", {"a": 2}, ["charts", "web"], DEFAULT_LIMITS)
    assert out == "charts:\n  web:\n    a: 2\n"


texts = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn"), include_characters="\n\t"), max_size=30
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=4), st.sampled_from([2, 4]), st.booleans())
def test_any_document_reads_as_before(data: dict[str, object], step: int, indented: bool) -> None:
    lines = [
        line
        for key, value in data.items()
        for line in entry(key, value, Style(step=step, indented=indented))  # type: ignore[arg-type]
    ]
    nested("\n".join(lines))
