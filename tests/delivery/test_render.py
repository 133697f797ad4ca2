"""Packs of our own, rendered: whose values, which names, in which order, with what left alone."""

from __future__ import annotations

import time

import pytest
import yaml

from packyard.charts.engine import Engine
from packyard.delivery.macros import guarded, holds_macro
from packyard.delivery.namespaces import pairs
from packyard.delivery.part import Part, files_of, stream
from packyard.delivery.render import Cluster, render
from packyard.findings import Finding
from packyard.packs.files import Files
from packyard.packs.model import parse_pack_json
from packyard.packs.values import Document
from tests.charts import samples as charts
from tests.packs.samples import chart_pack, pack

NAMED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}"}
data: {a: "{{ .Values.a }}", kubernetes: "{{ .Capabilities.KubeVersion.Version }}"}
"""
HOOK = """\
apiVersion: batch/v1
kind: Job
metadata: {name: before, annotations: {helm.sh/hook: pre-install}}
"""


def outcome(
    files: Files, engine: Engine, cluster: Cluster | None = None
) -> tuple[tuple[Part, ...] | None, list[Finding]]:
    about, _ = parse_pack_json(files["pack.json"].data)
    values, _ = Document.parse(files["values.yaml"].data)
    assert about is not None
    assert values is not None
    return render(files, about, values, engine, cluster)


def parts_of(files: Files, engine: Engine, cluster: Cluster | None = None) -> tuple[Part, ...]:
    parts, findings = outcome(files, engine, cluster)
    assert parts is not None, findings
    return parts


def named(parts: tuple[Part, ...]) -> list[str]:
    return [f"{part.kind}/{part.name}" if part.kind else part.source for part in parts]


def engine_chart(**changes: object) -> bytes:
    templates = {"a.yaml": NAMED, "h.yaml": HOOK, "NOTES.txt": "hello"}
    return charts.chart(
        templates, name="engine", values="a: 1\n", files={"crds/c.yaml": "kind: X\n"}
    )


def test_a_chart_has_its_section_its_release_and_the_packs_namespace(engine: Engine) -> None:
    files = chart_pack({"charts/engine-1.0.0.tgz": engine_chart()})
    parts = parts_of(files, engine, Cluster(kubernetes="1.29.3"))
    assert named(parts) == [
        "Namespace/sample",
        "engine/crds/c.yaml",
        "ConfigMap/sample-engine",
        "Job/before",
    ]
    config = parts[2]
    assert config.chart == "engine"
    assert config.data["metadata"]["namespace"] == "sample"
    assert config.data["data"] == {"a": "2", "kubernetes": "v1.29.3"}
    assert parts[3].hook is not None
    assert stream(parts).startswith("---\n# Source: values.yaml\napiVersion: v1\n")
    assert "# Source: engine/templates/h.yaml\n# Hook: pre-install\napiVersion: batch" in stream(
        parts
    )
    assert list(files_of(parts)) == [
        "0001-namespace-sample.yaml",
        "0002-c.yaml",
        "0003-configmap-sample-engine.yaml",
        "hooks/0004-job-before.yaml",
    ]


def test_release_and_namespace_are_what_the_values_say(engine: Engine) -> None:
    values = "pack: {releaseNameOverride: {engine: motor, other: x}}\n"
    files = chart_pack({"charts/engine-1.0.0.tgz": engine_chart(), "values.yaml": values})
    parts = parts_of(files, engine)
    assert named(parts)[1] == "ConfigMap/motor"
    assert parts[1].data["metadata"]["namespace"] == "default"
    assert parts[1].data["data"]["a"] == "1"


def test_a_chart_that_is_there_only_unpacked_is_packaged(engine: Engine) -> None:
    files = chart_pack(
        {
            "charts/engine-1.0.0.tgz": None,
            "charts/engine/Chart.yaml": charts.CHART.format(name="engine"),
            "charts/engine/templates/a.yaml": NAMED,
        }
    )
    assert named(parts_of(files, engine)) == ["Namespace/sample", "ConfigMap/sample-engine"]


def test_manifests_are_filled_only_where_they_have_a_section(engine: Engine) -> None:
    text = "kind: ConfigMap\nmetadata: {name: one}\ndata: {port: '{{ .Values.port }}'}\n"
    files = pack(
        {
            "manifests/sample.yaml": text,
            "manifests/deep/er/plain.yaml": text + "---\nkind: List\n--- # only this\n",
            "manifests/empty.yaml": "kind: Thing\ndata: '{{ .Values.none }}'\n",
            "values.yaml": "manifests: {sample: {port: 80}, empty: null}\n",
        },
        kubeManifests=[
            "manifests/deep/er/plain.yaml",
            "manifests/sample.yaml",
            "manifests/empty.yaml",
        ],
    )
    parts = parts_of(files, engine)
    assert named(parts) == ["ConfigMap/one", "List/", "ConfigMap/one", "Thing/"]
    assert parts[0].data["data"] == {"port": "{{ .Values.port }}"}
    assert parts[2].data["data"] == {"port": "80"}
    assert parts[3].data["data"] == ""


def test_manifests_are_templates_of_any_kind(engine: Engine) -> None:
    """A whole document out of values, an address that may lack its scheme, a key that stands twice:
    Kubernetes takes the last."""
    text = """\
{{ .Values.contents }}
---
kind: ConfigMap
data:
  at: {{ if hasPrefix "https://" .Spectro.apiServer }}{{ .Spectro.apiServer }}{{ else }}\
{{ printf "https://%s" .Spectro.apiServer }}{{ end }}
---
kind: List
items: [1]
items: [{{ .Values.last }}]
"""
    section = (
        "manifests:\n  sample:\n    last: 2\n    contents: |\n      kind: Thing\n      a: {b: c}\n"
    )
    parts = parts_of(pack({"manifests/sample.yaml": text, "values.yaml": section}), engine)
    assert [part.data for part in parts] == [
        {"kind": "Thing", "a": {"b": "c"}},
        {"kind": "ConfigMap", "data": {"at": "https://"}},
        {"kind": "List", "items": [2]},
    ]


def test_what_is_not_to_be_filled_may_be_any_text(engine: Engine) -> None:
    foreign = "{{ range workflow }}\nkey: {{ gateway_name }}\n  bad: [\n"
    files = pack({"manifests/sample.yaml": foreign, "values.yaml": "pack: {namespace: x}\n"})
    parts = parts_of(files, engine)
    assert [part.text for part in parts[1:]] == [foreign]
    assert list(files_of(parts))[1] == "0002-sample.yaml"


def test_macros_stay_in_values_and_templates(engine: Engine) -> None:
    text = (
        "kind: ConfigMap\ndata:\n"
        "  a: '{{ .spectro.system.cluster.name | upper }}'\n"
        "  b: '{{- .spectro.macro.x -}}'\n"
        "  c: {{ .Values.c | quote }}\n"
        "  d: v{{ .spectro.var.version }}\n"
        "  e: '{{ .Spectro.cluster }}'\n"
    )
    macro = "{{ .spectro.var.c }}"
    values = f'manifests: {{sample: {{c: "{macro}"}}}}\n'
    (part,) = parts_of(pack({"manifests/sample.yaml": text, "values.yaml": values}), engine)
    assert part.data["data"] == {
        "a": "{{ .spectro.system.cluster.name | upper }}",
        "b": "{{ .spectro.macro.x }}",
        "c": macro,
        "d": "v{{ .spectro.var.version }}",
        "e": "{{ .spectro.system.cluster.name }}",
    }
    unquoted = "kind: X\nreplicas: {{ .spectro.var.replicas }}\n"
    values = "manifests: {sample: {}}\n"
    (part,) = parts_of(pack({"manifests/sample.yaml": unquoted, "values.yaml": values}), engine)
    assert part.text == unquoted


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{.spectro.var.x}}", "{{ `{{.spectro.var.x}}` }}"),
        ("a{{- .spectro.var.x -}}b", "a{{- `{{ .spectro.var.x }}` -}}b"),
        ("{{ .spectro.var.x\n | upper }}", "{{ `{{ .spectro.var.x\n | upper }}` }}"),
        ("{{ .spectro.x | default `a` }}", '{{ "{{ .spectro.x | default `a` }}" }}'),
        ('{{ printf "%s }}" .spectro.x }}', '{{ `{{ printf "%s }}" .spectro.x }}` }}'),
        ("{{/* .spectro.x */}}", "{{/* .spectro.x */}}"),
        ("{{ .Values.spectro.x }}{{ .spectroX }}", "{{ .Values.spectro.x }}{{ .spectroX }}"),
        ("spectro. {{ }} .spectro.x", "spectro. {{ }} .spectro.x"),
    ],
)
def test_a_macro_is_guarded_where_it_stands(text: str, result: str) -> None:
    assert guarded(text) == result
    assert holds_macro(text) == (text != result)


def test_namespaces_come_first_once_with_labels_and_annotations(engine: Engine) -> None:
    values = """\
