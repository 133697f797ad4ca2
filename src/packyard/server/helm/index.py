"""`index.yaml`: kept ready, sent as it is or compressed, or not at all to who has it already."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Scope

from packyard.auth.principal import Principal
from packyard.registry.helm_index import HelmIndex, HelmIndexes
from packyard.server.conditions import matches
from packyard.server.forwarded import origin
from packyard.server.parts import Parts, header
from packyard.server.send import Answer, PartsAnswer

_MEDIA_TYPE = b"application/yaml"


class Index:
    def __init__(self, parts: Parts, indexes: HelmIndexes) -> None:
        self._settings = parts.settings
        self._indexes = indexes

    async def get(self, request: Request) -> ASGIApp:
        """Where nobody has committed since the last request, without a look at the store.

        The index names the path by which its client came, for `helm cm-push` builds the addresses
        of the API upon it.
        """
        scope = request.scope
        context = urlsplit(origin(scope, self._settings)).path + "/helm"
        gzip = takes_gzip(scope)
        index = index_of(self._indexes, scope["user"])
        edition = index.kept(gzip=gzip)
        if edition is None:
            edition = await run_in_threadpool(partial(index.current, gzip=gzip))
        tag = edition.etag(context, gzip=gzip)
        told = (
            (b"etag", tag),
            (b"vary", b"accept-encoding"),
            (b"cache-control", b"no-cache"),
        )
        if matches(header(scope, b"if-none-match"), tag):
            return Answer(304, told)
        parts = edition.gzip(context) if gzip else edition.text(context)
        headers = [
            (b"content-type", _MEDIA_TYPE),
            (b"content-length", b"%d" % sum(map(len, parts))),
            *told,
        ]
        if gzip:
            headers.append((b"content-encoding", b"gzip"))
        return PartsAnswer(200, headers, parts)


def index_of(indexes: HelmIndexes, user: Principal) -> HelmIndex:
    """What somebody may see: an API key for some repositories shows the charts there."""
    return indexes.of(user.limits.repositories, user.reaches)


def takes_gzip(scope: Scope) -> bool:
    """Whether `Accept-Encoding` has gzip, and not only to refuse it (RFC 9110, 12.5.3)."""
    accepted = header(scope, b"accept-encoding") or b""
    weights = {}
    for item in accepted.lower().split(b","):
        name, *parameters = (part.strip() for part in item.split(b";"))
        weights[name] = next((p[2:] for p in parameters if p.startswith(b"q=")), b"1")
    weight = weights.get(b"gzip", weights.get(b"*", b"0"))
    return bool(weight.strip(b"0."))
