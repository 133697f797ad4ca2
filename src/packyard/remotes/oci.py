"""A repository of any registry of the OCI distribution specification 1.1, as its client.

One method per request; nothing that came is handed out before its digest was verified, but for the
pieces of a blob, which `transfer` verifies when it has them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import httpx

from packyard.digests import Digest, algorithm_of, digest_of, parse_digest
from packyard.errors import DigestInvalid, NameInvalid, NotFound, RemoteFailed, TagInvalid
from packyard.packs import jsontext
from packyard.references import RepoName, Tag, is_digest, parse_repo, parse_tag
from packyard.remotes.client import Answer, Body, Client
from packyard.remotes.paging import pages

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_SIZE_LIMIT = 2**63 - 1
_DIGITS = 20
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says about a blob."""

    media_type: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Received:
    """A manifest as it came; `digest` is that of `content`."""

    media_type: str
    digest: Digest
    content: bytes

    def document(self) -> Mapping[str, object]:
        """The manifest's JSON object; {} where it is none."""
        try:
            document = jsontext.loads(self.content)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


def described(row: object) -> Descriptor | None:
    """The descriptor that a manifest has there; None for what is none."""
    if not isinstance(row, dict):
        return None
    media_type, digest, size = (row.get(key) for key in ("mediaType", "digest", "size"))
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _SIZE_LIMIT:
        return None
    if not isinstance(media_type, str) or not isinstance(digest, str):
        return None
    try:
        return Descriptor(media_type, parse_digest(digest), size)
    except DigestInvalid:
        return None


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload session: the address of its next request, and the bytes that the registry has."""

    location: str
    offset: int


class Repository:
    """One repository at one registry; threads may share it."""

    def __init__(self, client: Client, name: RepoName) -> None:
        self.client = client
        self.name = name
        self._path = f"/v2/{name}"
        self._read = f"repository:{name}:pull"
        self._write = f"repository:{name}:pull,push"

    def __str__(self) -> str:
        return f"{self.client.host}/{self.name}"

    # Manifests and tags.

    def manifest(self, reference: Tag | Digest) -> Received:
        """Raise `NotFound` where there is none."""
        answer = self.client.request(
            "GET",
            f"{self._path}/manifests/{reference}",
            headers={"accept": ", ".join(MANIFEST_TYPES)},
            scope=self._read,
        )
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        stated = answer.headers.get("docker-content-digest")
        try:
            digest = parse_digest(reference if is_digest(reference) else stated or "")
        except DigestInvalid:
            digest = digest_of(answer.body)
        if digest_of(answer.body, algorithm_of(digest)) != digest:
            raise RemoteFailed(f"{self} answered with another manifest than that of {digest}.")
        return Received(media_type, digest, answer.body)

    def head(self, reference: Tag | Digest) -> Digest:
        """The digest of a manifest; its bytes are read only where the registry states none."""
        answer = self.client.request(
            "HEAD",
            f"{self._path}/manifests/{reference}",
            headers={"accept": ", ".join(MANIFEST_TYPES)},
            scope=self._read,
        )
        try:
            return parse_digest(answer.headers.get("docker-content-digest", ""))
        except DigestInvalid:
            return self.manifest(reference).digest

    def put_manifest(
        self, reference: Tag | Digest, content: bytes, media_type: str, *, only_new: bool = False
    ) -> Digest:
        """Store a manifest under `reference`.

        `only_new` asks to refuse a tag that is there (`PreconditionFailed`); a registry that knows
        no preconditions takes it all the same.
        """
        headers = {"content-type": media_type} | ({"if-none-match": "*"} if only_new else {})
        path = f"{self._path}/manifests/{reference}"
        self.client.request("PUT", path, headers=headers, content=content, scope=self._write)
        return digest_of(content)

    def delete(self, reference: Tag | Digest, *, force: bool = False) -> None:
        """Delete a tag, or a manifest with all its tags; by `force` a pack that a Packyard's
        cluster profiles use."""
        scope = f"repository:{self.name}:delete,pull,push"
        query = "?force=true" if force else ""
        self.client.request("DELETE", f"{self._path}/manifests/{reference}{query}", scope=scope)

    def tags(self) -> list[Tag]:
        """Every tag, in the registry's order; raise `NotFound` where there is no repository."""
        return [
            parse_tag(text)
            for text in _listed(self.client, f"{self._path}/tags/list", "tags", self._read)
            if _parses(parse_tag, text)
        ]

    # Blobs.

    def has_blob(self, digest: Digest) -> bool:
        try:
            self.client.request("HEAD", f"{self._path}/blobs/{digest}", scope=self._write)
        except NotFound:
            return False
        return True

    def blob(self, digest: Digest, start: int = 0) -> Iterator[bytes]:
        """The bytes from `start` on, not verified."""
        headers = {"range": f"bytes={start}-"} if start else {}
        path = f"{self._path}/blobs/{digest}"
        with self.client.stream("GET", path, headers=headers, scope=self._read) as response:
            skip = 0 if response.status_code == 206 else start
            for part in response.iter_raw():
                yield part[skip:]
                skip = max(skip - len(part), 0)

    def begin_upload(self) -> Upload:
        answer = self.client.request("POST", f"{self._path}/blobs/uploads/", scope=self._write)
        return Upload(_location(answer), 0)

    def upload_status(self, upload: Upload) -> Upload:
        """Where the upload stands; raise `NotFound` where the registry has forgotten it."""
        answer = self.client.request("GET", upload.location, scope=self._write)
        return Upload(_location(answer, upload.location), _offset(answer))

    def append(self, upload: Upload, body: Body, size: int) -> Upload:
        """Send `size` bytes at the upload's offset."""
        headers = {
            "content-type": "application/octet-stream",
            "content-length": str(size),
            "content-range": f"{upload.offset}-{upload.offset + size - 1}",
        }
        answer = self.client.request(
            "PATCH", upload.location, headers=headers, content=body, scope=self._write
        )
        return Upload(_location(answer, upload.location), upload.offset + size)

    def finish_upload(self, upload: Upload, digest: Digest, body: Body, size: int) -> None:
        """Send the last `size` bytes and make the blob of them."""
        url = httpx.URL(upload.location).copy_merge_params({"digest": digest})
        headers = {"content-type": "application/octet-stream", "content-length": str(size)}
        if upload.offset:
            headers["content-range"] = f"{upload.offset}-{upload.offset + size - 1}"
        self.client.request(
            "PUT", str(url), headers=headers, content=body, scope=self._write, repeat=False
        )


