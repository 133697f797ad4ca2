"""skopeo: copies between the registry, folders and layouts; list, inspect, delete."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from tests.clients.shell import Shell

pytestmark = pytest.mark.clients("skopeo", "crane")
COPY = ("skopeo", "--insecure-policy", "copy")
UNVERIFIED = ("--src-tls-verify=false", "--dest-tls-verify=false")


@pytest.fixture
def image(shell: Shell, repo: str, tmp_path: Path) -> str:
    """An image of two layers in the registry."""
    words = []
    for name in ("one", "two"):
        file = tmp_path / f"{name}.txt"
        file.write_text(name * 10_000)
        with tarfile.open(tmp_path / f"{name}.tar", "w") as tar:
            tar.add(file, file.name)
        words += ["-f", str(tmp_path / f"{name}.tar")]
    shell.run("crane", "append", "--oci-empty-base", *words, "-t", f"{repo}:v1")
    return f"{repo}:v1"


@pytest.mark.parametrize("form", ["dir", "oci"])
def test_an_image_is_copied_out_and_back_unchanged(
    shell: Shell, repo: str, image: str, form: str
) -> None:
    place = f"{form}:{shell.home}/out" + (":v1" if form == "oci" else "")
    shell.run(*COPY, *UNVERIFIED, f"docker://{image}", place)
    shell.run(*COPY, *UNVERIFIED, place, f"docker://{repo}-back:v1")
    digest = shell.run("crane", "digest", image)
    assert shell.run("crane", "digest", f"{repo}-back:v1") == digest
    shell.run("crane", "validate", "--remote", f"{repo}-back:v1")


def test_an_image_is_converted_to_docker_schema_2(shell: Shell, repo: str, image: str) -> None:
    words = ("--format", "v2s2", f"docker://{image}", f"docker://{repo}:docker")
    shell.run(*COPY, *UNVERIFIED, *words)
    kind = json.loads(shell.run("crane", "manifest", f"{repo}:docker"))["mediaType"]
    assert kind == "application/vnd.docker.distribution.manifest.v2+json"
    shell.run("crane", "validate", "--remote", f"{repo}:docker")


def test_between_two_repositories(shell: Shell, repo: str, image: str) -> None:
    shell.run(*COPY, *UNVERIFIED, f"docker://{image}", f"docker://{repo}-two:v1")
    shell.run("crane", "validate", "--remote", f"{repo}-two:v1")


def test_tags_are_listed_images_inspected_and_deleted(shell: Shell, repo: str, image: str) -> None:
    verify = "--tls-verify=false"
    listed = json.loads(shell.run("skopeo", "list-tags", verify, f"docker://{repo}"))
    assert listed["Tags"] == ["v1"]
    seen = json.loads(shell.run("skopeo", "inspect", verify, f"docker://{image}"))
    assert seen["Digest"] == shell.run("crane", "digest", image).strip()
    assert len(seen["Layers"]) == 2
    shell.run("skopeo", "--insecure-policy", "delete", verify, f"docker://{image}")
    shell.fails("skopeo", "inspect", verify, f"docker://{image}")


def test_login(shell: Shell) -> None:
    file = shell.home / "auth.json"
    words = ("login", "--tls-verify=false", "--authfile", file, "-u", "admin", "-p")
    shell.run("skopeo", *words, shell.server.admin_password, shell.host)
    shell.fails("skopeo", *words, "wrong", shell.host)
