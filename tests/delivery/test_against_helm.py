"""Real packs, rendered chart by chart as `helm template` renders them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from packyard.charts.engine import Engine
from packyard.cli.folders import read_pack
from packyard.delivery.part import Part, stream
from packyard.delivery.render import Cluster, render
from packyard.findings import Finding
from packyard.packs.charts import read_chart
from packyard.packs.folder import package_missing_charts
from packyard.packs.model import parse_pack_json
from packyard.packs.values import Document, pack_section

KUBERNETES = "1.31.0"
UNREPEATABLE = object()


def rendered(path: Path, engine: Engine) -> tuple[tuple[Part, ...] | None, list[Finding]]:
    files = read_pack(path)
    pack, _ = parse_pack_json(files["pack.json"].data)
    values, _ = Document.parse(files["values.yaml"].data)
    assert pack is not None
    assert values is not None
    return render(files, pack, values, engine, Cluster(kubernetes=KUBERNETES))


def objects(text: str) -> list[Any]:
    """What a stream of YAML says, in its order."""
    return [data for data in yaml.load_all(text, Loader=yaml.CSafeLoader) if data]


def masked(one: Any, other: Any) -> Any:
    """`one` without what differs in `other`, which was made the same way."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return {key: masked(one[key], other[key]) for key in one}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [masked(*pair) for pair in zip(one, other, strict=True)]
    return one if one == other else UNREPEATABLE


def same(one: Any, other: Any) -> bool:
    """Whether both say the same, but for what is masked in `one`."""
    if one is UNREPEATABLE:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def charts_of(path: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each chart of a pack, and the words with which helm renders it."""
    files = read_pack(path)
    pack, _ = parse_pack_json(files["pack.json"].data)
    values, _ = Document.parse(files["values.yaml"].data)
    assert pack is not None
    assert values is not None
    files = package_missing_charts(files, pack)
    section = pack_section(values)
    for number, named in enumerate(pack.charts):
        archive, given = folder / f"{number}.tgz", folder / f"{number}.json"
        archive.write_bytes(files[named].data)
        chart, _ = read_chart(files[named].data)
        assert chart is not None
        given.write_text(json.dumps(values.get(("charts", chart.name)) or {}))
        release = section.release_name_override.get(chart.name) or f"{pack.name}-{chart.name}"
        words = ["template", release, str(archive), "--namespace", section.namespace or "default"]
        words += ["--kube-version", KUBERNETES, "--include-crds", "-f", str(given)]
        yield chart.name, words


@pytest.mark.clients("helm")
def test_real_packs_are_rendered_as_helm_renders_their_charts(
    real_packs: Path, engine: Engine, tmp_path: Path
) -> None:
    counted = failed = 0
    for path in sorted(real_packs.glob("*.tar.gz")):
        parts, findings = rendered(path, engine)
        again, _ = rendered(path, engine)
        for name, words in charts_of(path, tmp_path):
            helm = subprocess.run(["helm", *words], capture_output=True, text=True, check=False)
            counted += 1
            if parts is None or again is None:
                failed += 1
                assert helm.returncode != 0, (path.name, name, findings)
                assert any(agrees(finding, helm.stderr) for finding in findings), helm.stderr
                continue
            assert helm.returncode == 0, (path.name, name, helm.stderr)
            ours, twice = (
                objects(stream(part for part in each if part.chart == name))
                for each in (parts, again)
            )
            theirs = objects(helm.stdout)
            assert same(masked(ours, twice), theirs), difference(ours, theirs)
    assert counted > failed


def agrees(finding: Finding, complaint: str) -> bool:
    """Whether helm complains of the same place, or of the same value by the schema."""
    if finding.rule == "helm.values":
        return f"/{finding.path.split('.', 2)[2].replace('.', '/')}'" in complaint
    return f"{finding.file}:{finding.line}" in complaint


def difference(one: Any, other: Any, path: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = dict.fromkeys([*one, *other])
        return "".join(difference(one.get(key), other.get(key), f"{path}.{key}") for key in keys)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        both = enumerate(zip(one, other, strict=True))
        return "".join(difference(*pair, f"{path}[{number}]") for number, pair in both)
    return "" if one == other else f"{path}: {one!r} != {other!r}\n"
