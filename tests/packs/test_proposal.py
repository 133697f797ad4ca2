"""A pack's schema proposed from JSON Schema, as far as it can say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from packyard.packs.proposal import propose_schema
from packyard.packs.schema import check_values, parse_schema
from packyard.packs.values import Document
from packyard.packs.yaml.writer import Style, entry


def document(values: dict[str, Any]) -> Document:
    text = "\n".join(entry("charts", {"web": values}, Style()))
    parsed, findings = Document.parse(text)
    assert parsed, findings
    return parsed


def proposed(schema: dict[str, Any], values: dict[str, Any] | None = None) -> dict[str, str]:
    """Path below the chart's section to template."""
    text = propose_schema(schema, document(values or {}), ("charts", "web"))
    parsed, _ = Document.parse(text, "schema.yaml")
    assert parsed
    return {
        path.removeprefix("charts.web."): content["schema"] for path, content in parsed.data.items()
    }


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("node", "template"),
    [
        ({"type": "string"}, '{{ format "${string}" }}'),
        ({"type": "integer"}, '{{ format "${number}" }}'),
        ({"type": ["null", "boolean"]}, '{{ format "${boolean}" }}'),
        ({"type": "integer", "minimum": 1, "maximum": 9}, '{{ format "${number:[1-9]}" }}'),
        ({"type": "number", "minimum": 1}, '{{ format "${number}" }}'),
        ({"enum": ["a", "b-c"]}, '{{ format "${list:[a,b-c]}" }}'),
        ({"type": "string", "enum": ["with blank", "b"]}, '{{ format "${string}" }}'),
        ({"type": "string", "format": "ipv4"}, '{{ format "${ipv4}" }}'),
        ({"type": "string", "writeOnly": True}, '{{ format "${password}" }}'),
        ({"type": "string", "pattern": "^[a-z]/x+$"}, r'{{ format "${string:/[a-z]\\/x+/}" }}'),
        ({"type": "string", "pattern": "x+"}, '{{ format "${string}" }}'),
        ({"type": "string", "pattern": "^(?=x)$"}, '{{ format "${string}" }}'),
        ({"type": "string", "readOnly": True}, '{{ readonly | format "${string}" }}'),
        (
            {"type": "string", "description": 'Says "hi" \\o/.\nAnd more.'},
            r'{{ format "${string}" | hints "Says \"hi\" \\o/." }}',
        ),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_what_a_pack_can_say_is_said(node: dict[str, Any], template: str) -> None:
    assert proposed(of(a=node)) == {"a": template}


@pytest.mark.parametrize(
    "node",
    [{}, {"type": "object"}, {"type": ["string", "integer"]}, {"type": 3}, None, [], {"enum": []}],
    ids=json.dumps,
)
def test_what_it_cannot_say_is_left_out(node: Any) -> None:
    assert proposed(of(a=node)) == {}


def test_a_key_that_is_a_password_is_masked() -> None:
    assert proposed(of(adminPassword={"type": "string"})) == {
        "adminPassword": '{{ format "${password}" }}'
    }


def test_references_and_parts_are_followed() -> None:
    schema = {
        "$ref": "#/definitions/all~1of~0it",
        "definitions": {
            "all/of~it": of(a={"$ref": "#/$defs/text", "title": "A"}),
        },
        "$defs": {"text": {"allOf": [{"type": "string"}, {"enum": ["x", "y"]}]}},
    }
    assert proposed(schema) == {"a": '{{ format "${list:[x,y]}" | hints "A" }}'}


def test_items_of_lists_and_keys_with_dots_have_their_paths() -> None:
    schema = of(
        hosts={"type": "array", "items": of(port={"type": "integer"})},
        annotations=of(**{"a.b/c": {"type": "string"}}),
    )
    assert set(proposed(schema)) == {"hosts.$[].port", 'annotations."a.b/c"'}


def test_only_what_must_not_be_empty_is_required() -> None:
    text = {"type": "string"}
    schema = of(
        filled=text,
        empty=text,
        long={"type": "string", "minLength": 1},
        absent=text,
        other=of(x=text),
    )
    schema["required"] = ["filled", "empty", "long", "absent", "other"]
    schema["properties"]["other"]["required"] = ["x"]
    templates = proposed(schema, {"filled": "a", "empty": "", "long": ""})
    required = {path for path, template in templates.items() if "required" in template}
    assert required == {"filled", "long", "absent", "other"}


def test_what_the_defaults_break_is_left_out() -> None:
    schema = of(port={"type": "integer"}, host={"type": "string"})
    assert set(proposed(schema, {"port": "http", "host": "a"})) == {"host"}


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    schema = of(a={"$ref": "#"}, b={"$ref": "#"})
    assert proposed(schema) == {}
    schema["properties"]["leaf"] = {"type": "string"}
    assert 0 < len(proposed(schema)) <= 1000
    assert proposed({"$ref": "#"}) == {}


def test_a_proposal_is_a_schema_that_the_values_fit() -> None:
    values = document({"a": 1, "list": [{"b": "x"}]})
    schema = of(a={"type": "integer"}, list={"items": of(b={"type": "string"})})
    text = propose_schema(schema, values, ("charts", "web"))
    parsed, findings = parse_schema(text)
    assert parsed is not None
    assert len(parsed.parameters) == 2
    assert findings == check_values(parsed, values, values) == []
