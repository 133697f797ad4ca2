"""YAML as it is read: typed as Helm types it, refused with its place where it has two meanings."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packyard.findings import Finding, Severity
from packyard.packs.archive import read_archive
from packyard.packs.values import Document
from packyard.packs.yaml.reader import Limits

NUL = "\0"


def read(text: str | bytes) -> Document:
    document, findings = Document.parse(text)
    assert findings == []
    assert document is not None
    return document


def refused(text: str | bytes) -> Finding:
    document, findings = Document.parse(text)
    assert document is None
    assert {finding.severity for finding in findings} == {Severity.REFUSE}
    assert {finding.file for finding in findings} == {"values.yaml"}
    return findings[0]


# Every way in which readers of YAML differ about a scalar, and what Helm makes of it.
SCALARS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "nULL": "nULL",
    "true": True, "True": True, "TRUE": True, "tRUE": "tRUE", "false": False,
    "yes": True, "Yes": True, "YES": True, "no": False, "on": True, "On": True, "off": False,
    "OFF": False, "y": True, "Y": True, "n": False, "N": False, "yEs": "yEs",
    "0": 0, "-0": 0, "+1": 1, "-1": -1, "007": 7, "0777": 511, "0o777": 511, "-0o17": -15,
    "0888": 888, "0x1F": 31, "-0x1F": -31, "0X1f": 31, "0b101": 5, "-0b101": -5, "0b2": "0b2",
    "1_000": 1000, "0x_ff": 255, "_1": "_1", "1_": 1, "1__0": 10, "0_7": 7,
    "9223372036854775807": 9223372036854775807, "18446744073709551615": 18446744073709551615,
    "18446744073709551616": 18446744073709552000, "-9223372036854775808": -9223372036854775808,
    "-9223372036854775809": -9223372036854776000,
    "1.5": 1.5, "1.": 1.0, ".5": 0.5, "-.5": -0.5, "+.5": 0.5, "1e3": 1000, "1E3": 1000,
    "1e+3": 1000, "1e-3": 0.001, "1.5e3": 1500, ".": ".", "+": "+", "-.": "-.", "e3": "e3",
    "1e": "1e", "1e1000": "1e1000", "0x": "0x", "0o8": "0o8", "1.2.3": "1.2.3", "1,000": "1,000",
    "1_000.5": 1000.5, ".5_5": 0.55, "1.5_5": 1.55, "0.28": 0.28, "1.10": 1.1, "08": 8, "09.5": 9.5,
    "00": 0, "0.0": 0, "-0.0": 0, "0e0": 0,
    "2001-01-01": "2001-01-01", "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43": "2001-12-14 21:59:43",
    "190:20:30": "190:20:30", "190:20:30.15": "190:20:30.15", "12:30": "12:30", "1:1": "1:1",
    "=": "=", "<": "<", "v1.2": "v1.2", "100m": "100m", "200Mi": "200Mi", "a b": "a b",
    '"1"': "1", "'true'": "true", '"\\u00e9"': "é", "'it''s'": "it's",
    "!!str 1": "1", "!!str true": "true", "!!str": "", "!!int 7": 7, '!!int "7"': 7,
    "!!float 1": 1, "!!bool yes": True, "!!null ''": None, '!!float "1.5"': 1.5,
    "!!binary aGVsbG8=": "hello", "!!timestamp 2001-01-01": "2001-01-01", "!custom a": "a",
    "! 1": "1",
    "[]": [], "{}": {}, "[a, 1, ~]": ["a", 1, None], "{a: {b: c}}": {"a": {"b": "c"}},
    "[a: 1]": [{"a": 1}], "{a, b: 1}": {"a": None, "b": 1},
    "|\n    text\n": "text\n", "|-\n    text\n": "text", "|+\n    text\n\n": "text\n\n\n",
    ">\n    a\n    b\n\n    c\n": "a b\nc\n", "|2\n   text\n": " text\n",
    '"a\\\n    b"': "ab", '"a\n    b"': "a b", "a\n    b": "a b",
}  # fmt: skip


def shape(data: object) -> object:
    """Data in which a number has one form only: JSON knows no difference between 1 and 1.0."""
    if isinstance(data, bool | str | None):
        return data
    if isinstance(data, list):
        return [shape(item) for item in data]
    if isinstance(data, dict):
        return {key: shape(value) for key, value in data.items()}
    return float(data) if isinstance(data, int | float) else data


def helm_reads(texts: list[str], folder: Path) -> list[object]:
    """Each text as the helm program reads YAML; a map of `Error` alone where it refuses it."""
    for name in ("templates", "files"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (folder / "templates" / "data.yaml").write_text(
        '{{ range $path, $bytes := .Files.Glob "files/*" }}'
        "data: {{ $bytes | toString | fromYaml | toJson | b64enc }}\n{{ end }}"
    )
    for index, text in enumerate(texts):
        (folder / "files" / f"{index:05}").write_text(text, encoding="utf-8", newline="")
    done = subprocess.run(
        ["helm", "template", "c", str(folder)], capture_output=True, check=True, text=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("data: ")]
    return [json.loads(base64.b64decode(line.removeprefix("data: "))) for line in lines]


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_a_scalar_is_typed_as_helm_types_it(text: str, value: object) -> None:
    data = read(f"a: {text}\n").data["a"]
    assert data == value
    assert isinstance(data, bool) == isinstance(value, bool)


@pytest.mark.clients("helm")
def test_helm_types_these_scalars_so(tmp_path: Path) -> None:
    seen = helm_reads([f"a: {text}\n" for text in SCALARS], tmp_path)
    assert shape(seen) == [{"a": shape(value)} for value in SCALARS.values()]


@pytest.mark.clients("helm")
@pytest.mark.parametrize(
    "alphabet", ["01279_.eE+-", "0xXoObB17fF_-", "0123456789:-. TZ", "yYnNtrueofalsTRU~"]
)
def test_helm_types_random_scalars_the_same(alphabet: str, tmp_path: Path) -> None:
    random = Random(alphabet)  # noqa: S311 (the same scalars in every run)
    scalars = {"".join(random.choices(alphabet, k=random.randint(1, 7))) for _ in range(2000)}
    texts = [f"a: {scalar}\n" for scalar in sorted(scalars)]
    differ = []
    for text, seen in zip(texts, helm_reads(texts, tmp_path), strict=True):
        document, _ = Document.parse(text)
        data = shape(document.data) if document else "refused"
        if data != ("refused" if isinstance(seen, dict) and "Error" in seen else shape(seen)):
            differ.append((text, seen, data))
    assert differ == []


@pytest.mark.clients("helm")
def test_helm_reads_the_values_of_real_packs_the_same(real_packs: Path, tmp_path: Path) -> None:
    texts = []
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            files = read_archive(stream)
        texts += [
            file.data.decode() for path, file in files.items()
            if path in {"values.yaml", "schema.yaml", "presets.yaml"}
        ]  # fmt: skip
    assert len(texts) > 53
    assert shape([read(text).data for text in texts]) == shape(helm_reads(texts, tmp_path))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", {}),
        ("\n\n", {}),
        ("# only\n  # comments\n", {}),
        ("---\n", {}),
        ("---\n...\n", {}),
        ("null\n", {}),
        ("~", {}),
        ("\ufeff", {}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("{}\n", {}),
        ('{"a": [1, 2]}', {"a": [1, 2]}),
        ("---\na: 1\n...\n", {"a": 1}),
        ("%YAML 1.1\n---\na: 1\n", {"a": 1}),
        ("--- {a: 1}\n", {"a": 1}),
        ("a: 1\n...\n# behind the end\n", {"a": 1}),
        ("a: 1\r\nb:\r\n- x\r\n", {"a": 1, "b": ["x"]}),
        ("a: 1\rb: 2\r", {"a": 1, "b": 2}),
        ("a: 1", {"a": 1}),
        ("1: a\ntrue: b\n1.5: c\n0x10: d\n", {"1": "a", "true": "b", "1.5": "c", "16": "d"}),
        ("? a\n: 1\n? b\n", {"a": 1, "b": None}),
        ("'': 1\n", {"": 1}),
        ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x [1]\nb: [*x, *x]\n", {"a": [1], "b": [[1], [1]]}),
        ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\n", {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}),
        ("a: &x {b: 1}\nd:\n  b: 3\n  <<: *x\n", {"a": {"b": 1}, "d": {"b": 1}}),
        ("a: &x {b: 1}\nc: &y {b: 2, d: 4}\ne:\n  <<: [*x, *y]\n",
         {"a": {"b": 1}, "c": {"b": 2, "d": 4}, "e": {"b": 1, "d": 4}}),
        ("a: &x {b: &y {c: 1}}\nd: {<<: *x, e: *y}\n",
         {"a": {"b": {"c": 1}}, "d": {"b": {"c": 1}, "e": {"c": 1}}}),
        ('"<<": 1\n', {"<<": 1}),
        ("a:\n- 1\n-\n  - 2\n- b: 3\n  c: 4\n", {"a": [1, [2], {"b": 3, "c": 4}]}),
        ("a: 'x\ty' # tab\t\n#\tcomment\n", {"a": "x\ty"}),
        ("a: ─┌→©\nß: ü\n", {"a": "─┌→©", "ß": "ü"}),
        ("a: 😀\n", {"a": "😀"}),
        ("a: {{ .Values.x }}b\n", None),
        ('a: "\\ud83d\\ude00"\n', None),
        ("a: v{{ .spectro.system.kubernetes.version }}\n",
         {"a": "v{{ .spectro.system.kubernetes.version }}"}),
        ('a: "{{ .spectro.pack.k.v | default \\"1.19.0\\" }}"\n',
         {"a": '{{ .spectro.pack.k.v | default "1.19.0" }}'}),
    ],
)  # fmt: skip
def test_a_document_is_read_whole(text: str, data: object) -> None:
    if data is None:
        assert refused(text).rule in {"yaml.syntax", "yaml.key"}
        return
    assert read(text).data == data
    assert read(text).text == text
    assert read(text.encode()).text == text


@pytest.mark.clients("helm")
def test_helm_reads_documents_of_every_form_the_same(tmp_path: Path) -> None:
    texts = [
        "a: 1\r\nb:\r\n- x\r\n", "a: 1\rb: 2\r", "1: a\ntrue: b\n1.5: c\n0x10: d\n", "'': 1\n",
        "a: &x 1\nb: &x 2\nc: *x\n", "a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\n",
        "a: &x {b: 1}\nd:\n  b: 3\n  <<: *x\n", '"<<": 1\n', "\ufeffa: 1\n", "yes: 1\n1e3: 2\n",
        "a: &x {b: 1}\nc: &y {b: 2, d: 4}\ne:\n  <<: [*x, *y]\n", "? a\n: 1\n? b\n",
        "01: a\n", "1_0: a\n", "2001-01-01: a\n", "-0: a\n", "1.0: a\n",
        "1e30: a\n", "1e-7: a\n", "0.1: b\n", "!!str 1: a\n", "a: !!set {x, y}\n",
    ]  # fmt: skip
    ours = [read(text).data for text in texts]
    assert shape(ours) == shape(helm_reads(texts, tmp_path))


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        ("a: 1\nb: [1\n", "yaml.syntax", (3, 1)),
        ("a: 1\n b: 2\n", "yaml.syntax", (2, 3)),
        ("a: b: c\n", "yaml.syntax", (1, 5)),
        ("a:\n\tb: 1\n", "yaml.syntax", (2, 1)),
        ("a: 'x\n", "yaml.syntax", (2, 1)),
        ('a: "\\q"\n', "yaml.syntax", (1, 5)),
        ("a: *none\n", "yaml.syntax", (1, 4)),
        ("a: @x\n", "yaml.syntax", (1, 4)),
        ("a: &x {b: *x}\n", "yaml.syntax", (1, 11)),
        ("%YAML 3.0\n---\na: 1\n", "yaml.syntax", (1, 1)),
        ("a: 1\n---\nb: 2\n", "yaml.documents", (2, 1)),
        ("---\na: 1\n---\n", "yaml.documents", (3, 1)),
        ("a: 1\n...\nb: 2\n", "yaml.syntax", (3, 1)),
        ("a: 1\nb: 2\na: 3\n", "yaml.duplicate-key", (3, 1)),
        ("c:\n  {x: 1, 'x': 2}\n", "yaml.duplicate-key", (2, 10)),
        ("1: a\n'1': b\n", "yaml.duplicate-key", (2, 1)),
        ("true: a\nyes: b\n", "yaml.duplicate-key", (2, 1)),
        ("a: 1\n~: b\n", "yaml.key", (2, 1)),
        ("a: 1\n[x]: b\n", "yaml.key", (2, 1)),
        ("{{x}}: b\n", "yaml.key", (1, 2)),
        ("? {x: 1}\n: b\n", "yaml.key", (1, 3)),
        ("a: 1\nb: !!int x\n", "yaml.scalar", (2, 4)),
        ("a: !!bool 7\n", "yaml.scalar", (1, 4)),
        ("a: .inf\n", "yaml.scalar", (1, 4)),
        ("a: [1, -.INF]\n", "yaml.scalar", (1, 8)),
        ("a: .nan\n", "yaml.scalar", (1, 4)),
        ("a: !!binary '*'\n", "yaml.scalar", (1, 4)),
        ("- a\n", "yaml.root", (1, 1)),
        ("# head\ntext\n", "yaml.root", (2, 1)),
        ("a: 1\nb: \x07\n", "yaml.encoding", (2, 4)),
        (f"a: {NUL}\n", "yaml.encoding", (1, 4)),
        ("a: \ud800\n", "yaml.encoding", (1, 4)),
        ("a: \ufffe\n", "yaml.encoding", (1, 4)),
        ('a: "\\ud800"\n', "yaml.syntax", (1, 7)),
        (b"a: 1\nb: \xff\n", "yaml.encoding", (2, 4)),
        (b"a: 1\r\xc3\xa9: \xff", "yaml.encoding", (2, 4)),
        (b"\xef\xbb\xbfa: \xff", "yaml.encoding", (1, 4)),
        (b"a: \xc3", "yaml.encoding", (1, 4)),
        ("a: 1\n".encode("utf-16"), "yaml.encoding", (1, 1)),
        ("a: 1\n".encode("utf-32"), "yaml.encoding", (1, 1)),
        ("a: é".encode("latin-1"), "yaml.encoding", (1, 4)),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_at_its_place(
    text: str | bytes, rule: str, place: tuple[int, int]
) -> None:
    finding = refused(text)
    assert (finding.rule, finding.line, finding.column) == (rule, *place)
    assert finding.mend


def test_lines_are_counted_with_any_break_and_columns_without_a_byte_order_mark() -> None:
    document = read("\ufeffa: 1\r\nb:\r\n  c:\r\n  - {d: 2}\r\n")
    assert document.at(("a",)) == (1, 1)
    assert document.at(("b", "c")) == (3, 3)
    assert document.at(("b", "c", 0, "d")) == (4, 6)
    assert document.at(("b", "none")) == (2, 1)
    assert document.at(("none",)) == (0, 0)
    assert refused("\ufeffa: 1\r\na: 2\r\n").line == 2


def test_a_place_reached_by_an_alias_or_a_merge_is_found() -> None:
    document = read("a: &x\n  b: 1\nc: *x\nd:\n  <<: *x\n")
    assert document.at(("c", "b")) == (2, 3)
    assert document.get(("d", "b")) == 1
    assert document.at(("d", "b"))[0] > 0


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 100_000 + "]" * 100_000,
        "a: " + "{a: " * 100_000 + "}" * 100_000,
        "a: " + "[" * 100_000,
        "a:\n  " + "- " * 100_000 + "x",
        "".join(" " * depth + "a:\n" for depth in range(2000)),
        "a: " + "[" * 101 + "]" * 101,
    ],
    ids=["lists", "maps", "open lists", "dashes", "indents", "one too deep"],
)
def test_nesting_without_end_is_refused(text: str) -> None:
    assert refused(text).rule == "yaml.too-large"


def test_nesting_within_the_limit_is_read() -> None:
    read("a: " + "[" * 98 + "]" * 98)


def bomb(levels: int, alias: str = "[{0},{0},{0},{0},{0},{0},{0},{0},{0}]") -> str:
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{i}: &a{i} " + alias.format(f"*a{i - 1}") for i in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        bomb(12),
        bomb(400),
        "a0: &a0 {k: v}\n"
        + "".join(f"a{i}: &a{i} {{x: *a{i - 1}, y: *a{i - 1}}}\n" for i in range(1, 40)),
        "a: &a [" + "1," * 1000 + "1]\nb: [" + "*a," * 1000 + "*a]\n",
        "a: &a {" + ",".join(f"k{i}: 1" for i in range(1000)) + "}\nb:\n"
        + "- {<<: *a}\n" * 1000,
        "b: [" + "x," * 300_000 + "x]\n",
        "a: '" + "x" * 5 * 2**20 + "'\n",
        "a: 1\n" + "#\n" * 3 * 2**20,
    ],
    ids=["laughs", "many laughs", "pairs", "one level", "merges", "items", "long", "comments"],
)  # fmt: skip
def test_what_grows_too_large_is_refused(text: str) -> None:
    assert refused(text).rule == "yaml.too-large"


def test_what_would_cost_the_square_of_its_length_is_refused_early() -> None:
    """Each of these took minutes or all memory: the test's own time limit is what they fail by."""
    chain = "a0: &a0 {k0: 1}\n"
    chain += "".join(f"a{i}: &a{i} {{<<: *a{i - 1}, k{i}: 1}}\n" for i in range(1, 30_000))
    keys = ",".join(f"k{i}: 1" for i in range(60_000))
    listed = f"a: &a {{{keys}}}\nb: {{<<: [{'*a,' * 60_000}*a]}}\n"
    directives = "".join(f"%TAG !t{i}! x{i}\n" for i in range(150_000)) + "---\na: 1\n"
    for text in (chain, listed, directives):
        assert refused(text).rule == "yaml.too-large"


