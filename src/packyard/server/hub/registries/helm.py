"""Helm repositories. `isPrivate` means that only clusters reach one: it is not synchronized."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from packyard.hub.description import Kind, Provider, Registry
from packyard.hub.opening import Chart
from packyard.server.hub.forms import PRIVATE, REFUSALS, Form, Meta, Named, Uid
from packyard.server.hub.lists import (
    Fields,
    Filters,
    ListMeta,
    OrderBy,
    Paged,
    matching,
    ordered,
    rest,
    trimmed,
)
from packyard.server.hub.registries import acts
from packyard.server.hub.registries.callers import Editor, Keeper, Reader
from packyard.server.hub.registries.forms import (
    AuthForm,
    AuthModel,
    CertificateRoute,
    Force,
    Forced,
    Scope,
    SummaryStatus,
    SyncStatus,
    auth_model,
    auth_of,
    meta_of,
    name_of,
    tls_of,
)
from packyard.server.packs import Wired

router = APIRouter(
    prefix="/v1/registries/helm",
    tags=["registries"],
    route_class=CertificateRoute,
    dependencies=[PRIVATE],
    responses=REFUSALS,
)


class ChartForm(Form):
    name: str = Field(min_length=1)
    version: str = Field(default="", description="Empty for any.")


class CreateOption(Form):
    skip_sync: bool = False
    charts: list[ChartForm] = Field(default_factory=list, description="That have to be there.")


class HelmSpecForm(Form):
    name: str = ""
    endpoint: str = ""
    is_private: bool = False
    auth: AuthForm = AuthForm()
    registry_uid: str = Field(
        default="", description="When validating: whose secrets stand for missing ones."
    )
    create_option: CreateOption = CreateOption()

    def described(self, metadata: Named) -> Registry:
        return Registry(
            name=name_of(metadata, self.name),
            kind=Kind.HELM,
            provider=Provider.HELM,
            endpoint=self.endpoint,
            auth=auth_of(self.auth),
            tls=tls_of(self.auth.tls),
            is_private=self.is_private,
        )


class HelmForm(Form):
    metadata: Named = Named()
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
    paging: Paged,
    filters: Filters = "",
    order_by: OrderBy = "",
    fields: Fields = "",
    scope: Scope = "all",
) -> HelmRegistries:
    """By name, and where nobody asks for fewer all at once."""
    with parts.store.read() as connection:
        found = acts.every(parts, connection, scope, Kind.HELM)
        models = [_model(connection, one) for one in found]
    items, listmeta = rest(ordered(matching(models, filters), order_by), paging)
    return trimmed(HelmRegistries(items=items, listmeta=listmeta), fields)


@router.post("", status_code=201)
async def create_helm(parts: Wired, _keeper: Keeper, new: HelmForm) -> Uid:
    """Keep a repository, and synchronize it first of all; a private one need not answer."""
    option = new.spec.create_option
    charts: list[Chart] = [(one.name, one.version) for one in option.charts]
    given = new.spec.described(new.metadata)
    return Uid(uid=await acts.create(parts, given, skip=option.skip_sync, charts=charts))


@router.get("/summary", response_model_exclude_none=True)
def list_helm_summaries(
    parts: Wired,
    _reader: Reader,
    paging: Paged,
    filters: Filters = "",
    order_by: OrderBy = "",
    fields: Fields = "",
    scope: Scope = "all",
) -> HelmSummaries:
    """By name, and where nobody asks for fewer all at once."""
    with parts.store.read() as connection:
        found = acts.every(parts, connection, scope, Kind.HELM)
        models = [_summary(connection, one) for one in found]
    items, listmeta = rest(ordered(matching(models, filters), order_by), paging)
    return trimmed(HelmSummaries(items=items, listmeta=listmeta), fields)


@router.post("/validate", status_code=204)
async def validate_helm(parts: Wired, _keeper: Keeper, spec: HelmSpecForm) -> None:
    """Whether a repository can be read, and exactly why not."""
    await acts.validate(parts, spec.described(Named()), spec.registry_uid)


@router.get("/{uid}", response_model_exclude_none=True)
def get_helm(parts: Wired, _reader: Reader, uid: str) -> HelmModel:
    with parts.store.read() as connection:
        return _model(connection, acts.find(parts, connection, uid, Kind.HELM))


@router.put("/{uid}", status_code=204)
def change_helm(parts: Wired, _keeper: Keeper, uid: str, new: HelmForm) -> None:
    """Another description; secrets that it leaves out stay for the same user."""
    acts.change(parts, uid, new.spec.described(new.metadata))


@router.delete("/{uid}", status_code=204)
def delete_helm(parts: Wired, _keeper: Keeper, uid: str, *, force: Force = False) -> None:
    acts.remove(parts, uid, Kind.HELM, force=force)


@router.post("/{uid}/sync", status_code=202, response_class=Response)
def sync_helm(parts: Wired, _editor: Editor, uid: str, *, forced: Forced = False) -> None:
    acts.synchronize(parts, uid, Kind.HELM, forced=forced)


@router.get("/{uid}/sync/status", response_model_exclude_none=True)
def get_helm_sync(parts: Wired, _reader: Reader, uid: str) -> SyncStatus:
    with parts.store.read() as connection:
        return acts.status(connection, acts.find(parts, connection, uid, Kind.HELM))


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
