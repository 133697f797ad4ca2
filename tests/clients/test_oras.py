"""oras: artifacts, referrers, tags, copies, and every real pack."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.clients.shell import Shell

pytestmark = pytest.mark.clients("oras")
PLAIN = "--plain-http"


def written(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def pushed(shell: Shell, reference: str, data: bytes = b"hello", *more: str) -> str:
    """Push one file; the digest of its manifest."""
    written(shell.home, "artifact.txt", data)
    words = ("artifact.txt:text/plain", "--format", "json", *more)
    return str(json.loads(shell.run("oras", "push", PLAIN, reference, *words))["digest"])


def test_login_and_logout(shell: Shell) -> None:
    file = shell.home / "auth.json"
    words = [PLAIN, "--registry-config", str(file), "-u", "admin"]
    good = [*words, "-p", shell.server.admin_password]
    assert "Login Succeeded" in shell.run("oras", "login", *good, shell.host)
    shell.fails("oras", "login", *words, "-p", "wrong", shell.host)
    shell.run("oras", "logout", "--registry-config", file, shell.host)


def test_push_and_pull(shell: Shell, repo: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    pushed(shell, f"{repo}:v1", data)
    out = tmp_path / "out"
    shell.run("oras", "pull", PLAIN, f"{repo}:v1", "-o", out)
    assert (out / "artifact.txt").read_bytes() == data


def test_folders_keep_their_files(shell: Shell, repo: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder" / "sub"
    folder.mkdir(parents=True)
    written(folder, "a.txt", b"a")
    script = written(folder, "run.sh", b"#!/bin/sh\n")
    script.chmod(0o755)
    shell.run("oras", "push", PLAIN, f"{repo}:v1", "folder", cwd=tmp_path)
    out = tmp_path / "out"
    shell.run("oras", "pull", PLAIN, f"{repo}:v1", "-o", out)
    assert (out / "folder/sub/a.txt").read_bytes() == b"a"
    assert (out / "folder/sub/run.sh").stat().st_mode & 0o100


def test_many_tags_in_one_push(shell: Shell, repo: str) -> None:
    pushed(shell, f"{repo}:a,b,c")
    assert shell.run("oras", "repo", "tags", PLAIN, repo).split() == ["a", "b", "c"]


def test_tags_are_added_and_deleted(shell: Shell, repo: str) -> None:
    of = pushed(shell, f"{repo}:v1")
    shell.run("oras", "tag", PLAIN, f"{repo}:v1", "v1.0", "stable")
    assert shell.run("oras", "repo", "tags", PLAIN, repo).split() == ["stable", "v1", "v1.0"]
    assert shell.run("oras", "resolve", PLAIN, f"{repo}:stable").strip() == of
    shell.run("oras", "manifest", "delete", PLAIN, "--force", f"{repo}@{of}")
    assert shell.run("oras", "repo", "tags", PLAIN, repo).split() == []


def test_repositories_are_listed(shell: Shell, repo: str) -> None:
    pushed(shell, f"{repo}:v1")
    assert repo.partition("/")[2] in shell.run("oras", "repo", "ls", PLAIN, shell.host).split()


@pytest.mark.parametrize("way", ["v1.1-referrers-api", ""])
def test_attached_artifacts_are_discovered(shell: Shell, repo: str, way: str) -> None:
    subject = pushed(shell, f"{repo}:v1")
    option = ("--distribution-spec", way) if way else ()
    for kind in ("sbom/example", "signature/example"):
        written(shell.home, "attached.json", json.dumps({"kind": kind}).encode())
        what = ("--artifact-type", kind, "--annotation", "a=b", f"{repo}:v1", "attached.json")
        shell.run("oras", "attach", PLAIN, *option, *what)
    found = json.loads(
        shell.run("oras", "discover", PLAIN, *option, "--format", "json", f"{repo}:v1")
    )
    assert found["digest"] == subject
    kinds = sorted(row["artifactType"] for row in found["referrers"])
    assert kinds == ["sbom/example", "signature/example"]
    assert all(row["annotations"]["a"] == "b" for row in found["referrers"])
    words = ("--artifact-type", "sbom/example", "--format", "json", f"{repo}:v1")
    only = json.loads(shell.run("oras", "discover", PLAIN, *option, *words))
    assert [row["artifactType"] for row in only["referrers"]] == ["sbom/example"]
    tags = shell.run("oras", "repo", "tags", PLAIN, repo).split()
    assert tags == ["v1"], "a registry with a referrers API needs no fallback tags"


def test_an_artifact_is_copied_with_all_that_refers_to_it(shell: Shell, repo: str) -> None:
    of = pushed(shell, f"{repo}:v1", bytes(2_000_000))
    written(shell.home, "sbom.json", b"{}")
    shell.run("oras", "attach", PLAIN, "--artifact-type", "a/sbom", f"{repo}:v1", "sbom.json")
    plain = ("--from-plain-http", "--to-plain-http")
    shell.run("oras", "copy", *plain, "-r", f"{repo}:v1", f"{repo}-copy:v2")
    assert shell.run("oras", "resolve", PLAIN, f"{repo}-copy:v2").strip() == of
    words = ("--format", "json", f"{repo}-copy:v2")
    found = json.loads(shell.run("oras", "discover", PLAIN, *words))
    assert [row["artifactType"] for row in found["referrers"]] == ["a/sbom"]


def test_copies_to_a_layout_and_back(shell: Shell, repo: str) -> None:
    of = pushed(shell, f"{repo}:v1")
    shell.run("oras", "copy", "--from-plain-http", "--to-oci-layout", f"{repo}:v1", "layout:v1")
    shell.run(
        "oras", "copy", "--to-plain-http", "--from-oci-layout", "layout:v1", f"{repo}-back:v1"
    )
    assert shell.run("oras", "resolve", PLAIN, f"{repo}-back:v1").strip() == of


def test_blobs_by_hand(shell: Shell, repo: str) -> None:
    data = b"a blob by hand"
    written(shell.home, "blob", data)
    of = f"sha256:{hashlib.sha256(data).hexdigest()}"
    shell.run("oras", "blob", "push", PLAIN, repo, "blob")
    assert (
        shell.run("oras", "blob", "fetch", PLAIN, "--output", "-", f"{repo}@{of}") == data.decode()
    )
    shell.run("oras", "blob", "delete", PLAIN, "--force", f"{repo}@{of}")
    shell.fails("oras", "blob", "fetch", PLAIN, "--output", "-", f"{repo}@{of}")


def test_an_index_by_hand(shell: Shell, repo: str) -> None:
    digests = [pushed(shell, f"{repo}:{name}", name.encode()) for name in ("amd64", "arm64")]
    shell.run("oras", "manifest", "index", "create", PLAIN, f"{repo}:all", "amd64", "arm64")
    index = json.loads(shell.run("oras", "manifest", "fetch", PLAIN, f"{repo}:all"))
    assert [row["digest"] for row in index["manifests"]] == digests


def test_a_reader_pulls_and_is_told_that_it_may_not_push(shell: Shell, repo: str) -> None:
    pushed(shell, f"{repo}:v1")
    shell.log_in(shell.server.reader, shell.server.reader_password)
    shell.run("oras", "pull", PLAIN, f"{repo}:v1", "-o", shell.home / "out")
    complaint = shell.fails("oras", "push", PLAIN, f"{repo}:v2", "artifact.txt")
    assert "403" in complaint or "denied" in complaint.lower()


# Packs


def _named(archive: Path) -> tuple[str, str, str]:
    """Name, version and group of a pack, from the pack.json in its archive."""
    with tarfile.open(archive) as tar:
        inside = [m for m in tar.getnames() if m.count("/") <= 1 and m.endswith("pack.json")]
        member = tar.extractfile(inside[0])
        assert member is not None
        fields = json.load(member)
    return fields["name"], fields["version"], (fields.get("group") or "").strip()


@pytest.mark.timeout(240)
def test_every_real_pack_is_pushed_listed_and_pulled_unchanged(
    shell: Shell, admin: httpx.Client, real_packs: Path, tmp_path: Path
) -> None:
    archives = sorted(real_packs.glob("*.tar.gz"))
    assert archives
    (shell.home / "config.json").write_text("{}")
    old = ("--config", "config.json:application/vnd.unknown.config.v1+json")

    def there_and_back(archive: Path) -> tuple[str, str]:
        name, version, group = _named(archive)
        tag = f"{group}__{version}" if group else version
        reference = f"{shell.host}/spectro-packs/archive/{name}:{tag.replace('+', '_')}"
        # What ORAS 1.0 writes, and what the present one does.
        form = old if len(archive.name) % 2 else ()
        home = tmp_path / archive.name.removesuffix(".tar.gz")
        home.mkdir()
        (home / "config.json").write_text("{}")
        title = f"{name}-{version}.tar.gz"
        (home / title).write_bytes(archive.read_bytes())
        layer = f"{title}:application/vnd.oci.image.layer.v1.tar"
        shell.run("oras", "push", PLAIN, reference, *form, layer, cwd=home)
        shell.run("oras", "pull", PLAIN, reference, "-o", home / "out")
        assert (home / "out" / title).read_bytes() == archive.read_bytes()
        return name, version

    with ThreadPoolExecutor(4) as pool:
        pushed_packs = list(pool.map(there_and_back, archives))
    listed = admin.get("/v1/_catalog").json()["repositories"]
    assert {name for name, _ in pushed_packs} <= set(listed)
    for name, version in pushed_packs:
        tags = admin.get(f"/v2/spectro-packs/archive/{name}/tags/list").json()["tags"]
        assert version in tags


def test_an_invalid_pack_is_refused_with_its_errors(shell: Shell, tmp_path: Path) -> None:
    fields = {"name": "broken", "displayName": "B", "version": "1.0.0", "layer": "addons"}
    with tarfile.open(tmp_path / "broken.tar.gz", "w:gz") as tar:
        for path, data in {
            "broken/pack.json": json.dumps(fields).encode(),
            "broken/values.yaml": b"a: [",
        }.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    reference = f"{shell.host}/spectro-packs/archive/broken:1.0.0"
    complaint = shell.fails("oras", "push", PLAIN, reference, "broken.tar.gz", cwd=tmp_path)
    assert "addons" in complaint
    assert "values.yaml" in complaint
    shell.fails("oras", "resolve", PLAIN, reference)
