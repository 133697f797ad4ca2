"""Pushing over ASGI, for tests that need something to be there."""

from __future__ import annotations

import json

from packyard.digests import Digest, digest_of
from packyard.server.edge import Edge
from tests.server.asgi import ADMIN, Reply, call

IMAGE = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def push_blob(edge: Edge, repo: str, data: bytes, algorithm: str = "sha256") -> Digest:
    digest = digest_of(data, algorithm)
    reply = call(edge, "POST", f"/v2/{repo}/blobs/uploads/?digest={digest}", data)
    assert reply.status == 201, reply.body
    return digest


def image(edge: Edge, repo: str, *layers: bytes, **more: object) -> bytes:
    """The body of a manifest whose blobs are pushed."""

    def descriptor(media_type: str, data: bytes) -> dict[str, object]:
        digest = push_blob(edge, repo, data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": descriptor(CONFIG, b"{}"),
            "layers": [descriptor(LAYER, layer) for layer in layers],
            **more,
        }
    ).encode()


def put(edge: Edge, target: str, body: bytes, **headers: str) -> Reply:
    """Push a manifest to `repo/manifests/reference`."""
    return call(edge, "PUT", f"/v2/{target}", body, {**ADMIN, "content-type": IMAGE, **headers})
