"""`packyard profile`: files, folders of packs, and a registry; no hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import live
from tests.charts import samples as charts
from tests.cli.program import Program, make_pack
from tests.live import Live
from tests.packs.samples import pack, write

VALUES = (
    "# What people see.\npack:\n  namespace: web\nmanifests:\n  sample:\n    port: 80  # edit\n"
)
SCHEMA = "manifests.sample.port:\n  schema: '{{ required | format \"${number:[1-65535]}\" }}'\n"
PRESETS = """\
presets:
  - {name: tls, displayName: TLS, group: Port, add: "manifests: {sample: {port: 443}}"}
  - {name: plain, displayName: Plain, group: Port, add: "manifests: {sample: {port: 80}}"}
"""


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    folder = tmp_path / "packs"
    for layer, name in (("os", "ubuntu"), ("k8s", "kubernetes"), ("cni", "flannel")):
        make_pack(folder / name, name, "1.2.3", layer=layer, addonType=None)
    files = {"values.yaml": VALUES, "schema.yaml": SCHEMA, "presets.yaml": PRESETS}
    for version in ("1.0.0", "1.1.0"):
        write(pack({**files}, name="web", version=version), folder / f"web-{version}")
    needs = {
        "dependencies": [
            {"packName": "kubernetes", "layer": "k8s", "minVersion": "2", "type": "required"}
        ]
    }
    make_pack(folder / "newer", "newer", "1.0.0", constraints=needs)
    return folder


@pytest.fixture
def profile(packs: Path, packyard: Program, tmp_path: Path) -> Path:
    names = ["ubuntu", "kubernetes", "flannel:1.2.x", "web:1.0.0"]
    words = [word for name in names for word in ("--pack", name)]
    done = packyard(
        "profile", "init", "shop/profile.yaml", "--name", "shop", "--cloud", "edge-native",
        "-r", "packs", *words, cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    return tmp_path / "shop" / "profile.yaml"


def test_a_profile_is_begun_with_the_values_of_its_packs(
    profile: Path, packyard: Program, tmp_path: Path
) -> None:
    said = yaml.safe_load(profile.read_text())
    assert said["registries"] == {"packs": "../packs"}
    assert [layer["tag"] for layer in said["layers"]] == ["1.2.3", "1.2.3", "1.2.x", "1.0.0"]
    assert (profile.parent / "values/web.yaml").read_text() == VALUES
    again = packyard("profile", "init", profile, "-r", tmp_path / "packs")
    assert (again.code, again.out) == (1, "")
    assert "is there already" in again.err
    missing = packyard(
        "profile", "init", tmp_path / "n.yaml", "-r", tmp_path / "packs", "--pack", "x"
    )
    assert (missing.code, missing.err) == (1, "Error: No registry holds a pack x.\n")


def test_a_good_profile_has_nothing_to_mend(profile: Path, packyard: Program) -> None:
    done = packyard("profile", "check", "--strict", profile)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{profile}  ok\n1 profile: nothing to mend\n"


def break_it(profile: Path) -> None:
    text = (
        profile.read_text().replace("tag: 1.2.x", "tag: 9.9.9").replace("name: web", "name: weeb")
    )
    profile.write_text(text + "  - {name: app--web, tag: '1.x', values: values/web.yaml}\n")
    values = profile.parent / "values/web.yaml"
    values.write_text(
        values.read_text().replace("80", "'{{ .spectro.var.port }}'") + "a: 1\na: 2\n"
    )


def test_everything_wrong_is_said_with_file_and_line(profile: Path, packyard: Program) -> None:
    break_it(profile)
    done = packyard("profile", "check", profile, "--format", "json")
    assert done.code == 1
    (checked,) = json.loads(done.out)
    found = {(f["rule"], f["file"], f.get("line"), f.get("layer", "")) for f in checked["findings"]}
    lines = profile.read_text().splitlines()
    tag = next(i for i, line in enumerate(lines, 1) if "9.9.9" in line)
    assert found == {
        ("layer.tag-unknown", "profile.yaml", tag, "flannel"),
        ("layer.pack-unknown", "profile.yaml", len(lines) - 5, "weeb"),
        ("yaml.duplicate-key", "values/web.yaml", 8, "weeb"),
        ("yaml.duplicate-key", "values/web.yaml", 8, "app--web"),
    }
    sarif = json.loads(packyard("profile", "check", profile, "--format", "sarif").out)
    run = sarif["runs"][0]
    places = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
    }
    assert places == {str(profile), str(profile.parent / "values/web.yaml")}
    assert all(
        run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        for result in run["results"]
    )
    text = packyard("profile", "check", profile)
    assert text.code == 1
    assert "Did you mean 'web'?" in text.out


def test_options_are_those_that_fit_the_others_say_why(profile: Path, packyard: Program) -> None:
    fitting = json.loads(packyard("profile", "options", profile, "addon", "-o", "json").out)
    assert [(row["name"], row["version"]) for row in fitting] == [
        ("web", "1.1.0"),
        ("web", "1.0.0"),
    ]
    every = packyard("profile", "options", profile, "addon", "--all")
    (newer,) = [line for line in every.out.splitlines() if line.startswith("newer")]
    assert "does not fit" in newer
    assert "requires kubernetes 2 or later; there is 1.2.3" in newer
    none = packyard("profile", "options", profile, "csi")
    assert (none.code, none.out) == (0, "")


def test_presets_are_listed_and_switched_in_the_file(profile: Path, packyard: Program) -> None:
    values = profile.parent / "values/web.yaml"
    assert packyard("profile", "preset", profile, "web", "tls").code == 0
    assert "    port: 443  # edit\n" in values.read_text()
    listed = packyard("profile", "preset", profile, "web").out.splitlines()
    assert [line.split() for line in listed[1:]] == [
        ["Port", "tls", "TLS", "yes"],
        ["Port", "plain", "Plain"],
    ]
    assert packyard("profile", "preset", profile, "web", "plain").code == 0
    assert values.read_text().endswith(VALUES.removeprefix("\n"))
    wrong = packyard("profile", "preset", profile, "web", "plian")
    assert (wrong.code, wrong.err) == (
        2,
        "Error: web has no preset 'plian': did you mean 'plain'?\n",
    )
    assert packyard("profile", "preset", profile, "none").code == 2


def test_add_ons_are_rendered_with_what_is_given(profile: Path, packyard: Program) -> None:
    values = profile.parent / "values/web.yaml"
    values.write_text(VALUES.replace("80", "'{{ .spectro.var.port }}'"))
    with profile.open("a") as stream:
        stream.write("variables:\n  - {name: port, required: true}\n")
    without = packyard("profile", "render", profile)
    assert (without.code, without.out) == (1, "")
    assert "The variable 'port' needs a value." in without.err
    done = packyard("profile", "render", profile, "--var", "port=8080")
    assert done.code == 0, done.err
    read: list[dict[str, Any]] = list(yaml.safe_load_all(done.out))
    assert [document["kind"] for document in read] == ["Namespace", "ConfigMap"]
    assert read[1]["data"] == {"port": "8080"}
    folder = profile.parent / "out"
    assert packyard("profile", "render", profile, "--var", "port=1", "-o", folder).code == 0
    assert len(list(folder.iterdir())) == 2
    assert packyard("profile", "render", profile, "--var", "port").code == 2


def test_what_is_exported_is_imported(profile: Path, packyard: Program, tmp_path: Path) -> None:
    with profile.open("a") as stream:
        stream.write("variables:\n  - {name: key, isSensitive: true, defaultValue: S3CRET}\n")
    for form in ("json", "yaml"):
        done = packyard("profile", "export", profile, "--format", form)
        assert done.code == 0, done.err
        assert "S3CRET" not in done.out
        file = tmp_path / f"export.{form}"
        file.write_text(done.out)
        new = tmp_path / form / "profile.yaml"
        taken = packyard("profile", "import", file, new, "-r", f"packs={tmp_path / 'packs'}")
        assert taken.code == 0, taken.err
        checked = json.loads(packyard("profile", "check", new, "--format", "json").out)
        assert [f["rule"] for f in checked[0]["findings"]] == ["variable.unused", "variable.masked"]
        assert (new.parent / "values/web.yaml").read_text() == VALUES
    assert (
        'resource "spectrocloud_cluster_profile" "shop"'
        in packyard("profile", "export", profile, "--format", "terraform").out
    )
    refused = packyard("profile", "import", profile, tmp_path / "no.yaml")
    assert refused.code == 1
    assert "This is no exported profile" in refused.err
    assert not (tmp_path / "no.yaml").exists()


def test_charts_and_manifests_stand_beside_the_profile(packyard: Program, tmp_path: Path) -> None:
    template = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: '{{ .Values.a }}'}\n"
    )
    (tmp_path / "c.tgz").write_bytes(charts.chart({"s.yaml": template}, name="c", values="a: 1\n"))
    (tmp_path / "m.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\n")
    (tmp_path / "v.yaml").write_text("charts:\n  c:\n    a: '{{ .spectro.macro.m }}'\n")
    file = tmp_path / "profile.yaml"
    file.write_text(
        "name: p\ntype: add-on\nmacros: {m: two}\nlayers:\n"
        "  - {name: c, chart: c.tgz, values: v.yaml}\n  - {name: m, manifests: [m.yaml]}\n"
        "  - {name: out, manifests: [../m.yaml]}\n"
    )
    outside = packyard("profile", "check", file)
    assert outside.code == 1
    assert "../m.yaml cannot be read: its path leaves the folder by '..'." in outside.out
    file.write_text(file.read_text().replace("  - {name: out, manifests: [../m.yaml]}\n", ""))
    assert packyard("profile", "check", "--strict", file).code == 0
    done = packyard("profile", "render", file)
    assert done.code == 0, done.err
    read = list(yaml.safe_load_all(done.out))
    assert [(one["kind"], one.get("stringData")) for one in read] == [
        ("Secret", {"a": "two"}),
        ("ConfigMap", None),
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live.start(tmp_path_factory.mktemp("server")) as running:
        yield running


def test_packs_may_come_from_any_registry(
    profile: Path, packs: Path, packyard: Program, server: Live
) -> None:
    words = ["registry", "login", server.host, "-u", "admin", "--password-stdin"]
    assert packyard(*words, stdin=server.admin_password).code == 0
    assert packyard("pack", "push", *sorted(packs.iterdir())).code == 0
    text = profile.read_text()
    for address in (server.host, f"oci://{server.host}"):
        profile.write_text(text.replace("../packs", address))
        done = packyard("profile", "check", "--strict", profile)
        assert (done.code, done.err) == (0, ""), done.out
        rows = json.loads(packyard("profile", "options", profile, "addon", "-a", "-o", "json").out)
        fits = {(row["name"], row["version"]): row["fits"] for row in rows}
        assert fits["web", "1.1.0"]
        assert not fits["newer", "1.0.0"]
    profile.write_text(text.replace("1.0.0", "3.0.0", 2))
    done = packyard("profile", "check", profile, "-r", server.host)
    assert "web has no tag '3.0.0'." in done.out
    assert "There are 1.1.0, 1.0.0, " in done.out
