"""Charts at a server by ChartMuseum's API, which ours speaks below `/helm`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import quote

from packyard.digests import Digest, digest_of
from packyard.errors import ChartUnknown, NotFound, RemoteFailed
from packyard.packs.chart_artifact import PACK
from packyard.packs.provenance import SIZE_LIMIT
from packyard.packs.version import Version
from packyard.remotes.chart import CHART_LIMIT, Fetched, Packaged, Row
from packyard.remotes.client import Client
from packyard.remotes.helm import INDEX_LIMIT
from packyard.remotes.pack import Outcome, Pushed


class ChartMuseum:
    """The repository at `path` of a server."""

    def __init__(self, client: Client, path: str = "/helm") -> None:
        self.client = client
        self._base = f"/{path.strip('/')}/"

    def __str__(self) -> str:
        return f"{self.client.host}{self._base}"

    def push(self, packaged: Packaged, *, force: bool) -> Pushed:
        """Upload a chart; the very same that is there already stays as it is.

        Raise `Conflict` where the version is there and `force` is not given.
        """
        chart, digest = packaged.chart, digest_of(packaged.archive)
        standing = self._own(chart.name, chart.version)
        if standing and standing.get("digest") == digest.partition(":")[2]:
            return self._sign(packaged, digest, force=force)
        content_type, body = _form(packaged)
        query = "?force" if force else ""
        headers = {"content-type": content_type}
        self.client.request(
            "POST", f"{self._base}api/charts{query}", headers=headers, content=body, repeat=False
        )
        return Pushed(Outcome.REPLACED if standing else Outcome.PUSHED, digest)

    def rows(self, name: str = "") -> list[Row]:
        """What is told of every version of every chart, or of those of one name: by name, newest
        version first."""
        path = f"{self._base}api/charts" + (f"/{_quoted(name)}" if name else "")
        found = self.client.request("GET", path, limit=INDEX_LIMIT).json()
        by_name = {name: found} if name else found
        if not isinstance(by_name, dict):
            raise self._stranger()
        rows: list[Row] = []
        for key in sorted(by_name):
            if not isinstance(by_name[key], list):
                raise self._stranger()
            rows += [row for row in by_name[key] if isinstance(row, dict)]
        return rows

    def pull(self, name: str, version: str) -> Fetched:
        """A version, the newest that is no pre-release for ""; its archive is verified."""
        row = self._row(name, version or "latest")
        told, urls, digest = row.get("version"), row.get("urls"), row.get("digest")
        url = urls[0] if isinstance(urls, list) and urls else None
        if not isinstance(told, str) or not isinstance(url, str) or not isinstance(digest, str):
            raise RemoteFailed(f"{self} does not say where the archive of {name} is.")
        if Version.parse(told) is None:
            raise RemoteFailed(f"{self} says of {name} a version that is none: {told[:80]!r}.")
        place = url if "://" in url else f"{self._base}{url}"
        archive = self.client.request("GET", place, limit=CHART_LIMIT).body
        if digest_of(archive) != f"sha256:{digest.removeprefix('sha256:')}":
            raise RemoteFailed(
                f"{self} sent {name} {told} with the digest {digest_of(archive)}; its index says "
                f"{digest}."
            )
        return Fetched(name, told, archive, self._provenance(place))

    def delete(self, name: str, version: str) -> None:
        self.client.request("DELETE", f"{self._base}api/charts/{_quoted(name)}/{_quoted(version)}")

    def _sign(self, packaged: Packaged, digest: Digest, *, force: bool) -> Pushed:
        """Add the provenance file to the archive that is there, unless it has it."""
        signed = packaged.provenance
        if signed is None:
            return Pushed(Outcome.UNCHANGED, digest)
        place = f"{self._base}charts/{_quoted(packaged.chart.file)}.tgz"
        there = self._provenance(place)
        if there == signed:
            return Pushed(Outcome.UNCHANGED, digest)
        query = "?force" if force else ""
        self.client.request("POST", f"{self._base}api/prov{query}", content=signed, repeat=False)
        return Pushed(Outcome.REPLACED if there else Outcome.PUSHED, digest)

    def _own(self, name: str, version: str) -> Row | None:
        """What is told of a version, unless only a pack carries it."""
        try:
            row = self._row(name, version)
        except ChartUnknown:
            return None
        annotations = row.get("annotations")
        return None if isinstance(annotations, Mapping) and PACK in annotations else row

    def _row(self, name: str, version: str) -> Row:
        path = f"{self._base}api/charts/{_quoted(name)}/{_quoted(version)}"
        try:
            row = self.client.request("GET", path).json()
        except NotFound as error:
            raise ChartUnknown(error.message) from error
        if not isinstance(row, dict):
            raise self._stranger()
        return row

    def _stranger(self) -> RemoteFailed:
        return RemoteFailed(f"{self} does not answer as ChartMuseum does.")

    def _provenance(self, place: str) -> bytes | None:
        try:
            return self.client.request("GET", f"{place}.prov", limit=SIZE_LIMIT).body
        except NotFound:
            return None


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _form(packaged: Packaged) -> tuple[str, bytes]:
    """The type and the body of an upload."""
    parts = {"chart": packaged.archive}
    if packaged.provenance is not None:
        parts["prov"] = packaged.provenance
    boundary = secrets.token_hex(16)
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in parts.items()
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()
