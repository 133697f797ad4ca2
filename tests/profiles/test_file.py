"""A profile as a file beside its values and manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from packyard.findings import Finding
from packyard.profiles.file import ProfileFile, read_file, write_file
from packyard.profiles.model import (
    TAG_VALUE,
    Manifest,
    PackType,
    Profile,
    ProfileLayer,
    ProfileType,
    RegistryReference,
    Variable,
)
from packyard.profiles.rules import found
from tests.profiles.samples import rules

PROFILE = Profile(
    name="shop",
    version="2.0.0",
    description="Shops",
    type=ProfileType.ADDON,
    cloud_type="all",
    labels={"team": "a", "pilot": TAG_VALUE},
    layers=(
        ProfileLayer(
            name="web",
            tag="1.x",
            registry=RegistryReference(name="ours"),
            values="# kept\na: 1\n",
            file="values/web.yaml",
        ),
        ProfileLayer(name="night--web", tag="1.x", values="", file=""),
        ProfileLayer(name="Night/web", tag="1.x", values="b: 1\n", file="values/Night-web.yaml"),
        ProfileLayer(name="night web", tag="1", values="c: 1", file="values/night-web-2.yaml"),
        ProfileLayer(name="chart", type=PackType.HELM, chart="./c.tgz", tag="", file=""),
        ProfileLayer(
            name="quotas",
            type=PackType.MANIFEST,
            manifests=(Manifest(name="q", content="kind: A\n", file="manifests/q.yaml"),),
            file="",
        ),
    ),
    variables=(Variable(name="v", default="secret", sensitive=True),),
)


def read(text: str, files: Mapping[str, str] | None = None) -> tuple[ProfileFile, list[Finding]]:
    def content(name: str) -> str:
        if name not in (files or {}):
            raise FileNotFoundError(2, "No such file", name)
        return (files or {})[name]

    file, findings = read_file(text.encode(), "profile.yaml", content)
    assert file, findings
    return file, findings


def test_what_is_written_is_read_again() -> None:
    texts = write_file(PROFILE, {"ours": "../packs"}, {"m": "x"})
    file, findings = read(texts[""], texts)
    assert findings == []
    assert file.profile == PROFILE
    assert (file.registries, file.macros) == ({"ours": "../packs"}, {"m": "x"})
    assert list(texts) == [
        "",
        "values/web.yaml",
        "values/Night-web.yaml",
        "values/night-web-2.yaml",
        "manifests/q.yaml",
    ]


def test_a_file_says_little_where_little_is_to_be_said() -> None:
    file, findings = read(
        "name: a\nlayers:\n  - {name: x, tag: '1'}\n  - manifests: [m/one.yaml]\n    name: m\n",
        {"m/one.yaml": "kind: A\n"},
    )
    assert findings == []
    web, manifests = file.profile.layers
    assert (web.type, web.values, file.profile.version) == (PackType.SPECTRO, "", "1.0.0")
    assert manifests.type is PackType.MANIFEST
    assert manifests.manifests == (Manifest(name="one", content="kind: A\n", file="m/one.yaml"),)
    assert replace(file.profile, layers=()) == Profile(name="a")


def test_everything_that_is_wrong_has_its_line() -> None:
    text = (
        "name: a\nversoin: 1.0.0\ntype: cluter\nversion: 1.10\nlayers:\n"
        "  - name: x\n    values: gone.yaml\n    tags: 1\n  - y\n"
        "  - name: m\n    manifests:\n      - {name: a, fil: b}\n      - gone2.yaml\n"
    )
    _, findings = read(text)
    assert sorted((finding.rule, finding.line) for finding in findings) == [
        ("profile.file", 7),
        ("profile.file", 13),
        ("profile.key-unknown", 2),
        ("profile.key-unknown", 8),
        ("profile.key-unknown", 12),
        ("profile.type", 4),
        ("profile.type", 9),
        ("profile.word-unknown", 3),
    ]
    assert "Did you mean 'version'?" in [finding.mend for finding in findings]
    assert read_file(b"a: [", "profile.yaml", str)[0] is None


def test_files_have_names_that_a_disk_takes() -> None:
    long = tuple(Manifest(name=f"{'x' * 250}{n}", content=f"kind: {n}\n") for n in range(2))
    layer = ProfileLayer(name="y" * 250, type=PackType.MANIFEST, values="a: 1\n", manifests=long)
    texts = write_file(replace(PROFILE, layers=(layer,)), {})
    assert max(map(len, texts)) < 120
    file, findings = read(texts[""], texts)
    assert findings == []
    assert [one.content for one in file.profile.layers[0].manifests] == ["kind: 0\n", "kind: 1\n"]


def test_findings_of_a_check_get_a_place_in_the_file() -> None:
    texts = write_file(PROFILE, {})
    file, _ = read(texts[""], texts)

    def place(finding: Finding) -> tuple[str, str]:
        placed = file.placed(finding)
        lines = texts[""].splitlines()
        return placed.file, lines[placed.line - 1].strip() if placed.line else ""

    tag = found("layer.tag-unknown", "", layer="night--web", path="tag")
    assert place(tag) == ("profile.yaml", "tag: 1.x")
    asked = replace(tag, file="pack.json", path="constraints.dependencies[0]")
    assert place(asked) == ("profile.yaml", "- name: night--web")
    own = replace(tag, file="values/web.yaml", path="a", line=2)
    assert file.placed(own) == own
    assert place(replace(tag, path="charts.web")) == ("profile.yaml", "- name: night--web")
    assert place(found("profile.cloud-unknown", "", path="cloudType"))[1] == "cloudType: all"
    default = found("variable.default-form", "", path="variables[0].defaultValue")
    assert place(default)[1] == "defaultValue: secret"
    assert place(found("profile.layer-missing", "", path="layers"))[1] == "layers:"
    assert rules([tag]) == ["layer.tag-unknown"]
