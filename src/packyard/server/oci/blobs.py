"""Blobs: pulled whole or in ranges, asked for, deleted ("Pulling blobs", "Deleting Blobs")."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.digests import Digest
from packyard.references import RepoName
from packyard.server.conditions import conditional
from packyard.server.parts import Parts
from packyard.server.send import Answer

_ACCEPTED = Answer(202, ((b"content-length", b"0"),))


class Blobs:
    def __init__(self, parts: Parts) -> None:
        self._store = parts.store

    async def get(self, request: Request, repo: RepoName, digest: Digest) -> ASGIApp:
        """One look-up, on the event loop: it takes microseconds.

        A client that asks by HEAD may rely on the answer and not push the blob again, so its time
        of grace starts anew.
        """
        blob = self._store.blob(repo, digest)
        scope = request.scope
        asked = scope["method"] == "HEAD"
        if asked and self._store.renewal_due(blob):
            await run_in_threadpool(self._store.renew, digest)
        headers = (
            (b"content-type", b"application/octet-stream"),
            (b"docker-content-digest", digest.encode()),
        )
        return conditional(scope, self._store, blob, headers)

    async def delete(self, _request: Request, repo: RepoName, digest: Digest) -> ASGIApp:
        await run_in_threadpool(self._store.delete_blob, repo, digest)
        return _ACCEPTED
