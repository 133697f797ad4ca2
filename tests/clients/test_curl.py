"""curl: what people type, over plain HTTP and TLS."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.clients.shell import Shell
from tests.secured import Secured

pytestmark = pytest.mark.clients("curl")
CURL = ("curl", "--silent", "--show-error", "--max-time", "60")


def test_the_health_and_the_catalog(shell: Shell) -> None:
    url = shell.server.url
    assert json.loads(shell.run(*CURL, f"{url}/health")) == {"status": "UP"}
    admin = f"admin:{shell.server.admin_password}"
    catalog = json.loads(shell.run(*CURL, "-u", admin, f"{url}/v1/_catalog"))
    assert set(catalog) == {"metadata", "repositories"}
    head = shell.run(*CURL, "-i", f"{url}/v1/_catalog").lower()
    assert " 401" in head.splitlines()[0]
    assert "www-authenticate: basic realm=" in head


@pytest.mark.parametrize("size", [0, 10, 5_000_000])
@pytest.mark.parametrize("source", ["a file", "a pipe"])
def test_a_blob_is_uploaded(shell: Shell, tmp_path: Path, size: int, source: str) -> None:
    data = hashlib.shake_128(f"{source} {size}".encode()).digest(size)
    (tmp_path / "blob").write_bytes(data)
    of = f"sha256:{hashlib.sha256(data).hexdigest()}"
    admin = ("-u", f"admin:{shell.server.admin_password}")
    base = f"{shell.server.url}/v2/clients/curl"
    begun = shell.run(*CURL, *admin, "-X", "POST", "-D", "-", f"{base}/blobs/uploads/")
    found = re.search(r"(?im)^location: *(\S+)", begun)
    assert found
    location = urljoin(shell.server.url, found[1])
    target = f"{location}{'&' if '?' in location else '?'}digest={of}"
    words = (*CURL, *admin, "-w", "%{http_code}", target, "-T")
    if source == "a file":
        answer = shell.run(*words, "blob")
    else:
        answer = shell.run("sh", "-c", 'cat blob | "$@"', "sh", *words, "-")
    assert answer.endswith("201")
    out = tmp_path / "out"
    shell.run(*CURL, *admin, "-o", out, f"{base}/blobs/{of}")
    assert out.read_bytes() == data


def test_a_download_is_continued(shell: Shell, tmp_path: Path) -> None:
    data = hashlib.shake_128(b"continued").digest(1_000_000)
    of = f"sha256:{hashlib.sha256(data).hexdigest()}"
    (tmp_path / "blob").write_bytes(data)
    admin = ("-u", f"admin:{shell.server.admin_password}")
    base = f"{shell.server.url}/v2/clients/curl"
    url = f"{base}/blobs/uploads/?digest={of}"
    sent = shell.run(
        *CURL, *admin, "-X", "POST", "--data-binary", "@blob", url, "-w", "%{http_code}"
    )
    assert sent.endswith("201")
    out = tmp_path / "out"
    out.write_bytes(data[:400_000])
    shell.run(*CURL, *admin, "-C", "-", "-o", out, f"{base}/blobs/{of}")
    assert out.read_bytes() == data


def test_over_tls(secured: Secured, tmp_path: Path) -> None:
    shell = Shell(tmp_path, secured.server)
    url = secured.server.url
    trusted = ("--cacert", str(secured.authority))
    assert json.loads(shell.run(*CURL, *trusted, f"{url}/health")) == {"status": "UP"}
    shell.fails(*CURL, f"{url}/health")
    head = shell.run(*CURL, *trusted, "-i", f"{url}/health").lower()
    assert "strict-transport-security: max-age=63072000; includesubdomains; preload" in head
