"""Every rule of the table, found in a small pack and nowhere else; the oddities of real packs."""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import packyard.delivery
import packyard.packs
from packyard.charts.rules import RULES as CHART_RULES
from packyard.findings import Finding, Severity, refusals
from packyard.packs.archive import read_archive
from packyard.packs.files import File, Files
from packyard.packs.lint import RULES, check, lint
from packyard.packs.rules import as_page
from packyard.profiles.rules import RULES as PROFILE_RULES
from tests.packs.samples import JPEG, chart, chart_pack, pack, pack_json, tarball

ROOT = Path(__file__).parents[2]
Changed = Mapping[str, bytes | str | None]


def values(text: str) -> Files:
    """The sample pack with other values; its manifest keeps its section."""
    return pack({"values.yaml": text + "\nmanifests: {sample: {port: 80}}\n"})


def images(*references: str) -> Files:
    listed = "".join(f"\n      - image: {reference}" for reference in references)
    return values(f"pack:\n  content:\n    images:{listed}")


def dependency(**changes: object) -> Files:
    given = {"packName": "kubernetes", "layer": "k8s", "type": "optional", "minVersion": "1.29"}
    kept = {key: value for key, value in (given | changes).items() if value is not None}
    return pack(constraints={"dependencies": [kept]})


def resource(**changes: object) -> Files:
    given = {"type": "cpu", "minLimit": 100}
    kept = {key: value for key, value in (given | changes).items() if value is not None}
    return pack(constraints={"resources": [kept]})


def with_text(old: str, new: str) -> Files:
    """The sample pack with a piece of the text of pack.json replaced."""
    return pack({"pack.json": pack_json().decode().replace(old, new)})


NOTE = "# spectrocloud.com/enabled-presets:"
FORMAT = """manifests.sample.port: {schema: '{{ format "${number}" | hints "a"}}'}\n"""
SCHEMA = """\
manifests.sample.port:
  schema: '{{ required | format "${number}" }}'
manifests.sample.host:
  schema: '{{ format "${string}" }}'
"""


def presets(remove: list[str] | None = None) -> str:
    """A presets.yaml of one preset, `high` of the group `Port`."""
    preset = {
        "name": "high",
        "displayName": "High port",
        "group": "Port",
        "remove": remove or [],
        "add": "manifests:\n  sample:\n    port: 8080\n    host: here\n",
    }
    return f"presets:\n- {json.dumps(preset)}\n"


