"""Texts of a document found and replaced (`packs.yaml.texts`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from packyard.packs.archive import read_archive
from packyard.packs.values import Document
from packyard.packs.yaml.scalars import Value

SAMPLE = """\
# a comment with X
plain: aX b   # behind
"keyX": 'it''s X'
quoted: "tab\\tX"
folded: >-
  first
  X line

literal: |  # kept
    one X

    two
keep: |+
  X

anchored: &a "X here"
alias: *a
block: &b |
  X
again: *b
flow: {a: X, b: [X, 1], c: "X"}
merged:
  <<: {deep: X}
list:
  - X
  - - X
number: 1
"""


def document(text: str) -> Document:
    parsed, findings = Document.parse(text)
    assert parsed, findings
    return parsed


def changed(data: Value, part: str, new: str) -> Value:
    """What replacing in every key and text gives."""
    if isinstance(data, str):
        return data.replace(part, new)
    if isinstance(data, dict):
        return {key.replace(part, new): changed(item, part, new) for key, item in data.items()}
    return [changed(item, part, new) for item in data] if isinstance(data, list) else data


ODD = [
    "Y", "", "1", "true", " a: b #c", "it's", 'say "x"', "two\nlines", "two\nlines\n", "\tx",
    "{a}", "[", "é\u2028", "null", "- x", "\\", "%", "x\n\n\n", " lead", "trail ", "a, b", "\n",
]  # fmt: skip


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_a_text_is_quoted_so_that_it_is_read_back(eol: str) -> None:
    before = document(SAMPLE.replace("\n", eol))
    for new in ODD:
        changes = {text.start: text.text.replace("X", new) for text in before.texts("X")}
        after = before.with_texts(changes).text
        assert document(after).data == changed(before.data, "X", new), new
        assert f"# a comment with X{eol}" in after
        assert "  # behind" in after
        assert "*a" in after


def test_the_manner_of_writing_stays() -> None:
    before = document(SAMPLE)
    changes = {text.start: text.text.replace("X", "Z") for text in before.texts("X")}
    expected = SAMPLE.replace("X", "Z").replace("comment with Z", "comment with X")
    expected = expected.replace(">-\n  first\n  Z line", "|-\n  first Z line")
    expected = expected.replace("keep: |+\n  Z\n\n", 'keep: "Z\\n\\n"\n')
    assert before.with_texts(changes).text == expected


def test_texts_are_told_by_path_and_place() -> None:
    sample = document('a:\n  - "x {{ one }} y {{ two }}"\n"{{ k }}": |\n  first\n  {{ three }}\n')
    item, key, block = sample.texts("{{")
    assert [(text.path, text.key) for text in (item, key, block)] == [
        (("a", 0), False),
        (("{{ k }}",), True),
        (("{{ k }}",), False),
    ]
    assert [sample.at_offset(place) for place in sample.places(item, "{{")] == [(2, 8), (2, 20)]
    assert [sample.at_offset(place) for place in sample.places(block, "{{")] == [(5, 3)]


def test_texts_of_real_values_can_all_be_replaced(real_packs: Path) -> None:
    """Every text that holds a frequent letter, in the values of every real pack."""
    replaced = 0
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            files = read_archive(stream)
        before = document(files["values.yaml"].data.decode())
        texts = before.texts("e")
        new = {text.start: text.text.replace("e", "'\": #\n") for text in texts}
        after = document(before.with_texts(new).text)
        assert after.data == changed(before.data, "e", "'\": #\n"), archive.name
        replaced += len(texts)
    assert replaced > 1000
