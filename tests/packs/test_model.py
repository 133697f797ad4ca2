"""What is read from pack.json, and what of it is refused (spec "pack.json")."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packyard.errors import NameInvalid
from packyard.findings import Finding, Severity
from packyard.packs.archive import read_archive
from packyard.packs.model import (
    Component,
    Dependency,
    Layer,
    Pack,
    Resource,
    parse_pack_json,
    parse_pack_name,
)
from tests.packs.samples import pack_json


def read(data: bytes) -> Pack:
    pack, findings = parse_pack_json(data)
    assert findings == []
    assert pack is not None
    return pack


def refused(data: bytes) -> list[Finding]:
    pack, findings = parse_pack_json(data)
    assert pack is None
    assert any(finding.severity is Severity.REFUSE for finding in findings)
    return findings


def rules(data: bytes) -> list[str]:
    return [finding.rule for finding in refused(data)]


def test_a_pack_is_read() -> None:
    pack = read(pack_json(annotations={"source": "community"}, kubeVersion=">=1.26"))
    assert (pack.name, pack.display_name, pack.version) == ("sample", "Sample", "1.2.3")
    assert (pack.layer, pack.addon_type, pack.cloud_types) == (Layer.ADDON, "system app", ("all",))
    assert pack.annotations == {"source": "community"}
    assert pack.manifests == ("manifests/sample.yaml",)
    assert pack.extra == {"kubeVersion": ">=1.26"}
    assert pack.label == "1.2.3"


def test_keys_are_matched_without_regard_to_case_also_inside_constraints() -> None:
    constraints = {"Dependencies": [{"PACKNAME": "k8s", "minversion": "1.2", "Type": "optional"}]}
    text = pack_json(Constraints=constraints, displayname="Other", displayName=None)
    pack = read(text.replace(b'"layer"', b'"LAYER"'))
    assert pack.display_name == "Other"
    expected = Dependency(pack_name="k8s", min_version="1.2", type="optional")
    assert pack.constraints.dependencies == (expected,)
    assert pack.extra == {}


def test_keys_of_annotations_keep_their_case() -> None:
    assert read(pack_json(annotations={"a": "1", "A": "2"})).annotations == {"a": "1", "A": "2"}


def test_other_keys_are_kept_with_their_values() -> None:
    extra = {"commit_msg": "m", "deep": {"list": [1, 2.5, None, True]}, "readme": "# Title\n"}
    assert read(pack_json(**extra)).extra == extra


@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_blank_group_and_a_blank_eol_count_as_absent(blank: str | None) -> None:
    pack = read(pack_json(version="9.7.2", group=blank, eol=blank))
    assert (pack.group, pack.eol, pack.label) == ("", "", "9.7.2")


def test_null_counts_as_absent() -> None:
    text = pack_json().replace(b'"addonType"', b'"charts": null, "eol": null, "addonType"')
    assert read(text).charts == ()


@pytest.mark.parametrize(
    ("version", "group", "label"),
    [
        ("22.04.4", "LTS", "LTS__22.04.4"),
        ("1.0.0+build.5", "", "1.0.0_build.5"),
        ("1.5", "", "1.5"),
        ("26.04.4", "", "26.04.4"),
        ("2.0.2-up.3", "", "2.0.2-up.3"),
        ("v1.12.0", "", "v1.12.0"),
        ("0.30.0-5.5.2026", "", "0.30.0-5.5.2026"),
    ],
)
def test_the_label_keeps_the_version_as_written(version: str, group: str, label: str) -> None:
    pack = read(pack_json(version=version, group=group))
    assert (pack.version, pack.label) == (version, label)


@pytest.mark.parametrize(
    ("several", "one", "expected"),
    [
        (["aws", "edge-native"], None, ("aws", "edge-native")),
        (None, "vsphere", ("vsphere",)),
        (["aws"], "gcp", ("aws", "gcp")),
        (["aws", "aws"], "aws", ("aws",)),
        (None, None, ()),
    ],
)
def test_cloud_types_are_an_array_or_one_text(
    several: list[str] | None, one: str | None, expected: tuple[str, ...]
) -> None:
    assert read(pack_json(cloudTypes=several, cloudType=one)).cloud_types == expected


def test_constraints_are_read_with_and_without_components() -> None:
    component = {
        "resourceRequestParamRef": "charts.a.cpu",
        "replicaCountParamRef": "charts.a.replicas",
        "scheduleType": "worker",
    }
    resources = [
        {"type": "cpu", "minLimit": 500, "components": [component]},
        {"type": "memory", "minLimit": 1.5},
        {"type": "diskSize"},
    ]
    pack = read(pack_json(constraints={"dependencies": [], "resources": resources}))
    assert pack.constraints.dependencies == ()
    assert pack.constraints.resources == (
        Resource(
            type="cpu",
            min_limit=500,
            components=(
                Component(
                    resource_request_param_ref="charts.a.cpu",
                    replica_count_param_ref="charts.a.replicas",
                    schedule_type="worker",
                ),
            ),
        ),
        Resource(type="memory", min_limit=1.5),
        Resource(type="diskSize"),
    )


def test_a_dependency_without_a_type_is_read() -> None:
    dependency = {"packName": "kubernetes", "layer": "k8s", "minVersion": "1.34", "maxVersion": ""}
    pack = read(pack_json(constraints={"dependencies": [dependency]}))
    assert pack.constraints.dependencies[0].type == ""


def test_everything_wrong_is_said_at_once_each_with_its_place() -> None:
    text = (
        b'{\n  "name": 7,\n  "displayName": " ",\n  "version": "1/2",\n  "layer": "addons",\n'
        b'  "charts": "a.tgz",\n  "kubeManifests": ["../a.yaml", 3],\n'
        b'  "annotations": {"a": false}\n}'
    )
    places = {(f.rule, f.path, f.line, f.column) for f in refused(text)}
    assert places == {
        ("pack-json.type", "name", 2, 11),
        ("pack-json.required", "displayName", 3, 18),
        ("pack-json.version-form", "version", 4, 14),
        ("pack-json.layer-unknown", "layer", 5, 12),
        ("pack-json.type", "charts", 6, 13),
        ("pack-json.path", "kubeManifests[0]", 7, 21),
        ("pack-json.type", "kubeManifests[1]", 7, 34),
        ("pack-json.type", "annotations.a", 8, 24),
    }


@pytest.mark.parametrize("key", ["name", "displayName", "version", "layer"])
def test_a_required_property_must_be_there(key: str) -> None:
    assert rules(pack_json(**{key: None})) == ["pack-json.required"]
    assert rules(pack_json(**{key: "  "})) == ["pack-json.required"]


def test_an_unknown_layer_is_answered_with_the_nearest() -> None:
    (finding,) = refused(pack_json(layer="Add-on"))
    assert finding.mend == "Did you mean 'addon'?"


@pytest.mark.parametrize(
    "changes",
    [
        {"cloudTypes": "all"},
        {"cloudType": ["all"]},
        {"annotations": []},
        {"annotations": {"a": 1}},
        {"group": 1},
        {"eol": False},
        {"addonType": {}},
        {"charts": [["a"]]},
        {"constraints": []},
        {"constraints": {"dependencies": {}}},
        {"constraints": {"dependencies": ["kubernetes"]}},
        {"constraints": {"dependencies": [{"packName": 1}]}},
        {"constraints": {"resources": [{"minLimit": "100"}]}},
        {"constraints": {"resources": [{"minLimit": True}]}},
        {"constraints": {"resources": [{"components": [1]}]}},
    ],
)
def test_a_wrong_type_is_refused(changes: dict[str, object]) -> None:
    assert rules(pack_json(**changes)) == ["pack-json.type"]


@pytest.mark.parametrize("document", [b"[]", b'"name"', b"3", b"null"])
def test_a_document_that_is_no_object_is_refused(document: bytes) -> None:
    assert rules(document) == ["pack-json.type"]


@pytest.mark.parametrize(
    "version", ["1/2", "1 2", "-1", "é", "1" * 129, "1.2.x", "7.x", "a/../b", "1\n"]
)
def test_a_version_that_cannot_be_a_tag_is_refused(version: str) -> None:
    assert rules(pack_json(version=version)) == ["pack-json.version-form"]


@pytest.mark.parametrize("group", ["L/S", "a b", "-x", "g" * 127])
def test_a_group_that_cannot_begin_a_tag_is_refused(group: str) -> None:
    assert rules(pack_json(group=group)) == ["pack-json.group-form"]


@pytest.mark.parametrize(
    "name", ["Sample", "a/b", "a b", "-a", "a.", "a___b", "..", "ä", "a" * 201, "a\n"]
)
def test_a_name_that_cannot_be_a_repository_is_refused(name: str) -> None:
    assert rules(pack_json(name=name)) == ["pack-json.name-form"]
    with pytest.raises(NameInvalid):
        parse_pack_name(name)


@pytest.mark.parametrize("name", ["a", "vsphere_noprovisioner_csi", "k8s.io-x", "a__b", "a--b"])
def test_names_follow_the_grammar_of_repositories(name: str) -> None:
    assert parse_pack_name(name) == name


@pytest.mark.parametrize(
    "path",
    ["../a.tgz", "charts/../../a.tgz", "/etc/passwd", "C:/a.tgz", "", "charts\\a.tgz", "a\u0007b"],
)
@pytest.mark.parametrize("key", ["charts", "kubeManifests", "ansibleRoles"])
def test_a_path_that_leaves_the_folder_is_refused(key: str, path: str) -> None:
    assert rules(pack_json(**{key: [path]})) == ["pack-json.path"]


def test_a_path_is_read_without_what_changes_nothing() -> None:
    pack = read(pack_json(charts=["./charts//a.tgz", "charts/../charts/b.tgz"]))
    assert pack.charts == ("charts/a.tgz", "charts/b.tgz")


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        (b"", 1, 1, "the end stands where a value is expected"),
        (b"{", 1, 2, "a key in double quotes"),
        (b'{"a": 1,}', 1, 8, "nothing follows this ','"),
        (b'{"a": [1,\n2,]}', 2, 2, "nothing follows this ','"),
        (b'{"a" 1}', 1, 6, "a ':' is expected after the key 'a'"),
        (b'{"a": 1 "b": 2}', 1, 9, "a ',' or the closing '}'"),
        (b"{'a': 1}", 1, 2, "a key in double quotes"),
        (b'{"a": NaN}', 1, 7, "'NaN' stands where a value"),
        (b'{"a": -Infinity}', 1, 7, "'-Infinity' stands where a value"),
        (b'{"a": nul}', 1, 7, "'nul' stands where a value"),
        (b'{"a": 1e999}', 1, 7, "too large"),
        (b'{"a": ' + b"9" * 400 + b"}", 1, 7, "too large"),
        (b'{"a": 01}', 1, 8, "a ',' or the closing '}'"),
        (b'{"a": "x\ny"}', 1, 7, "does not end, or holds a line break"),
        (b'{"a": "\\x"}', 1, 7, "unknown escape"),
        (b'{"a": "\\ud800"}', 1, 7, "surrogate"),
        (b'{"a": "\\u0000"}', 1, 7, "NUL"),
        (b"{} x", 1, 4, "follows the end"),
        (b"{}\n// comment", 2, 1, "follows the end"),
        (b'{"a": ' + b"[" * 9999, 1, 71, "nested deeper than 64"),
        (b'{"a": ' * 9999, 1, 1 + 65 * 6, "nested deeper than 64"),
        (b"[" + b"1," * 30_000 + b"1]", 1, 40_000, "more than 20,000 values"),
        (b" " * 1_048_577, 1, 1, "more than the 1,048,576 allowed"),
        (b'{"a":\n"\xff"}', 2, 0, "not UTF-8: byte 0xff in line 2"),
        ("{}".encode("utf-16"), 1, 0, "not UTF-8"),
    ],
)
def test_what_is_not_json_is_refused_at_its_place(
    text: bytes, line: int, column: int, words: str
) -> None:
    (finding,) = refused(text)
    assert (finding.rule, finding.line, finding.column) == ("pack-json.syntax", line, column)
    assert words in finding.message


def test_a_byte_order_mark_is_skipped_and_not_counted() -> None:
    assert read(b"\xef\xbb\xbf" + pack_json()).name == "sample"
    (finding,) = refused(b'\xef\xbb\xbf{"a": x}')
    assert finding.column == 7


@pytest.mark.parametrize("twin", [b'"name"', b'"NAME"'])
def test_a_key_that_stands_twice_is_refused(twin: bytes) -> None:
    text = pack_json().replace(b'"layer"', twin + b': "other",\n  "layer"')
    (finding,) = refused(text)
    assert (finding.rule, finding.line) == ("pack-json.duplicate-key", 5)
    assert "it stood in line 2 already" in finding.message


def test_a_key_twice_anywhere_is_refused() -> None:
    text = pack_json().replace(b'"source": "community"', b'"source": "a", "source": "b"')
    assert rules(text) == ["pack-json.duplicate-key"]


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.sampled_from([None, 1]), st.booleans())
def test_any_json_is_read_as_the_standard_reader_does(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    properties = json.loads(pack_json()) | {"more": value}
    text = json.dumps(properties, indent=indent, ensure_ascii=ascii_only).encode()
    assert read(text).extra == {"more": value}


@given(st.binary(max_size=60), st.integers(0, 200))
def test_random_bytes_become_findings_and_nothing_else(noise: bytes, place: int) -> None:
    text = pack_json()
    place = min(place, len(text))
    pack, findings = parse_pack_json(text[:place] + noise + text[place:])
    assert (pack is None) == any(f.severity is Severity.REFUSE for f in findings)
    assert all(finding.line and finding.file == "pack.json" for finding in findings)


def test_every_real_pack_is_read(real_packs: Path) -> None:
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            files = read_archive(stream)
        pack, findings = parse_pack_json(files["pack.json"].data)
        assert findings == [], archive.name
        assert pack is not None, archive.name
        assert pack.label == pack.version, archive.name
