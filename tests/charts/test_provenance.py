"""Provenance by keys made in the test; the signer is Helm's own, by way of its library."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import helm_python
import pytest

from packyard.charts.engine import Engine
from packyard.digests import digest_of
from tests.charts.samples import chart

FILE = "sample-1.0.0.tgz"


@dataclass(frozen=True, slots=True)
class Signed:
    archive: bytes
    provenance: bytes
    keyring: bytes
    """The signer's public key."""
    armoured: bytes
    stranger: bytes
    """A public key that signed nothing."""


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)

    def gpg(*words: str) -> bytes:
        environment = {"PATH": os.environ["PATH"], "GNUPGHOME": str(home)}
        command = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", *words]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for name in ("signer", "stranger"):
        gpg("--quick-generate-key", f"{name} <{name}@example.com>", "rsa2048", "sign", "never")
    archive = home / FILE
    archive.write_bytes(chart())
    secrets = home / "secrets.gpg"
    secrets.write_bytes(gpg("--export-secret-keys", "signer"))
    provenance = Path(helm_python.sign(archive, key="signer", keyring=secrets))
    yield Signed(
        archive.read_bytes(),
        provenance.read_bytes(),
        gpg("--export", "signer"),
        gpg("--export", "--armor", "signer"),
        gpg("--export", "stranger"),
    )
    subprocess.run(
        ["gpgconf", "--kill", "gpg-agent"], env={**os.environ, "GNUPGHOME": str(home)}, check=False
    )


@pytest.mark.clients("gpg")
def test_a_good_signature_names_its_signer(engine: Engine, signed: Signed) -> None:
    for keyring in (signed.keyring, signed.armoured):
        proof, findings = engine.verify(signed.archive, FILE, signed.provenance, keyring)
        assert proof is not None, findings
        assert proof.file == FILE
        assert proof.digest == digest_of(signed.archive)
        assert proof.signed_by == ("signer <signer@example.com>",)


@pytest.mark.clients("gpg")
def test_whatever_is_not_proved_is_a_finding(engine: Engine, signed: Signed) -> None:
    other = chart(values="a: 1\n")
    damaged = signed.provenance.replace(b"name: sample", b"name: others")
    for archive, file, provenance, keyring in (
        (other, FILE, signed.provenance, signed.keyring),
        (signed.archive, "other-1.0.0.tgz", signed.provenance, signed.keyring),
        (signed.archive, FILE, damaged, signed.keyring),
        (signed.archive, FILE, signed.provenance, signed.stranger),
        (signed.archive, FILE, b"", signed.keyring),
        (signed.archive, FILE, signed.provenance, b"no keys"),
        (b"no chart", FILE, signed.provenance, signed.keyring),
        (signed.archive, "../../up.tgz", signed.provenance, signed.keyring),
    ):
        proof, findings = engine.verify(archive, file, provenance, keyring)
        assert proof is None
        assert [finding.rule for finding in findings] == ["helm.provenance"]
        assert "packyard-helm" not in findings[0].message
