"""Packs made from charts and from manifests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from packyard.charts.engine import Engine
from packyard.delivery.build import Built, Wanted, build
from packyard.delivery.lint import lint_rendered
from packyard.delivery.part import Part
from packyard.delivery.render import Cluster, render
from packyard.errors import ContentRefused, ParameterInvalid
from packyard.packs.archive import read_archive
from packyard.packs.files import Files
from packyard.packs.lint import check, lint
from packyard.packs.model import Layer, parse_pack_name
from packyard.packs.schema import check_values, parse_schema
from packyard.packs.values import Document
from tests.charts.samples import chart
from tests.packs.samples import PNG

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
        - name: web
          image: {{ .Values.image }}
"""
VALUES = """\
# How many run at once
replicas: 2   # at least one
image: 'ghcr.io/sample/web:1.2'
"""
SCHEMA = {
    "type": "object",
    "required": ["replicas"],
    "properties": {
        "replicas": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many."},
        "absent": {"type": "string"},
    },
}
MANIFEST = b"kind: Pod\nspec: {containers: [{name: a, image: 'nginx:1.27'}]}\n"
NAME = parse_pack_name("quiet-web")
LOGO = PNG


def web(**more: Any) -> bytes:
    files = {"values.schema.json": json.dumps(SCHEMA), "README.md": "# Web\n"}
    return chart({"web.yaml": DEPLOYMENT}, name="web", values=VALUES, files=files, **more)


def text(built: Built, path: str) -> str:
    return built.files[path].data.decode()


def test_a_chart_becomes_a_complete_pack(engine: Engine) -> None:
    archive = web()
    built = build(Wanted(name=NAME), engine, archive=archive, logo=LOGO)
    assert json.loads(text(built, "pack.json")) == {
        "name": "quiet-web",
        "displayName": "Quiet Web",
        "version": "1.0.0",
        "layer": "addon",
        "addonType": "system app",
        "cloudTypes": ["all"],
        "charts": ["charts/web-1.0.0.tgz"],
    }
    assert text(built, "values.yaml") == (
        "pack:\n"
        "  namespace: quiet-web\n"
        "  content:\n"
        "    images:\n"
        "      - image: ghcr.io/sample/web:1.2\n"
        "charts:\n"
        "  web:\n"
        "    # How many run at once\n"
        "    replicas: 2   # at least one\n"
        "    image: 'ghcr.io/sample/web:1.2'\n"
    )
    assert text(built, "README.md") == "# Web\n"
    assert built.files["charts/web-1.0.0.tgz"].data == archive
    assert built.images == ("ghcr.io/sample/web:1.2",)
    assert built.findings == ()
    assert [*lint(built.files), *lint_rendered(built.files, engine)] == []


def test_the_charts_schema_is_proposed_for_the_values_that_are_there(engine: Engine) -> None:
    built = build(Wanted(name=NAME), engine, archive=web())
    schema, findings = parse_schema(text(built, "schema.yaml"))
    assert schema
    assert findings == []
    assert [parameter.text for parameter in schema.parameters] == ["charts.web.replicas"]
    values, _ = Document.parse(text(built, "values.yaml"))
    assert values
    assert list(check_values(schema, values, values)) == []
    wrong = values.set(("charts", "web", "replicas"), 11)
    assert len(list(check_values(schema, wrong, values))) == 1


def test_what_is_wanted_is_taken(engine: Engine) -> None:
    wanted = Wanted(
        name=NAME,
        version="3.1.4",
        layer=Layer.CSI,
        display_name="Storage of Quiet",
        namespace="kube-system",
    )
    built = build(wanted, engine, archive=web(), manifests={"more.yaml": MANIFEST})
    about = json.loads(text(built, "pack.json"))
    assert "addonType" not in about
    assert about["version"] == "3.1.4"
    assert about["displayName"] == "Storage of Quiet"
    assert about["layer"] == "csi"
    assert about["kubeManifests"] == ["manifests/more.yaml"]
    assert built.files["manifests/more.yaml"].data == MANIFEST
    assert built.images == ("ghcr.io/sample/web:1.2", "docker.io/library/nginx:1.27")
    assert "namespace: kube-system" in text(built, "values.yaml")


