"""Provenance files: whether one was made for a chart's archive, whoever signed it."""

from __future__ import annotations

import hashlib

import pytest

from packyard.digests import Digest
from packyard.packs.charts import Chart
from packyard.packs.provenance import SIZE_LIMIT, read_provenance

CHART = Chart("web", "1.2.0+a.1")
ARCHIVE = Digest("sha256:" + hashlib.sha256(b"archive").hexdigest())
SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nwsC5BAEBCg\n=ab12\n-----END PGP SIGNATURE-----\n"


def signed(
    *, metadata: str = "name: web\nversion: 1.2.0+a.1\n", file: str = "web-1.2.0+a.1.tgz"
) -> bytes:
    """What `helm package --sign` writes; lines that begin with a dash are escaped."""
    text = (
        f"apiVersion: v2\nkeywords:\n- - a\n- - b\n{metadata}\n...\nfiles:\n  {file}: {ARCHIVE}\n\n"
    )
    return f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{text}{SIGNATURE}".encode()


def faults(data: bytes) -> list[str]:
    provenance, findings = read_provenance(data)
    found = provenance.faults(CHART, ARCHIVE) if provenance else findings
    assert {finding.rule for finding in found} <= {"chart.provenance"}
    return [finding.message for finding in found]


@pytest.mark.parametrize(
    "data",
    [signed(), signed().replace(b"\n", b"\r\n"), b"\n" + signed().rstrip()],
    ids=["as Helm writes it", "with the line breaks of mail", "without a last line break"],
)
def test_one_that_was_made_for_the_archive_vouches_for_it(data: bytes) -> None:
    assert not faults(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no text signed by PGP"),
        (b"name: web\n", "is no text signed by PGP"),
        (signed().replace(SIGNATURE.encode(), b""), "is no text signed by PGP"),
        (signed().replace(b"\n...\n", b"\n"), "is no text signed by PGP"),
        (signed(metadata="name: [\n"), "does not say which chart"),
        (signed(metadata="name: web\n"), "does not say which chart"),
        (signed().replace(b"files:", b"fils:"), "does not say which chart"),
        (signed(metadata="name: wob\nversion: 1.2.0+a.1\n"), "made for wob 1.2.0+a.1, not for web"),
        (signed(metadata="name: web\nversion: 1.2.0\n"), "made for web 1.2.0, not for web 1.2.0+a"),
        (signed(file="web.tgz"), "vouches for no file named web-1.2.0+a.1.tgz"),
        (signed().replace(ARCHIVE.encode(), b"sha256:00"), "vouches for another web-1.2.0+a.1.tgz"),
        (signed() + bytes(SIZE_LIMIT), "more than 1,048,576 bytes"),
    ],
)
def test_any_other_is_refused(data: bytes, said: str) -> None:
    (message,) = faults(data)
    assert message.startswith("The provenance file ")
    assert said in message
