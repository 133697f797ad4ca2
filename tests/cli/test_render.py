"""`pack render`: from a folder, an archive or a registry, with values, as a stream or as files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.charts import samples as charts
from tests.cli.program import Program, make_pack
from tests.packs.samples import chart_pack, write

CONFIG = """\
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {{ .Values | toJson }}
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A pack whose only chart tells its values."""
    chart = charts.chart({"a.yaml": CONFIG}, name="engine")
    return write(chart_pack({"charts/engine-1.0.0.tgz": chart}), tmp_path / "sample")


def test_values_files_and_assignments_stand_over_each_other(
    sample: Path, packyard: Program, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("charts: {engine: {b: 1, c: 1, deep: {x: 1}}}\n")
    second.write_text("# a comment\ncharts: {engine: {c: 2, deep: {z: no}}}\n")
    done = packyard(
        *("pack", "render", sample, "-f", first, "--values", second),
        *("--set", "charts.engine.d=4", "--set", 'charts.engine."e.f"=4.0'),
        *("--set", "charts.engine.g=true", "--set", "charts.engine.deep.x=null"),
        *("--set", "charts.engine.list={1,b}", "--set", "charts.engine.t=a=b, c"),
    )
    assert done.code == 0, done.err
    namespace, config = yaml.safe_load_all(done.out)
    assert namespace["metadata"] == {"name": "sample"}
    assert config["metadata"] == {"name": "sample-engine"}
    numbers = {"a": 2, "b": 1, "c": 2, "d": 4, "e.f": "4.0"}
    others = {"g": True, "list": [1, "b"], "t": "a=b, c", "deep": {"x": None, "z": False}}
    assert config["data"] == numbers | others
    assert "# Source: engine/templates/a.yaml\n" in done.out


def test_with_a_folder_each_manifest_is_a_file_and_nothing_is_written_over(
    sample: Path, packyard: Program, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = packyard("pack", "render", sample, "-o", out)
    assert (done.code, done.out) == (0, f"rendered   {out}  2 files\n")
    names = ["0001-namespace-sample.yaml", "0002-configmap-sample-engine.yaml"]
    assert sorted(path.name for path in out.iterdir()) == names
    again = packyard("pack", "render", sample, "-o", out)
    assert again.code == 1
    assert again.err == f"Error: {out} is there already: name a new folder.\n"


def test_what_does_not_render_is_said_whole_and_nothing_is_printed(
    packyard: Program, tmp_path: Path
) -> None:
    chart = charts.chart({"a.yaml": "\n  {{ .Values.n.b.c | quote }}"}, name="engine")
    files = chart_pack({"charts/engine-1.0.0.tgz": chart}, kubeManifests=["manifests/lost.yaml"])
    pack = write(files, tmp_path / "pack")
    done = packyard("pack", "render", pack)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"Error: {pack} does not render with these values.\n"
        "  engine/templates/a.yaml:2:13: block: The chart 'engine' does not render: "
        "<.Values.n.b.c> finds nothing. Not set: charts.engine.n.b.c. "
        "Give charts.engine.n.b.c a value. [helm.template]\n"
        "  pack.json: refuse: 'manifests/lost.yaml' is named by pack.json, but missing. "
        "Put the file there, or do not name it. [files.named-missing]\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--set", "a"], 2, "'a' assigns nothing: write path.to.key=value."),
        (["--set", ".a=1"], 2, "'.a' is no path into values"),
        (["--kube-version", "new"], 1, "'new' is no version of Kubernetes"),
        (["-f", "list.yaml"], 1, "list.yaml holds no values."),
        (["-f", "absent.yaml"], 2, "absent.yaml"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    words: list[str], code: int, message: str, sample: Path, packyard: Program, tmp_path: Path
) -> None:
    (tmp_path / "list.yaml").write_text("- a\n")
    done = packyard("pack", "render", sample, *words, cwd=tmp_path)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_path_that_is_not_there_is_not_looked_for_in_a_registry(packyard: Program) -> None:
    done = packyard("pack", "render", "./no-such-pack")
    assert (done.code, done.err) == (2, "Error: There is no folder or archive ./no-such-pack.\n")


def test_a_pack_of_a_registry_is_rendered_without_being_kept(
    foreign: str, packyard: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "demo", "demo", "1.0.0")
    assert packyard("pack", "push", "-r", foreign, folder).code == 0
    done = packyard(
        "pack", "render", "-r", foreign, "demo:1.0.0", "--set", "manifests.sample.port=1"
    )
    assert done.code == 0, done.err
    assert "data: {port: '1'}\n" in done.out
    archive = packyard("pack", "render", folder)
    assert "data: {port: '80'}\n" in archive.out
