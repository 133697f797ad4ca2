"""A cluster profile, rendered: macros replaced, layers in the order of installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from packyard.charts.engine import Engine
from packyard.delivery.part import Part, stream
from packyard.delivery.profile import Deployment, render_profile
from packyard.findings import Finding
from packyard.packs.files import Files
from packyard.profiles.chart import chart_as_pack
from packyard.profiles.content import Content, Missing, PackContent
from packyard.profiles.model import Manifest, PackType, Profile, ProfileLayer, ProfileType, Variable
from tests.charts import samples as charts
from tests.delivery.test_render import NAMED, named
from tests.packs.samples import pack
from tests.profiles.samples import content, of, rules

MAP = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {a: '{{ .Values.a }}'}\n"


def held(name: str, values: str, template: str = MAP) -> tuple[PackContent, Files]:
    files = pack({"values.yaml": values, "manifests/sample.yaml": template}, name=name)
    made = PackContent.of(files)
    assert made
    return made, files


def rendered(
    engine: Engine,
    *layers: tuple[ProfileLayer, Content, Files | None],
    defined: tuple[Variable, ...] = (),
    **known: Any,
) -> tuple[tuple[Part, ...] | None, list[Finding]]:
    profile = Profile(
        name="p",
        type=ProfileType.SYSTEM,
        layers=tuple(layer for layer, _, _ in layers),
        variables=defined,
    )
    packs, files = [held for _, held, _ in layers], [files for _, _, files in layers]
    return render_profile(profile, packs, files, Deployment(**known), engine)


def layer_of(
    name: str, values: str, own: str = "", template: str = MAP, **changes: Any
) -> tuple[ProfileLayer, Content, Files]:
    made, files = held(name, values, template)
    return of(made, values=own, **changes), made, files


def data(part: Part) -> Mapping[str, Any]:
    """What the text says, which is what the part says."""
    read: Mapping[str, Any] = yaml.safe_load(part.text)
    assert read == part.data
    return read


def sample(value: str, namespace: str = "one", priority: int = 0) -> str:
    return (
        f"pack:\n  namespace: {namespace}\n  spectrocloud.com/install-priority: '{priority}'\n"
        f"manifests:\n  sample:\n    a: '{value}'\n"
    )


K8S = content("kubernetes", "k8s", "1.31.2", values="cidr: 10.0.0.0/16\n")


def test_layers_come_by_priority_with_their_macros_replaced(engine: Engine) -> None:
    version = "{{ .spectro.system.kubernetes.version | substr 0 4 }}"
    parts, findings = rendered(
        engine,
        (of(K8S), K8S, None),
        layer_of("late", sample("{{ .spectro.pack.kubernetes.cidr }}", priority=5)),
        layer_of("usual", sample("x", "two"), sample("{{.spectro.var.v}}", "two")),
        layer_of("early", sample(version, priority=-1)),
        defined=(Variable(name="v", default="d"),),
    )
    assert parts is not None, findings
    assert [part.source for part in parts] == [
        "early/values.yaml",
        "early/manifests/sample.yaml",
        "usual/values.yaml",
        "usual/manifests/sample.yaml",
        "late/manifests/sample.yaml",
    ]
    maps = [data(part)["data"]["a"] for part in parts if part.kind == "ConfigMap"]
    assert maps == ["1.31", "d", "10.0.0.0/16"]
    assert named(parts)[::2] == ["Namespace/one", "Namespace/two", "ConfigMap/a"]
    assert "# Source: late/manifests/sample.yaml\n" in stream(parts)


def test_a_namespace_is_made_once_with_the_labels_of_all(engine: Engine) -> None:
    labelled = "pack:\n  namespace: one\n  namespaceLabels:\n    one: '{}'\n"
    parts, _ = rendered(
        engine, layer_of("a", labelled.format("a=1")), layer_of("b", labelled.format("b=2"))
    )
    assert parts is not None
    (namespace,) = [data(part) for part in parts if part.kind == "Namespace"]
    assert namespace["metadata"]["labels"] == {"a": "1", "b": "2"}


def test_macros_in_a_packs_own_manifests_and_attached_ones_are_replaced(engine: Engine) -> None:
    template = MAP + "to: '{{ .spectro.system.cluster.name }}'\nof: '{{ .spectro.pack.a.own }}'\n"
    attached = Manifest(
        name="extra",
        content="kind: A\nto: '{{ .spectro.macro.m }}'\n---\nkind: B\nmetadata: {name: b}\n",
    )
    manifests = ProfileLayer(name="m", type=PackType.MANIFEST, manifests=(attached,))
    parts, findings = rendered(
        engine,
        layer_of("a", sample("x") + "own: 'it''s'\n", template=template),
        (manifests, None, None),
        system={"cluster.name": "edge-7"},
        macros={"m": "a: b"},
    )
    assert parts is not None, findings
    assert (data(parts[1])["to"], data(parts[1])["of"]) == ("edge-7", "it's")
    assert [(part.kind, part.source) for part in parts[2:]] == [("A", "m/extra"), ("B", "m/extra")]
    assert data(parts[2]) == {"kind": "A", "to": "a: b"}


def test_macros_without_quotes_in_a_packs_own_manifest_are_replaced_before_it_is_read(
    engine: Engine,
) -> None:
    bare = """\
