"""Single templates, as manifests and macros are filled."""

from __future__ import annotations

import pytest

from packyard.charts.engine import Engine
from packyard.charts.template import Filled, Template, unrepeatable


def fill(engine: Engine, text: str, **data: object) -> Filled:
    (filled,) = engine.fill([Template(name="t", text=text, data=data)])
    return filled


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("  \n", "  \n"),
        ("{{/* nothing */}}", ""),
        ("plain", "plain"),
        ("{{ .user | upper }}", "ANN"),
        ("{{ .version | substr 0 4 }}", "1.28"),
        ("v{{\n .version | substr 0 4 }}", "v1.28"),
        ('{{ .none | default "1.19.0" }}', "1.19.0"),
        ("[{{ .none }}]", "[]"),
        ('{{ .user | replace "n" "_" }}', "a__"),
        ("{{ (semver .version).Minor }}", "28"),
        ('{{ index .map "a.b-c" }}', "deep"),
        ("{{- range .list }}{{ . }},{{ end -}}", "1,2,"),
        ('{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" .user }}', "<ann>"),
        ('{{ tpl "{{ .user }}" . }}', "ann"),
        ("{{ .Values }}{{ .Release }}", ""),
        ("{{ toYaml .map }}", "a.b-c: deep"),
        ("é{{ .user }}✓", "éann✓"),
    ],
)
def test_a_template_is_filled_with_its_data_as_root(engine: Engine, text: str, result: str) -> None:
    data = {"user": "ann", "version": "1.28.3", "map": {"a.b-c": "deep"}, "list": [1, 2]}
    assert fill(engine, text, **data) == Filled(result)


def test_many_templates_are_one_job_and_each_fails_alone(engine: Engine) -> None:
    texts = [f"{{{{ .n }}}}-{n}" if n % 9 else f"\n{{{{ fail `bad {n}` }}}}" for n in range(100)]
    filled = engine.fill(
        [Template(name=f"m{n}", text=text, data={"n": n}) for n, text in enumerate(texts)]
    )
    for n, entry in enumerate(filled):
        if n % 9:
            assert entry == Filled(f"{n}-{n}")
        else:
            (finding,) = entry.findings
            assert (finding.file, finding.line) == (f"m{n}", 2)
            assert finding.message == f"The template 'm{n}' does not render: it refuses: bad {n}."
    assert engine.fill([]) == []


def test_names_defined_by_one_template_are_unknown_to_another(engine: Engine) -> None:
    one = Template(name="one", text='{{ define "x" }}1{{ end }}{{ include "x" . }}', data={})
    two = Template(name="two", text='{{ include "x" . }}', data={})
    first, second = engine.fill([one, two])
    assert first.text == "1"
    assert second.text is None
    assert 'no template "x"' in second.findings[0].message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a\n{{ nope }}", 2, 'cannot be parsed as a template: function "nope" not defined.'),
        ("{{ end }}", 1, "cannot be parsed as a template: unexpected {{end}}."),
        ("{{ if .x }}", 1, "cannot be parsed as a template: unexpected EOF."),
        (
            "{{ .a.b.c }}",
            1,
            "does not render: <.a.b.c> fails: nil pointer evaluating interface {}.c.",
        ),
        ('{{ env "HOME" }}', 1, 'cannot be parsed as a template: function "env" not defined.'),
        ("{{ .bad-name }}", 1, "cannot be parsed as a template: bad character U+002D '-'."),
        ("{{ fail .password }}", 1, "does not render: it refuses: ***."),
    ],
)
def test_a_template_that_fails_says_where_and_why_without_its_data(
    engine: Engine, text: str, line: int, message: str
) -> None:
    filled = fill(engine, text, a={}, password="hunter2")
    assert filled.text is None
    (finding,) = filled.findings
    assert (finding.rule, finding.file, finding.line) == ("helm.template", "t", line)
    assert finding.message == f"The template 't' {message}"


def test_the_missing_value_is_called_as_the_caller_calls_it(engine: Engine) -> None:
    text = "x: {{ .Values.a.b | b64enc }}"
    template = Template(name="m.yaml", text=text, data={"Values": {"a": {}}}, section="manifests.m")
    (finding,) = engine.fill([template])[0].findings
    assert finding.path == "manifests.m.a.b"
    assert finding.mend == "Give manifests.m.a.b a value."


def test_data_without_a_form_in_json_is_a_finding(engine: Engine) -> None:
    assert fill(engine, "x", bad={1, 2}).findings[0].rule == "helm.values"
    assert fill(engine, "x", bad=float("nan")).findings[0].rule == "helm.values"


def test_functions_that_differ_each_time_are_told_from_the_text() -> None:
    text = (
        'now {{ now | date "now" }} {{- /* uuidv4 */ -}} {{ randAlphaNum\n 5 }} {{ .now $now }}'
        "{{ genCA `randInt` 5 }} {{ now }}"
    )
    assert unrepeatable(text) == ["now", "randAlphaNum", "genCA"]
    assert unrepeatable("plain now") == []
