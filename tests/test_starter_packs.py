"""The packs that Packyard ships: no finding, complete as a stack, good Kubernetes YAML."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from packyard.packs import lint, presets, schema
from packyard.packs.folder import Files, package_missing_charts, read_folder
from packyard.packs.model import Layer, Pack, parse_pack_json
from packyard.packs.values import Document

FOLDERS = sorted(
    path for path in (Path(__file__).parent.parent / "packs").iterdir() if path.is_dir()
)

SCHEMAS = [folder for folder in FOLDERS if (folder / "schema.yaml").exists()]

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_with_schema = pytest.mark.parametrize("folder", SCHEMAS, ids=lambda folder: folder.name)


def load(folder: Path) -> tuple[Pack, Files]:
    """The pack as a push sends it: with its charts packaged."""
    files = read_folder(folder)
    pack, findings = parse_pack_json(files["pack.json"].data)
    assert pack is not None, findings
    return pack, package_missing_charts(files, pack)


def values(files: Files) -> Document:
    document, findings = Document.parse(files["values.yaml"].data.decode())
    assert document is not None, findings
    return document


def render(chart: Path, section: dict[str, Any]) -> list[dict[str, Any]]:
    """What Helm makes of `chart` with `section` as its values: Kubernetes objects."""
    command = ["helm", "template", "release", str(chart), "--values", "-"]
    text = yaml.safe_dump(section)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def check_objects(documents: list[dict[str, Any]]) -> None:
    assert documents
    for document in documents:
        assert document["apiVersion"], document
        assert document["kind"], document
        assert document["metadata"]["name"], document
    names = Counter((d["kind"], d["metadata"]["name"]) for d in documents)
    assert not [name for name, times in names.items() if times > 1]


@each_folder
def test_a_starter_pack_has_no_finding(folder: Path) -> None:
    assert lint.lint(load(folder)[1]) == []


@each_folder
def test_the_folder_is_named_after_the_pack(folder: Path) -> None:
    pack, _ = load(folder)
    assert folder.name == f"{pack.name}-{pack.version}"


@each_folder
def test_the_logo_is_small(folder: Path) -> None:
    logo = load(folder)[1]["logo.png"].data
    assert logo.startswith(b"\x89PNG")
    assert len(logo) < 3000


def test_they_make_a_whole_stack_and_four_add_ons() -> None:
    packs = [load(folder)[0] for folder in FOLDERS]
    names = {layer: {pack.name for pack in packs if pack.layer is layer} for layer in Layer}
    assert all(names[layer] for layer in (Layer.OS, Layer.K8S, Layer.CNI, Layer.CSI))
    assert len(names[Layer.ADDON]) >= 4
    assert max(Counter(pack.name for pack in packs).values()) >= 2


@each_with_schema
def test_defaults_and_every_preset_fit_the_schema(folder: Path) -> None:
    _, files = load(folder)
    rules, findings = schema.parse_schema(files["schema.yaml"].data.decode())
    assert rules is not None, findings
    defaults = values(files)
    text = files["presets.yaml"].data.decode() if "presets.yaml" in files else ""
    known, _ = presets.parse_presets(text)
    chosen = [presets.choose(defaults, defaults, known, preset) for preset in known]
    for document in [defaults, *chosen]:
        assert schema.check_values(rules, document, defaults) == []


@pytest.mark.clients("helm")
@each_folder
def test_manifests_render_to_kubernetes_objects(folder: Path, tmp_path: Path) -> None:
    pack, files = load(folder)
    defaults = values(files)
    known, _ = presets.parse_presets(
        files["presets.yaml"].data.decode() if "presets.yaml" in files else ""
    )
    chosen = [presets.choose(defaults, defaults, known, preset) for preset in known]
    for path in pack.manifests:
        text = files[path].data.decode()
        section = Path(path).stem
        if defaults.get(("manifests", section)) is None:
            check_objects(list(yaml.safe_load_all(text)))
            continue
        chart = tmp_path / section
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: manifests\nversion: 0.0.0\n")
        (chart / "templates" / "manifest.yaml").write_text(text)
        for document in [defaults, *chosen]:
            check_objects(render(chart, document.data["manifests"][section]))


@pytest.mark.clients("helm")
@each_folder
def test_charts_render_to_kubernetes_objects(folder: Path, tmp_path: Path) -> None:
    pack, files = load(folder)
    for path in pack.charts:
        archive = tmp_path / Path(path).name
        archive.write_bytes(files[path].data)
        name = archive.name.rpartition("-")[0]
        check_objects(render(archive, values(files).data["charts"][name]))
