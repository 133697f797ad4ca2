"""Helm repositories. `isPrivate` means that only clusters reach one: it is not synchronized."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import Connection

from packyard.hub.description import Kind, Provider, Registry
from packyard.hub.opening import Chart
from packyard.server.hub.forms import Form, Meta, Uid
from packyard.server.hub.lists import ListMeta, trimmed
from packyard.server.hub.registries import acts
from packyard.server.hub.registries.callers import Calling, Keeper, Reader
from packyard.server.hub.registries.forms import (
    AuthModel,
    Labelled,
    PlaceForm,
    SummaryStatus,
    SyncStatus,
    auth_model,
    meta_of,
)
from packyard.server.hub.registries.routing import Listed, add_common, new_router
from packyard.server.packs import Wired

router = new_router("/v1/registries/helm")
add_common(router, "/{uid}", [Kind.HELM], [Kind.HELM])


class ChartForm(Form):
    name: str = Field(min_length=1)
    version: str = Field(default="", description="Empty for any.")


class CreateOption(Form):
    skip_sync: bool = False
    charts: list[ChartForm] = Field(default_factory=list, description="That have to be there.")


class HelmSpecForm(PlaceForm):
    is_private: bool = False
    create_option: CreateOption = CreateOption()

    def described(self, metadata: Labelled) -> Registry:
        return self.placed(metadata, Kind.HELM, Provider.HELM, is_private=self.is_private)


class HelmForm(Form):
    metadata: Labelled = Labelled()
    spec: HelmSpecForm


class HelmSpec(Form):
    name: str
    endpoint: str
    is_private: bool
    auth: AuthModel
    registry_uid: str
    scope: str


class HelmStatus(Form):
    helm_sync_status: SyncStatus


class HelmModel(Form):
    kind: str = "helm"
    metadata: Meta
    spec: HelmSpec
    status: HelmStatus


class HelmSummarySpec(Form):
    endpoint: str
    is_private: bool
    scope: str


class HelmSummary(Form):
    metadata: Meta
    spec: HelmSummarySpec
    status: SummaryStatus


class HelmRegistries(Form):
    items: list[HelmModel]
    listmeta: ListMeta


class HelmSummaries(Form):
    items: list[HelmSummary]
    listmeta: ListMeta


@router.get("", response_model_exclude_none=True)
def list_helm(
    parts: Wired,
    _reader: Reader,
    listing: Listed,
) -> HelmRegistries:
    """By name, and where nobody asks for fewer all at once."""
    items, listmeta = listing.found(parts, [Kind.HELM], _model)
    return trimmed(HelmRegistries(items=items, listmeta=listmeta), listing.fields)


@router.post("", status_code=201)
async def create_helm(parts: Wired, _keeper: Keeper, call: Calling, new: HelmForm) -> Uid:
    """Keep a repository, and synchronize it first of all; a private one need not answer."""
    option = new.spec.create_option
    charts: list[Chart] = [(one.name, one.version) for one in option.charts]
    given = new.spec.described(new.metadata)
    return Uid(uid=await acts.create(parts, call, given, skip=option.skip_sync, charts=charts))


@router.get("/summary", response_model_exclude_none=True)
def list_helm_summaries(
    parts: Wired,
    _reader: Reader,
    listing: Listed,
) -> HelmSummaries:
    """By name, and where nobody asks for fewer all at once."""
    items, listmeta = listing.found(parts, [Kind.HELM], _summary)
    return trimmed(HelmSummaries(items=items, listmeta=listmeta), listing.fields)


@router.post("/validate", status_code=204)
async def validate_helm(parts: Wired, _keeper: Keeper, call: Calling, spec: HelmSpecForm) -> None:
    """Whether a repository can be read, and exactly why not."""
    await acts.validate(parts, call, spec.described(Labelled()), spec.registry_uid)


@router.get("/{uid}", response_model_exclude_none=True)
def get_helm(parts: Wired, _reader: Reader, uid: str) -> HelmModel:
    with parts.store.read() as connection:
        return _model(connection, acts.find(parts, connection, uid, Kind.HELM))


@router.put("/{uid}", status_code=204)
def change_helm(parts: Wired, _keeper: Keeper, uid: str, new: HelmForm) -> None:
    """Another description; secrets that it leaves out stay for the same user."""
    acts.change(parts, uid, new.spec.described(new.metadata))


def _model(connection: Connection, registry: Registry) -> HelmModel:
    return HelmModel(
        metadata=meta_of(registry),
        spec=HelmSpec(
            name=registry.name,
            endpoint=registry.endpoint,
            is_private=registry.is_private,
            auth=auth_model(registry),
            registry_uid=registry.uid,
            scope=registry.scope,
        ),
        status=HelmStatus(helm_sync_status=acts.status(connection, registry)),
    )


def _summary(connection: Connection, registry: Registry) -> HelmSummary:
    return HelmSummary(
        metadata=meta_of(registry),
        spec=HelmSummarySpec(
            endpoint=registry.endpoint, is_private=registry.is_private, scope=registry.scope
        ),
        status=SummaryStatus(sync=acts.status(connection, registry)),
    )
