"""Which values the templates of a chart can read."""

from __future__ import annotations

from typing import Any

import pytest

from packyard.charts.chart import Chart
from packyard.delivery.reads import Reads


def unread(
    template: str,
    given: dict[str, Any],
    *,
    defaults: dict[str, Any] | None = None,
    files: dict[str, str] | None = None,
    dependencies: list[dict[str, Any]] | None = None,
    text: str = "",
) -> list[str]:
    contents = {"templates/a.yaml": template, **(files or {})}
    chart = Chart(
        metadata={"name": "web", "version": "1.0.0", "dependencies": dependencies or []},
        values=defaults or {},
        files={name: content.encode() for name, content in contents.items()},
    )
    return [".".join(path) for path in Reads.of(chart, text).unread(given, chart.values)]


@pytest.mark.parametrize(
    ("template", "given", "expected"),
    [
        ("{{ .Values.a }}", {"a": 1, "b": 2}, ["b"]),
        ("{{ .Values.a.b }}", {"a": {"b": 1, "c": 2}}, ["a.c"]),
        ("{{ .Values.a }}", {"a": {"b": {"c": 1}}}, []),
        ("{{ toYaml .Values }}", {"any": 1}, []),
        ('{{ index .Values "a-b" }}', {"a-b": 1}, []),
        ('{{ index .Values.a "b-c" }}', {"a": {"b-c": 1}, "d": 1}, ["d"]),
        ("{{ with .Values.a }}{{ .b }}{{ end }}", {"a": {"b": 1}}, []),
        ("{{ $.Values.a }} {{ $root.Values.b }}", {"a": 1, "b": 1, "c": {"d": 1}}, ["c"]),
        ("{{ .ValuesOf.a }}", {"a": 1}, ["a"]),
        ("{{ .Values.a.b.c }}", {"a": {"b": {"d": 1}, "e": 1}}, ["a.b.d", "a.e"]),
    ],
)
def test_a_value_counts_as_unread_where_no_reference_reaches_it(
    template: str, given: dict[str, Any], expected: list[str]
) -> None:
    assert unread(template, given) == expected


def test_what_the_charts_authors_put_there_is_passed_over() -> None:
    assert unread("", {"a": {"b": 1, "c": 1}}, defaults={"a": {"b": 0}}) == ["a.c"]


def test_values_that_are_templates_read_too() -> None:
    assert unread("", {"a": "{{ .Values.b }}", "b": 1}, text="a: '{{ .Values.b }}'") == ["a"]


@pytest.mark.parametrize("folder", ["charts/db/", "charts/db-1.0.0.tgz/"])
def test_subcharts_read_below_their_names_and_aliases(folder: str) -> None:
    files = {
        f"{folder}Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
        f"{folder}templates/b.yaml": "{{ .Values.port }} {{ .Values.global.zone }}",
    }
    given = {
        "db": {"port": 1, "prot": 1},
        "store": {"port": 1},
        "global": {"zone": "a"},
        "port": 1,
    }
    both = [{"name": "db"}, {"name": "db", "alias": "store", "condition": "store.enabled, on"}]
    assert unread("", {**given, "on": True}, files=files, dependencies=both) == ["db.prot", "port"]
    assert unread("", given, files=files) == ["db.prot", "store", "port"]
