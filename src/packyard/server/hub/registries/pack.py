"""Pack registries, and among them, first of all, the server's own: it can be read, not changed."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from packyard.hub.description import Kind, Provider, Registry
from packyard.server.hub.forms import Form, Meta, Uid
from packyard.server.hub.lists import ListMeta, trimmed
from packyard.server.hub.registries import acts
from packyard.server.hub.registries.callers import Address, Calling, Keeper, Reader
from packyard.server.hub.registries.forms import (
    AuthModel,
    Labelled,
    PlaceForm,
    Skipped,
    SummaryStatus,
    SyncStatus,
    auth_model,
    meta_of,
)
from packyard.server.hub.registries.routing import Listed, add_common, new_router
from packyard.server.packs import Wired

router = new_router("/v1/registries/pack")
add_common(router, "/{uid}", acts.PACKS, acts.PACKS)


class PackSpecForm(PlaceForm):
    private: bool = False

    def described(self, metadata: Labelled) -> Registry:
        return self.placed(metadata, Kind.PACK, Provider.PACK, is_private=self.private)


class PackForm(Form):
    metadata: Labelled = Labelled()
    spec: PackSpecForm


class PackSpec(Form):
    name: str
    endpoint: str
    private: bool
    auth: AuthModel
    registry_uid: str
    scope: str


class PackStatus(Form):
    pack_sync_status: SyncStatus


class PackModel(Form):
    kind: str = "pack"
    metadata: Meta
    spec: PackSpec
    status: PackStatus


class PackSummarySpec(Form):
    endpoint: str
    private: bool
    scope: str


class PackSummary(Form):
    metadata: Meta
    spec: PackSummarySpec
    status: SummaryStatus


class PackRegistries(Form):
    items: list[PackModel]
    listmeta: ListMeta


class PackSummaries(Form):
    items: list[PackSummary]
    listmeta: ListMeta


@router.get("", response_model_exclude_none=True)
def list_pack(
    parts: Wired,
    _reader: Reader,
    address: Address,
    listing: Listed,
) -> PackRegistries:
    """By name, and where nobody asks for fewer all at once, the own one first."""
    items, listmeta = listing.found(parts, acts.PACKS, partial(_model, address=address))
    return trimmed(PackRegistries(items=items, listmeta=listmeta), listing.fields)


@router.post("", status_code=201)
async def create_pack(
    parts: Wired, _keeper: Keeper, call: Calling, new: PackForm, *, skip: Skipped = False
) -> Uid:
    """Keep a registry that answers, and synchronize it first of all."""
    return Uid(uid=await acts.create(parts, call, new.spec.described(new.metadata), skip=skip))


@router.get("/summary", response_model_exclude_none=True)
def list_pack_summaries(
    parts: Wired,
    _reader: Reader,
    address: Address,
    listing: Listed,
) -> PackSummaries:
    """By name, and where nobody asks for fewer all at once, the own one first."""
    items, listmeta = listing.found(parts, acts.PACKS, partial(_summary, address=address))
    return trimmed(PackSummaries(items=items, listmeta=listmeta), listing.fields)


@router.post("/validate", status_code=204)
async def validate_pack(parts: Wired, _keeper: Keeper, call: Calling, spec: PackSpecForm) -> None:
    """Whether a registry can be read, and exactly why not."""
    await acts.validate(parts, call, spec.described(Labelled()), spec.registry_uid)


@router.get("/{uid}", response_model_exclude_none=True)
def get_pack(parts: Wired, _reader: Reader, address: Address, uid: str) -> PackModel:
    with parts.store.read() as connection:
        return _model(connection, acts.find(parts, connection, uid, *acts.PACKS), address)


@router.put("/{uid}", status_code=204)
def change_pack(parts: Wired, _keeper: Keeper, uid: str, new: PackForm) -> None:
    """Another description; secrets that it leaves out stay for the same user."""
    acts.change(parts, uid, new.spec.described(new.metadata))


def _model(connection: Connection, registry: Registry, address: str) -> PackModel:
    return PackModel(
        metadata=meta_of(registry),
        spec=PackSpec(
            name=registry.name,
            endpoint=registry.endpoint or address,
            private=registry.is_private,
            auth=auth_model(registry),
            registry_uid=registry.uid,
            scope=registry.scope,
        ),
        status=PackStatus(pack_sync_status=acts.status(connection, registry)),
    )


def _summary(connection: Connection, registry: Registry, address: str) -> PackSummary:
    return PackSummary(
        metadata=meta_of(registry),
        spec=PackSummarySpec(
            endpoint=registry.endpoint or address, private=registry.is_private, scope=registry.scope
        ),
        status=SummaryStatus(sync=acts.status(connection, registry)),
    )
