"""What the engine gives for charts as they should be, and what it says of those that are not."""

from __future__ import annotations

import json

import pytest

from packyard.charts.chart import Chart, Hook, Release, Rendering, Values
from packyard.charts.engine import Engine
from packyard.findings import Finding
from tests.charts.samples import CONFIG, chart, packed


def load(engine: Engine, archive: bytes) -> Chart:
    loaded, findings = engine.load(archive)
    assert loaded is not None, findings
    return loaded


def render(
    engine: Engine, archive: bytes, values: Values | None = None, release: Release | None = None
) -> Rendering:
    rendering, findings = engine.render(archive, values or {}, release or Release(name="r"))
    assert rendering is not None, findings
    return rendering


def refusal(engine: Engine, archive: bytes, values: Values | None = None) -> Finding:
    rendering, findings = engine.render(archive, values or {}, Release(name="r"))
    assert rendering is None
    assert len(findings) == 1
    return findings[0]


def test_a_chart_is_loaded_with_everything_in_it(engine: Engine) -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
    inner = chart({"b.yaml": "b: 1"}, name="inner", values="x: 1\n")
    loaded = load(
        engine,
        chart(
            {"a.yaml": CONFIG},
            about="description: of the test\ndependencies: [{name: inner, version: 1.0.0}]\n",
            values="# comment\ncolour: red\n",
            files={
                "values.schema.json": json.dumps(schema),
                "README.md": "# Read me",
                "icon.bin": b"\x00\xff",
                "charts/inner-1.0.0.tgz": inner,
            },
        ),
    )
    assert (loaded.name, loaded.version) == ("sample", "1.0.0")
    assert loaded.metadata["description"] == "of the test"
    assert loaded.values == {"colour": "red"}
    assert loaded.values_text == "# comment\ncolour: red\n"
    assert loaded.schema == schema
    assert loaded.files["icon.bin"] == b"\x00\xff"
    assert loaded.templates["templates/a.yaml"] == CONFIG
    assert loaded.templates["charts/inner-1.0.0.tgz/templates/b.yaml"] == "b: 1"
    assert [subchart["name"] for subchart in loaded.subcharts] == ["inner"]


def test_a_release_has_name_namespace_and_the_cluster_it_is_told(engine: Engine) -> None:
    text = (
        "v: {{ .Capabilities.KubeVersion.Version }}\n"
        "apis: {{ .Capabilities.APIVersions.Has `example.com/v1` }}\n"
        "who: {{ .Release.Namespace }}/{{ .Release.Name }}\n"
        "upgrade: {{ .Release.IsUpgrade }}\n"
    )
    release = Release(
        name="mine",
        namespace="there",
        kubernetes="1.29.4",
        api_versions=("example.com/v1",),
        upgrade=True,
    )
    rendering = render(engine, chart({"a.yaml": text}), release=release)
    assert rendering.manifests[0].data == {
        "v": "v1.29.4",
        "apis": True,
        "who": "there/mine",
        "upgrade": True,
    }


def test_manifests_stand_in_the_order_of_installing_and_hooks_apart(engine: Engine) -> None:
    def of(kind: str, name: str, more: str = "") -> str:
        return f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{more}"

    hook = '  annotations: {helm.sh/hook: "pre-install, test", helm.sh/hook-weight: "-5"}\n'
    unknown = "  annotations: {helm.sh/hook: some-day}\n"
    rendering = render(
        engine,
        chart(
            {
                "a.yaml": "\n---\n".join(
                    (of("Zebra", "z"), of("Deployment", "d"), of("Service", "s"), "# only this")
                ),
                "b.yaml": of("Namespace", "first", "  namespace: here\n"),
                "c.yaml": of("Job", "j", hook),
                "d.yaml": of("Job", "never", unknown),
                "e.yaml": "   \n",
                "_part.yaml": "no: manifest",
                "NOTES.txt": "Welcome {{ .Release.Name }}",
            },
            files={"crds/one.yaml": "kind: CustomResourceDefinition\n"},
        ),
    )
    assert [manifest.name for manifest in rendering.manifests] == ["first", "s", "d", "", "z"]
    assert rendering.manifests[0].namespace == "here"
    assert [(hook.name, hook.source) for hook in rendering.hooks] == [
        ("j", "sample/templates/c.yaml")
    ]
    assert rendering.hooks[0].hook == Hook(events=("pre-install", "test"), weight=-5)
    assert [entry.source for entry in rendering.definitions] == ["sample/crds/one.yaml"]
    assert rendering.notes == "Welcome r"


def test_subcharts_get_their_values_and_stay_away_where_switched_off(engine: Engine) -> None:
    inner = chart({"a.yaml": CONFIG}, name="inner", values="colour: blue\n")
    about = "dependencies: [{name: inner, version: 1.0.0, condition: inner.enabled}]\n"
    outer = chart(about=about, files={"charts/inner-1.0.0.tgz": inner})
    (manifest,) = render(engine, outer, {"inner": {"colour": "green"}}).manifests
    assert manifest.source == "sample/charts/inner/templates/a.yaml"
    assert manifest.data["data"] == {"colour": "green"}
    assert not render(engine, outer, {"inner": {"enabled": False}}).manifests


