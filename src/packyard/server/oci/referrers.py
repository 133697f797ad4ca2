"""Referrers: what says of itself that it belongs to a manifest ("Listing Referrers")."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.digests import Digest
from packyard.references import RepoName
from packyard.server.parts import Parts
from packyard.server.send import as_json
from packyard.storage.content import Referrer

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


class Referrers:
    def __init__(self, parts: Parts) -> None:
        self._store = parts.store

    async def get(self, request: Request, repo: RepoName, digest: Digest) -> ASGIApp:
        """All of them as one index; an empty one where nothing refers, whatever is unknown."""
        # A plus that a client left as it is reads as a space, which no media type has.
        wanted = request.query_params.get("artifactType", "").replace(" ", "+") or None
        found = await run_in_threadpool(self._store.referrers, repo, digest, wanted)
        index = {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [_descriptor(referrer) for referrer in found],
        }
        applied = [(b"oci-filters-applied", b"artifactType")] if wanted else []
        return as_json(200, index, applied, media_type=INDEX_TYPE.encode())


def _descriptor(referrer: Referrer) -> dict[str, object]:
    described: dict[str, object] = {
        "mediaType": referrer.media_type,
        "digest": referrer.digest,
        "size": referrer.size,
    }
    if referrer.artifact_type:
        described["artifactType"] = referrer.artifact_type
    if referrer.annotations:
        described["annotations"] = dict(referrer.annotations)
    return described
