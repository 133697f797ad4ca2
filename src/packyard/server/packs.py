"""The API as one application; of it here `/health`, `/ready`, `/v1/`, and the packs of our own
registry: `/v1/_catalog` and our own paths under `/v1/_packs`.

Handlers are plain functions in FastAPI's threads over the registry and the catalog; what they
answer stands in `pack_models`, how they refuse in `problems`. Archives and files are read whole:
the limits of a push bound them.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from packyard import __version__
from packyard.auth.principal import Action, Principal
from packyard.catalog import entries
from packyard.catalog import search as catalog_search
from packyard.catalog.query import Condition, Field, Op, both, words
from packyard.errors import Conflict, ContentRefused, FileUnknown, PackUnknown, TooLarge
from packyard.findings import refusals
from packyard.packs import lint
from packyard.packs.archive import content_digest, read_archive
from packyard.packs.artifact import repository
from packyard.references import parse_tag
from packyard.registry.registry import Push
from packyard.server import pack_models as models
from packyard.server.admission import admit
from packyard.server.logos import image_type
from packyard.server.parts import Parts
from packyard.server.problems import add_problems
from packyard.server.reference import add_reference
from packyard.server.small import Canonical, Segments, SmallRoute


def build(parts: Parts) -> FastAPI:
    """The API as an application of its own; the edge puts it behind its paths."""
    app = FastAPI(
        title="Packyard",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.parts = parts
    add_problems(app, parts.policy.realm)
    app.include_router(_open)
    app.include_router(_guarded)
    app.include_router(_small)
    add_reference(app)
    app.add_middleware(Canonical)
    return app


async def _parts(request: Request) -> Parts:
    # As every dependency that waits for nothing: FastAPI gives a thread to each of the others.
    parts: Parts = request.app.state.parts
    return parts


Wired = Annotated[Parts, Depends(_parts)]


def _may(action: Action) -> object:
    async def principal(request: Request, parts: Wired) -> Principal:
        name = request.path_params.get("name", "")
        repo = repository(name) if name else ""
        return await admit(parts, request.scope, action, repository=repo, via="api")

    return Depends(principal)


Reader = Annotated[Principal, _may(Action.PULL)]
Writer = Annotated[Principal, _may(Action.PUSH)]
Deleter = Annotated[Principal, _may(Action.DELETE)]

_open = APIRouter(tags=["health"])
_REFUSALS = models.refusals(400, 401, 403, 404, 409, 413, 422)
_guarded = APIRouter(tags=["packs"], responses=_REFUSALS, route_class=Segments)
_small = APIRouter(tags=["packs"], responses=_REFUSALS, route_class=SmallRoute)


@_open.get("/health")
def health() -> models.Health:
    """Alive: the process answers."""
    return models.Health(status="UP")


@_open.get("/ready", responses={503: {"model": models.Problem}})
def ready(parts: Wired) -> models.Health:
    """Ready: the store can be read; 503 where it cannot."""
    parts.store.check_ready()
    return models.Health(status="READY")


@_guarded.get("/v1/")
def root(_reader: Reader) -> dict[str, str]:
    """Whether the credentials are good."""
    return {}


@_guarded.get("/v1/_catalog")
def catalog(parts: Wired, reader: Reader) -> models.CatalogAnswer:
    """The names of all packs; by an API key, of those that it is for."""
    with parts.store.read() as connection:
        source = parts.registry.source
        changed = models.timestamp(entries.last_change(connection, source))
        return models.CatalogAnswer(
            metadata=models.CatalogMetadata(last_updated_time=changed),
            repositories=_reached(connection, source, reader),
        )


def _reached(connection: Connection, source: str, reader: Principal) -> list[str]:
    """The names of the packs that somebody may see."""
    names = entries.names(connection, source)
    return [name for name in names if reader.reaches(repository(name))]


@_guarded.get("/v1/_packs")
def search(
    parts: Wired,
    reader: Reader,
    q: Annotated[str, Query(description="Words in name, description and README.")] = "",
    name: str = "",
    layer: str = "",
    addon_type: Annotated[str, Query(alias="addonType")] = "",
    cloud_type: Annotated[str, Query(alias="cloudType")] = "",
    version: str = "",
    newest: Annotated[bool, Query(description="Only the newest version of each name.")] = False,
    limit: Annotated[int, Query(ge=1, le=catalog_search.PAGE_LIMIT)] = 100,
    after: Annotated[str, Query(description="`next` of the page before.")] = "",
) -> models.PackPage:
    """Packs that meet every condition, by name and then newest version first."""
    asked = {
        Field.NAME: name,
        Field.LAYER: layer,
        Field.ADDON_TYPE: addon_type,
        Field.ENVIRONMENT: cloud_type,
        Field.VERSION: version,
        Field.REGISTRY: parts.registry.source,
    }
    exactly = tuple(Condition(field, Op.IS, (value,)) for field, value in asked.items() if value)
    query = both(words(q), (exactly,))
    with parts.store.read() as connection:
        narrowed = bool(reader.limits.repositories)
        page = catalog_search.search(
            connection,
            query,
            newest=newest,
            only=_reached(connection, parts.registry.source, reader) if narrowed else None,
            limit=limit,
            after=after,
        )
        tags = entries.leading(connection, [entry.uid for entry in page.entries])
    items = [models.PackModel.of(entry, tags[entry.uid]) for entry in page.entries]
    return models.PackPage(items=items, next=page.next)


@_guarded.get("/v1/_packs/{name}")
def pack_tags(parts: Wired, _reader: Reader, name: str) -> models.PackTags:
    """Every tag of a pack, newest version first, parent tags after the versions."""
    with parts.store.read() as connection:
        versions = entries.versions(connection, parts.registry.source, name)
        tags = entries.tags(connection, parts.registry.source, name)
    if not versions:
        raise PackUnknown(f"There is no pack {name}.")
    found = [
        models.TagModel(
            tag=tag, version=entry.version, group=entry.group, digest=entry.digest, parent=parent
        )
        for entry in versions
        for tag, (uid, parent) in tags.items()
        if uid == entry.uid
    ]
    return models.PackTags(name=name, tags=sorted(found, key=lambda model: model.parent))


@_guarded.get("/v1/_packs/{name}/tags/{tag}")
def details(parts: Wired, _reader: Reader, name: str, tag: str) -> models.PackDetails:
    """One pack: metadata, values, README, schema, presets, and the list of its files."""
    with _entry(parts, name, tag) as (connection, entry):
        contents = entries.contents(connection, entry.uid)
        tags = entries.tags(connection, parts.registry.source, name)
    leading = [tag for tag, (uid, _) in tags.items() if uid == entry.uid]
    return models.PackDetails.of_contents(entry, contents, leading)


@_guarded.get("/v1/_packs/{name}/tags/{tag}/files/{path:path}")
def file(parts: Wired, _reader: Reader, name: str, tag: str, path: str) -> Response:
    """One file's bytes; an image by what its bytes are, all else as plain text or bytes."""
    with _entry(parts, name, tag) as (_, entry):
        pass
    with parts.store.open_blob(entry.archive_digest) as stream:
        files = read_archive(stream, parts.registry.limits)
    if path not in files:
        raise FileUnknown(f"{name}:{tag} holds no file {path}.")
    data = files[path].data
    return Response(data, media_type=image_type(data) or _text_type(data))