def test_endless_faults_are_cut_short() -> None:
    document, findings = Document.parse("a: 1\n" * 50_000)
    assert document is None
    assert 100 <= len(findings) <= 101
    assert {finding.rule for finding in findings[:-1]} == {"yaml.duplicate-key"}


def test_limits_can_be_narrower() -> None:
    limits = Limits(max_length=20, max_nodes=4, max_depth=2)
    for text in ("a: 12345678901234567890\n", "a: [1, 2, 3, 4]\n", "a: [[[1]]]\n"):
        document, (finding,) = Document.parse(text, limits=limits)
        assert document is None
        assert finding.rule == "yaml.too-large"
    assert Document.parse("a: 1\n", limits=limits)[1] == []


def test_findings_about_huge_content_are_short() -> None:
    huge = "x" * 1_000_000
    for text in (f"a: !!int {huge}", f"a: *{huge}", f"{huge}: 1\n{huge}: 2\n", f"a: !{huge} [",
                 f"a: !!int '{huge}'", f"[{huge}]: 1", f"a: &{huge} @",
                 f"%{huge} 1\n---\na: 1\n"):  # fmt: skip
        for finding in Document.parse(text)[1]:
            assert len(str(finding)) < 1000


@given(st.text(st.sampled_from(list("ab:-[]{}&*!|>'\"%#,? \n\t\r.0x<~\ufeff\x85é")), max_size=40))
@settings(max_examples=1500, deadline=None)
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    document, findings = Document.parse(text)
    assert (document is None) == bool(findings)
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + 1
    for finding in findings:
        assert finding.severity is Severity.REFUSE
        assert 1 <= finding.line <= lines + 1
        assert finding.column >= 1


@given(st.binary(max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    document, findings = Document.parse(data)
    assert (document is None) == bool(findings)
