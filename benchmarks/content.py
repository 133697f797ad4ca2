"""What every server holds while it is measured: blobs, a small artifact, a thousand tags."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache

REPOSITORY = "bench/app"
TAGS_REPOSITORY = "bench/tags"
TAG = "latest"
TAG_COUNT = 1000
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Blob:
    data: bytes
    digest: str

    @classmethod
    def of(cls, data: bytes) -> Blob:
        return cls(data, f"sha256:{hashlib.sha256(data).hexdigest()}")

    @classmethod
    def random(cls, size: int) -> Blob:
        """Content that no server has seen, of `size` bytes."""
        return cls.of(os.urandom(size))


def manifest(config: Blob, layers: list[Blob]) -> bytes:
    """An image manifest."""

    def descriptor(blob: Blob, kind: str) -> dict[str, object]:
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": blob.digest, "size": len(blob.data)}

    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(config, "config.v1+json"),
        "layers": [descriptor(layer, "layer.v1.tar") for layer in layers],
    }
    return json.dumps(document).encode()


@cache
def small() -> Blob:
    return Blob.random(1 * MB)


@cache
def large() -> Blob:
    return Blob.random(100 * MB)


@cache
def config() -> Blob:
    return Blob.of(b"{}")


@cache
def image() -> bytes:
    """The manifest that is asked for by tag."""
    return manifest(config(), [small(), large()])