def test_the_host_and_the_cluster_are_out_of_reach(engine: Engine) -> None:
    text = (
        'pods: {{ lookup "v1" "Pod" "" "" | toJson }}\n'
        'address: {{ getHostByName "localhost" | quote }}\n'
        'file: {{ .Files.Get "/etc/hostname" | quote }}\n'
        'up: {{ .Files.Get "../../etc/hostname" | quote }}\n'
    )
    (manifest,) = render(engine, chart({"a.yaml": text})).manifests
    assert manifest.data == {"pods": {}, "address": "", "file": "", "up": ""}
    for function in ("env", "expandenv"):
        finding = refusal(engine, chart({"a.yaml": f'{{{{ {function} "HOME" }}}}'}))
        assert f'function "{function}" not defined' in finding.message


@pytest.mark.parametrize(
    ("template", "values", "path", "line", "message"),
    [
        (
            "a\n{{ .Values.a.b.c }}",
            {},
            "a.b.c",
            2,
            "<.Values.a.b.c> finds nothing. Not set: a.b.c.",
        ),
        ("a: {{ .Values.x | b64enc }}", {}, "x", 1, "<b64enc> fails: "),
        (
            '{{ required "say who" .Values.who }}',
            {},
            "who",
            1,
            "asks for more: say who. Not set: who.",
        ),
        ('{{ if .Values.bad }}{{ fail "bad!" }}{{ end }}', {"bad": True}, "", 1, "refuses: bad!."),
        ('\n\n{{ include "p" .Values }}', {}, "", 3, 'no template "p"'),
        (
            "{{ .Values.a | nope }}",
            {},
            "",
            1,
            'cannot be parsed as a template: function "nope" not defined',
        ),
        ("{{ if }}", {}, "", 1, "missing value for if"),
        ("{{ range .Values.a }}", {}, "", 1, "unexpected EOF"),
    ],
)
def test_a_failing_template_is_named_with_line_and_missing_value(
    engine: Engine, template: str, values: Values, path: str, line: int, message: str
) -> None:
    finding = refusal(engine, chart({"t.yaml": template}), values)
    assert finding.rule == "helm.template"
    assert (finding.file, finding.line, finding.path) == ("sample/templates/t.yaml", line, path)
    assert message in finding.message


def test_the_innermost_template_is_named_and_the_value_as_the_parent_has_it(engine: Engine) -> None:
    inner = chart(
        {
            "a.yaml": '\n{{ include "x" . }}',
            "_h.tpl": '{{ define "x" }}\n{{ .Values.a.b }}{{ end }}',
        },
        name="inner",
    )
    about = "dependencies: [{name: inner, version: 1.0.0}]\n"
    finding = refusal(engine, chart(about=about, files={"charts/inner-1.0.0.tgz": inner}))
    assert (finding.file, finding.line) == ("sample/charts/inner/templates/_h.tpl", 2)
    assert finding.path == "inner.a.b"


def test_messages_do_not_repeat_what_was_given(engine: Engine) -> None:
    secret = "hunter2-and-more"
    leaks = chart(
        {"a.yaml": '{{ fail (printf "%s is weak" .Values.password) }}'}, values="colour: crimson\n"
    )
    finding = refusal(engine, leaks, {"password": secret, "colour": "crimson"})
    assert finding.message.endswith("it refuses: *** is weak.")
    schema = {"properties": {"password": {"pattern": "^[0-9]+$"}}}
    strict = chart(files={"values.schema.json": json.dumps(schema)})
    finding = refusal(engine, strict, {"password": secret})
    assert finding.path == "password"
    assert secret not in str(finding)
    output = refusal(engine, chart({"a.yaml": "- {{ .Values.password }}"}), {"password": secret})
    assert secret not in str(output)


@pytest.mark.parametrize(
    ("archive", "rule", "message"),
    [
        (b"", "helm.archive", "no gzipped tar file"),
        (b"nothing of the kind", "helm.archive", "no gzipped tar file"),
        (chart()[:-20], "helm.archive", "no gzipped tar file"),
        (packed({}), "helm.archive", "holds no files"),
        (packed({"c/README.md": "x"}), "helm.invalid", "Chart.yaml file is missing"),
        (packed({"Chart.yaml": "x"}), "helm.archive", "lies in no folder"),
        (packed({"c/../../x": "x"}), "helm.archive", "lies in no folder"),
        (
            packed({"c/Chart.yaml": "apiVersion: v2\nversion: 1.0.0\n"}),
            "helm.invalid",
            "name is required",
        ),
        (
            packed({"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: one\n"}),
            "helm.invalid",
            "version",
        ),
        (packed({"c/Chart.yaml": "name: [\n"}), "helm.invalid", "Chart.yaml"),
        (chart(values="a: [\n"), "helm.invalid", "values.yaml"),
        (
            chart(files={"charts/x.tgz": b"no chart"}),
            "helm.archive",
            "'charts/x.tgz' in the chart",
        ),
        (chart(files={"values.schema.json": "{"}), "helm.schema-form", "not JSON"),
    ],
)
def test_what_is_no_chart_is_refused_with_a_reason(
    engine: Engine, archive: bytes, rule: str, message: str
) -> None:
    for loaded, findings in (engine.load(archive), engine.render(archive, {}, Release(name="r"))):
        assert loaded is None
        assert [finding.rule for finding in findings] == [rule]
        assert message in findings[0].message


