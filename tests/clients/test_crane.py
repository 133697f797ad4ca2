"""crane: images made, pushed, pulled, validated, copied, tagged, deleted."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.clients.shell import Shell

pytestmark = pytest.mark.clients("crane")


def layer(folder: Path, name: str, data: bytes) -> Path:
    """An archive with one file."""
    path = folder / f"{name}.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(f"{name}.bin")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return path


def image(shell: Shell, reference: str, *layers: Path, docker: bool = False) -> str:
    """Make an image of layers in the registry; its digest."""
    words = [word for path in layers for word in ("-f", str(path))]
    kind = () if docker else ("--oci-empty-base",)
    shell.run("crane", "append", *kind, *words, "-t", reference)
    return shell.run("crane", "digest", reference).strip()


@pytest.mark.parametrize("docker", [False, True], ids=["OCI", "Docker schema 2"])
def test_an_image_is_appended_validated_and_exported(
    shell: Shell, repo: str, tmp_path: Path, docker: bool
) -> None:
    data = bytes(range(256)) * 4000
    layers = [layer(tmp_path, "one", b"1"), layer(tmp_path, "two", data)]
    image(shell, f"{repo}:v1", *layers, docker=docker)
    shell.run("crane", "validate", "--remote", f"{repo}:v1")
    shell.run("crane", "export", f"{repo}:v1", tmp_path / "flat.tar")
    with tarfile.open(tmp_path / "flat.tar") as tar:
        member = tar.extractfile("two.bin")
        assert member is not None
        assert member.read() == data
    kind = json.loads(shell.run("crane", "manifest", f"{repo}:v1"))["mediaType"]
    assert ("docker" in kind) == docker


@pytest.mark.parametrize("form", ["tarball", "oci", "legacy"])
def test_pulled_and_pushed_again_it_is_the_same(
    shell: Shell, repo: str, tmp_path: Path, form: str
) -> None:
    of = image(shell, f"{repo}:v1", layer(tmp_path, "one", b"1" * 100_000), docker=form != "oci")
    out = tmp_path / "pulled"
    shell.run("crane", "pull", "--format", form, f"{repo}:v1", out)
    if form == "tarball":
        shell.run("crane", "validate", "--tarball", out)
    if form != "legacy":
        shell.run("crane", "push", out, f"{repo}-again:v1")
    if form == "oci":
        assert shell.run("crane", "digest", f"{repo}-again:v1").strip() == of


def test_tags_are_listed_added_and_deleted(shell: Shell, repo: str, tmp_path: Path) -> None:
    of = image(shell, f"{repo}:v1", layer(tmp_path, "one", b"1"))
    shell.run("crane", "tag", f"{repo}:v1", "v2")
    assert shell.run("crane", "ls", repo).split() == ["v1", "v2"]
    shell.run("crane", "delete", f"{repo}:v1")
    assert shell.run("crane", "ls", repo).split() == ["v2"]
    shell.run("crane", "delete", f"{repo}@{of}")
    assert shell.run("crane", "ls", repo).split() == []
    shell.fails("crane", "manifest", f"{repo}:v2")


def test_an_image_is_copied_by_mounting_its_layers(shell: Shell, repo: str, tmp_path: Path) -> None:
    of = image(shell, f"{repo}:v1", layer(tmp_path, "one", bytes(3_000_000)))
    done = shell.start("crane", "copy", f"{repo}:v1", f"{repo}-copy:v1", "-v")
    assert done.returncode == 0, done.stderr
    assert shell.run("crane", "digest", f"{repo}-copy:v1").strip() == of
    shell.run("crane", "validate", "--remote", f"{repo}-copy:v1")


def test_an_index_of_two_platforms(shell: Shell, repo: str, tmp_path: Path) -> None:
    for platform in ("amd64", "arm64"):
        image(shell, f"{repo}:{platform}", layer(tmp_path, platform, platform.encode()))
    words = ("-m", f"{repo}:amd64", "-m", f"{repo}:arm64", "-t", f"{repo}:all")
    shell.run("crane", "index", "append", *words)
    index = json.loads(shell.run("crane", "manifest", f"{repo}:all"))
    assert len(index["manifests"]) == 2
    shell.run("crane", "validate", "--remote", f"{repo}:all")
    shell.run("crane", "copy", f"{repo}:all", f"{repo}-copy:all")
    shell.run("crane", "validate", "--remote", f"{repo}-copy:all")


def test_an_image_is_changed_in_the_registry(shell: Shell, repo: str, tmp_path: Path) -> None:
    image(shell, f"{repo}:v1", layer(tmp_path, "one", b"1"))
    shell.run("crane", "mutate", f"{repo}:v1", "-t", f"{repo}:v2", "--label", "a=b")
    config = json.loads(shell.run("crane", "config", f"{repo}:v2"))
    assert config["config"]["Labels"] == {"a": "b"}


def test_the_catalog_is_listed(shell: Shell, repo: str, tmp_path: Path) -> None:
    image(shell, f"{repo}:v1", layer(tmp_path, "one", b"1"))
    assert repo.partition("/")[2] in shell.run("crane", "catalog", shell.host).split()


def test_login(shell: Shell) -> None:
    (shell.home / ".docker" / "config.json").unlink()
    shell.fails("crane", "catalog", shell.host)
    password = shell.server.admin_password
    shell.run("crane", "auth", "login", shell.host, "-u", "admin", "-p", password)
    shell.run("crane", "catalog", shell.host)