# One row for each way to break a rule: the rule, the pack, and where it is found.
BROKEN: list[tuple[str, Files, str, int]] = [
    ("pack-json.missing", pack({"pack.json": None}), "pack.json", 0),
    ("pack-json.syntax", pack({"pack.json": "{\n,}"}), "pack.json", 2),
    ("pack-json.duplicate-key", with_text('"layer"', '"name": "x",\n"layer"'), "pack.json", 5),
    ("pack-json.type", pack(cloudTypes="all"), "pack.json", 7),
    ("pack-json.required", pack(displayName=None), "pack.json", 1),
    ("pack-json.name-form", pack(name="Sample"), "pack.json", 2),
    ("pack-json.layer-unknown", pack(layer="addons"), "pack.json", 5),
    ("pack-json.version-form", pack(version="1/2"), "pack.json", 4),
    ("pack-json.version-form", pack(version="1.2.x"), "pack.json", 4),
    ("pack-json.group-form", pack(group="a b"), "pack.json", 16),
    ("pack-json.path", pack(charts=["../x.tgz"]), "pack.json", 17),
    ("files.named-missing", pack(charts=["charts/x.tgz"]), "pack.json", 17),
    ("files.named-missing", pack({"manifests/sample.yaml": None}), "pack.json", 14),
    ("files.named-missing", pack(ansibleRoles=["roles/x"]), "pack.json", 17),
    ("yaml.encoding", pack({"values.yaml": b"a: \xff"}), "values.yaml", 1),
    ("yaml.syntax", pack({"values.yaml": "a: [\n"}), "values.yaml", 2),
    ("yaml.syntax", pack({"schema.yaml": "a: {\n"}), "schema.yaml", 2),
    ("yaml.syntax", pack({"presets.yaml": "a: {\n"}), "presets.yaml", 2),
    ("yaml.duplicate-key", pack({"values.yaml": "a: 1\na: 2\n"}), "values.yaml", 2),
    ("pack-json.bom", pack({"pack.json": b"\xef\xbb\xbf" + pack_json()}), "pack.json", 1),
    ("pack-json.version-leading-v", pack(version="v1.12.0"), "pack.json", 4),
    ("pack-json.version-unordered", pack(version="latest"), "pack.json", 4),
    ("pack-json.version-not-semver", pack(version="26.04.4"), "pack.json", 4),
    ("pack-json.version-not-semver", pack(version="1.5"), "pack.json", 4),
    ("pack-json.label-ambiguous", pack(group="A__B"), "pack.json", 16),
    ("pack-json.label-ambiguous", pack(group="LTS_"), "pack.json", 16),
    ("pack-json.addon-type-missing", pack(addonType=None), "pack.json", 5),
    ("pack-json.addon-type-unused", pack(layer="csi"), "pack.json", 6),
    ("pack-json.cloud-types-missing", pack(cloudTypes=None), "pack.json", 1),
    ("pack-json.cloud-types-missing", pack(cloudTypes=[" "]), "pack.json", 7),
    ("pack-json.cloud-type-unknown", pack(cloudTypes=["aws", "azur"]), "pack.json", 9),
    ("pack-json.cloud-type-unknown", pack(cloudTypes=None, cloudType="moon"), "pack.json", 13),
    ("pack-json.cloud-type-redundant", pack(cloudTypes=["aws", "all"]), "pack.json", 9),
    ("pack-json.eol-form", pack(eol="31.12.2026"), "pack.json", 16),
    ("pack-json.eol-form", pack(eol="2026-02-30"), "pack.json", 16),
    ("pack-json.blank", pack(group=" "), "pack.json", 16),
    ("pack-json.blank", pack(eol=" "), "pack.json", 16),
    ("pack-json.annotation-value", pack(annotations={"system_state": "gone"}), "pack.json", 11),
    ("pack-json.annotation-value", pack(annotations={"disabled": "no"}), "pack.json", 11),
    (
        "pack-json.nothing-to-deploy",
        pack({"manifests/sample.yaml": None, "values.yaml": ""}, kubeManifests=[]),
        "pack.json",
        1,
    ),
    (
        "pack-json.path-repeated",
        pack(kubeManifests=["manifests/sample.yaml"] * 2),
        "pack.json",
        15,
    ),
    ("pack-json.key-unknown", pack(kubeManifest=[]), "pack.json", 16),
    ("pack-json.key-unknown", pack(chart=["x"]), "pack.json", 16),
    ("pack-json.key-unknown", pack(constraints={"dependency": []}), "pack.json", 17),
    ("pack-json.key-unknown", dependency(minversoin="1"), "pack.json", 23),
    ("constraints.incomplete", dependency(packName=None), "pack.json", 18),
    ("constraints.incomplete", resource(minLimit=None), "pack.json", 18),
    ("constraints.incomplete", resource(minLimit=-1), "pack.json", 20),
    ("constraints.incomplete", resource(type=None), "pack.json", 18),
    ("constraints.incomplete", resource(components=[{"scheduleType": "all"}]), "pack.json", 22),
    ("constraints.type-missing", dependency(type=None), "pack.json", 18),
    ("constraints.word-unknown", dependency(type="requires"), "pack.json", 21),
    ("constraints.word-unknown", dependency(layer="kubernetes"), "pack.json", 20),
    ("constraints.word-unknown", resource(type="disk"), "pack.json", 19),
    ("constraints.itself", dependency(packName="sample"), "pack.json", 19),
    ("constraints.bound-form", dependency(minVersion="newest"), "pack.json", 22),
    (
        "constraints.bounds-crossed",
        dependency(minVersion="1.30", maxVersion="1.29"),
        "pack.json",
        22,
    ),
    ("constraints.without-bounds", dependency(type="notSupported", minVersion=""), "pack.json", 18),
    (
        "constraints.param-absent",
        resource(components=[{"resourceRequestParamRef": "manifests.sample.cpu"}]),
        "pack.json",
        23,
    ),
    (
        "files.values-missing",
        pack({"values.yaml": None, "manifests/sample.yaml": "a: 1\n"}),
        "",
        0,
    ),
    ("files.readme-missing", pack({"README.md": None}), "", 0),
    ("files.logo-missing", pack({"logo.png": None}), "", 0),
    ("files.logo-form", pack({"logo.png": JPEG}), "logo.png", 0),
    ("files.logo-form", pack({"logo.png": ""}), "logo.png", 0),
    ("files.case", pack({"readme.md": ""}), "readme.md", 0),
    ("files.stray", pack({"charts/.DS_Store": ""}), "charts/.DS_Store", 0),
    ("files.stray", pack({"charts/a.tgz.orig": ""}), "charts/a.tgz.orig", 0),
    ("files.stray", pack({".git/config": "", ".git/HEAD": ""}), ".git", 0),
    (
        "charts.packaged",
        chart_pack(
            {
                "charts/engine-1.0.0.tgz": None,
                "charts/engine/Chart.yaml": "name: engine\nversion: 1.0.0\n",
            }
        ),
        "pack.json",
        14,
    ),
    ("charts.unreadable", chart_pack({"charts/engine-1.0.0.tgz": "no"}), "pack.json", 14),
    (
        "charts.unreadable",
        chart_pack({"charts/engine-1.0.0.tgz": tarball({"engine/values.yaml": ""})}),
        "pack.json",
        14,
    ),
    ("charts.unreferenced", chart_pack({"charts/b.tgz": chart("b")}), "charts/b.tgz", 0),
    (
        "charts.folder-differs",
        chart_pack({"charts/engine/Chart.yaml": "name: engine\nversion: 1.1.0\n"}),
        "pack.json",
        14,
    ),
    (
        "charts.name-repeated",
        chart_pack(
            {"charts/b.tgz": chart("engine")}, charts=["charts/engine-1.0.0.tgz", "charts/b.tgz"]
        ),
        "pack.json",
        15,
    ),
    (
        "charts.section-unknown",
        chart_pack({"values.yaml": "charts:\n  engine: {}\n  egine: {}\n"}),
        "values.yaml",
        3,
    ),
    ("charts.section-missing", chart_pack({"values.yaml": "charts: {}\n"}), "values.yaml", 0),
    (
        "manifests.section-unknown",
        pack({"values.yaml": "manifests:\n  sample: {}\n  smaple: {}\n"}),
        "values.yaml",
        3,
    ),
    (
        "manifests.name-repeated",
        pack(
            {"manifests/more/sample.yaml": "a: 1\n"},
            kubeManifests=["manifests/sample.yaml", "manifests/more/sample.yaml"],
        ),
        "pack.json",
        15,
    ),
    ("manifests.unreferenced", pack({"manifests/more/b.yaml": ""}), "manifests/more/b.yaml", 0),
    ("manifests.unrendered", pack({"values.yaml": ""}), "manifests/sample.yaml", 2),
    (
        "manifests.syntax",
        pack({"values.yaml": "", "manifests/sample.yaml": "a: {{ .spectro.macro.a }}\nb: [\n"}),
        "manifests/sample.yaml",
        3,
    ),
    ("values.type", values("pack: []"), "values.yaml", 1),
    ("values.type", values("pack:\n  namespace: [a]"), "values.yaml", 2),
    ("values.type", values("pack:\n  content: {images: none}"), "values.yaml", 2),
    ("values.namespace-form", values("pack:\n  namespace: My_Space"), "values.yaml", 2),
    ("values.namespace-form", values("pack:\n  additionalNamespaces: a,B"), "values.yaml", 2),
    ("values.namespace-form", values("pack:\n  namespaceLabels:\n    a_b: k=v"), "values.yaml", 3),
    ("values.pairs-form", values("pack:\n  namespaceLabels:\n    a: k"), "values.yaml", 3),
    (
        "values.pairs-form",
        values("pack:\n  namespaceAnnotations:\n    a: {k: v}"),
        "values.yaml",
        3,
    ),
    (
        "values.install-priority",
        values("pack:\n  spectrocloud.com/install-priority: first"),
        "values.yaml",
        2,
    ),
    ("values.key-unknown", values("manifest: {}"), "values.yaml", 1),
    ("values.key-unknown", values("pack:\n  namespaces: a"), "values.yaml", 2),
    ("values.key-unused", values("replicas: 1\nimage: x"), "values.yaml", 1),
    ("values.release-unknown", values("pack:\n  releaseNameOverride:\n    b: c"), "values.yaml", 3),
    (
        "content.key-unknown",
        values("pack:\n  content:\n    images:\n    - iamge: h.io/a:1"),
        "values.yaml",
        4,
    ),
    (
        "content.key-unknown",
        values("pack:\n  content:\n    charts:\n    - {name: a, repository: b, version: c}"),
        "values.yaml",
        4,
    ),
    ("content.image-form", images("h.io/a:1:2"), "values.yaml", 4),
    ("content.image-without-tag", images("docker.io/curlimages/curl"), "values.yaml", 4),
    ("content.image-without-tag", images("host:5000/curl"), "values.yaml", 4),
    ("content.image-latest", images("h.io/a:1", "h.io/a:latest"), "values.yaml", 5),
    ("content.image-without-host", images("bitnami/redis:7.2"), "values.yaml", 4),
    ("schema.path-absent", pack({"schema.yaml": SCHEMA}), "schema.yaml", 3),
    (
        "presets.remove-absent",
        pack({"presets.yaml": presets(remove=["manifests.other"])}),
        "presets.yaml",
        2,
    ),
    ("presets.enabled-unknown", values(f"{NOTE} Port:a"), "values.yaml", 1),
    (
        "presets.enabled-contradicted",
        pack(
            {
                "presets.yaml": presets(),
                "values.yaml": f"\n{NOTE} Port:high\nmanifests: {{sample: {{}}}}\n",
            }
        ),
        "values.yaml",
        2,
    ),
]