@_guarded.get("/v1/_packs/{name}/tags/{tag}/archive")
def archive(parts: Wired, _reader: Reader, name: str, tag: str) -> Response:
    """The archive as it was pushed; takes ranges."""
    with _entry(parts, name, tag) as (_, entry):
        blob = parts.store.blob(repository(name), entry.archive_digest)
    headers = {"Docker-Content-Digest": blob.digest}
    if blob.path is None:
        with parts.store.open_blob(blob.digest) as stream:
            return Response(stream.read(), media_type="application/gzip", headers=headers)
    filename = f"{entry.name}-{entry.version}.tar.gz"
    return FileResponse(
        blob.path, media_type="application/gzip", headers=headers, filename=filename
    )


@_guarded.post("/v1/_packs", status_code=201)
async def push(
    request: Request,
    response: Response,
    parts: Wired,
    writer: Writer,
    *,
    force: Annotated[bool, Query(description="Replace other content of this version.")] = False,
    message: str = "",
) -> models.PushAnswer:
    """Push an archive, the request's body; answers 200 where identical content is there."""
    with tempfile.TemporaryFile() as spool:
        await _receive(request.stream(), spool, parts.registry.limits.max_bytes)
        spool.seek(0)
        answer = await run_in_threadpool(_push, parts, spool, writer, force=force, message=message)
    response.status_code = 201 if answer.created else 200
    return answer


