"""`/metrics`, for whoever may pull; for everybody where `http.metrics.anonymous` says so."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from packyard.auth.principal import Action
from packyard.errors import MethodNotAllowed, PackyardError
from packyard.server.admission import admit
from packyard.server.oci.errors import refusal
from packyard.server.parts import Parts
from packyard.server.send import Answer, whole
from packyard.storage.store import Store
from packyard.storage.tables import blobs, manifests, repositories, tags


class Exposition:
    path = "/metrics"

    def __init__(self, parts: Parts, *, anonymous: bool) -> None:
        self._parts = parts
        self._anonymous = anonymous

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # for the counters
        try:
            answer = await self._page(scope)
        except PackyardError as error:
            answer = refusal(error, self._parts.policy.realm)
        await answer(scope, receive, send)

    async def _page(self, scope: Scope) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed("This address takes GET and HEAD.", allow="GET, HEAD")
        if not self._anonymous:
            await admit(self._parts, scope, Action.PULL, via="api")
        page = await run_in_threadpool(self._parts.metrics.exposition, self._sizes)
        return whole(200, page, CONTENT_TYPE_LATEST.encode())

    def _sizes(self) -> Mapping[str, int]:
        return sizes(self._parts.store)


def sizes(store: Store) -> dict[str, int]:
    """How much the store holds, by what; `bytes` are those of the blobs."""
    counted = {"repositories": repositories, "blobs": blobs, "manifests": manifests, "tags": tags}
    with store.read() as connection:
        found = {
            name: connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in counted.items()
        }
        found["bytes"] = connection.scalar(select(func.sum(blobs.c.size))) or 0
    return found
