"""OCI registries with basic authentication or none: of charts, packs or Zarf packages."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import Connection

from packyard.hub.description import Kind, Provider, Registry
from packyard.server.hub.forms import Form, Meta, Uid
from packyard.server.hub.registries import acts
from packyard.server.hub.registries.callers import Calling, Keeper, Reader
from packyard.server.hub.registries.forms import (
    AuthForm,
    AuthModel,
    Labelled,
    Lender,
    OciStatus,
    ProviderType,
    Skipped,
    auth_model,
    auth_of,
    meta_of,
    name_of,
    tls_of,
)
from packyard.server.hub.registries.routing import add_common, new_router
from packyard.server.packs import Wired

router = new_router("/v1/registries/oci")
add_common(router, "/{uid}/basic", [Kind.OCI], acts.OCI)


class BasicSpecForm(Form):
    endpoint: str = ""
    base_path: str = ""
    base_content_path: str = Field(default="", description="Several by commas.")
    provider_type: ProviderType = Provider.HELM
    is_sync_supported: bool = False
    auth: AuthForm = AuthForm()
    registry_uid: Lender = ""

    def described(self, metadata: Labelled) -> Registry:
        auth = auth_of(self.auth)
        return Registry(
            name=name_of(metadata),
            kind=Kind.OCI,
            provider=self.provider_type,
            endpoint=self.endpoint,
            base_path=self.base_path,
            base_content_path=self.base_content_path,
            auth=auth,
            tls=tls_of(self.auth.tls),
            is_private=auth.kind != "noAuth",
            is_sync_supported=self.is_sync_supported,
            labels=metadata.labels,
            annotations=metadata.annotations,
        )


class BasicForm(Form):
    metadata: Labelled = Labelled()
    spec: BasicSpecForm


class BasicSpec(Form):
    endpoint: str
    base_path: str
    base_content_path: str
    provider_type: Provider
    is_sync_supported: bool
    contains_spectro_manifest: bool = Field(description="Whether it holds packs.")
    auth: AuthModel
    registry_uid: str
    scope: str


class BasicModel(Form):
    kind: str = "basic"
    metadata: Meta
    spec: BasicSpec
    status: OciStatus


@router.post("/basic", status_code=201)
async def create_basic(
    parts: Wired, _keeper: Keeper, call: Calling, new: BasicForm, *, skip: Skipped = False
) -> Uid:
    """Keep a registry; one that is to be synchronized has to answer, and is read first of all."""
    return Uid(uid=await acts.create(parts, call, new.spec.described(new.metadata), skip=skip))


@router.post("/basic/validate", status_code=204)
async def validate_basic(parts: Wired, _keeper: Keeper, call: Calling, spec: BasicSpecForm) -> None:
    """Whether a registry can be read, and exactly why not."""
    await acts.validate(parts, call, spec.described(Labelled()), spec.registry_uid)


@router.get("/{uid}/basic", response_model_exclude_none=True)
def get_basic(parts: Wired, _reader: Reader, uid: str) -> BasicModel:
    with parts.store.read() as connection:
        return _model(connection, acts.find(parts, connection, uid, Kind.OCI))


@router.put("/{uid}/basic", status_code=204)
def change_basic(parts: Wired, _keeper: Keeper, uid: str, new: BasicForm) -> None:
    """Another description; secrets that it leaves out stay for the same user."""
    acts.change(parts, uid, new.spec.described(new.metadata))


def _model(connection: Connection, registry: Registry) -> BasicModel:
    return BasicModel(
        metadata=meta_of(registry),
        spec=BasicSpec(
            endpoint=registry.endpoint,
            base_path=registry.base_path,
            base_content_path=registry.base_content_path,
            provider_type=registry.provider,
            is_sync_supported=registry.is_sync_supported,
            contains_spectro_manifest=registry.provider is Provider.PACK,
            auth=auth_model(registry),
            registry_uid=registry.uid,
            scope=registry.scope,
        ),
        status=OciStatus(sync_status=acts.status(connection, registry)),
    )