@pytest.mark.parametrize(
    ("rule", "files", "file", "line"), BROKEN, ids=[rule for rule, *_ in BROKEN]
)
def test_a_broken_rule_is_found_at_its_place_and_nothing_else(
    rule: str, files: Files, file: str, line: int
) -> None:
    found = [(finding.rule, finding.file, finding.line) for finding in lint(files)]
    assert found == [(rule, file, line)]


@pytest.mark.parametrize("files", [pack(), chart_pack()], ids=["manifests", "charts"])
def test_a_good_pack_has_no_findings(files: Files) -> None:
    assert lint(files) == []
    found, refused = check(files)
    assert found is not None
    assert refused == []


@pytest.mark.parametrize("files", [files for _, files, _, _ in BROKEN])
def test_a_push_refuses_what_has_severity_refuse_and_nothing_else(files: Files) -> None:
    parsed, found = check(files)
    assert found == refusals(lint(files))
    assert all(RULES[finding.rule].severity is Severity.REFUSE for finding in found)
    if not found:
        assert parsed is not None


@pytest.mark.parametrize("files", [files for _, files, _, _ in BROKEN])
def test_every_finding_says_how_to_mend_it(files: Files) -> None:
    for finding in lint(files):
        assert finding.message.endswith(".")
        assert finding.mend.endswith((".", "?")) or not finding.mend
        assert finding.severity is RULES[finding.rule].severity


