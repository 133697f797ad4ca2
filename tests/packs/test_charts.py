"""Charts are read as Helm reads them: the same metadata, and the same archives refused."""

from __future__ import annotations

import gzip
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from packyard.packs.chart_metadata import as_json
from packyard.packs.charts import read_chart
from tests.packs.samples import chart, raw_tar, tarball

BASE = "name: web\nversion: 1.2.3\n"

# Chart.yaml, and what an index of Helm says of it besides name, version and apiVersion.
GOOD: dict[str, tuple[str, dict[str, object]]] = {
    "the least": (BASE, {}),
    "everything": (
        (
            "apiVersion: v2\nname: web\nversion: 1.2.3\ntype: library\nkubeVersion: '>=1.20'\n"
            "appVersion: 1.16.0\ndescription: d\nhome: h\nicon: i\ncondition: c\ntags: t\n"
            "deprecated: true\nkeywords: [a, b]\nsources: [s]\n"
            "maintainers: [{name: m, email: e, url: u}]\nannotations: {k: v}\n"
            "dependencies: [{name: db, version: ^1, repository: r, condition: c, tags: [t],"
            " enabled: true, import-values: [a, {child: b, parent: c}], alias: store}]\n"
        ),
        {
            "apiVersion": "v2",
            "type": "library",
            "kubeVersion": ">=1.20",
            "appVersion": "1.16.0",
            "description": "d",
            "home": "h",
            "icon": "i",
            "condition": "c",
            "tags": "t",
            "deprecated": True,
            "keywords": ["a", "b"],
            "sources": ["s"],
            "maintainers": [{"name": "m", "email": "e", "url": "u"}],
            "annotations": {"k": "v"},
            "dependencies": [
                {
                    "name": "db",
                    "version": "^1",
                    "repository": "r",
                    "condition": "c",
                    "tags": ["t"],
                    "enabled": True,
                    "import-values": ["a", {"child": "b", "parent": "c"}],
                    "alias": "store",
                }
            ],
        },
    ),
    "numbers and truths where texts belong": (
        (
            "name: web\nversion: 1.2\nappVersion: 0.10\nhome: 12\nicon: true\nkubeVersion: 2\n"
            "annotations: {a: 1, b: 1.50, c: false, d: 1234567, e: 0.00001, f: 3.14159265358979}\n"
        ),
        {
            "version": "1.2",
            "appVersion": "0.1",
            "home": "12",
            "icon": "true",
            "kubeVersion": "2",
            "annotations": {
                "a": "1",
                "b": "1.5",
                "c": "false",
                "d": "1234567",
                "e": "1e-05",
                "f": "3.1415927",
            },
        },
    ),
    "what is empty, null or unknown": (
        (
            f"{BASE}home: ''\nkeywords: []\nicon: null\nannotations: {{}}\nunknown: {{a: [1]}}\n"
            "deprecated: false\nmaintainers: [{name: m, phone: 1}]\n"
        ),
        {"maintainers": [{"name": "m"}]},
    ),
    "keys in another case": (
        "Name: web\nVERSION: 1.2.3\nappversion: '1'\nApiVersion: v2\n",
        {"apiVersion": "v2", "appVersion": "1"},
    ),
    "blanks and what cannot be printed": (
        BASE + 'description: "a\\n\\tb\\u200bc\\u00a0d\\a"\nkeywords: ["x\\ny"]\n'
        'annotations: {k: "a\\nb"}\n',
        {"description": "a  bc d", "keywords": ["x y"], "annotations": {"k": "a\nb"}},
    ),
    "a dependency without version and repository": (
        f"{BASE}dependencies: [{{name: db}}]\n",
        {"dependencies": [{"name": "db", "repository": ""}]},
    ),
    "a mark of byte order": (f"\ufeff{BASE}", {}),
    "a version with v, pre-release and build": (
        "name: web\nversion: v1.2.3-rc.1+b.05\n",
        {"version": "v1.2.3-rc.1+b.05"},
    ),
    "a version of one number": (
        "name: web\nversion: 3-canary\napiVersion: v1\n",
        {"version": "3-canary", "apiVersion": "v1"},
    ),
    "a name of unusual letters": ("name: Wéb Site+1\nversion: 1.2.3\n", {"name": "Wéb Site+1"}),
    "aliases and merge keys": (
        f"{BASE}maintainers: [&m {{name: a, email: e}}, {{<<: *m, email: f}}]\n",
        {"maintainers": [{"name": "a", "email": "e"}, {"name": "a", "email": "f"}]},
    ),
}

