"""Edits of values: what is asked for changes, every other byte stays (spec "values.yaml")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from packyard.errors import ContentRefused, PackyardError, ParameterInvalid
from packyard.packs.values import ContentChart, Document, PackSection, pack_section, parse_path

Edit = Callable[[Document], Document]


def read(text: str) -> Document:
    document, findings = Document.parse(text)
    assert findings == []
    assert document is not None
    return document


def setting(path: str, value: Any) -> Edit:
    return lambda document: document.set(parse_path(path), value)


def removing(path: str) -> Edit:
    return lambda document: document.remove(parse_path(path))


def merging(text: str) -> Edit:
    return lambda document: document.merge(text)


def becoming(data: dict[str, Any]) -> Edit:
    return lambda document: document.changed_to(data)


HEAD = "# a head\n\nfirst:   one   # kept\n"
TAIL = "last: [ 1,2 ]  # kept, too\n"


# The text, the edit, the text afterwards.
EDITS: dict[str, tuple[str, Edit, str]] = {
    "a number": ("a: 1\nb: 2\n", setting("a", 3), "a: 3\nb: 2\n"),
    "a comment behind it": ("a: 1  # one\n", setting("a", 2), "a: 2  # one\n"),
    "odd blanks": ("a :   1   \nb: 2\n", setting("a", 2), "a :   2   \nb: 2\n"),
    "no final newline": ("a: 1\nb: 2", setting("b", 3), "a: 1\nb: 3"),
    "carriage returns": ("a: 1\r\nb: 2\r\n", setting("b", 3), "a: 1\r\nb: 3\r\n"),
    "a byte order mark": ("\ufeffa: 1\n", setting("a", 2), "\ufeffa: 2\n"),
    "double quotes": ('a: "x"\n', setting("a", "y"), 'a: "y"\n'),
    "single quotes": ("a: 'x'\n", setting("a", "y"), "a: 'y'\n"),
    "a text that reads as a number": ("a: x\n", setting("a", "1"), "a: '1'\n"),
    "a text that reads as true": ("a: x\n", setting("a", "yes"), "a: 'yes'\n"),
    "true": ("a: false\n", setting("a", value=True), "a: true\n"),
    "null": ("a: 1\n", setting("a", None), "a: null\n"),
    "from null": ("a:\nb: 1\n", setting("a", 2), "a: 2\nb: 1\n"),
    "from null with a comment": ("a:  # why\nb: 1\n", setting("a", 2), "a: 2  # why\nb: 1\n"),
    "a new key": ("a: 1\n", setting("b", 2), "a: 1\nb: 2\n"),
    "a new key without final newline": ("a: 1", setting("b", 2), "a: 1\nb: 2"),
    "a new key with carriage returns": ("a: 1\r\n", setting("b", 2), "a: 1\r\nb: 2\r\n"),
    "a new key in a map": ("a:\n  b: 1\nc: 2\n", setting("a.x", 3), "a:\n  b: 1\n  x: 3\nc: 2\n"),
    "a new key in four blanks": (
        "a:\n    b: 1\nc: 2\n", setting("a.x.k", 3), "a:\n    b: 1\n    x:\n        k: 3\nc: 2\n",
    ),
    "a new key in braces": ("a: {b: 1}\n", setting("a.c", 2), "a: {b: 1, c: 2}\n"),
    "a new key in empty braces": ("a: {}\nb: 1\n", setting("a.c", 2), "a:\n  c: 2\nb: 1\n"),
    "a new key below null": ("a:\nb: 1\n", setting("a.c", 2), "a:\n  c: 2\nb: 1\n"),
    "an item": ("a:\n- 1\n- 2\n", setting("a[1]", 3), "a:\n- 1\n- 3\n"),
    "a new item": ("a:\n- 1\nb: 2\n", setting("a[1]", 3), "a:\n- 1\n- 3\nb: 2\n"),
    "a new item, indented": ("a:\n  - 1\nb: 2\n", setting("a[1]", 3), "a:\n  - 1\n  - 3\nb: 2\n"),
    "a new item in brackets": ("a: [1, 2]\n", setting("a[2]", 3), "a: [1, 2, 3]\n"),
    "a key in an item": (
        "a:\n- n: x\n  v: 1\n- n: y\n  v: 2\n", setting("a[1].v", 3),
        "a:\n- n: x\n  v: 1\n- n: y\n  v: 3\n",
    ),
    "a new key in an item": (
        "a:\n- n: x\n- n: y\nb: 1\n", setting("a[0].v", 3), "a:\n- n: x\n  v: 3\n- n: y\nb: 1\n",
    ),
    "inside braces": ("a: {b: 1, c: 2}  # x\n", setting("a.b", 3), "a: {b: 3, c: 2}  # x\n"),
    "inside braces of several lines": (
        "a: {\n  b: 1, # one\n  c: 2\n}\n", setting("a.c", 3), "a: {\n  b: 1, # one\n  c: 3\n}\n",
    ),
    "an empty document": ("", setting("a", 1), "a: 1\n"),
    "comments only": ("# head\n", setting("a", 1), "# head\na: 1\n"),
    "comments only without newline": ("# head", setting("a", 1), "# head\na: 1"),
    "an end mark": ("a: 1\n...\n", setting("b", 2), "a: 1\nb: 2\n...\n"),
    "a start mark": ("---\na: 1\n", setting("a", 2), "---\na: 2\n"),
    "a start mark alone": ("---\n", setting("a", 1), "---\na: 1\n"),
    "start and end marks": ("---\n...\n", setting("a", 1), "---\na: 1\n...\n"),
    "a block scalar": (
        "a: |\n  x\n  y\nb: 1\n", setting("a", "z\nw\n"), "a: |\n  z\n  w\nb: 1\n",
    ),
    "a block scalar to a number": ("a: |\n  x\nb: 1\n", setting("a", 5), "a: 5\nb: 1\n"),
    "behind a block scalar": ("a: |\n  x\n", setting("b", 1), "a: |\n  x\nb: 1\n"),
    "behind one that keeps its breaks": (
        "a: |+\n  x\n\nb: 1\n", setting("b", 2), "a: |+\n  x\n\nb: 2\n",
    ),
    "a key behind one that keeps its breaks": (
        "a: |+\n  x\n\n", setting("b", 2), "a: |+\n  x\n\nb: 2\n",
    ),
    "a folded text of several lines": ("a: x\n  y\nb: 1\n", setting("a", "z"), "a: z\nb: 1\n"),
    "an anchor that others use": (
        "a: &x 1\nb: *x\n", setting("a", 2), "a: 2\nb: 1\n",
    ),
    "an alias": ("a: &x 1\nb: *x\nc: *x\n", setting("b", 2), "a: &x 1\nb: 2\nc: *x\n"),
    "an anchor is not touched": (
        "a: &x {b: 1}\nc: *x\nd: 1\n", setting("d", 2), "a: &x {b: 1}\nc: *x\nd: 2\n",
    ),
    "a map beside a merge": (
        "a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", setting("c.d", 2),
        "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n",
    ),
    "a merged key": (
        "a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", setting("c.b", 2),
        "a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n  b: 2\n",
    ),
    "a key with a tab in its comment": (
        "a: 1\t# tab\there\nb: 2\n", setting("b", 3), "a: 1\t# tab\there\nb: 3\n",
    ),
    "non-ASCII text": ("ü: é # ─┌→\nb: 1\n", setting("b", "ß"), "ü: é # ─┌→\nb: ß\n"),
    "a colour beyond the plane": ("a: 😀x\nb: 1\n", setting("b", 2), "a: 😀x\nb: 2\n"),
    "a tag": ("a: !!str 1\nb: 2\n", setting("b", 3), "a: !!str 1\nb: 3\n"),
    "a quoted key": ('"a.b": 1\n', setting('"a.b"', 2), '"a.b": 2\n'),
    "a key that needs quotes": ("a: 1\n", setting('"no"', 2), "a: 1\n'no': 2\n"),
    "JSON": ('{"a": 1, "b": [1]}', setting("a", 2), '{"a": 2, "b": [1]}'),
    "the same value": ("a:   0x10\n", setting("a", 16), "a:   0x10\n"),
    "foreign templates": (
        "a: '{{ .Values.x }}'\nb: 1\n", setting("b", 2), "a: '{{ .Values.x }}'\nb: 2\n",
    ),
    "remove a key": ("a: 1\nb: 2\nc: 3\n", removing("b"), "a: 1\nc: 3\n"),
    "remove with its comments": (
        "a: 1\n# of b\nb: 2 # also\n\n# of c\nc: 3\n", removing("b"), "a: 1\n\n# of c\nc: 3\n",
    ),
    "remove the last key": ("a: 1\nb: 2", removing("b"), "a: 1"),
    "remove the only key below": ("a:\n  b: 1\nc: 2\n", removing("a.b"), "a: {}\nc: 2\n"),
    "remove what is not there": ("a: 1\n", removing("x.y[0].z"), "a: 1\n"),
    "remove an item": ("a:\n- 1\n- 2\n- 3\n", removing("a[1]"), "a:\n- 1\n- 3\n"),
    "remove an item in brackets": ("a: [1, 2, 3]\n", removing("a[1]"), "a: [1, 3]\n"),
    "remove a key in braces": ("a: {b: 1, c: 2}\n", removing("a.b"), "a: {c: 2}\n"),
    "remove the last key in braces": ("a: {b: 1, c: 2}\n", removing("a.c"), "a: {b: 1}\n"),
    "remove from an item": ("a:\n- k: x\n  v: 1\n", removing("a[0].k"), "a:\n- v: 1\n"),
    "merge": (
        "a:\n  b: 1 # x\n", merging("a:\n  # why\n  c: 2 # how\nd: 3\n"),
        "a:\n  b: 1 # x\n  # why\n  c: 2 # how\nd: 3\n",
    ),
    "merge replaces a list": ("a: [1, 2]\n", merging("a: [3]\n"), "a: [3]\n"),
    "remove below a block scalar what blanks follow": (
        "a: |\n  x\nb: 2\n\n     \n\nc: 1\n", removing("b"), "a: |\n  x\n\nc: 1\n",
    ),
    "remove below one that keeps its breaks": (
        "a: |+\n  x\n\nb: 2\n\nc: 1\n", removing("b"), "a: |+\n  x\n\nc: 1\n",
    ),
    "remove the last key behind an empty line": ("a: 1  \n\nb: 2", removing("b"), "a: 1  "),
    "remove the last key behind a block scalar": (
        "a: |\n  x\nb: 2", removing("b"), "a: |\n  x\n",
    ),
    "merge nothing": ("a: 1 # x\n", merging("# only\n"), "a: 1 # x\n"),
    "merge what is there": ("a: {b: 1} # x\n", merging("a:\n  b: 1\n"), "a: {b: 1} # x\n"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "edit", "expected"), EDITS.values(), ids=EDITS)
def test_an_edit_changes_what_it_says_and_nothing_else(
    text: str, edit: Edit, expected: str
) -> None:
    assert edit(read(text)).text == expected


WITH_NEIGHBOURS = {
    name: case
    for name, case in EDITS.items()
    if not case[0].startswith(("\ufeff", "---", "{")) and "..." not in case[0]
}


@pytest.mark.parametrize(
    ("text", "edit", "expected"), WITH_NEIGHBOURS.values(), ids=WITH_NEIGHBOURS
)
def test_what_stands_around_an_edit_stays(text: str, edit: Edit, expected: str) -> None:
    """The same edits below a head and above a tail, with either line break."""
    end = "" if text.endswith("\n") or not text else "\n"
    for line_break in ("\n", "\r\n"):
        whole = (HEAD + text.replace("\r\n", "\n") + end + TAIL).replace("\n", line_break)
        edited = edit(read(whole)).text
        assert edited.startswith(HEAD.replace("\n", line_break))
        assert TAIL.replace("\n", line_break) in edited
        assert "\n" not in edited.replace(line_break, "")
        assert read(edited).data == {**read(HEAD + TAIL).data, **read(expected).data}


TEXT = {"k": "x\ny\n"}


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("k: 1\nb: 2\n\n     \nc: 1\n", TEXT | {"c": 1}, "k: |\n  x\n  y\nc: 1\n"),
        (
            "o:\n  k: 1\nb: 2\n      \nc: 1\n", {"o": TEXT, "c": 1},
            "o:\n  k: |\n    x\n    y\nc: 1\n",
        ),
        ("k: 1\nb: 2", TEXT, 'k: "x\\ny\\n"'),
        ("o:\n  a: 1\n  k: 2\n\nb: 3", {"o": {"a": 1}}, "o:\n  a: 1"),
        ("b:\n  c: 1\n  # c\n       \n", TEXT, 'k: "x\\ny\\n"\n       \n'),
        ("{a: 1} # one\n    # two\n", TEXT, 'k: "x\\ny\\n" # one\n    # two\n'),
        ("~\n    # two\n", TEXT, 'k: "x\\ny\\n"\n    # two\n'),
        ("--- {a: 1}\n", TEXT, "--- \nk: |\n  x\n  y\n"),
    ],
)  # fmt: skip
def test_a_block_scalar_stands_where_nothing_around_becomes_a_part_of_it(
    text: str, data: dict[str, Any], expected: str
) -> None:
    assert becoming(data)(read(text)).text == expected
    assert read(expected).data == data


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a: 1\n", "a.b", 2),
        ("a: text\n", "a[0]", 2),
        ("a: [1]\n", "a.b", 2),
        ("a: {b: 1}\n", "a[0]", 2),
        ("a: [1]\n", "a[3]", 2),
        ("a: 1\n", "a", float("nan")),
        ("a: 1\n", "a", float("inf")),
        ("a: 1\n", "a", 2**64),
        ("a: 1\n", "a", b"bytes"),
        ("a: 1\n", "a", {"b": {1, 2}}),
        ("a: 1\n", "a", {1: 2}),
        ("a: 1\n", "a", "\ud800"),
        ("a: 1\n", "a", ["x", {"\udfff": 1}]),
    ],
)
def test_an_edit_that_cannot_be_is_refused(text: str, path: str, value: object) -> None:
    with pytest.raises(ParameterInvalid):
        read(text).set(parse_path(path), value)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", [(), (0,), ("a\ud800",)])
def test_a_path_that_leads_nowhere_is_refused(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ParameterInvalid):
        read("a: 1\n").set(path, 1)


def test_a_document_never_changes() -> None:
    document = read("a: {b: [1]}\n")
    edited = document.set(("a", "b", 1), 2).remove(("a", "b", 0))
    assert document.text == "a: {b: [1]}\n"
    assert document.data == {"a": {"b": [1]}}
    assert edited.data == {"a": {"b": [2]}}


def test_values_are_looked_up() -> None:
    document = read("a: {b: [x, {c: null}]}\n")
    assert document.get(("a", "b", 0)) == "x"
    assert document.get(("a", "b", 1, "c"), "other") is None
    assert document.has(("a", "b", 1, "c"))
    for absent in (("a", "c"), ("a", "b", 2), ("a", "b", "0"), ("a", "b", 0, "x"), ("a", 0)):
        assert not document.has(absent)
        assert document.get(absent, "other") == "other"


def test_a_value_of_any_kind_is_written_so_that_it_reads_back() -> None:
    values: list[Any] = [
        "", " ", "  x ", "\n", "\n\n", "x\n", "\nx", "x\ny", "x\n\n", " x\n  y\n", "x \ny", "\tx",
        "x\ty\n", "a: b", "a #b", "#", "- a", "-", "?", "? a", ":", "x:", "@x", "`x`", "%x", "&a",
        "*a", "!a", "|", ">", "'", '"', "it's", 'say "x"', "\\", "\\n", "{a}", "[a]", "{{ .x }}",
        "a, b", "null", "~", "Null", "true", "Yes", "off", "n", "1", "1.0", "1e3", "0x1", "0o7",
        "0b1", "1_000", "017", ".5", "+1", "-1", ".inf", ".nan", "2001-01-01", "12:30:45", "=",
        "<<", "---", "...", "--- x", "\x00", "\x07", "\x1b", "\x7f", "\x85", "\xa0", "\u2028",
        "\u2029", "\ufeff", "x\ufeffy", "\ufffe", "\uffff", "é", "😀", "\r", "x\r\ny", "x\ry\n",
        "x" * 5000, "word " * 2000, "é" * 3000, "a\n" * 300, "# c\n# d\n", "key: |\n  x\n",
        0, -1, 2**63, 2**64 - 1, -(2**63), 0.1, -0.5, 1e21, 1e300, 1e-7, 123456.789, True, False,
        None, {}, [], {"": ""}, {"a": {}}, [[]], [[[]]], [{}], {"a": [{"b": [1, {"c": None}]}]},
        {"<<": 1}, {"null": 1, "1": 2, "true": 3}, {"x: y": 1, "#": 2, "'": 3, '"': 4, "\n": 5},
        {"k" * 2000: "v"}, [["a", "b"], ["c"]], [None, None], {"a": "x\ny\n", "b": "z\n\n"},
    ]  # fmt: skip
    for value in values:
        for text in ("", "a: 1\n", "b: 1\na:\n  - x\n  - y\n", "a: {x: 1}\n", "z: 1\r\n",
                     "a: |\n  t", "\ufeff# c\n"):  # fmt: skip
            edited = read(text).set(("a",), value)
            assert read(edited.text).data == {**read(text).data, "a": value}, (value, text)
            inside = read("o:\n- {p: 1}\n").set(("o", 0, "a"), value)
            assert read(inside.text).data == {"o": [{"p": 1, "a": value}]}, value


def test_what_is_written_reads_the_same_to_other_readers() -> None:
    """YAML 1.2 and 1.1 readers differ about these; in quotes, all of them agree."""
    for text in ("yes", "no", "on", "off", "y", "n", "0777", "0o777", "1_000", "12:30", "1e3",
                 "2001-01-01", "null", "~", "=", "<<", ".5", "0b1", "True", "NULL"):  # fmt: skip
        written = read("").set(("a",), text).text
        assert written == f"a: '{text}'\n", written


def test_a_long_line_is_never_folded_and_a_long_neighbour_is_kept() -> None:
    long = "word " * 200_000
    document = read(f"a: {long}\nb: '{long}'\nc: 1\n")
    assert document.set(("c",), 2).text == f"a: {long}\nb: '{long}'\nc: 2\n"
    assert document.set(("c",), "x " * 5000).text.count("\n") == 3


def test_an_edit_back_gives_the_text_back() -> None:
    text = "a: 1 # one\nb:\n  c: 'x' # two\n  d: [1, 2]\n"
    for path, other in (("a", 5), ("b.c", "y"), ("b.d[0]", 9)):
        document = read(text)
        edited = document.set(parse_path(path), other)
        assert edited.text != text
        assert edited.set(parse_path(path), document.get(parse_path(path))).text == text


def test_edits_that_make_the_document_too_large_are_refused() -> None:
    long: list[Any] = ["x" * 5 * 2**20, ["x" * 2**20] * 5, list(range(300_000))]
    for value in long:
        with pytest.raises(PackyardError):
            _ = read("a: 1\n").set(("a",), value).data
    nearly = read("a: '" + "x" * (2**22 - 10) + "'\n")
    with pytest.raises(PackyardError):
        _ = nearly.set(("b",), "y" * 100).data


def test_a_value_nested_without_end_is_refused() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(PackyardError):
        _ = read("a: 1\n").set(("a",), deep).data
    with pytest.raises(PackyardError):
        _ = read("a: 1\n").set(("k",) * 100_000, 1).data
    assert read("a: 1\n").remove(("a",) * 100_000).text == "a: 1\n"


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "a: 1\na: 2\n", "text", "a: 1\n---\nb: 1\n"])
def test_what_is_no_map_is_not_merged(text: str) -> None:
    with pytest.raises(ContentRefused) as refused:
        read("a: 1\n").merge(text)
    assert refused.value.findings


# The section `pack`.


def section(text: str) -> PackSection:
    return pack_section(read(text))


NULLS = """\
pack:
  namespace:
  additionalNamespaces:
  namespaceLabels:
  namespaceAnnotations:
  releaseNameOverride:
  content:
  spectrocloud.com/install-priority:
  spectrocloud.com/display-name:
