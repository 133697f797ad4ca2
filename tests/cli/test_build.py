"""`packyard pack build` and `pack images`, as people call them."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from tests.charts.samples import chart
from tests.cli.program import Program
from tests.packs.samples import PNG

POD = """\
kind: Pod
apiVersion: v1
metadata: {name: web}
spec: {containers: [{name: web, image: {{ .Values.image }}}]}
"""
VALUES = "image: ghcr.io/sample/web:1.2  # the newest\n"


def icon(data: bytes) -> str:
    return f"icon: data:image/png;base64,{b64encode(data).decode()}\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "any.tgz"
    path.write_bytes(chart({"web.yaml": POD}, name="web", values=VALUES, about=icon(PNG)))
    return path


def test_a_pack_is_built_from_a_chart_and_lints_clean(
    packyard: Program, archive: Path, tmp_path: Path
) -> None:
    done = packyard("pack", "build", "quiet-web", tmp_path / "out", "--chart", archive)
    assert done.code == 0, done.err
    assert done.out == f"built      {tmp_path}/out  quiet-web:1.0.0  1 image\n"
    assert (tmp_path / "out" / "logo.png").read_bytes() == PNG
    assert "image: ghcr.io/sample/web:1.2  # the newest" in (
        tmp_path / "out" / "values.yaml"
    ).read_text(encoding="utf-8")
    linted = packyard("pack", "lint", "--strict", tmp_path / "out")
    assert (linted.code, linted.out) == (0, f"{tmp_path}/out  ok\n1 pack: nothing to mend\n"), (
        linted
    )
    images = packyard("pack", "images", tmp_path / "out")
    assert images.out == "ghcr.io/sample/web:1.2\n"


def test_a_pack_is_built_from_manifests(packyard: Program, tmp_path: Path) -> None:
    manifest = tmp_path / "pod.yml"
    manifest.write_text(
        "kind: Pod\nspec: {containers: [{image: 'nginx:1.27'}]}\n", encoding="utf-8"
    )
    words = ("--manifest", manifest, "--version", "2.0.0", "--layer", "csi")
    done = packyard("pack", "build", "quiet-pod", tmp_path / "out", *words)
    assert done.out.endswith("quiet-pod:2.0.0  1 image\n"), done.err
    about = json.loads((tmp_path / "out" / "pack.json").read_bytes())
    assert about["kubeManifests"] == ["manifests/pod.yaml"]
    assert about["layer"] == "csi"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "--chart, --manifest or both"),
        (["--chart", "nowhere.tgz"], 1, "no such file or folder"),
        (["--chart", "https://127.0.0.1:9/web.tgz"], 1, "127.0.0.1:9"),
        (["--manifest", "a/pod.yaml", "--manifest", "b/pod.yaml"], 2, "Two manifests are called"),
        (["--manifest", "a/pod.yaml"], 2, "--version"),
    ],
)
def test_what_cannot_be_built_is_said_in_a_sentence(
    words: list[str], code: int, told: str, packyard: Program, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pod.yaml").write_text("kind: Pod\n", encoding="utf-8")
    done = packyard("pack", "build", "quiet-web", "out", *words, cwd=tmp_path)
    assert done.code == code
    assert told in done.err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(
    packyard: Program, archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x", encoding="utf-8")
    done = packyard("pack", "build", "quiet-web", tmp_path / "out", "--chart", archive)
    assert done.code == 1
    assert "there already" in done.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_chart_that_needs_values_is_built_and_the_reason_told(
    packyard: Program, tmp_path: Path
) -> None:
    path = tmp_path / "web.tgz"
    template = 'kind: Secret\ndata: {key: {{ required "Say the key." .Values.key }}}\n'
    path.write_bytes(chart({"a.yaml": template}, name="web", about="icon: http://127.0.0.1:9/x\n"))
    done = packyard("pack", "build", "quiet-web", tmp_path / "out", "--chart", path)
    assert done.code == 0
    assert "Say the key." in done.err
    assert "icon cannot be had" in done.err
    assert done.out.endswith("0 images\n")