kind: ConfigMap  # {{ .spectro.macro.n }}
metadata:
  name: {{ .spectro.macro.m }}
  labels: { {{ .spectro.macro.m }}: {{ .spectro.macro.n }}, of: {{ .spectro.pack.a.own }} }
data: &d
  {{ .spectro.macro.m }}-key: {{ .spectro.macro.n }}-{{ .spectro.macro.yes }}
  quoted: "{{ .spectro.macro.n }}"
  block: |
    {{ .spectro.macro.n }}
  list: [{{ .spectro.macro.n }}, {{ .spectro.macro.yes }}]
  endless: {{ .spectro.macro.inf }}
  hostile: {{ .spectro.macro.hostile }}
  folded: {{ .spectro.pack.a.none
    | default "1.50" }}
---
# nothing
---
kind: Namespace
metadata: {name: {{ .spectro.macro.m }}}
---
kind: List
items: [macro0n]
"""
    macros = {"m": "x", "n": "7", "yes": "true", "inf": ".inf"}
    macros["hostile"] = "1\nb: {{ .spectro.macro.m }} # '\""
    for own in ("own: o\n", "own: o\n" + sample("x")):
        parts, findings = rendered(engine, layer_of("a", own, template=bare), macros=macros)
        assert parts is not None, findings
        one, two, three = parts[-3:]
        assert named((one, two, three)) == ["ConfigMap/x", "Namespace/x", "List/"]
        assert data(one) == {
            "kind": "ConfigMap",
            "metadata": {"name": "x", "labels": {"x": 7, "of": "o"}},
            "data": {
                "x-key": "7-true",
                "quoted": "7",
                "endless": ".inf",
                "block": "7\n",
                "list": [7, True],
                "hostile": macros["hostile"],
                "folded": 1.5,
            },
        }
        assert data(two)["metadata"] == {"name": "x"}
        assert data(three)["items"] == ["macro0n"]
        assert one.source == "a/manifests/sample.yaml"
    escaped = 'kind: A\na: "{{ .spectro.macro.n | default \\"1\\" }}"\nb: {{ .spectro.macro.n }}\n'
    parts, findings = rendered(engine, layer_of("a", "own: o\n", template=escaped), macros=macros)
    assert parts is not None, findings
    assert data(parts[-1]) == {"kind": "A", "a": "7", "b": 7}


def test_macros_that_cannot_be_replaced_are_never_let_through(engine: Engine) -> None:
    unknown = "kind: A\n---\nkind: B\nof: {{ .spectro.macro.none }}\n"
    foreign = "kind: {{ .spectro.macro.m }}\n---\nkind: B\n{{- if .spectro.macro.m }}\na: [\n"
    for text, line, words in ((unknown, 4, ".spectro.macro.none is not"), (foreign, 5, "no YAML")):
        parts, findings = rendered(
            engine, layer_of("a", "a: 1\n", template=text), macros={"m": "x"}
        )
        assert (parts, rules(findings)) == (None, ["macro.unresolved"])
        assert (findings[0].layer, findings[0].line) == ("a", line), findings
        assert words in findings[0].message
        assert findings[0].file.endswith("manifests/sample.yaml")


def test_templates_see_values_whose_macros_are_replaced(engine: Engine) -> None:
    template = MAP + '{{ if semverCompare ">=1.30.0" .Values.a }}new: true{{ end }}\n'
    layer = layer_of("a", sample("{{ .spectro.system.kubernetes.version }}"), template=template)
    parts, findings = rendered(engine, (of(K8S), K8S, None), layer)
    assert parts is not None, findings
    assert data(parts[-1])["new"] is True


def test_more_macros_than_are_looked_at_are_not_let_through(engine: Engine) -> None:
    many = "kind: A\nb: |\n" + "  {{ .spectro.macro.m }}\n" * 20_001
    for layer in (layer_of("a", "a: 1\n", template=many), layer_of("a", many)):
        parts, findings = rendered(engine, layer, macros={"m": "x"})
        assert (parts, rules(findings)) == (None, ["macro.too-many"])


def test_charts_are_rendered_for_the_profiles_kubernetes(engine: Engine) -> None:
    archive = charts.chart({"a.yaml": NAMED}, name="web", values="a: 1\n")
    made, files = chart_as_pack(archive)
    assert made.values == "charts:\n  web:\n    a: 1\n"
    layer = of(made, type=PackType.HELM, values="charts:\n  web:\n    a: '{{.spectro.var.v}}'\n")
    parts, findings = rendered(
        engine,
        (of(K8S), K8S, None),
        (layer, made, files),
        defined=(Variable(name="v", required=True),),
        variables={"v": "mine"},
    )
    assert parts is not None, findings
    assert data(parts[-1])["data"] == {"a": "mine", "kubernetes": "v1.31.2"}
    assert parts[-1].source == "web/web/templates/a.yaml"


def test_what_is_not_known_is_named_and_nothing_is_rendered(engine: Engine) -> None:
    infra = content("kubernetes", "k8s", values="id: '{{ .spectro.system.cluster.uid }}'\n")
    parts, findings = rendered(
        engine,
        (of(infra), infra, None),
        layer_of("a", sample("{{ .spectro.pack.kubernetes.id }}")),
        layer_of("b", sample("{{ .spectro.system.cluster.name }}")),
        layer_of("c", sample("x"), template=MAP + "to: '{{ .spectro.macro.none }}'\n"),
        (ProfileLayer(name="gone", tag="1"), Missing(), None),
        (ProfileLayer(name="unread"), None, None),
        defined=(Variable(name="v", required=True),),
    )
    assert parts is None
    assert [(finding.rule, finding.layer, finding.line) for finding in findings] == [
        ("variable.value", "", 0),
        ("macro.unresolved", "a", 6),
        ("macro.unresolved", "b", 6),
        ("layer.pack-unknown", "gone", 0),
    ]
    parts, findings = rendered(
        engine,
        layer_of("c", sample("x"), template=MAP + "to: '{{ .spectro.macro.none }}'\n"),
        layer_of("d", sample("x"), template="{{ fail `no` }}"),
        (ProfileLayer(name="unread"), None, None),
    )
    assert parts is None
    assert rules(findings) == ["macro.unresolved", "helm.template", "layer.pack-unknown"]
    assert [finding.layer for finding in findings] == ["c", "d", "unread"]