"""
EMPTY = PackSection(namespace_labels={}, namespace_annotations={}, release_name_override={})


@pytest.mark.parametrize(
    "text",
    [
        "", "pack:\n", "pack: {}\n", "pack: text\n", "pack: [1]\n",
        NULLS,
        "pack:\n  content: {images: , charts: }\n",
        "pack:\n  content: {images: text, charts: {a: 1}}\n",
        "pack:\n  content: [1]\n  namespace: {a: 1}\n  namespaceLabels: [1]\n",
        "pack:\n  content:\n    images: [1, ~, {iamge: a}, {image: }]\n",
        'pack:\n  spectrocloud.com/install-priority: "high"\n',
        'pack:\n  namespace: ""\n  additionalNamespaces: ""\n',
    ],
)  # fmt: skip
def test_what_is_absent_null_or_of_another_type_has_its_default(text: str) -> None:
    assert section(text) == EMPTY


def test_the_whole_section_is_read() -> None:
    text = """\
pack:
  namespace: "monitoring"
  additionalNamespaces: "a, b,,c"
  namespaceLabels: {"ns": "k=v,k2={{ .spectro.system.kubernetes.version | substr 0 4 }}"}
  namespaceAnnotations: {"ns": "k=v"}
  releaseNameOverride: {chart: release, absent: other}
  content:
    images:
    - image: "ghcr.io/x/y:1.2"
    - iamge: typo
    - image: quay.io/z
    charts:
    - {repo: "https://charts.example.org", name: one, version: 1.2.3}
    - {repository: "https://other.example.org", name: two, version: "1.20"}
  spectrocloud.com/install-priority: "-10"
  spectrocloud.com/display-name: "My name"
