"""oras, crane and skopeo over TLS with an authority of one's own."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.clients.shell import Shell
from tests.secured import Secured


@pytest.fixture
def shell(secured: Secured, tmp_path: Path) -> Shell:
    shell = Shell(tmp_path, secured.server)
    shell.log_in()
    return shell


@pytest.mark.clients("oras")
def test_oras(shell: Shell, secured: Secured) -> None:
    (shell.home / "a.txt").write_text("over TLS")
    reference = f"{shell.host}/tls/oras:v1"
    trusted = ("--ca-file", str(secured.authority))
    shell.run("oras", "push", *trusted, reference, "a.txt")
    shell.run("oras", "pull", *trusted, reference, "-o", "out")
    assert (shell.home / "out" / "a.txt").read_text() == "over TLS"
    assert "certificate" in shell.fails("oras", "pull", reference, "-o", "other")


@pytest.mark.clients("crane", "skopeo")
def test_crane_and_skopeo(shell: Shell, secured: Secured) -> None:
    (shell.home / "a.txt").write_text("over TLS")
    with tarfile.open(shell.home / "a.tar", "w") as tar:
        tar.add(shell.home / "a.txt", "a.txt")
    shell.extra["SSL_CERT_FILE"] = str(secured.authority)
    reference = f"{shell.host}/tls/crane:v1"
    shell.run("crane", "append", "--oci-empty-base", "-f", "a.tar", "-t", reference)
    shell.run("crane", "validate", "--remote", reference)
    certificates = shell.home / "certificates"
    certificates.mkdir()
    (certificates / "ca.crt").write_bytes(secured.authority.read_bytes())
    words = ("--src-cert-dir", certificates, f"docker://{reference}", f"dir:{shell.home}/out")
    shell.run("skopeo", "--insecure-policy", "copy", *words)
