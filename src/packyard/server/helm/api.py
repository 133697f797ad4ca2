"""ChartMuseum's API: list, show, upload and delete charts; its status codes, its JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.auth.principal import Action, Principal
from packyard.catalog import charts as rows
from packyard.errors import ChartUnknown, FileUnknown, ParameterInvalid
from packyard.packs.charts import read_files
from packyard.packs.values import VALUES, Document
from packyard.packs.version import Version
from packyard.references import RepoName
from packyard.registry.chart_pushes import delete_chart, push_chart, push_provenance
from packyard.registry.helm_index import HelmIndexes
from packyard.server import bodies
from packyard.server.helm.forms import read_upload
from packyard.server.helm.index import index_of
from packyard.server.parts import Parts
from packyard.server.send import as_json, whole

_JSON = b"application/json"
_TEMPLATES = "templates/"
_LATEST = "latest"
_DIGITS = 9


class Charts:
    def __init__(self, parts: Parts, indexes: HelmIndexes) -> None:
        self._store = parts.store
        self._registry = parts.registry
        self._policy = parts.policy
        self._limit = parts.settings.max_chart
        self._indexes = indexes

    async def all(self, request: Request) -> ASGIApp:
        """The entries of the index; `limit` names after the first `offset` where that is asked."""
        offset, limit = _number(request, "offset", 0), _number(request, "limit", 1)
        index = index_of(self._indexes, request.scope["user"])
        edition = index.kept()
        if edition is None:
            edition = await run_in_threadpool(index.current)
        return whole(200, edition.page(offset or 0, limit), _JSON)

    async def versions(self, request: Request, name: str) -> ASGIApp:
        """Every version of a chart, newest first."""
        found = await run_in_threadpool(self._versions, request, name)
        texts = ",".join(entry.entry for entry in found)
        return whole(200, f"[{texts}]".encode(), _JSON)

    async def version(self, request: Request, name: str, version: str) -> ASGIApp:
        """What the index says of a version; `latest` is the newest that is no pre-release."""
        entry = await run_in_threadpool(self._version, request, name, version)
        return whole(200, entry.entry.encode(), _JSON)

    async def upload(self, request: Request) -> ASGIApp:
        """Take a chart in, with or without its provenance file, or the latter alone."""
        upload = await read_upload(request, self._limit)
        if upload.archive is None:
            return await self._take_provenance(request, upload.provenance or b"")
        archive, provenance = upload.archive, upload.provenance
        push = partial(push_chart, self._registry, archive, provenance, file=upload.file)
        return await self._take(request, push)

    async def upload_provenance(self, request: Request) -> ASGIApp:
        """The body is the provenance file of a chart that is there."""
        provenance = await bodies.whole(request, self._limit, "The provenance file")
        return await self._take_provenance(request, provenance)

    async def delete(self, request: Request, name: str, version: str) -> ASGIApp:
        permit = self._permit(request, Action.DELETE)
        await run_in_threadpool(delete_chart, self._registry, name, version, permit)
        return as_json(200, {"deleted": True})

    async def values(self, request: Request, name: str, version: str) -> ASGIApp:
        """The chart's values.yaml, as it stands in the archive."""
        files = await run_in_threadpool(self._files, request, name, version, VALUES)
        if VALUES not in files:
            raise FileUnknown(f"{name} {version} has no {VALUES}.")
        return whole(200, files[VALUES], b"application/yaml")

    async def templates(self, request: Request, name: str, version: str) -> ASGIApp:
        """The chart's templates, in base64, and its values as JSON."""
        wanted = (VALUES, _TEMPLATES)
        files = await run_in_threadpool(self._files, request, name, version, *wanted)
        document, _ = Document.parse(files.pop(VALUES, b""))
        templates = [
            {"name": path, "data": base64.b64encode(data).decode()} for path, data in files.items()
        ]
        return as_json(200, {"templates": templates, "values": document.data if document else {}})

    async def _take_provenance(self, request: Request, provenance: bytes) -> ASGIApp:
        return await self._take(request, partial(push_provenance, self._registry, provenance))

    async def _take(self, request: Request, push: Callable[..., object]) -> ASGIApp:
        force = request.query_params.get("force", "false").lower() not in ("false", "0")
        permit, actor = self._permit(request, Action.PUSH), request.scope["user"].name
        await run_in_threadpool(partial(push, permit=permit, actor=actor, force=force))
        return as_json(201, {"saved": True})

    def _permit(self, request: Request, action: Action) -> Callable[[RepoName], None]:
        return partial(self._policy.check, request.scope["user"], action)

    def _versions(self, request: Request, name: str) -> list[rows.ChartEntry]:
        user: Principal = request.scope["user"]
        with self._store.read() as connection:
            listed = rows.versions(connection, self._registry.source, name)
        found = [entry for entry in listed if user.reaches(entry.repository)]
        if not found:
            raise ChartUnknown(f"There is no chart {name}.")
        return found

    def _version(self, request: Request, name: str, version: str) -> rows.ChartEntry:
        if version == _LATEST:
            found = self._versions(request, name)
            return next((entry for entry in found if _is_stable(entry.version)), found[0])
        with self._store.read() as connection:
            entry = rows.version(connection, self._registry.source, name, version)
        self._permit(request, Action.PULL)(entry.repository)
        return entry

    def _files(self, request: Request, name: str, version: str, *wanted: str) -> dict[str, bytes]:
        entry = self._version(request, name, version)
        with self._store.open_blob(entry.digest) as archive:
            return read_files(archive.read(), wanted)


def _is_stable(version: str) -> bool:
    parsed = Version.parse(version)
    return parsed is not None and not parsed.prerelease


def _number(request: Request, name: str, least: int) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) >= least):
        raise ParameterInvalid(f"{name}={text[:40]} is not a whole number of {least} or more.")
    return int(text)