def test_manifests_alone_need_a_version_and_keep_their_namespaces(engine: Engine) -> None:
    manifests = {"a.yaml": MANIFEST}
    with pytest.raises(ParameterInvalid, match="--version"):
        build(Wanted(name=NAME), engine, manifests=manifests)
    built = build(Wanted(name=NAME, version="1.0.0"), engine, manifests=manifests, logo=LOGO)
    values, _ = Document.parse(text(built, "values.yaml"))
    assert values
    images = [{"image": "docker.io/library/nginx:1.27"}]
    assert values.data == {"pack": {"content": {"images": images}}}
    assert [*lint(built.files), *lint_rendered(built.files, engine)] == []


@pytest.mark.parametrize(
    ("archive", "rule"),
    [
        (b"no archive", "archive.truncated"),
        (chart({}, name="web", about="version: v.x\n"), "yaml.duplicate-key"),
        (chart({}, name="web", values="a: 1\na: 2\n"), "yaml.duplicate-key"),
    ],
)
def test_what_is_no_chart_is_refused_with_the_reason(
    archive: bytes, rule: str, engine: Engine
) -> None:
    with pytest.raises(ContentRefused) as refusal:
        build(Wanted(name=NAME), engine, archive=archive)
    assert rule in {finding.rule for finding in refusal.value.findings}


def test_a_chart_that_needs_values_is_built_with_the_reason_why_images_are_unknown(
    engine: Engine,
) -> None:
    template = 'kind: Secret\ndata: {key: {{ required "Say the key." .Values.key }}}\n'
    built = build(Wanted(name=NAME), engine, archive=chart({"a.yaml": template}, name="web"))
    assert built.images == ()
    (finding,) = built.findings
    assert "Say the key." in finding.message
    assert text(built, "values.yaml") == "pack:\n  namespace: quiet-web\ncharts:\n  web: {}\n"


@pytest.mark.parametrize("name", ["quiet_web", "quiet.web"])
def test_a_name_that_is_no_namespace_becomes_one(name: str, engine: Engine) -> None:
    built = build(Wanted(name=parse_pack_name(name)), engine, archive=web())
    assert "namespace: quiet-web\n" in text(built, "values.yaml")


def _rendered(files: Files, engine: Engine) -> tuple[Part, ...] | None:
    pack, _ = check(files, allow_missing=True)
    values, _ = Document.parse(files["values.yaml"].data)
    assert pack
    assert values
    parts, _ = render(files, pack, values, engine, Cluster())
    return parts


REAL = [
    "antrea-1.9.0",
    "ceph-rbd-3.11.0",
    "crossplane-2.1.0",
    "csi-wekafsplugin-2.5.1",
    "k8gb-0.12.2",
    "karpenter-1.0.5",
    "kubewatch-3.5.0",
    "oauth2-proxy-8.2.0",
    "spegel-0.7.2",
    "tekton-operator-0.61.0",
]
_UNIMPORTANT = {"pack-json.version-not-semver"}


@pytest.mark.parametrize("name", REAL)
def test_packs_of_real_charts_lint_clean_and_render_as_the_charts_do(
    name: str, real_packs: Path, engine: Engine
) -> None:
    with (real_packs / f"{name}.tar.gz").open("rb") as archive:
        original = read_archive(archive)
    path, file = next((p, f) for p, f in original.items() if p.endswith(".tgz"))
    wanted = Wanted(name=parse_pack_name("made"), namespace="there")
    built = build(wanted, engine, archive=file.data, logo=LOGO)
    findings = [*lint(built.files), *lint_rendered(built.files, engine)]
    assert {finding.rule for finding in findings} <= _UNIMPORTANT
    plain = {**built.files, "values.yaml": original[path]}
    bare = b"pack: {namespace: there}\n"
    plain["values.yaml"] = type(file)(bare)
    assert _objects(_rendered(built.files, engine)) == _objects(_rendered(plain, engine))


def _objects(parts: tuple[Part, ...] | None) -> list[tuple[str, Any]]:
    assert parts
    return [(part.source, part.data) for part in parts]