pack:
  namespace: own
  additionalNamespaces: "more, own ,third"
  namespaceLabels:
    own: "a.b/c=v{{ .spectro.system.kubernetes.version | substr 0 4 }},d=e=f, g = h ,broken"
    default: team=red
    brought: "x=1"
  namespaceAnnotations: {third: "note={{ list \\"a,b\\" | .spectro.x }}", none: ""}
manifests: {}
"""
    brought = "apiVersion: v1\nkind: Namespace\nmetadata: {name: brought, labels: {has: '2'}}\n"
    parts = parts_of(pack({"values.yaml": values, "manifests/sample.yaml": brought}), engine)
    assert named(parts) == [
        "Namespace/own",
        "Namespace/more",
        "Namespace/third",
        "Namespace/default",
        "Namespace/brought",
    ]
    made = [yaml.safe_load(part.text) for part in parts]
    assert made == [part.data for part in parts]
    metadata = {entry["metadata"]["name"]: entry["metadata"] for entry in made}
    version = "v{{ .spectro.system.kubernetes.version | substr 0 4 }}"
    assert metadata["own"]["labels"] == {"a.b/c": version, "d": "e=f", "g": "h"}
    assert metadata["more"] == {"name": "more"}
    assert metadata["third"]["annotations"] == {"note": '{{ list "a,b" | .spectro.x }}'}
    assert metadata["default"]["labels"] == {"team": "red"}
    assert metadata["brought"]["labels"] == {"has": "2", "x": "1"}


def test_additional_namespaces_may_be_a_map_and_default_is_not_made(engine: Engine) -> None:
    values = "pack: {additionalNamespaces: {a: '', b: null}}\n"
    files = pack({"values.yaml": values, "manifests/sample.yaml": "# nothing\n"})
    assert named(parts_of(files, engine)) == ["Namespace/a", "Namespace/b"]


def test_pairs_of_any_text_take_no_time() -> None:
    started = time.process_time()
    for text in ("{{a}}" * 5000, "{{" * 5000, "a=," * 5000, "{{,=" * 5000):
        pairs(text)
    assert time.process_time() - started < 2


def test_everything_that_is_wrong_comes_out_at_once(engine: Engine) -> None:
    failing = charts.chart({"a.yaml": "\n{{ .Values.a.b.c }}"}, name="failing")
    files = pack(
        {
            "charts/failing.tgz": failing,
            "charts/none.tgz": "no chart",
            "charts/listed.tgz": charts.chart(name="listed"),
            "charts/long.tgz": charts.chart(name="x" * 60),
            "manifests/sample.yaml": "a: {{ .Values.version | semver }}\n",
            "manifests/broken.yaml": "a: [}\n",
            "values.yaml": (
                "charts: {listed: []}\n"
                "manifests: {sample: {version: '{{ .spectro.var.v }}'}, broken: {}}\n"
            ),
        },
        charts=[f"charts/{name}.tgz" for name in ("failing", "none", "absent", "listed", "long")],
        kubeManifests=[f"manifests/{name}.yaml" for name in ("sample", "broken", "lost")],
    )
    parts, findings = outcome(files, engine)
    assert parts is None
    told = [(finding.rule, finding.file, finding.path, finding.line) for finding in findings]
    assert told == [
        ("helm.template", "failing/templates/a.yaml", "charts.failing.a.b.c", 2),
        ("archive.truncated", "charts/none.tgz", "", 0),
        ("files.named-missing", "pack.json", "", 0),
        ("values.type", "values.yaml", "charts.listed", 1),
        ("helm.release", "", "", 0),
        ("files.named-missing", "pack.json", "", 0),
        ("helm.template", "manifests/sample.yaml", "manifests.sample.version", 1),
        ("helm.manifest", "manifests/broken.yaml", "", 0),
    ]
    assert findings[4].mend == f"Name it in pack.releaseNameOverride.{'x' * 60}."
    assert "holds a macro, which is not resolved here." in findings[6].message