def test_every_rule_of_the_table_is_used_and_every_one_used_stands_there() -> None:
    """Rule ids are whole string constants of the form `area.what` in the sources of the package."""
    form = re.compile(rf"(?:{'|'.join({rule.partition('.')[0] for rule in RULES})})\.[a-z-]+")
    used = {
        node.value
        for package in (packyard.packs, packyard.delivery)
        for path in Path(package.__path__[0]).rglob("*.py")
        if path.name != "rules.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if form.fullmatch(node.value) and not node.value.endswith((".yaml", ".json", ".md"))
    }
    assert used == set(RULES)


def test_the_page_of_rules_is_the_table() -> None:
    """Mend: write what `as_page` gives here to the page."""
    page = as_page({**CHART_RULES, **PROFILE_RULES})
    assert (ROOT / "docs" / "lint-rules.md").read_text(encoding="utf-8") == page


def test_everything_wrong_is_said_at_once() -> None:
    files = pack(
        {"values.yaml": "a: [\n", "presets.yaml": "a: {\n", "schema.yaml": b"\xff"},
        layer="addons",
        version="1/2",
        charts=["charts/a.tgz", "../b.tgz"],
    )
    assert [(finding.rule, finding.file) for finding in check(files)[1]] == [
        ("pack-json.version-form", "pack.json"),
        ("pack-json.layer-unknown", "pack.json"),
        ("files.named-missing", "pack.json"),
        ("pack-json.path", "pack.json"),
        ("yaml.syntax", "values.yaml"),
        ("yaml.encoding", "schema.yaml"),
        ("yaml.syntax", "presets.yaml"),
    ]