@pytest.mark.parametrize(
    ("archive", "release", "rule", "message"),
    [
        (chart(about="type: library\n"), Release(name="r"), "helm.library", "library chart"),
        (
            chart(about="dependencies: [{name: other, version: 1.0.0}]\n"),
            Release(name="r"),
            "helm.dependency",
            "does not hold: other.",
        ),
        (
            chart(about='kubeVersion: ">=1.30"\n'),
            Release(name="r", kubernetes="1.29.0"),
            "helm.kubernetes",
            "made for Kubernetes >=1.30, not for v1.29.0.",
        ),
        (
            chart(),
            Release(name="r", kubernetes="newest"),
            "helm.release",
            "no version of Kubernetes",
        ),
        (chart(), Release(name="No"), "helm.release", "no name of a release"),
        (chart({"a.yaml": "a: [}"}), Release(name="r"), "helm.manifest", "is no manifest"),
        (chart({"a.yaml": "- a"}), Release(name="r"), "helm.manifest", "is no manifest"),
        (
            chart({"a.yaml": "metadata: x"}),
            Release(name="r"),
            "helm.manifest",
            "metadata is no map",
        ),
    ],
)
def test_what_helm_would_not_install_is_not_rendered(
    engine: Engine, archive: bytes, release: Release, rule: str, message: str
) -> None:
    rendering, findings = engine.render(archive, {}, release)
    assert rendering is None
    assert [finding.rule for finding in findings] == [rule]
    assert message in findings[0].message


def test_a_version_of_kubernetes_that_fits_does(engine: Engine) -> None:
    fitting = chart(about='kubeVersion: ">=1.29.0 <1.31.0"\n')
    for version in ("1.29.0", "v1.30.7", "v1.30.2-gke.100"):
        render(engine, fitting, release=Release(name="r", kubernetes=version))


def test_values_that_break_the_schema_are_named_all_at_once(engine: Engine) -> None:
    schema = {
        "properties": {"port": {"type": "integer"}, "host": {"minLength": 1}},
        "required": ["name"],
    }
    archive = chart(files={"values.schema.json": json.dumps(schema)})
    _, findings = engine.render(archive, {"port": "http", "host": ""}, Release(name="r"))
    assert {finding.rule for finding in findings} == {"helm.values"}
    assert sorted(finding.path for finding in findings) == ["", "host", "port"]


def test_helm_lints_with_the_values_given(engine: Engine) -> None:
    icon = "icon: https://example.com/i.png\n"
    archive = chart({"a.yaml": CONFIG + "# {{ .Values.a.b }}"}, about=icon, values="x: 1\n")
    (warning,) = engine.lint(archive, kubernetes="1.30.0")
    assert (warning.rule, warning.file) == ("helm.lint", "templates/")
    assert not engine.lint(archive, {"a": {"b": 1}})
    (hint,) = engine.lint(chart({"a.yaml": ""}, values="x: 1\n"))
    assert (hint.rule, hint.file) == ("helm.lint-hint", "Chart.yaml")


def test_streams_are_read_each_by_itself(engine: Engine) -> None:
    first, bad, last = engine.read({"a": "kind: A\n---\nkind: B\n", "b": "- c\n", "d": "# no\n"})
    assert first.manifests is not None
    assert [(manifest.source, manifest.kind) for manifest in first.manifests] == [
        ("a", "A"),
        ("a", "B"),
    ]
    assert bad.manifests is None
    assert [(finding.rule, finding.file) for finding in bad.findings] == [("helm.manifest", "b")]
    assert last.manifests is not None
    assert last.manifests[0].data == {}
    assert engine.read({}) == []


def test_what_is_nested_without_measure_is_a_finding(engine: Engine) -> None:
    deep = f"a: {'[' * 900}{']' * 900}"
    deeper = f"a: {'[' * 9000}{']' * 9000}"
    for text in (deep, deeper):
        for archive in (chart({"a.yaml": text}), chart(values=text)):
            for result, findings in (
                engine.load(archive),
                engine.render(archive, {}, Release(name="r")),
            ):
                assert result is not None or findings
    nested: object = []
    for _ in range(5000):
        nested = [nested]
    rendering, findings = engine.render(chart(), {"a": nested}, Release(name="r"))
    assert rendering is None
    assert findings
    assert engine.load(chart())[0]
