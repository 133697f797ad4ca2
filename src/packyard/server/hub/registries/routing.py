"""What the routers of all kinds have in common: how one is made, what is asked of a list, and the
paths whose bodies say nothing of a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeVar

from fastapi import APIRouter, Depends, Response
from sqlalchemy import Connection

from packyard.hub.description import Kind, Registry
from packyard.server.hub.forms import Form, private_router
from packyard.server.hub.lists import (
    Fields,
    Filters,
    ListMeta,
    OrderBy,
    Paged,
    Paging,
    matching,
    ordered,
    rest,
)
from packyard.server.hub.registries import acts
from packyard.server.hub.registries.callers import Editor, Keeper, Reader
from packyard.server.hub.registries.forms import Force, Forced, Scope, SyncStatus
from packyard.server.packs import Wired
from packyard.server.parts import MIB, Parts
from packyard.server.small import SmallRoute

Item = TypeVar("Item", bound=Form)


class CertificateRoute(SmallRoute):
    """Reads bodies that may hold a bundle of certificates."""

    limit: ClassVar[int] = MIB


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked of a list of registries."""

    scope: str
    filters: str
    order_by: str
    fields: str
    paging: Paging

    def found(
        self, parts: Parts, kinds: Sequence[Kind], model: Callable[[Connection, Registry], Item]
    ) -> tuple[list[Item], ListMeta]:
        """Those of these kinds that are asked for, and what to say of them; `fields` are for
        `trimmed`."""
        with parts.store.read() as connection:
            registries = acts.every(parts, connection, self.scope, *kinds)
            models = [model(connection, one) for one in registries]
        return rest(ordered(matching(models, self.filters), self.order_by), self.paging)


async def _listing(
    paging: Paged,
    filters: Filters = "",
    order_by: OrderBy = "",
    fields: Fields = "",
    scope: Scope = "all",
) -> Listing:
    return Listing(scope, filters, order_by, fields, paging)


Listed = Annotated[Listing, Depends(_listing)]


def new_router(prefix: str) -> APIRouter:
    return private_router(prefix, "registries", CertificateRoute)


def add_common(router: APIRouter, path: str, kinds: Sequence[Kind], synced: Sequence[Kind]) -> None:
    """Deletion of registries of `kinds` at the path of one, and synchronization of `synced`."""

    @router.delete(path, status_code=204)
    def delete(parts: Wired, _keeper: Keeper, uid: str, *, force: Force = False) -> None:
        """Forget a registry, with what the catalog has of it."""
        acts.remove(parts, uid, *kinds, force=force)

    @router.post(f"{path}/sync", status_code=202, response_class=Response)
    def synchronize(parts: Wired, _editor: Editor, uid: str, *, forced: Forced = False) -> None:
        """Have a registry read anew; what runs already is followed by another."""
        acts.synchronize(parts, uid, *synced, forced=forced)

    @router.get(f"{path}/sync/status", response_model_exclude_none=True)
    def get_status(parts: Wired, _reader: Reader, uid: str) -> SyncStatus:
        """How the synchronization of a registry stands, and why it failed."""
        with parts.store.read() as connection:
            return acts.status(connection, acts.find(parts, connection, uid, *synced))
