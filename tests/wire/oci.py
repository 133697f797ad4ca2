"""The OCI distribution calls of a client, over a real socket, for the tests of this folder.

Nothing here knows the server's code: contents are made and digests computed from the
specifications alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCTETS = "application/octet-stream"

CODES = {
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "UNAUTHORIZED",
    "DENIED",
    "UNSUPPORTED",
    "TOOMANYREQUESTS",
}
"""The error codes of the specification; a registry may add none (section "Error Codes")."""

_serial = count(1)


def unique(prefix: str = "case") -> str:
    """A name that no other test of this run uses."""
    return f"{prefix}-{next(_serial)}"


def digest(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def random_bytes(size: int, seed: str = "") -> bytes:
    """`size` bytes that no other call gives, cheap and not compressible."""
    return hashlib.shake_128(f"{seed or unique('bytes')}".encode()).digest(size)


@dataclass(frozen=True, slots=True)
class Content:
    """A manifest: its exact bytes and the media type it is sent with."""

    body: bytes
    media_type: str = IMAGE

    def digest(self, algorithm: str = "sha256") -> str:
        return digest(self.body, algorithm)

    def descriptor(self, algorithm: str = "sha256", **more: object) -> dict[str, Any]:
        return descriptor(self.media_type, self.body, algorithm, **more)


def descriptor(
    media_type: str, data: bytes, algorithm: str = "sha256", /, **more: object
) -> dict[str, Any]:
    return {
        "mediaType": media_type,
        "digest": digest(data, algorithm),
        "size": len(data),
        **more,
    }


def missing(media_type: str = LAYER) -> dict[str, Any]:
    """A descriptor of content that nobody has pushed."""
    return descriptor(media_type, random_bytes(64))


def manifest(fields: Mapping[str, object], media_type: str = IMAGE) -> Content:
    """A manifest of these fields, in a spelling (indent, order) that no encoder restores."""
    full = {"schemaVersion": 2, "mediaType": media_type, **fields}
    return Content(json.dumps(full, indent=3).encode() + b"\n ", media_type)


def index(
    manifests: Iterable[Mapping[str, object]], media_type: str = INDEX, **more: object
) -> Content:
    return manifest({"manifests": list(manifests), **more}, media_type)


def errors(answer: httpx.Response) -> list[dict[str, Any]]:
    """The errors of an answer, after proving their form (section "Error Codes")."""
    assert answer.headers["content-type"].partition(";")[0] == "application/json", answer.text
    body = answer.json()
    assert isinstance(body["errors"], list)
    assert body["errors"], "an error answer lists at least one error"
    for error in body["errors"]:
        assert error["code"] in CODES, error
        assert isinstance(error.get("message", ""), str)
    return list(body["errors"])


def codes(answer: httpx.Response) -> list[str]:
    return [error["code"] for error in errors(answer)]


def refused(answer: httpx.Response, status: int | Sequence[int], code: str | Sequence[str]) -> None:
    """Assert the status and that the code is among the listed errors."""
    wanted = (status,) if isinstance(status, int) else tuple(status)
    allowed = {code} if isinstance(code, str) else set(code)
    assert answer.status_code in wanted, f"{answer.status_code} {answer.text}"
    assert allowed & set(codes(answer)), answer.text


def end_of(answer: httpx.Response) -> int:
    """Bytes that an upload holds, by the `Range: 0-<end-of-range>` of an answer."""
    start, _, end = answer.headers["range"].partition("-")
    assert start == "0"
    return int(end) + 1


@dataclass(slots=True)
class Repo:
    """One repository of the server under test, and the calls that a client makes in it."""

    client: httpx.Client
    name: str = field(default_factory=lambda: unique("wire/repo"))

    def path(self, rest: str) -> str:
        return f"/v2/{self.name}/{rest}"

    def call(self, method: str, rest: str, **more: Any) -> httpx.Response:
        return self.client.request(method, self.path(rest), **more)

    def begin(self, **parameters: str) -> httpx.Response:
        return self.call("POST", "blobs/uploads/", params=parameters)

    def location(self, **parameters: str) -> str:
        """Where a new upload goes."""
        answer = self.begin(**parameters)
        assert answer.status_code == 202, answer.text
        return str(answer.headers["location"])

    def patch(self, location: str, data: bytes, content_range: str | None = None) -> httpx.Response:
        headers = {"content-type": OCTETS}
        if content_range is not None:
            headers["content-range"] = content_range
        return self.client.patch(location, content=data, headers=headers)

    def closing(self, location: str, of: str) -> str:
        """Where an upload ends with the digest `of`; a location may have parameters already."""
        return str(self.client.base_url.join(location).copy_merge_params({"digest": of}))

    def close(self, location: str, of: str, data: bytes = b"", **headers: str) -> httpx.Response:
        """End an upload with the digest `of`, sending `data` as the last chunk."""
        return self.client.put(
            self.closing(location, of), content=data, headers={"content-type": OCTETS, **headers}
        )

    def push(self, data: bytes, algorithm: str = "sha256") -> str:
        """Push a blob by POST, then PUT."""
        of = digest(data, algorithm)
        parameters = {} if algorithm == "sha256" else {"digest-algorithm": algorithm}
        answer = self.close(self.location(**parameters), of, data)
        assert answer.status_code == 201, answer.text
        return of

    def blob(self, of: str, method: str = "GET", **headers: str) -> httpx.Response:
        return self.call(method, f"blobs/{of}", headers=headers)

    def image(
        self,
        *layers: bytes,
        config: bytes = b'{"architecture":"amd64","os":"linux"}',
        algorithm: str = "sha256",
        media_types: tuple[str, str, str] = (IMAGE, CONFIG, LAYER),
        **more: object,
    ) -> Content:
        """An image manifest, not pushed itself, whose blobs are."""
        whole, of_config, of_layer = media_types
        chosen = layers or (random_bytes(100),)
        for data in (config, *chosen):
            self.push(data, algorithm)
        return manifest(
            {
                "config": descriptor(of_config, config, algorithm),
                "layers": [descriptor(of_layer, data, algorithm) for data in chosen],
                **more,
            },
            whole,
        )

    def put(
        self, reference: str, content: Content, tags: Sequence[str] = (), **headers: str
    ) -> httpx.Response:
        return self.call(
            "PUT",
            f"manifests/{reference}",
            params=[("tag", tag) for tag in tags] or None,
            content=content.body,
            headers={"content-type": content.media_type, **headers},
        )

    def store(self, content: Content, reference: str = "") -> Content:
        """Push a manifest (by its digest unless a tag is given) and demand that it is taken."""
        answer = self.put(reference or content.digest(), content)
        assert answer.status_code == 201, answer.text
        return content

    def get(self, reference: str, method: str = "GET", **headers: str) -> httpx.Response:
        return self.call(method, f"manifests/{reference}", headers=headers)

    def delete(self, reference: str) -> httpx.Response:
        return self.call("DELETE", f"manifests/{reference}")

    def tags(self) -> list[str]:
        answer = self.call("GET", "tags/list")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["tags"])

    def referrers(self, of: str, **parameters: str) -> httpx.Response:
        return self.call("GET", f"referrers/{of}", params=parameters)
