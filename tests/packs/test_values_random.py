"""Random edits of random YAML: the data is what was asked for, the bytes around it stay.

Documents are drawn as text, in every style that people mix: block and flow, comments, blank lines,
quotes, anchors, merges, block scalars, either line break, with and without a final newline.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from packyard.errors import ParameterInvalid
from packyard.packs import edits
from packyard.packs.paths import Path
from packyard.packs.values import Document
from packyard.packs.yaml.nodes import same
from tests.packs.properties import holds_for

KEYS = ["a", "b", "c-d", "'q k'", '"e.f"', "1", "yes", "ü", "long_key"]
SCALARS = [
    "1", "0x1F", "text", "two words", "'single '' quote'", '"double \\" é"', "true", "~", "",
    "1.50", "2001-01-01", "'{{ .Values.x }}'", "http://a:80/#x", "a\\b", "- ", "v1", "😀",
    "!!str 1",
    "&A text", "*A", "[]", "{}", "[1, 'b', {c: d}]", "{x: 1, y: [2]}", "{x: *A}", "[ 1,  2 ]",
    "[\n{0}  1, # one\n{0}  2\n{0}]", "'folded\n{0}  text'", "plain\n{0}  folded",
    "|\n{0}  literal\n{0}    text",
    "|-\n{0}  stripped", "|+\n{0}  kept\n", ">\n{0}  folded\n{0}  x",
    "|2\n{0}   deep", "|  # comment\n{0}  x",
]  # fmt: skip
COMMENTS = ["", "", "", " # behind", "  #x", "\t# tab", "   "]
BETWEEN = ["", "", "", "", "\n", "{0}# above\n", "# at the margin\n", "{0}  # deeper\n", "   \n"]


_scalars = st.tuples(st.sampled_from(SCALARS), st.sampled_from(COMMENTS))
_between = st.sampled_from(BETWEEN)
_steps = st.sampled_from(["  ", "    ", " "])
_keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True)
_behind_a_key = st.sampled_from(["", "", " &A", " # a comment"])
_heads = st.sampled_from(["", "", "# head\n\n", "---\n", "\ufeff", "z: &A {m: 1, n: 2}\n"])
_ends = st.sampled_from(["", "", "# end\n", "\n\n", "...\n", "...\n# end\n"])
_booleans, _thirds, _quarters, _sevenths = st.booleans(), *(st.integers(0, n) for n in (2, 3, 6))


def written(scalar: tuple[str, str], indent: str) -> str:
    """A scalar behind a key at `indent`, with its comment where it stands on one line."""
    text, comment = scalar
    text = text.replace("{0}", indent)
    many = "\n" in text or text.startswith(("|", "plain"))
    return text + ("" if many else comment)


@st.composite
def blocks(draw: st.DrawFn, indent: str = "", depth: int = 0) -> str:
    """Lines of a map or list at `indent`, each with its line break."""
    step = draw(_steps)
    listed = depth > 0 and draw(_booleans)
    lines = []
    for key in draw(_keys):
        lines.append(draw(_between).replace("{0}", indent))
        head = f"{indent}-" if listed else f"{indent}{key}:"
        nested = depth < 3 and draw(_thirds) == 0
        if not nested:
            value = written(draw(_scalars), indent)
            lines.append(f"{head} {value}\n" if value else f"{head}\n")
        elif listed and draw(_booleans):
            inner = draw(blocks(indent + "  ", depth + 1)).lstrip("\n")
            comments = inner.lstrip().startswith("#") or not inner.startswith(indent + "  ")
            lines.append(f"{head}\n{inner}" if comments else f"{head} {inner[len(indent) + 2 :]}")
        else:
            lines.append(f"{head}{draw(_behind_a_key)}\n" + draw(blocks(indent + step, depth + 1)))
    if not listed and draw(_sevenths) == 0:
        lines.append(f"{indent}<<: *A\n")
    return "".join(lines)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(_heads) + draw(blocks()) + draw(_ends)
    if draw(_booleans):
        text = text.removesuffix("\n")
    if draw(_quarters) == 0:
        text = text.replace("\n", "\r\n")
    if "&A" not in text:
        text = text.replace("<<: *A", "m: 1").replace("*A", "text")
    document, _ = Document.parse(text)
    assume(document is not None)
    assert document is not None
    return document


ODD_WHOLES = [
    "", "\n", "# only\n", "  # only", "   \n# only\n   ", "---\n", "--- # behind\n   \n",
    "{}\n", "{a: 1} # behind\n    # deeper\n", "{a: 1,\n b: [2]}\n     \n", '{"a": "x"}',
    "~\n", "null # behind", "~\n   # deeper\n", "--- {a: 1}\n    # deeper\n...\n", "--- ~\n",
    "&A {a: 1}\n", "!!map {a: 1}\n   # deeper\n", "a: 1\n  # deeper\n      \n",
    "   a: 1\n   b: |\n    x\n", "? a\n: b\n",
]  # fmt: skip


def wholes() -> st.SearchStrategy[Document]:
    """Documents, and those whose whole is something else than a map in block style."""
    return documents() | st.sampled_from(ODD_WHOLES).map(read)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1)
    | st.floats(-1e15, 1e15)  # beyond, JSON writes other digits of the same number
    | st.sampled_from(["x", "", "yes", "a: b", "l1\nl2\n", " lead", "#", "{{ .x }}", "1"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda below: st.lists(below, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "n", "x y", "<<", "", "1"]), below, max_size=3),
    max_leaves=6,
)  # fmt: skip


def paths(data: Any, above: Path = ()) -> list[Path]:
    """The path of everything in the data but the whole of it."""
    below: list[tuple[str | int, Any]] = []
    if isinstance(data, dict):
        below = list(data.items())
    elif isinstance(data, list):
        below = list(enumerate(data))
    found = [(*above, part) for part, _ in below]
    for part, value in below:
        found += paths(value, (*above, part))
    return found


def read(text: str) -> Document:
    document, findings = Document.parse(text)
    assert findings == [], text
    assert document is not None
    return document


def flat(document: Document) -> bool:
    """Whether a place of the text is a place of the data: there are no aliases."""
    return "*A" not in document.text


def check(before: Document, after: Document, data: Any) -> None:
    """The text reads as `data`, and nothing of its form has changed."""
    assert same(read(after.text).data, data), (before.text, after.text)
    assert same(after.data, data)
    assert after.text.startswith("\ufeff") == before.text.startswith("\ufeff")
    if "\r\n" in before.text:
        assert "\n" not in after.text.replace("\r\n", ""), after.text
    else:
        assert "\r\n" not in after.text
    if before.text.rstrip("\r\n. ") and after.data:
        kept = before.text.endswith("\n") == after.text.endswith("\n")
        assert kept or set("|>") & set(before.text), (before.text, after.text)


@holds_for(300, documents(), VALUES, st.data())
def test_a_value_that_is_set_is_read_back(
    before: Document, value: Any, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(paths(before.data)))
    after = before.set(path, value)
    check(before, after, edits.put(before.data, path, value))
    assert after.set(path, value).text == after.text


@holds_for(300, documents(), VALUES, st.data())
def test_a_key_that_is_new_is_read_back(before: Document, value: Any, data: st.DataObject) -> None:
    parents: list[Path] = [
        path for path in paths(before.data) if isinstance(before.get(path), dict | None)
    ]
    parent = data.draw(st.sampled_from([(), *parents]))
    path = (*parent, *data.draw(st.sampled_from([("new",), ("new", "x y", "z"), ("new", 0, "k")])))
    check(before, before.set(path, value), edits.put(before.data, path, value))


@holds_for(250, documents(), st.data())
def test_what_is_removed_is_gone_and_nothing_else(before: Document, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(before.data)))
    after = before.remove(path)
    check(before, after, edits.drop(before.data, path))
    if flat(before):  # every line afterwards was there before, but for `{}` of what gets empty
        lines = {line.strip().removeprefix("- ") for line in before.text.splitlines()}
        new = [
            line for line in after.text.splitlines()
            if line.strip() and line.strip().removeprefix("- ") not in lines
        ]  # fmt: skip
        assert len(new) <= 1, (before.text, after.text)


@holds_for(250, wholes(), wholes())
def test_a_document_is_merged_into_another(before: Document, added: Document) -> None:
    after = before.merge(added.text)
    check(before, after, edits.deep_merge(before.data, added.data))
    assert after.merge(added.text).text == after.text


@holds_for(250, wholes(), wholes())
def test_a_document_becomes_any_other(before: Document, other: Document) -> None:
    after = before.changed_to(other.data, source=other)
    check(before, after, other.data)
    assert same(after.changed_to(before.data, source=before).data, before.data)


@holds_for(250, documents(), st.data())
def test_the_bytes_outside_a_scalar_stay(before: Document, data: st.DataObject) -> None:
    """Where it stands on one line and is replaced by one that does, only its own bytes differ."""
    assume(flat(before))
    leaves = [path for path in paths(before.data) if not isinstance(before.get(path), dict | list)]
    assume(leaves)
    path = data.draw(st.sampled_from(leaves))
    value: Any = data.draw(st.sampled_from([7, True, "word", "two words", "", "yes", "a: b"]))
    after = before.set(path, value)
    old, new = (document.text.splitlines(keepends=True) for document in (before, after))
    line = before.at(path)[0] - 1
    assert new[:line] == old[:line]
    if len(old) > len(new):  # it stood on several lines
        assert new[line + 1 :] == old[line + 1 + len(old) - len(new) :]
        return
    assert new[line + 1 :] == old[line + 1 :]
    start, end = differing(old[line], new[line])
    changed = old[line][start : len(old[line]) - end]
    assert "#" not in changed or "#" in str(before.get(path)), (old[line], new[line])


def differing(one: str, other: str) -> tuple[int, int]:
    """How many characters two texts share at their start and, of what is left, at their end."""
    least = min(len(one), len(other))
    start = next((i for i in range(least) if one[i] != other[i]), least)
    end = next((i for i in range(least - start) if one[-1 - i] != other[-1 - i]), least - start)
    return start, end


@holds_for(300, documents(), VALUES, st.data())
def test_an_edit_back_gives_an_equal_document(
    before: Document, value: Any, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(paths(before.data)))
    back = before.set(path, value).set(path, before.get(path))
    assert same(back.data, before.data)
    assert same(read(back.text).data, before.data)


@holds_for(150, documents(), st.lists(st.tuples(st.sampled_from(["a", "b", "c-d", "new"]), VALUES)))
def test_many_edits_add_up(before: Document, changes: list[tuple[str, Any]]) -> None:
    document, data = before, before.data
    for key, value in changes:
        for path in ((key,), (key, "x")):
            try:
                data = edits.put(data, path, value)  # type: ignore[assignment]
            except ParameterInvalid:
                with pytest.raises(ParameterInvalid):
                    document.set(path, value)
            else:
                document = document.set(path, value)
    check(before, document, data)