def test_a_missing_file_can_be_allowed() -> None:
    files = pack(charts=["charts/a.tgz"])
    found, refused = check(files, allow_missing=True)
    assert found is not None
    assert refused == []
    (finding,) = lint(files, allow_missing=True)
    assert (finding.rule, finding.severity) == ("files.named-missing", Severity.WARNING)
    assert "'charts/a.tgz'" in finding.message


def rules_of(files: Files) -> list[str]:
    assert check(files)[1] == []
    return [finding.rule for finding in lint(files)]


CRD = "manifests/more/crd.yaml"
ODDITIES: dict[str, tuple[Files, list[str]]] = {
    "odd spacing and no final newline": (with_text('": ', '" :\t'), []),
    "keys of other case": (with_text('"kubeManifests"', '"KUBEMANIFESTS"'), []),
    "keys of the author's own": (pack(commit_msg="m", kubeVersion=">=1.26.0-0", readme="#"), []),
    "empty group and eol": (pack(group="", eol=""), []),
    "a pre-release": (pack(version="2.0.2-up.3"), []),
    "a pre-release of numbers": (pack(version="0.30.0-5.5.2026"), []),
    "empty lists": (pack(charts=[], ansibleRoles=[], constraints={"dependencies": []}), []),
    "upgrade of itself": (dependency(packName="sample", layer="addon", type="upgrade"), []),
    "a partial bound": (dependency(minVersion="", maxVersion="1.21"), []),
    "no bounds": (dependency(minVersion="", maxVersion=""), []),
    "an empty annotation": (pack(annotations={"docsURL": "", "system_state": "deprecated"}), []),
    "one cloud type": (pack(cloudTypes=None, cloudType="vsphere"), []),
    "a chart at the archive's root": (
        chart_pack({"charts/engine-1.0.0.tgz": chart("engine", top=".")}),
        [],
    ),
    "a chart in a folder of another name": (
        chart_pack({"charts/engine-1.0.0.tgz": chart("engine", top="motor")}),
        [],
    ),
    "a chart that is not named after its file": (
        chart_pack(
            {"charts/motor.tgz": chart("engine"), "charts/engine-1.0.0.tgz": None},
            charts=["charts/motor.tgz"],
        ),
        [],
    ),
    "a chart beside its folder": (
        chart_pack({"charts/engine/Chart.yaml": "name: engine\nversion: v1.0.0\n"}),
        [],
    ),
    "archives inside an unpacked chart": (
        chart_pack({"charts/engine/charts/sub-1.tgz": "", "charts/engine/.helmignore": ""}),
        [],
    ),
    "backups of charts": (
        chart_pack({"charts/a.tgz.orig": "", "charts/b.orig.tgz": ""}),
        ["files.stray", "charts.unreferenced", "files.stray"],
    ),
    "values keyed by the file's name": (
        chart_pack({"values.yaml": "charts:\n  ingress-engine: {a: 1}\n"}),
        ["charts.section-unknown"],
    ),
    "values directly under charts": (
        chart_pack({"values.yaml": "charts:\n  a: 1\n  b: 2\n  c: 3\n"}),
        ["charts.section-unknown"],
    ),
    "values at the top": (
        chart_pack({"values.yaml": "a: 1\nb: 2\n"}),
        ["charts.section-missing", "values.key-unused"],
    ),
    "a chart without a section": (
        chart_pack({"values.yaml": ""}),
        ["charts.section-missing"],
    ),
    "an override for a chart that is absent": (
        chart_pack(
            {"values.yaml": "pack: {releaseNameOverride: {b: c}}\ncharts: {engine: {a: 1}}\n"}
        ),
        ["values.release-unknown"],
    ),
    "empty values and manifests as they stand": (
        pack({"values.yaml": "", "manifests/sample.yaml": "a: '{{ workflow.name }}'\n"}),
        [],
    ),
    "a broken template": (pack({"manifests/sample.yaml": "{{ if .Values.a }}\n{- end}\n"}), []),
    "documents with an empty one": (
        pack({"values.yaml": "", "manifests/sample.yaml": "a: 1\n---\n---\nb: 2\n"}),
        [],
    ),
    "a manifest in a folder": (
        pack(
            {CRD: "a: {{ .Values.a }}\n", "values.yaml": "manifests: {sample: {}, crd: {a: 1}}\n"},
            kubeManifests=["manifests/sample.yaml", CRD],
        ),
        [],
    ),
    "a null namespace": (values("pack:\n  namespace:"), []),
    "a priority in quotes": (values('pack: {spectrocloud.com/install-priority: "-10"}'), []),
    "labels with macros": (
        values("pack: {namespaceLabels: {a: 'v={{ .spectro.system.kubernetes.version }}'}}"),
        [],
    ),
    "a namespace of a macro": (
        values("pack: {namespace: 'cluster-{{.spectro.system.cluster.uid}}'}"),
        [],
    ),
    "images by digest": (images("quay.io/a/b@sha256:" + "0" * 64, "quay.io/a:latest@sha256:0"), []),
    "settings of the cluster": (values("kubeadmconfig: {preKubeadmCommands: [a]}"), []),
    "a value that a macro takes": (
        values("account: ''\npack:\n  namespaceLabels: {a: 'b={{.spectro.pack.sample.account}}'}"),
        [],
    ),
    "merge keys": (
        values("pack: &p\n  namespace: a\nreadinessCheck:\n  <<: *p\n  namespace: b"),
        [],
    ),
    "an empty schema": (pack({"schema.yaml": ""}), []),
    "a schema of comments": (pack({"schema.yaml": "# none\n", "presets.yaml": "# none\n"}), []),
    "a schema of what a preset adds": (
        pack({"schema.yaml": SCHEMA, "presets.yaml": presets(remove=["manifests.sample.host"])}),
        [],
    ),
    "a required value that people fill in": (
        pack({"schema.yaml": SCHEMA, "values.yaml": "manifests: {sample: {port: '', host: a}}"}),
        [],
    ),
    "an enabled preset": (
        pack(
            {
                "presets.yaml": presets(),
                "values.yaml": f"{NOTE} Port:high\n"
                "manifests: {sample: {port: 8080, host: here}}",
            }
        ),
        [],
    ),
    "a note without presets": (values(NOTE), []),
    "no annotations": (pack(annotations=None), []),
    "a pack that is not to be used any more": (
        pack(annotations={"system_state": "deleted", "disabled": "false"}),
        [],
    ),
    "a name for one more layer": (values("pack: {spectrocloud.com/display-name: b}"), []),
    "no section of the pack": (values("readinessCheck: {deployments: []}"), []),
    "keys beside the chart's": (
        chart_pack({"values.yaml": "charts:\n  engine: {a: 1}\n  extraTemplates: []\n"}),
        ["charts.section-unknown"],
    ),
    "a chart with paths too long for a plain header, of the first form": (
        chart_pack(
            {
                "charts/engine-1.0.0.tgz": tarball(
                    {
                        "engine/Chart.yaml": "apiVersion: v1\nname: engine\nversion: v1.0.0\n",
                        f"engine/charts/{'deep/' * 30}x.yaml": "a: 1\n",
                    }
                )
            }
        ),
        [],
    ),
    "what desktops leave": (chart_pack({"charts/.DS_Store": "x"}), ["files.stray"]),
    "a number in quotes": (
        pack({"schema.yaml": FORMAT, "values.yaml": "manifests: {sample: {port: '0.28'}}"}),
        [],
    ),
    "breaks of another system": (
        values("pack:\r\n  namespace: a # \u2500\u2500 \u2192 \u00a9\r"),
        [],
    ),
    "resources with and without components": (
        pack(
            constraints={
                "resources": [
                    {"type": "cpu", "minLimit": 100},
                    {
                        "type": "memory",
                        "minLimit": 100,
                        "components": [{"resourceRequestParamRef": "manifests.sample.port"}],
                    },
                ]
            }
        ),
        [],
    ),
    "a namespace beside listed images": (
        values("pack: {content: {namespace: a, images: [{image: 'h.io/a:1'}]}}"),
        [],
    ),
    "several charts, of which one has no section": (
        chart_pack(
            {
                "charts/pump-2.tgz": chart("pump", "v2.0.0"),
                "values.yaml": "charts:\n  engine: {a: 1}\n  isOpenshift: false\n",
            },
            charts=["charts/engine-1.0.0.tgz", "charts/pump-2.tgz"],
        ),
        ["charts.section-missing", "charts.section-unknown"],
    ),
    "unknown files": (pack({"NOTES.txt": "", "examples/a.sh": "", "test.sh": ""}), []),
}


