"""Where a chart comes from, as people name it for Helm.

./web-1.2.0.tgz, ./web             an archive, or a chart's folder, which is packaged
https://host/web-1.2.0.tgz         an archive anywhere
oci://host/charts/web:1.2.0        a chart in an OCI registry
stable/web                         a chart of a repository that `helm repo add` added
"""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from packyard.cli import helm_config
from packyard.cli.target import account_of, open_client, open_target
from packyard.digests import parse_digest
from packyard.errors import ChartUnknown, ParameterInvalid
from packyard.packs.archive import write_archive
from packyard.packs.chart_artifact import tag_of
from packyard.packs.folder import read_folder
from packyard.references import parse_repo, parse_tag
from packyard.remotes import chart, helm
from packyard.remotes.address import Address, parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from packyard.remotes.oci import Repository
from packyard.remotes.transfer import unwatched
from packyard.remotes.trust import CERTIFICATES

_CHART_FILE = "Chart.yaml"


def fetch(named: str, version: str, home: Path) -> bytes:
    """The archive of a chart; `version` "" for the newest, where a repository holds several."""
    if named.startswith("oci://"):
        return _from_registry(named, version, home)
    if "://" in named:
        return fetch_url(named, home)
    if Path(named).exists():
        return _from_disk(Path(named))
    repository, slash, name = named.partition("/")
    if not slash or not name or named.startswith((".", "/")):
        raise ChartUnknown(f"There is no chart {named!r}: no such file or folder.")
    return _from_repository(helm_config.added(repository), name, version, home)


def _from_disk(path: Path) -> bytes:
    if path.is_file():
        return path.read_bytes()
    files = read_folder(path)
    if _CHART_FILE not in files:
        raise ChartUnknown(f"{path} is no chart: it holds no {_CHART_FILE}.")
    out = io.BytesIO()
    write_archive(files, path.resolve().name, out)
    return out.getvalue()


def fetch_url(url: str, home: Path) -> bytes:
    """What stands at an address, with the login at its server."""
    address, path = _split(url)
    with open_client(address, account_of(address, home), home) as client:
        return client.request("GET", path, limit=chart.CHART_LIMIT).body


def _from_registry(named: str, version: str, home: Path) -> bytes:
    bare, _, digest = named.removeprefix("oci://").partition("@")
    above, slash, last = bare.rpartition("/")
    name, _, tag = last.partition(":")
    if not slash or not name:
        raise ParameterInvalid(f"{named} names no chart: write oci://HOST/PATH/NAME[:VERSION].")
    if tag and version and tag != tag_of(version):
        raise ParameterInvalid(f"{named} and --chart-version {version} name two versions.")
    with open_target(f"oci://{above}/{name}", home) as target:
        repository = Repository(target.client, parse_repo(target.address.base))
        if digest:
            return chart.pull(repository, parse_digest(digest), unwatched)
        wanted = parse_tag(tag) if tag else tag_of(version) if version else None
        return chart.pull(repository, wanted or chart.newest(repository), unwatched)


def _from_repository(added: helm_config.Added, name: str, version: str, home: Path) -> bytes:
    if added.url.startswith("oci://"):
        return _from_registry(f"{added.url.rstrip('/')}/{name}", version, home)
    address, path = _split(added.url)
    credentials = Credentials(added.username, added.password) if added.username else None
    with Client(
        address,
        credentials or account_of(address, home).credentials,
        insecure=added.insecure,
        certificates=(home / "certs.d", *CERTIFICATES),
        authority=Path(added.ca_file) if added.ca_file else None,
    ) as client:
        repository = helm.HelmRepository(client, path)
        return repository.pull(repository.choose(name, version))


def _split(url: str) -> tuple[Address, str]:
    """The server of an address, and what follows."""
    parts = urlsplit(url)
    server = parse_address(f"{parts.scheme}://{parts.netloc}")
    return server, urlunsplit(("", "", parts.path or "/", parts.query, ""))
