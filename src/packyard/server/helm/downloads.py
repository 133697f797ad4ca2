"""The archives of charts and their provenance files, by the names that the index gives them."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.auth.principal import Action
from packyard.catalog import charts as rows
from packyard.digests import Digest
from packyard.errors import ChartUnknown
from packyard.server.conditions import conditional
from packyard.server.parts import Parts

_ARCHIVE, _PROVENANCE = ".tgz", ".tgz.prov"


class Downloads:
    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._source = parts.registry.source
        self._policy = parts.policy

    async def get(self, request: Request, file: str) -> ASGIApp:
        signed = file.endswith(_PROVENANCE)
        suffix = _PROVENANCE if signed else _ARCHIVE
        entry = await run_in_threadpool(self._find, file, suffix)
        self._policy.check(request.scope["user"], Action.PULL, entry.repository)
        digest = Digest(entry.provenance) if signed else entry.digest
        blob = self._store.blob(entry.repository, digest)
        media_type = b"application/pgp-signature" if signed else b"application/gzip"
        return conditional(request.scope, self._store, blob, [(b"content-type", media_type)])

    def _find(self, file: str, suffix: str) -> rows.ChartEntry:
        if file.endswith(suffix):
            with self._store.read() as connection:
                entry = rows.listed(connection, self._source, file.removesuffix(suffix))
            if suffix == _ARCHIVE or entry.provenance:
                return entry
        raise ChartUnknown(f"There is no {file[:300]}.")