@pytest.mark.parametrize(("files", "expected"), ODDITIES.values(), ids=ODDITIES)
def test_what_real_packs_do_is_taken(files: Files, expected: list[str]) -> None:
    assert rules_of(files) == expected


def test_very_many_keys_and_braces_are_linted_in_a_moment() -> None:
    """It took minutes where each key was looked for by itself."""
    keys = "".join(f"key{number}: 'v'\n" for number in range(20_000))
    files = values(f"{keys}b: '{'{{ ' * 20_000}'\nc: '{{{{ .spectro.pack.sample.key7 }}}}'")
    began = time.process_time()
    (finding,) = lint(files)
    assert time.process_time() - began < 4
    assert finding.rule == "values.key-unused"


@pytest.mark.parametrize("text", ["a: {{" + ".spectro." * 32_000, "{{" * 40_000])
def test_braces_that_never_end_are_linted_in_a_moment(text: str) -> None:
    """Each of the rules about manifests took minutes."""
    files = pack({"values.yaml": "", "manifests/sample.yaml": text})
    began = time.process_time()
    (finding,) = lint(files)
    assert time.process_time() - began < 4
    assert finding.rule == "manifests.syntax"


def test_an_os_pack_needs_no_charts_and_may_have_values_of_its_own() -> None:
    files = pack({"values.yaml": "kubeVersion: 1\nimage: a\n"}, layer="os", addonType=None)
    without = {path: file for path, file in files.items() if path != "manifests/sample.yaml"}
    without["pack.json"] = File(pack_json(layer="os", addonType=None, kubeManifests=None))
    assert lint(without) == []


