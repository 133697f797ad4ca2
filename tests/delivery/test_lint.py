"""What only rendering tells of a pack: each rule alone, at its place."""

from __future__ import annotations

import pytest

from packyard.charts.engine import Engine
from packyard.delivery.lint import lint_rendered
from packyard.findings import Finding, Severity
from packyard.packs.files import File, Files
from tests.charts.samples import chart
from tests.packs.samples import pack, pack_json

POD = """\
kind: Pod
apiVersion: v1
metadata: {name: web}
spec:
  containers:
    - name: web
      image: {{ .Values.image }}
"""
LISTED = "pack:\n  namespace: web\n  content:\n    images:\n"
VALUES = "charts:\n  web:\n    image: ghcr.io/sample/web:1.2\n"


def chart_pack(
    values: str, template: str = POD, *, own: str = "image: ghcr.io/sample/web:1\n"
) -> Files:
    files = pack({"values.yaml": values, "manifests/sample.yaml": None})
    about = pack_json(charts=["charts/web.tgz"], kubeManifests=None)
    archive = chart({"web.yaml": template}, name="web", values=own)
    return {**files, "pack.json": File(about), "charts/web.tgz": File(archive)}


def told(files: Files, engine: Engine) -> list[tuple[str, str, int]]:
    return [(found.rule, found.path, found.line) for found in lint_rendered(files, engine)]


def listed(*images: str) -> str:
    return LISTED + "".join(f"      - image: {image}\n" for image in images) + VALUES


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (listed("ghcr.io/sample/web:1.2"), []),
        (VALUES, [("images.unlisted", "pack.content.images", 0)]),
        (listed("ghcr.io/sample/web:1"), [("images.unlisted", "pack.content.images", 4),
                                          ("images.unused", "pack.content.images[0]", 5)]),
        (listed("ghcr.io/sample/web:1.2", "ghcr.io/sample/old:1"),
         [("images.unused", "pack.content.images[1]", 6)]),
        (listed("ghcr.io/sample/web:1.2", "{{ .spectro.macro.image }}"), []),
        (listed("ghcr.io/sample/web:1.2") + "    imgae: x\n",
         [("charts.value-unread", "charts.web.imgae", 9)]),
    ],
)  # fmt: skip
def test_each_rule_is_found_at_its_place(
    values: str, expected: list[tuple[str, str, int]], engine: Engine
) -> None:
    assert told(chart_pack(values), engine) == expected


@pytest.mark.parametrize(
    ("expression", "word"),
    [("randAlphaNum 12", "randAlphaNum"), ('now | date "2006"', "now"), ("uuidv4", "uuidv4")],
)
def test_a_template_that_leaves_it_to_chance_is_named(
    expression: str, word: str, engine: Engine
) -> None:
    template = POD + f"    - name: {{{{ {expression} | quote }}}}\n"
    (finding,) = lint_rendered(chart_pack(listed("ghcr.io/sample/web:1.2"), template), engine)
    assert finding.rule == "charts.unrepeatable"
    assert "web/templates/web.yaml" in finding.message
    assert word in finding.message


@pytest.mark.parametrize(
    ("expression", "section", "expected"),
    [
        ("randAlphaNum 12", "sample: {}", ["manifests.unrepeatable"]),
        ('now | date "2006"', "sample: {}", ["manifests.unrepeatable"]),
        ("now", "other: {}", []),
        (".Values.key", "sample: {key: now}", []),
    ],
)
def test_a_manifest_that_leaves_it_to_chance_is_named_where_it_is_rendered(
    expression: str, section: str, expected: list[str], engine: Engine
) -> None:
    manifest = f"kind: ConfigMap\nmetadata: {{name: a}}\ndata: {{a: '{{{{ {expression} }}}}'}}\n"
    files = pack({"values.yaml": f"manifests: {{{section}}}\n", "manifests/sample.yaml": manifest})
    findings = lint_rendered(files, engine)
    assert [finding.rule for finding in findings] == expected
    assert all("manifests/sample.yaml" in finding.message for finding in findings)
    assert all(finding.path == "manifests.sample" for finding in findings)


def test_macros_that_nothing_can_fill_are_named_where_they_stand(engine: Engine) -> None:
    """Which only a profile's check, or for manifests its render, told before."""
    manifest = (
        "kind: A\nto: {{ .spectro.system.clster.name }}\n---\nkind: B\n"
        "of: '{{ .spectro.macros.x | upper }} {{ .spectro.macro.x }} {{ .spectro.var.y }}'\n"
        "by: |\n  {{ if .spectro.macro.x }}\n"
    )
    values = "a: '{{ .spectro.pack.other.z }}'\nb: '{{ now }} {{ .spectro.system.x | env }}'\n"
    files = pack({"values.yaml": values, "manifests/sample.yaml": manifest})
    found = lint_rendered(files, engine)
    assert {(one.rule, one.file, one.line) for one in found} == {
        ("macro.system-unknown", "manifests/sample.yaml", 2),
        ("macro.family-unknown", "manifests/sample.yaml", 5),
        ("macro.syntax", "manifests/sample.yaml", 7),
        ("macro.function", "values.yaml", 2),
        ("macro.system-unknown", "values.yaml", 2),
    }
    assert {one.severity for one in found} == {Severity.WARNING}
    files = pack({"values.yaml": "manifests: {sample: {}}\n", "manifests/sample.yaml": manifest})
    assert ("macro.system-unknown", 0) in [(rule, line) for rule, _, line in told(files, engine)]


def test_chance_that_these_values_leave_out_is_not_named(engine: Engine) -> None:
    template = POD + "{{ if .Values.made }}    - name: {{ randAlphaNum 9 }}{{ end }}\n"
    assert told(chart_pack(listed("ghcr.io/sample/web:1.2"), template), engine) == []


def test_a_chart_that_needs_values_is_warned_of(engine: Engine) -> None:
    template = 'a: {{ required "Say the key." .Values.key }}\n'
    (finding,) = lint_rendered(chart_pack(listed(), template), engine)
    assert finding.rule == "helm.template"
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize("broken", [{"pack.json": File(b"{")}, {"values.yaml": File(b"a: [")}])
def test_a_pack_that_cannot_be_read_is_left_to_the_other_lint(
    broken: Files, engine: Engine
) -> None:
    assert lint_rendered({**chart_pack(VALUES), **broken}, engine) == []


def test_findings_are_sentences_with_a_mend(engine: Engine) -> None:
    findings: list[Finding] = lint_rendered(chart_pack(listed("a.io/x:1") + "    b: 1\n"), engine)
    assert len(findings) == 3
    assert all(finding.message.endswith(".") and finding.mend for finding in findings)
