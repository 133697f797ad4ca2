"""All registries: what they are called, what OCI ones there are, and what their synchronizations
could not take. The last is ours, at `/v1/registries/{uid}/sync/report`.
"""

from __future__ import annotations

from pydantic import Field

from packyard.hub import steps
from packyard.hub.description import Kind, Provider, Registry
from packyard.server.hub.forms import Form, Meta
from packyard.server.hub.lists import LIMIT, ListMeta, Paged
from packyard.server.hub.registries import acts
from packyard.server.hub.registries.callers import Address, Keeper, Reader
from packyard.server.hub.registries.forms import (
    AuthModel,
    Force,
    Scope,
    SummaryStatus,
    SyncStatus,
    auth_model,
    meta_of,
)
from packyard.server.hub.registries.routing import new_router
from packyard.server.packs import Wired

router = new_router("/v1/registries")

_KINDS = {Kind.DEFAULT: "pack", Kind.PACK: "pack", Kind.HELM: "helm"}
_BASIC = "basic"
_REPORTED = 1000  # items of a report that are told at once


class RegistryMetadata(Form):
    uid: str
    name: str
    kind: str = Field(description="pack, helm or oci.")
    scope: str
    is_default: bool
    is_private: bool


class RegistriesMetadata(Form):
    items: list[RegistryMetadata]


class OciSpec(Form):
    endpoint: str
    registry_type: str = Field(description="basic or ecr.")
    provider_type: Provider
    is_private: bool
    contains_spectro_manifest: bool = Field(description="Whether it holds packs.")
    default_region: str
    scope: str


class OciSummary(Form):
    metadata: Meta
    spec: OciSpec
    status: SummaryStatus


class OciSummaries(Form):
    items: list[OciSummary]


class OciEntity(Form):
    type: str = Field(description="basic or ecr.")
    endpoint: str
    provider_type: Provider
    auth: AuthModel
    default_region: str
    scope: str


class OciImage(Form):
    """Where images for clusters can be kept: this server."""

    name: str
    endpoint: str
    base_content_path: str = ""
    insecure_skip_verify: bool = False


class Configuration(Form):
    name: str
    endpoint: str
    auth: AuthModel


class ConfigurationModel(Form):
    config: Configuration


class Item(Form):
    name: str = Field(description="Of a pack or chart.")
    tag: str = Field(description="Empty for all of that name.")
    reason: str


class Report(Form):
    """What is known of the last synchronization, and of one that runs."""

    status: SyncStatus
    items: list[Item] = Field(description="What the last whole one could not take.")
    listmeta: ListMeta


@router.get("/metadata")
def list_metadata(parts: Wired, _reader: Reader, scope: Scope = "all") -> RegistriesMetadata:
    """What all registries are called, the server's own one first; all at once."""
    with parts.store.read() as connection:
        found = acts.every(parts, connection, scope)
    return RegistriesMetadata(items=[_metadata(registry) for registry in found])


@router.get("/oci/summary", response_model_exclude_none=True)
def list_oci(parts: Wired, _reader: Reader) -> OciSummaries:
    """OCI registries of all kinds, by name; all at once."""
    with parts.store.read() as connection:
        found = acts.every(parts, connection, "all", *acts.OCI)
        return OciSummaries(
            items=[
                OciSummary(
                    metadata=meta_of(registry),
                    spec=_oci_spec(registry),
                    status=SummaryStatus(sync=acts.status(connection, registry)),
                )
                for registry in found
            ]
        )


@router.get("/oci/image")
def get_oci_image(parts: Wired, _reader: Reader, address: Address) -> OciImage:
    """The registry for images that comes with the hub, which is this server's own."""
    with parts.store.read() as connection:
        return OciImage(name=acts.built_in(parts, connection).name, endpoint=_host(address))


@router.get("/{name}/config", response_model_exclude_none=True)
def get_config(parts: Wired, _reader: Reader, address: Address, name: str) -> ConfigurationModel:
    """Where a registry is and how one signs in there, by its name."""
    with parts.store.read() as connection:
        found = acts.named(parts, connection, name)
    return ConfigurationModel(
        config=Configuration(
            name=found.name, endpoint=found.endpoint or address, auth=auth_model(found)
        )
    )


@router.get("/oci/{uid}", response_model_exclude_none=True)
def get_oci(parts: Wired, _reader: Reader, uid: str) -> OciEntity:
    with parts.store.read() as connection:
        found = acts.find(parts, connection, uid, *acts.OCI)
    return OciEntity(
        type=_type(found),
        endpoint=found.endpoint,
        provider_type=found.provider,
        auth=auth_model(found),
        default_region=found.aws.region,
        scope=found.scope,
    )


@router.get("/{uid}/sync/report", response_model_exclude_none=True)
def get_report(parts: Wired, _reader: Reader, paging: Paged, uid: str) -> Report:
    """What a synchronization could not take, item by item, each with its reason; many at once
    unless fewer are asked for."""
    limit = paging.limit if paging.limit < LIMIT else _REPORTED
    with parts.store.read() as connection:
        found = acts.find(parts, connection, uid)
        faults = steps.reported(connection, found.uid, limit=limit, offset=paging.offset)
        count = steps.count_reported(connection, found.uid)
        status = acts.status(connection, found)
    items = [Item(name=fault.name, tag=fault.tag, reason=fault.reason) for fault in faults]
    return Report(status=status, items=items, listmeta=paging.told(len(items), count))


@router.delete("/{uid}", status_code=204)
def delete_registry(parts: Wired, _keeper: Keeper, uid: str, *, force: Force = False) -> None:
    """Forget a registry of any kind, with what the catalog has of it."""
    acts.remove(parts, uid, force=force)


def _metadata(registry: Registry) -> RegistryMetadata:
    return RegistryMetadata(
        uid=registry.uid,
        name=registry.name,
        kind=_KINDS.get(registry.kind, "oci"),
        scope=registry.scope,
        is_default=registry.kind is Kind.DEFAULT,
        is_private=registry.is_private,
    )


def _oci_spec(registry: Registry) -> OciSpec:
    return OciSpec(
        endpoint=registry.endpoint,
        registry_type=_type(registry),
        provider_type=registry.provider,
        is_private=registry.is_private,
        contains_spectro_manifest=registry.provider is Provider.PACK,
        default_region=registry.aws.region,
        scope=registry.scope,
    )


def _type(registry: Registry) -> str:
    return _BASIC if registry.kind is Kind.OCI else Kind.ECR.value


def _host(address: str) -> str:
    """As clients of images name a registry."""
    return address.partition("://")[2]