@given(st.dictionaries(st.sampled_from(list(pack())), st.binary(max_size=200), max_size=5))
@settings(max_examples=100, deadline=None)
def test_no_content_crashes_lint(changed: dict[str, bytes]) -> None:
    files = {**pack(), **{path: File(data) for path, data in changed.items()}}
    assert check(files)[1] == refusals(lint(files))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("ab{}-:/,= ", max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["pack", "charts", "content", "images", "image", "engine",
                                           "namespace", "releaseNameOverride", "namespaceLabels"]),
                          inner, max_size=4),
        max_leaves=20,
    )
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_values_of_any_shape_are_linted(data: object) -> None:
    text = json.dumps({"pack": data, "charts": data, "manifests": data})
    assert check(chart_pack({"values.yaml": text}))[1] == []
    assert lint(chart_pack({"values.yaml": text})) is not None


def test_of_the_real_packs_none_is_refused_and_little_is_said(real_packs: Path) -> None:
    said: dict[str, list[Finding]] = {}
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            files = read_archive(stream)
        found, refused = check(files)
        assert refused == [], archive.name
        assert found is not None
        said[archive.name.removesuffix(".tar.gz")] = lint(files)
    rules = {name: {finding.rule for finding in findings} for name, findings in said.items()}
    assert rules["haproxy-unified-gateway-1.0.1"] >= {"charts.packaged"}
    assert rules["kubewatch-1.0.7"] >= {"charts.section-unknown"}
    assert rules["outcold-26.04.4"] >= {"pack-json.version-not-semver"}
    assert rules["medik8s-1.0.0"] >= {"content.image-latest"}
    assert rules["fluentbit-5.0.0"] >= {"files.stray"}
    assert not any(
        finding.severity is Severity.WARNING
        and finding.rule.partition(".")[0] in {"pack-json", "constraints", "values"}
        for findings in said.values()
        for finding in findings
    )
