"""`packyard profile push` and `pull`, and `hub profile`: between files and a live hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.hub.conftest import Commands, typed
from tests.cli.program import make_pack
from tests.cli.test_profile import PRESETS, SCHEMA, VALUES
from tests.live import Live
from tests.packs.samples import pack, write
from tests.test_docs import ROOT, console_lines

VARIABLES = """\
variables:
  - {name: port, displayName: Port, format: number, defaultValue: "80"}
  - {name: word, isSensitive: true, defaultValue: "a secret"}
"""


@pytest.fixture(scope="module")
def packs(server: Live, admin: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packs, which the hub has, too."""
    folder = tmp_path_factory.mktemp("packs")
    made = [
        make_pack(folder / name, name, "1.2.3", layer=layer, addonType=None)
        for layer, name in (("os", "ubuntu"), ("k8s", "kubernetes"), ("cni", "flannel"))
    ]
    files = {"values.yaml": VALUES, "schema.yaml": SCHEMA, "presets.yaml": PRESETS}
    made += [
        write(pack({**files}, name="web", version=version), folder / f"web-{version}")
        for version in ("1.0.0", "1.1.0")
    ]
    Commands(admin.home, ("pack",))("push", *made)
    return folder


@pytest.fixture
def profile(admin: Commands) -> Commands:
    return Commands(admin.home, ("profile",))


@pytest.fixture
def file(profile: Commands, packs: Path, tmp_path: Path) -> Path:
    """A profile `shop` of packs in the folder, with variables and a manifest of its own."""
    path = tmp_path / "shop" / "profile.yaml"
    names = ["ubuntu", "kubernetes", "flannel:1.2.x", "web:1.0.0"]
    words = [word for name in names for word in ("--pack", name)]
    profile("init", path, "--cloud", "edge-native", "-r", f"local={packs}", *words)
    (path.parent / "extra.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\n"
        "data:\n  word: '{{ .spectro.var.word }}'\n"
    )
    values = path.parent / "values" / "web.yaml"
    values.write_text(values.read_text().replace("80  #", '"{{ .spectro.var.port }}"  #'))
    text = path.read_text().rstrip()
    path.write_text(f"{text}\n  - name: extra\n    manifests: [extra.yaml]\n{VARIABLES}")
    return path


def test_a_profile_goes_to_a_hub_and_comes_back(
    admin: Commands, profile: Commands, file: Path, tmp_path: Path
) -> None:
    done = profile("push", file)
    word, label, uid, state = done.out.split()
    assert (word, label, state) == ("created", "shop:1.0.0", "draft"), done.err
    back = tmp_path / "back" / "profile.yaml"
    written = profile("pull", "shop", back).out
    assert "values/web.yaml" in written
    for name in ("values/ubuntu.yaml", "values/web.yaml", "manifests/extra.yaml"):
        stem = "extra.yaml" if name.startswith("manifests") else name
        assert (back.parent / name).read_text() == (file.parent / stem).read_text()
    assert "a secret" not in back.read_text()
    assert "Public Repo: 127.0.0.1" in back.read_text()
    assert "is there already" in profile.says("pull", "shop", back)
    assert profile("pull", uid, back, "--force").out == ""
    # What was masked stands for the secret that the hub has, so nothing is another.
    assert profile("push", back).out.split()[0] == "unchanged"
    assert "was masked" in profile("check", back).out

    pushed = profile("push", file, "--publish").out.split()
    assert (pushed[0], pushed[-1]) == ("updated", "published")
    values = back.parent / "values" / "web.yaml"
    values.write_text(values.read_text().replace("# edit", "# edited"))
    assert profile("push", back).out.split()[-1] == "draft"
    assert "published, and a draft" in admin("profile", "ls").out
    again = tmp_path / "again" / "profile.yaml"
    profile("pull", "shop:1.0.0", again, "--published")
    assert "# edited" not in (again.parent / "values" / "web.yaml").read_text()
    admin("profile", "publish", "shop")
    shown = admin("profile", "show", "shop").out
    assert "addon   web:1.0.0" in shown
    assert "k8s     kubernetes:1.2.3" in shown

    values.write_text(values.read_text().replace("var.port", "macro.port"))
    admin("macro", "set", "port=80")
    assert profile("push", back).out.startswith("updated")
    assert "used by a cluster profile: shop 1.0.0" in admin.says("macro", "rm", "port", "-y")
    admin("macro", "rm", "port", "--force", "--yes")

    assert "--yes" in admin.says("profile", "rm", "shop:1.0.0", code=2)
    assert "Deleted shop:1.0.0" in admin.says("profile", "rm", "shop:1.0.0", "-y", code=0)
    assert "There are no cluster profiles" in admin.says("profile", "ls", code=0)


def test_what_a_hub_finds_wrong_is_listed_in_the_files_here_and_not_sent(
    admin: Commands, profile: Commands, file: Path
) -> None:
    text = file.read_text()
    file.write_text(text.replace("tag: 1.0.0", "tag: 9.9.9"))
    done = profile("push", file, code=1)
    assert done.out == ""
    assert "profile.yaml" in done.err
    assert "refuse" in done.err
    assert "There are no cluster profiles" in admin.says("profile", "ls", code=0)

    file.write_text(text)
    values = file.parent / "values" / "web.yaml"
    kept = values.read_text()
    values.write_text(kept.replace("var.port", "var.prot"))
    done = profile("push", file, "--publish", code=1)
    assert "values/web.yaml" in done.err
    assert "The variable 'prot' is not defined" in done.err
    assert "There are no cluster profiles" in admin.says("profile", "ls", code=0)
    assert profile("push", file).out.startswith("created")  # blocked, but fit for a draft
    refused = admin.says("profile", "publish", "shop")
    assert "published" in refused
    assert "  web/values.yaml:" in refused

    values.write_text(kept)
    file.write_text(text.replace("cloudType: edge-native", "cloudType: edge"))
    assert "another version" in profile.says("push", file)
    file.write_text(f"description: Ours\n{text}")
    assert profile("push", file, "--publish").out.split()[-1] == "published"
    assert "has no cluster profile shp. Did you mean 'shop'?" in profile.says("pull", "shp", "x")
    assert "has no registry there" in profile.says("push", file, "-r", "local=there")
    admin("profile", "rm", "shop", "-y")


def test_a_project_has_profiles_of_its_own(
    admin: Commands, profile: Commands, file: Path, tmp_path: Path
) -> None:
    profile("push", file)
    assert profile("push", file, "--project", "Default").out.startswith("created")
    own = json.loads(admin("profile", "ls", "-o", "json").out)
    both = json.loads(admin("profile", "ls", "--project", "Default", "-o", "json").out)
    scopes = [
        sorted(row["metadata"]["annotations"]["scope"] for row in rows) for rows in (own, both)
    ]
    assert scopes == [["tenant"], ["project", "tenant"]]
    words = ("--project", "Default", "-r", "local=Public Repo")
    assert profile("push", file, *words).out.split()[0] == "updated"  # the secret is given anew
    for row in both:
        admin("profile", "rm", row["metadata"]["uid"], "--project", "Default", "-y")


def test_every_command_on_hubs_does_what_the_page_says(
    admin: Commands, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs/profiles.md"
    words = ("profile push", "profile pull", "packyard hub")
    lines = [line for line in console_lines(page) if any(word in line for word in words)]
    assert len(lines) == 4
    for line in lines:
        typed(admin.home, line)
    assert "published" in admin("profile", "ls").out
    assert (tmp_path / "copy" / "profile.yaml").exists()
    assert file.exists()