async def _receive(body: AsyncIterator[bytes], spool: BinaryIO, limit: int) -> None:
    async for chunk in body:
        spool.write(chunk)
        if spool.tell() > limit:
            raise TooLarge(f"The archive has more than {limit} bytes, the limit of this server.")


def _push(
    parts: Parts, spool: BinaryIO, writer: Principal, *, force: bool, message: str
) -> models.PushAnswer:
    files = read_archive(spool, parts.registry.limits)
    pack, findings = lint.check(files)
    if pack is None or refusals(findings):
        raise ContentRefused("The pack is refused.", findings)
    parts.policy.check(writer, Action.PUSH, repository(pack.name))
    digest = content_digest(files)
    answer = models.PushAnswer(
        name=pack.name,
        tag=pack.label,
        digest="",
        content_digest=digest,
        created=False,
        findings=[finding.as_json() for finding in findings],
    )
    with parts.store.read() as connection:
        uid = entries.pack_uid(parts.registry.source, pack.name, pack.label)
        standing = entries.by_uid(connection, uid)
    if standing and standing.content_digest == digest:
        answer.digest = standing.digest
        return answer
    if standing and not force:
        raise Conflict(
            f"{pack.name}:{pack.label} is there with other content: {standing.content_digest} "
            f"there, {digest} pushed. Choose another version, or push it with force=true.",
            standing=standing.content_digest,
            pushed=digest,
        )
    spool.seek(0)
    committed = parts.registry.push_archive(
        pack, files, spool.read(), actor=writer.name, message=message, if_none_match=not standing
    )
    answer.digest, answer.created = committed.digest, True
    return answer


@_small.put("/v1/_packs/{name}/tags/{tag}", status_code=201)
def add_tag(
    parts: Wired, writer: Writer, name: str, tag: str, new: models.NewTag
) -> models.TagModel:
    """Let one more tag lead to where an existing one leads."""
    wanted = parse_tag(tag)
    with _entry(parts, name, parse_tag(new.tag)) as (_, entry):
        pass
    repo = repository(name)
    manifest = parts.store.manifest(repo, entry.digest)
    parts.registry.commit(
        Push(
            repo=repo,
            body=manifest.content,
            digest=entry.digest,
            media_type=manifest.media_type,
            tags=(wanted,),
            actor=writer.name,
        )
    )
    return models.TagModel(
        tag=wanted, version=entry.version, group=entry.group, digest=entry.digest, parent=False
    )


@_guarded.delete("/v1/_packs/{name}/tags/{tag}", status_code=204)
def delete_tag(
    parts: Wired, _deleter: Deleter, name: str, tag: str, *, force: bool = False
) -> None:
    """Take a tag away; where it is a version's own, the pack with it. 409 for a parent tag, and
    without `force` for what cluster profiles use."""
    with _entry(parts, name, tag):
        pass
    parts.registry.untag(repository(name), parse_tag(tag), force=force)


@contextmanager
def _entry(parts: Parts, name: str, tag: str) -> Iterator[tuple[Connection, entries.Entry]]:
    with parts.store.read() as connection:
        yield connection, entries.find(connection, parts.registry.source, name, tag)


def _text_type(data: bytes) -> str:
    """Never HTML or scripts, whatever the file's name: packs are other people's content."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain; charset=utf-8" if b"\0" not in data else "application/octet-stream"
