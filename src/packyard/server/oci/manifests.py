"""Manifests: pulled, pushed, deleted, by tag or digest (Pulling and Pushing Manifests)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.digests import Digest, algorithm_of, digest_of
from packyard.errors import DigestInvalid
from packyard.findings import Finding
from packyard.references import RepoName, Tag, is_digest, parse_tag
from packyard.registry.registry import Committed, Push
from packyard.server import bodies
from packyard.server.conditions import etag, expected, is_new, matches
from packyard.server.forwarded import origin
from packyard.server.oci.kept import Kept
from packyard.server.parts import Parts, header
from packyard.server.send import Answer, Header, whole
from packyard.storage.content import Manifest

_WARNINGS = 4096  # bytes; the specification's limit
_ACCEPTED = Answer(202, ((b"content-length", b"0"),))


class Manifests:
    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._registry = parts.registry
        self._settings = parts.settings
        self._kept = Kept()

    async def get(self, request: Request, repo: RepoName, reference: Tag | Digest) -> ASGIApp:
        """As it was pushed, whatever the client accepts: no registry converts."""
        generation = self._store.generation()
        answer = self._kept.get(generation, (repo, reference))
        if answer is None:
            answer = _answer(self._store.manifest(repo, reference))
            self._kept.put(generation, (repo, reference), answer)
        condition = header(request.scope, b"if-none-match")
        if condition and matches(condition, dict(answer.headers)[b"etag"]):
            return Answer(304, answer.headers[2:])
        return answer

    async def put(self, request: Request, repo: RepoName, reference: Tag | Digest) -> ASGIApp:
        """Store a manifest and set its tags: the one addressed, and those of `?tag=`."""
        more = [parse_tag(text) for text in request.query_params.getlist("tag")]
        tags = more if is_digest(reference) else [Tag(reference), *more]
        if_match = expected(header(request.scope, b"if-match"))
        if_none_match = is_new(header(request.scope, b"if-none-match"))
        body = await bodies.whole(request, self._settings.max_manifest, "The manifest")

        def commit() -> Committed:
            push = Push(
                repo=repo,
                body=body,
                digest=_digest(body, reference),
                media_type=request.headers.get("content-type", ""),
                tags=tuple(dict.fromkeys(tags)),
                actor=request.scope["user"].name,
                if_match=if_match,
                if_none_match=if_none_match,
            )
            return self._registry.commit(push)

        committed = await run_in_threadpool(commit)
        location = f"{origin(request.scope, self._settings)}/v2/{repo}/manifests/{committed.digest}"
        return Answer(201, ((b"location", location.encode()), *_told(committed, more)))

    async def delete(self, request: Request, repo: RepoName, reference: Tag | Digest) -> ASGIApp:
        """A tag alone, or a manifest with all of its tags; with `force=true` also a pack that
        cluster profiles use."""
        force = request.query_params.get("force") == "true"
        if is_digest(reference):
            await run_in_threadpool(self._registry.delete, repo, Digest(reference), force=force)
        else:
            await run_in_threadpool(self._registry.untag, repo, Tag(reference), force=force)
        return _ACCEPTED


def _answer(manifest: Manifest) -> Answer:
    told = (b"docker-content-digest", manifest.digest.encode()), (b"etag", etag(manifest.digest))
    return whole(200, manifest.content, manifest.media_type.encode(), told)


def _digest(body: bytes, reference: Tag | Digest) -> Digest:
    if not is_digest(reference):
        return digest_of(body)
    digest = Digest(reference)
    actual = digest_of(body, algorithm_of(digest))
    if actual != digest:
        raise DigestInvalid(f"The manifest has the digest {actual}, not {digest}.")
    return digest


def _told(committed: Committed, tags: Sequence[Tag]) -> Iterator[Header]:
    yield b"content-length", b"0"
    yield b"docker-content-digest", committed.digest.encode()
    if committed.subject:
        yield b"oci-subject", committed.subject.encode()
    if tags:
        yield b"oci-tag", ", ".join(tags).encode()
    yield from warnings(committed.findings)


def warnings(findings: Iterable[Finding]) -> Iterator[Header]:
    """What was taken although it is not perfect, for clients that show warnings ("Warnings")."""
    room = _WARNINGS
    for finding in findings:
        text = str(finding).replace("\\", "/").replace('"', "'")
        warning = b'299 - "%s"' % " ".join(text.split()).encode("ascii", "replace")
        room -= len(warning)
        if room < 0:
            return
        yield b"warning", warning