"""
    assert section(text) == PackSection(
        namespace="monitoring",
        additional_namespaces=("a", "b", "c"),
        namespace_labels={"ns": "k=v,k2={{ .spectro.system.kubernetes.version | substr 0 4 }}"},
        namespace_annotations={"ns": "k=v"},
        release_name_override={"chart": "release", "absent": "other"},
        images=("ghcr.io/x/y:1.2", "quay.io/z"),
        charts=(
            ContentChart(repo="https://charts.example.org", name="one", version="1.2.3"),
            ContentChart(repo="https://other.example.org", name="two", version="1.20"),
        ),
        install_priority=-10,
        display_name="My name",
    )


@pytest.mark.parametrize(
    ("written", "names"),
    [("{a: x, b: }", ("a", "b")), ("[a, b]", ("a", "b")), ("a", ("a",)), ("'a,b'", ("a", "b"))],
)
def test_additional_namespaces_are_a_text_or_a_map(written: str, names: tuple[str, ...]) -> None:
    assert section(f"pack: {{additionalNamespaces: {written}}}\n").additional_namespaces == names


@pytest.mark.parametrize(("written", "priority"), [("5", 5), ('"15"', 15), ("-3", -3), ("1.5", 0)])
def test_the_install_priority_is_a_whole_number_quoted_or_not(written: str, priority: int) -> None:
    text = f"pack: {{spectrocloud.com/install-priority: {written}}}\n"
    assert section(text).install_priority == priority


def test_an_install_priority_without_end_is_no_priority() -> None:
    text = f"pack: {{spectrocloud.com/install-priority: '{'9' * 10_000}'}}\n"
    assert section(text).install_priority == 0
