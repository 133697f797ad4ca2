"""Profiles as JSON, YAML and Terraform (profile-json.md)."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packyard.packs.archive import read_archive
from packyard.packs.model import Layer
from packyard.profiles.content import PackContent
from packyard.profiles.exchange import as_json, as_yaml, export, read_export
from packyard.profiles.model import (
    TAG_VALUE,
    Format,
    InputType,
    Manifest,
    Option,
    PackType,
    Profile,
    ProfileLayer,
    ProfileType,
    RegistryReference,
    Variable,
)
from packyard.profiles.registries import Holder, matching, preferred
from packyard.profiles.terraform import terraform
from tests.profiles.samples import content, of

PACKS = RegistryReference(
    uid="6650a1b2c3d4e5f601234567",
    name="Port packs",
    kind="oci",
    provider="pack",
    private=True,
    synchronized=True,
)
CHARTS = RegistryReference(uid="6650a1b2c3d4e5f60123eeee", name="Port charts", kind="helm")

HARBOUR = Profile(
    name="harbour-edge",
    version="2.1.0",
    description='Sites of the "port"',
    cloud_type="edge-native",
    labels={"owner": "platform", "pilot": TAG_VALUE},
    layers=(
        ProfileLayer(
            name="quay-os",
            type=PackType.OCI,
            layer=Layer.OS,
            tag="LTS__22.4.x",
            version="22.04",
            registry=PACKS,
            values="# nodes\noptions:\n  uri: '{{ .spectro.pack.quay-os.a }}/${x}:%{y}'\n\n",
        ),
        ProfileLayer(
            name="night--crane",
            type=PackType.HELM,
            layer=Layer.ADDON,
            tag="0.8.15",
            version="0.8.15",
            registry=CHARTS,
            values="pack:\r\n  a: 1\r\n",
        ),
        ProfileLayer(name="no-values", layer=Layer.ADDON, tag="1.0.0", version="1.0.0"),
        ProfileLayer(
            name="quotas",
            type=PackType.MANIFEST,
            layer=Layer.ADDON,
            tag="1.0.0",
            version="1.0.0",
            manifests=(Manifest(name="limits", content="kind: A\n---\nkind: B\nEOT\n"),),
        ),
    ),
    variables=(
        Variable(name="cidr", format=Format.IPV4CIDR, default="10.0.0.0/16", required=True),
        Variable(
            name="size",
            display_name="Size",
            input_type=InputType.DROPDOWN,
            options=(Option(value="1", label="small"), Option(value="3", default=True)),
            hidden=True,
            regex="[0-9]+",
        ),
        Variable(name="token", sensitive=True, default="********", immutable=True),
    ),
)


@pytest.mark.parametrize("write", [as_json, as_yaml])
def test_what_is_exported_is_imported_again(write: Any) -> None:
    profile, findings = read_export(write(export(HARBOUR)).encode())
    assert findings == []
    assert profile == HARBOUR


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=40
)


@given(TEXTS, TEXTS, TEXTS)
@settings(max_examples=60, deadline=None)
def test_any_text_comes_back(values: str, description: str, default: str) -> None:
    layers = (ProfileLayer(name="a", layer=Layer.ADDON, values=values),)
    variables = (Variable(name="v", default=default),)
    profile = replace(HARBOUR, layers=layers, description=description, variables=variables)
    for write in (as_json, as_yaml):
        again, findings = read_export(write(export(profile)).encode())
        assert (again, findings) == (profile, [])


def test_secrets_are_masked_wherever_a_pack_calls_them_so() -> None:
    schema = (
        "a.password:\n  schema: '{{ format \"${password}\" }}'\n"
        "a.users$[].key:\n  schema: '{{ format \"${password}\" }}'\n"
        "a.by-macro:\n  schema: '{{ format \"${password}\" }}'\n"
        "a.absent:\n  schema: '{{ format \"${password}\" }}'\n"
    )
    values = (
        "a:\n  password: S3CRET # kept\n  users:\n    - key: S3CRET\n    - name: x\n"
        "  by-macro: '{{.spectro.var.token}}'\n"
    )
    pack = content("app", values=values, schema=schema)
    token = Variable(name="token", sensitive=True, default="S3CRET")
    profile = Profile(name="p", type=ProfileType.ADDON, layers=(of(pack),), variables=(token,))
    for text in (as_json(export(profile, [pack])), terraform(profile, [pack])):
        assert "S3CRET" not in text
        assert "# kept" in text
        assert "{{.spectro.var.token}}" in text
    (layer,) = export(profile, [pack])["spec"]["template"]["packs"]  # type: ignore[index]
    assert layer["values"].count("'********'") == 2
    assert "absent" not in layer["values"]


def test_secrets_are_inputs_of_terraform_whatever_their_names() -> None:
    names = ("_", "a-b", "a.b", "A_b", "version", "count")
    variables = (
        *(Variable(name=one, sensitive=True, default="S3CRET", regex="^S") for one in names),
        HARBOUR.variables[1],
    )
    text = terraform(replace(HARBOUR, layers=(), variables=variables))
    assert "S3CRET" not in text
    inputs = re.findall(r'^variable "(.*)" \{', text, re.MULTILINE)
    assert inputs == ["secret", "a_b", "a_b_2", "a_b_3", "version_value", "count_value"]
    assert re.findall(r"default_value = var\.(.*)", text) == inputs
    assert text.count('regex         = "^S"') == len(names)
    assert re.search(r'default_value = "3"', text)


def test_an_export_says_which_version_a_parent_tag_stands_for() -> None:
    pack = content("app", version="1.33.9")
    profile = Profile(name="p", layers=(of(pack, tag="1.33.x", version="1.33.2", layer=None),))
    (layer,) = export(profile, [pack])["spec"]["template"]["packs"]  # type: ignore[index]
    assert (layer["tag"], layer["version"], layer["layer"]) == ("1.33.x", "1.33.9", "addon")


REAL: dict[str, Any] = {
    "metadata": {"name": "a", "labels": None},
    "spec": {
        "template": {
            "type": "cluster",
            "packs": [
                {"name": "m", "type": "manifest", "manifests": None, "registry": {"metadata": {}}},
                {"name": "x", "version": "1.0.0", "registry": None, "presets": [1]},
            ],
        },
        "variables": [{"name": "v", "isHidden": False, "defaultValue": 3}],
    },
}


def test_what_real_files_leave_out_and_add_is_taken() -> None:
    for text in (json.dumps(REAL), "\ufeff" + json.dumps(REAL), as_yaml(REAL)):
        profile, findings = read_export(text.encode())
        assert profile, findings
        assert findings == []
        assert (profile.version, profile.description) == ("1.0.0", "")
        assert [layer.tag for layer in profile.layers] == ["", "1.0.0"]
        assert profile.variables[0].default == "3"


FAULTS: list[tuple[str, list[tuple[str, int, int]]]] = [
    ('{"metadata": {"name": "a"},\n "spec": }', [("profile.syntax", 2, 10)]),
    ("a: [\n", [("yaml.syntax", 2, 1)]),
    ("- a\n", [("yaml.root", 1, 1)]),
    ("[]", [("yaml.root", 1, 1)]),
    ("", [("profile.not-export", 0, 0)]),
    ("{}", [("profile.not-export", 1, 1)]),
    (
        "apiVersion: v1\nkind: ClusterProfile\nmetadata: {name: a}\nspec:\n  packs: []\n",
        [("profile.not-export", 0, 0)],
    ),
    (
        (
            "metadata:\n  name: 1.0\nspec:\n  template:\n    type: clutser\n    packs:\n"
            "      - a\n      - name: x\n        tag: 1.10\n        type: helm\n"
        ),
        [
            ("profile.type", 2, 3),
            ("profile.word-unknown", 5, 5),
            ("profile.type", 7, 9),
            ("profile.type", 9, 9),
        ],
    ),
    ("metadata: {name: a}\nmetadata: {name: b}\n", [("yaml.duplicate-key", 2, 1)]),
    ('{"metadata": {}, "metadata": {}}', [("profile.syntax", 1, 18)]),
]


def test_what_is_no_export_is_refused_with_its_place() -> None:
    for text, expected in FAULTS:
        profile, findings = read_export(text.encode(), "p.json")
        assert profile is None, text
        assert [(f.rule, f.line, f.column) for f in findings] == expected, text
    _, (other,) = read_export(FAULTS[6][0].encode(), "p.yaml")
    assert "kind ClusterProfile" in other.message
    _, findings = read_export(FAULTS[7][0].encode())
    assert [finding.mend for finding in findings] == [
        "Put it in quotes.",
        "Did you mean 'cluster'?",
        "",
        "Put it in quotes.",
    ]


def test_a_configuration_names_registries_and_asks_for_secrets() -> None:
    text = re.sub(r" +=", " =", terraform(HARBOUR))
    assert 'data "spectrocloud_registry_oci" "port_packs" {\n  name = "Port packs"\n}' in text
    assert "registry_uid = data.spectrocloud_registry_helm.port_charts.id" in text
    assert "default_value = var.token" in text
    assert 'tags = ["owner:platform", "pilot"]' in text
    assert "$${x}:%%{y}" in text
    assert 'values = "pack:\\r\\n  a: 1\\r\\n"' in text
    assert "content = <<EOT1\nkind: A\n---\nkind: B\nEOT\nEOT1\n" in text


@pytest.mark.clients("terraform")
def test_terraform_itself_takes_every_configuration(tmp_path: Path) -> None:
    odd = 'a: "${x}"\nb: %{if}\tEOT\x00\u2028é\x7f\\\nEOT\n'
    layers = [replace(layer, values=layer.values + odd) for layer in HARBOUR.layers]
    profile = replace(HARBOUR, layers=tuple(layers), description=odd, name="0 ${n}")
    for text in (terraform(HARBOUR), terraform(profile)):
        run = ["terraform", "fmt", "-"]
        done = subprocess.run(run, input=text.encode(), capture_output=True, check=False)
        assert (done.returncode, done.stdout.decode()) == (0, text), done.stderr.decode()
    # The values of a heredoc are those of the profile: evaluated by Terraform as a local value.
    values = HARBOUR.layers[0].values
    lines = text_of_values(terraform(HARBOUR))
    (tmp_path / "main.tf").write_text(f"locals {{\n{lines}\n}}\n")
    done = subprocess.run(
        ["terraform", "console"], input=b"jsonencode(local.values)\n", cwd=tmp_path,
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(json.loads(done.stdout)) == values


def text_of_values(configuration: str) -> str:
    """The first argument `values` with its heredoc."""
    start = configuration.index("values ")
    return configuration[start : configuration.index("\nEOT\n", start) + 5]


def test_every_real_pack_passes_through_a_file(real_packs: Path) -> None:
    """All packs as layers of one profile, out and in again, as JSON and as YAML."""
    packs = []
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            packs.append(PackContent.of(read_archive(stream)))
    known = [pack for pack in packs if pack]
    layers = tuple(of(pack, name=f"l{number}") for number, pack in enumerate(known))
    profile = Profile(name="all", type=ProfileType.ADDON, layers=layers)
    for write in (as_json, as_yaml):
        again, findings = read_export(write(export(profile)).encode())
        assert findings == []
        assert again == profile
    assert len(known) == 53


def test_the_registry_of_a_layer_is_found_by_uid_then_name_then_whoever_holds_it() -> None:
    def holder(uid: str, name: str, kind: str = "oci", **more: Any) -> Holder:
        return Holder(registry=RegistryReference(uid=uid, name=name, kind=kind), **more)

    one, two = holder("1", "one", created=5), holder("2", "two", created=3)
    helm, ours = holder("3", "helm", "helm", created=1), holder("4", "ours", "pack", builtin=True)
    everyone = [one, two, helm, ours]

    def wanted(uid: str = "", name: str = "", kind: str = "") -> list[str]:
        reference = RegistryReference(uid=uid, name=name, kind=kind)
        return [found.registry.uid for found in matching(reference, everyone)]

    assert wanted(uid="1", name="two") == ["1"]
    assert wanted(uid="9", name="two") == ["2"]
    assert wanted(uid="3", kind="oci") == ["1", "2", "3", "4"]
    assert wanted(uid="9", name="gone") == ["1", "2", "3", "4"]
    assert preferred(RegistryReference(kind="oci"), everyone) == ours
    assert preferred(RegistryReference(kind="oci"), [one, two, helm]) == two
    assert preferred(RegistryReference(), []) is None
