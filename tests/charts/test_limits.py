"""Charts made to harm whoever renders them: ended within their limits, and others go on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from packyard.charts.chart import Release
from packyard.charts.engine import Engine
from packyard.charts.pool import Limits
from packyard.charts.template import Template
from tests.charts.samples import CONFIG, chart, packed

RELEASE = Release(name="r")
MIB = 1024**2
LOOP = "{{ range until 60000 }}{{ range until 60000 }}{{ end }}{{ end }}"
GROW = '{{ $s := "0123456789abcdef" }}{{ range until 40 }}{{ $s = print $s $s }}{{ end }}'
KEEP = '{{ $l := list }}{{ range until 100000 }}{{ $l = append $l (repeat 100000 "x") }}{{ end }}'
RENDER = 'a: {{ $s := repeat 1048576 "x" }}{{ range until %d }}{{ $s }}{{ end }}'


@pytest.fixture(scope="module")
def narrow() -> Iterator[Engine]:
    """Two processes with little of everything."""
    limits = Limits(seconds=5, memory=512 * MIB, output=4 * MIB)
    with Engine(2, limits) as engine:
        yield engine


@pytest.mark.parametrize(
    ("template", "rules"),
    [
        (LOOP, {"helm.time"}),
        (GROW, {"helm.memory"}),
        (KEEP, {"helm.memory"}),
        ('{{ repeat 10000000000 "x" }}', {"helm.memory"}),
        (RENDER % 1024, {"helm.memory"}),
        (RENDER % 100, {"helm.memory", "helm.output"}),
        (RENDER % 5, {"helm.output"}),
    ],
    ids=["loop", "grow", "keep", "repeat", "one-gibibyte", "100-mebibytes", "5-mebibytes"],
)
def test_a_template_without_end_or_measure_is_ended_and_others_go_on(
    narrow: Engine, template: str, rules: set[str]
) -> None:
    results: list[object] = []

    def others() -> None:
        results.extend(narrow.render(chart({"a.yaml": CONFIG}), {}, RELEASE)[0] for _ in range(5))

    thread = threading.Thread(target=others)
    started = time.monotonic()
    thread.start()
    rendering, findings = narrow.render(chart({"a.yaml": template}), {}, RELEASE)
    assert time.monotonic() - started < 30
    thread.join(timeout=60)
    assert rendering is None
    assert {finding.rule for finding in findings} <= rules
    assert len(findings) == 1
    assert len(results) == 5
    assert all(results)


def test_recursion_without_end_is_a_fault_of_the_template(engine: Engine) -> None:
    for call in (
        '{{ include "a" . }}',
        '{{ template "a" . }}',
        '{{ tpl "{{ include `a` . }}" . }}',
    ):
        text = f'{{{{ define "a" }}}}{call}{{{{ end }}}}{{{{ include "a" . }}}}'
        rendering, (finding, *_) = engine.render(chart({"a.yaml": text}), {}, RELEASE)
        assert rendering is None
        assert finding.rule == "helm.template"


def test_archives_that_unpack_to_too_much_are_refused(engine: Engine) -> None:
    zeros = bytes(4 * MIB)
    bomb = packed({"c/Chart.yaml": "x"} | {f"c/{n}": zeros for n in range(30)}, level=9)
    nested = packed({"c/Chart.yaml": "x"} | {f"c/charts/{n}.tgz": bomb[:] for n in range(3)})
    large = packed({"c/Chart.yaml": "x", "c/large": bytes(6 * MIB)}, level=9)
    many = packed({f"c/{n}": "" for n in range(20_001)}, level=1)
    deep = chart(name="x0")
    for level in range(1, 18):
        deep = chart(name=f"x{level}", files={"charts/x.tgz": deep})
    folders = chart(files={f"{'charts/a/' * 40}Chart.yaml": "name: a"})
    assert len(bomb) < 200_000
    for archive in (bomb, nested, large, many, deep, folders):
        loaded, findings = engine.load(archive)
        assert loaded is None
        assert [finding.rule for finding in findings] == ["helm.too-large"]


@pytest.fixture(scope="module")
def network() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


OUTSIDE = [
    {"$ref": "{at}/ref"},
    {"$ref": "{file}"},
    {"$ref": "file://{file}#/x"},
    {"$ref": "../other.json"},
    {"$schema": "{at}/meta"},
    {"$schema": "http://json-schema.org/draft-03/schema#"},
    {"$id": "{at}/id", "$ref": "other"},
    {"properties": {"a": {"items": [{"$ref": "{at}/deep"}]}}},
    {"properties": {"a": {"$schema": "{at}/inner"}}},
    {"$dynamicRef": "{at}/dynamic"},
    {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveRef": "{at}/rec"},
    {"$ref": "#/x", "x": {"$ref": "{at}/pointed"}},
]
INSIDE = [
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/a",
        "$defs": {"a": {}},
    },
    {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "{at}/id",
        "$ref": "#/definitions/a",
    }
    | {"definitions": {"a": {}}},
    {"$id": "{at}/id", "$defs": {"a": {"$id": "part", "$anchor": "b"}}, "$ref": "{at}/part#b"},
    {"default": {"$ref": "{at}/data"}, "enum": [{"$ref": "{at}/data"}, {}]},
    {"properties": {"$ref": {"type": "string"}, "$schema": {"type": "string"}}},
]


def schema_of(content: object, at: str, file: Path) -> str:
    text = json.dumps(content)
    return text.replace("{at}", at).replace("{file}", str(file))


def test_schemas_that_lead_outside_are_refused_before_anything_is_fetched(
    engine: Engine, network: tuple[str, list[str]], tmp_path: Path
) -> None:
    at, asked = network
    (tmp_path / "s.json").write_text('{"required": ["never"]}')
    for content in OUTSIDE:
        schema = schema_of(content, at, tmp_path / "s.json")
        inner = chart(name="inner", files={"values.schema.json": schema})
        for archive in (
            chart(files={"values.schema.json": schema}),
            chart(files={"charts/inner-1.0.0.tgz": inner}),
            chart(
                files={"charts/in/Chart.yaml": "name: in", "charts/in/values.schema.json": schema}
            ),
        ):
            for result, findings in (
                engine.load(archive),
                engine.render(archive, {}, RELEASE),
                (None, engine.lint(archive)),
            ):
                assert result is None
                assert {finding.rule for finding in findings} == {"helm.schema-remote"}, schema
    assert not asked


def test_schemas_that_refer_to_themselves_are_used(
    engine: Engine, network: tuple[str, list[str]], tmp_path: Path
) -> None:
    at, asked = network
    for content in INSIDE:
        archive = chart(files={"values.schema.json": schema_of(content, at, tmp_path)})
        rendering, findings = engine.render(archive, {}, RELEASE)
        assert rendering is not None, findings
    assert not asked


def test_what_the_check_does_not_see_fails_for_want_of_files_and_sockets(
    engine: Engine, network: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference hides behind data that claims to embed what it refers to."""
    at, asked = network
    for hidden in ({"const": {}, "$defs": {"const": {"$id": f"{at}/x"}}, "$ref": f"{at}/x#/y"},):
        archive = chart(files={"values.schema.json": json.dumps(hidden)})
        rendering, findings = engine.render(archive, {}, RELEASE)
        assert rendering is None
        assert findings
    assert not asked


def test_filling_templates_is_limited_too(narrow: Engine) -> None:
    filled = narrow.fill(
        [Template(name="good", text="x", data={}), Template(name="bad", text=LOOP, data={})]
    )
    assert [entry.text for entry in filled] == [None, None]
    assert {finding.rule for entry in filled for finding in entry.findings} == {"helm.time"}
    assert narrow.fill([Template(name="good", text="x", data={})])[0].text == "x"