# Archives that are refused, with the rules that say why.
BAD: dict[str, tuple[bytes, list[str]]] = {
    "nothing": (b"", ["archive.format"]),
    "text": (b"no chart", ["archive.truncated"]),
    "a plain tar": (gzip.decompress(chart("web")), ["archive.format"]),
    "a gzip of text": (gzip.compress(b"no chart" * 100), ["archive.format"]),
    "half an archive": (chart("web")[:-40], ["archive.truncated"]),
    "no Chart.yaml": (tarball({"web/values.yaml": "a: 1\n"}), ["chart.missing"]),
    "Chart.yaml too deep": (tarball({"a/b/Chart.yaml": BASE}), ["chart.missing"]),
    "a path upwards": (tarball({"web/../../x": "", "web/Chart.yaml": BASE}), ["files.path"]),
    "a file beside the folder": (tarball({"web/Chart.yaml": BASE, "x": ""}), ["files.path"]),
    "no name and no version": (
        tarball({"web/Chart.yaml": "apiVersion: v2\n"}),
        ["chart.name", "chart.version"],
    ),
    "an empty Chart.yaml": (tarball({"web/Chart.yaml": ""}), ["chart.name", "chart.version"]),
    "a name with a slash": (tarball({"web/Chart.yaml": "name: a/b\nversion: 1\n"}), ["chart.name"]),
    "a name that is a folder": (chart("..", top="web"), ["chart.name"]),
    "a version of four numbers": (chart("web", "1.2.3.4"), ["chart.version"]),
    "a version of words": (chart("web", "latest"), ["chart.version"]),
    "a version with an empty part": (chart("web", "1.2.3-a..b"), ["chart.version"]),
    "an illegal type": (tarball({"web/Chart.yaml": f"{BASE}type: app\n"}), ["chart.metadata"]),
    "a list that is a text": (
        tarball({"web/Chart.yaml": f"{BASE}keywords: a\nmaintainers: [b]\n"}),
        ["chart.metadata", "chart.metadata"],
    ),
    "a text that is a map": (
        tarball({"web/Chart.yaml": f"{BASE}home: {{}}\n"}),
        ["chart.metadata"],
    ),
    "an empty maintainer": (
        tarball({"web/Chart.yaml": f"{BASE}maintainers: [null]\n"}),
        ["chart.metadata"],
    ),
    "two dependencies of one name": (
        tarball({"web/Chart.yaml": f"{BASE}dependencies: [{{name: a}}, {{name: b, alias: a}}]\n"}),
        ["chart.metadata"],
    ),
    "broken YAML": (tarball({"web/Chart.yaml": "name: [web\n"}), ["yaml.syntax"]),
    "a list": (tarball({"web/Chart.yaml": "- name: web\n"}), ["yaml.root"]),
}


@pytest.mark.parametrize(("chart_yaml", "said"), GOOD.values(), ids=list(GOOD))
def test_the_metadata_is_what_an_index_of_helm_says(
    chart_yaml: str, said: dict[str, object]
) -> None:
    found, findings = read_chart(tarball({"any/Chart.yaml": chart_yaml}))
    assert not findings
    assert found is not None
    assert found.metadata == {"name": "web", "version": "1.2.3", "apiVersion": "v1"} | said


@pytest.mark.parametrize(("archive", "rules"), BAD.values(), ids=list(BAD))
def test_an_archive_that_helm_cannot_load_is_refused_with_everything_wrong(
    archive: bytes, rules: list[str]
) -> None:
    found, findings = read_chart(archive)
    assert found is None
    assert [finding.rule for finding in findings] == rules
    assert all(finding.message for finding in findings)


@pytest.mark.clients("helm")
def test_helm_reads_the_same(tmp_path: Path) -> None:
    for number, (chart_yaml, _) in enumerate(GOOD.values()):
        (tmp_path / f"good-{number}.tgz").write_bytes(tarball({"any/Chart.yaml": chart_yaml}))
    for number, (archive, _) in enumerate(BAD.values()):
        (tmp_path / f"bad-{number}.tgz").write_bytes(archive)
    subprocess.run(["helm", "repo", "index", "--json", tmp_path], check=True, timeout=60)
    index = json.loads((tmp_path / "index.yaml").read_text())
    theirs = {entry["urls"][0]: entry for entries in index["entries"].values() for entry in entries}
    ours = {}
    for number, _ in enumerate(GOOD):
        found, _ = read_chart((tmp_path / f"good-{number}.tgz").read_bytes())
        assert found is not None
        ours[f"good-{number}.tgz"] = found.metadata
    for entry in theirs.values():
        del entry["urls"], entry["created"], entry["digest"]
    assert theirs == ours
    assert [list(entry) for entry in theirs.values()] == [list(ours[url]) for url in theirs]


def test_dependencies_of_the_first_form_of_charts_are_read() -> None:
    files = {"web/Chart.yaml": BASE, "web/requirements.yaml": "dependencies: [{name: db}]\n"}
    found, _ = read_chart(tarball(files))
    assert found is not None
    assert found.metadata["dependencies"] == [{"name": "db", "repository": ""}]


def test_links_do_not_matter() -> None:
    """Helm reads what a link's member holds, which is nothing."""
    link = tarfile.TarInfo("web/values.yaml")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    archive = gzip.compress(raw_tar([(tarfile.TarInfo("web/Chart.yaml"), BASE), (link, "")]))
    found, findings = read_chart(archive)
    assert found is not None
    assert not findings


def test_metadata_as_json_is_yaml_as_well() -> None:
    text = as_json({"a": "é\x7f\x85\u2028\ufeff\ud800"}).decode()
    assert text == '{"a":"é\\u007f\\u0085\\u2028\\ufeff\\ud800"}'


def test_a_bomb_is_not_expanded() -> None:
    archive = gzip.compress(bytes(120 * 1024 * 1024), 9)
    _, findings = read_chart(archive)
    assert [finding.rule for finding in findings] == ["archive.too-large"]
