"""Constraints on values, as the format specification words them (section "schema.yaml")."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from packyard.packs.schema import check_values, parse_schema
from packyard.packs.values import Document


def document(data: Any) -> Document:
    parsed, findings = Document.parse(json.dumps(data))
    assert parsed, findings
    return parsed


def broken(schema: str, data: Any, defaults: Any = None) -> list[tuple[str, str]]:
    parsed, findings = parse_schema(schema)
    assert parsed
    assert findings == []
    values = document(data)
    base = values if defaults is None else document(defaults)
    return [(found.rule, found.path) for found in check_values(parsed, values, base)]


def of(template: str, path: str = "a.b") -> str:
    return f"{path}: {{schema: '{{{{ {template} }}}}'}}\n"


REQUIRED = [("parameter.required", "a.b")]
READONLY = [("parameter.readonly", "a.b")]
FORMAT = [("parameter.format", "a.b")]


@pytest.mark.parametrize("data", [{}, {"a": None}, {"a": {}}, {"a": {"b": None}}, {"a": {"b": ""}}])
def test_an_absent_or_empty_value_breaks_required_and_nothing_else(data: Any) -> None:
    assert broken(of("required"), data) == REQUIRED
    assert broken(of('required | format "${number}"'), data) == REQUIRED
    assert broken(of('format "${number:[1-9]}"'), data) == []


def test_false_and_zero_are_values() -> None:
    assert broken(of("required"), {"a": {"b": False}}) == []
    assert broken(of("required"), {"a": {"b": 0}}) == []


def test_a_readonly_value_is_the_packs_own_default() -> None:
    template = of("readonly")
    assert broken(template, {"a": {"b": 1}}, {"a": {"b": 1}}) == []
    assert broken(template, {"a": {"b": 2}}, {"a": {"b": 1}}) == READONLY
    assert broken(template, {"a": {"b": 2}}, {"a": {}}) == READONLY


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("${string}", ["x", "1"], []),
        ("${string:/[a-z]+/}", ["abc"], ["aBc", "abc1", "1abc", "ab c"]),
        ("${number}", [1, 1.5, -3, "12", "1.5"], ["one", "1a", True]),
        ("${number:[1-5]}", [1, 5, "3"], [0, 6, "9", -1]),
        ("${number:/[0-9]{2}/}", [10, "99"], [1, 100]),
        ("${boolean}", [True, False, "true", "false"], ["yes please", 1.5]),
        ("${list:[A,B,C]}", ["A", "C"], ["D", "a", "A,B"]),
        ("${ipv4}", ["10.0.0.1", "255.255.255.255"], ["10.0.0", "256.1.1.1", "::1", "10.0.0.1/8"]),
        ("${version}", ["1.2.3", "1.2.3-rc.1", "1.2.3+b"], ["1.x", "one"]),
        ("${input}", ["anything at all"], []),
        ("${password:/.{8,}/}", ["long enough"], ["short"]),
        (
            "${string:/[a-z]+/}/${string:/[a-z]+/}:${version}",
            ["a/b:1.2.3"],
            ["a/b", "a:1.2.3", "a/b:x"],
        ),
        (
            "https://${ipv4}:${number:[1-65535]}",
            ["https://10.0.0.1:443"],
            ["http://10.0.0.1:443", "https://10.0.0.1:70000"],
        ),
        ("plain", ["plain"], ["plainer", "Plain"]),
    ],
)
def test_the_value_as_a_text_matches_the_whole_format(
    form: str, good: list[Any], bad: list[Any]
) -> None:
    template = of(f'format "{form}"')
    for value in good:
        assert broken(template, {"a": {"b": value}}) == [], value
    for value in bad:
        assert broken(template, {"a": {"b": value}}) == FORMAT, value


def test_every_item_of_a_list_is_checked_where_it_stands() -> None:
    template = of('required | format "${number:[1-9]}"', "a.$[].port")
    data = {"a": [{"port": 1}, {"port": 99}, {"other": 1}, {"port": "x"}]}
    assert broken(template, data) == [
        ("parameter.format", "a[1].port"),
        ("parameter.required", "a[2].port"),
        ("parameter.format", "a[3].port"),
    ]
    assert broken(template, {"a": []}) == []
    assert broken(template, {}) == []


@pytest.mark.parametrize("macro", ["{{ .spectro.macro.port }}", "x-{{.spectro.var.a-b}}-y"])
def test_a_value_with_an_unresolved_macro_is_not_checked(macro: str) -> None:
    assert broken(of('format "${number}"'), {"a": {"b": macro}}) == []
    assert broken(of("readonly"), {"a": {"b": macro}}, {"a": {"b": 1}}) == []


def test_a_password_is_shown_nowhere() -> None:
    schema, _ = parse_schema(of('format "${password:/[a-z]+/}"'))
    assert schema
    values = document({"a": {"b": "S3cret-Value"}})
    (finding,) = check_values(schema, values, values)
    assert "S3cret" not in str(finding)


def test_hints_say_how_to_mend_it() -> None:
    schema, _ = parse_schema(of('required | hints "Ask the team." "It is short."'))
    assert schema
    (finding,) = check_values(schema, document({}), document({}))
    assert finding.mend == "Ask the team. It is short."


def test_a_regular_expression_cannot_take_forever() -> None:
    began = time.process_time()
    value = {"a": {"b": "a" * 50_000 + "!"}}
    assert broken(of('format "${string:/(a+)+b/}"'), value) == FORMAT
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a.b: {schema: 7}\n", "schema.entry"),
        ("a.b: {other: x}\n", "schema.entry"),
        ("a.b: {schema: 'required'}\n", "schema.template"),
        (of("requierd"), "schema.template"),
        (of('format "${nubmer}"'), "schema.format"),
        (of('format "${string:/(?=a)/}"'), "schema.regex"),
        (of('format "${string:/(/}"'), "schema.regex"),
        ("- a\n", "yaml.root"),
        ("a: [\n", "yaml.syntax"),
    ],
)
def test_what_cannot_be_understood_is_found_and_left_out(text: str, rule: str) -> None:
    schema, findings = parse_schema(text)
    assert rule in {found.rule for found in findings}
    assert not schema or schema.parameters == ()


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_a_schema_may_be_empty(text: str) -> None:
    schema, findings = parse_schema(text)
    assert schema
    assert (schema.parameters, findings) == ((), [])