def catalog(client: Client) -> Iterator[RepoName]:
    """Every repository that the registry lists, page by page."""
    for text in _listed(client, "/v2/_catalog", "repositories", "registry:catalog:*"):
        if _parses(parse_repo, text):
            yield parse_repo(text)


def _listed(client: Client, path: str, key: str, scope: str) -> Iterator[str]:
    """The texts of a list that comes in pages, each naming the next in its `Link` header."""

    def read(url: str) -> tuple[list[str], str, int]:
        answer = client.request("GET", url, scope=scope)
        data = answer.json()
        rows = data.get(key) if isinstance(data, dict) else None
        texts = [row for row in rows if isinstance(row, str)] if isinstance(rows, list) else []
        link = _NEXT.search(answer.headers.get("link", ""))
        return texts, str(answer.url.join(link[1])) if link else "", len(answer.body)

    for texts in pages(client.host, key, path, read):
        yield from texts


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except (TagInvalid, NameInvalid):
        return False
    return True


def _location(answer: Answer, otherwise: str = "") -> str:
    location = answer.headers.get("location") or otherwise
    if not location:
        raise RemoteFailed(f"{answer.url.host} began an upload and did not say where.")
    return str(answer.url.join(location))


def _offset(answer: Answer) -> int:
    """The offset in `Range: 0-<last byte>`; some registries say `0-0` where they have nothing."""
    last = answer.headers.get("range", "").removeprefix("bytes=").partition("-")[2]
    known = last.isascii() and last.isdigit() and len(last) < _DIGITS
    return int(last) + 1 if known and last != "0" else 0
