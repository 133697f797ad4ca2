"""Elastic Container Registries: private ones by access key or role, public ones, of charts or
packs. What says how somebody signs in to AWS is always answered, for clients look into it.
"""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import Connection

from packyard.hub.description import Aws, Kind, Provider, Registry
from packyard.server.hub.forms import Form, Meta, Uid
from packyard.server.hub.registries import acts
from packyard.server.hub.registries.callers import Calling, Keeper, Reader
from packyard.server.hub.registries.forms import (
    Labelled,
    Lender,
    OciStatus,
    ProviderType,
    Secret,
    Skipped,
    TlsForm,
    TlsModel,
    meta_of,
    name_of,
    tls_model,
    tls_of,
)
from packyard.server.hub.registries.routing import add_common, new_router
from packyard.server.packs import Wired

router = new_router("/v1/registries/oci")
add_common(router, "/{uid}/ecr", [Kind.ECR], [Kind.ECR])

_KEY, _ROLE, _POD = "secret", "sts", "pod-identity"


class StsForm(Form):
    arn: str = ""
    external_id: str = ""


class PodIdentityForm(Form):
    role_arn: str = ""
    permission_boundary_arn: str = ""


class AwsForm(Form):
    credential_type: str = Field(default="", description="secret, sts or pod-identity.")
    access_key: str = ""
    secret_key: Secret = ""
    secret_token: Secret = ""
    partition: str = ""
    sts: StsForm = StsForm()
    pod_identity: PodIdentityForm = PodIdentityForm()


class EcrSpecForm(Form):
    endpoint: str = Field(default="", description="Without a scheme.")
    base_content_path: str = Field(default="", description="Several by commas.")
    provider_type: ProviderType = Provider.HELM
    is_private: bool = False
    is_sync_supported: bool = False
    credentials: AwsForm = AwsForm()
    default_region: str = Field(default="", description="Where the endpoint names none.")
    tls: TlsForm = TlsForm()
    registry_uid: Lender = ""

    def described(self, metadata: Labelled) -> Registry:
        return Registry(
            name=name_of(metadata),
            kind=Kind.ECR,
            provider=self.provider_type,
            endpoint=self.endpoint,
            base_content_path=self.base_content_path,
            aws=_aws(self.credentials, self.default_region),
            tls=tls_of(self.tls),
            is_private=self.is_private,
            is_sync_supported=self.is_sync_supported,
            labels=metadata.labels,
            annotations=metadata.annotations,
        )


class EcrForm(Form):
    metadata: Labelled = Labelled()
    spec: EcrSpecForm


class Sts(Form):
    arn: str
    external_id: str


class PodIdentity(Form):
    role_arn: str
    permission_boundary_arn: str


class AwsModel(Form):
    credential_type: str
    access_key: str
    partition: str | None = None
    sts: Sts | None = None
    pod_identity: PodIdentity | None = None


class EcrSpec(Form):
    endpoint: str
    base_content_path: str
    provider_type: Provider
    is_private: bool
    is_sync_supported: bool
    contains_spectro_manifest: bool = Field(description="Whether it holds packs.")
    credentials: AwsModel
    default_region: str
    tls: TlsModel | None = None
    registry_uid: str
    scope: str


class EcrModel(Form):
    kind: str = "ecr"
    metadata: Meta
    spec: EcrSpec
    status: OciStatus


@router.post("/ecr", status_code=201)
async def create_ecr(
    parts: Wired, _keeper: Keeper, call: Calling, new: EcrForm, *, skip: Skipped = False
) -> Uid:
    """Keep a registry; one that is to be synchronized has to answer, and is read first of all."""
    return Uid(uid=await acts.create(parts, call, new.spec.described(new.metadata), skip=skip))


@router.post("/ecr/validate", status_code=204)
async def validate_ecr(parts: Wired, _keeper: Keeper, call: Calling, spec: EcrSpecForm) -> None:
    """Whether a registry can be read, and exactly why not."""
    await acts.validate(parts, call, spec.described(Labelled()), spec.registry_uid)


@router.get("/{uid}/ecr", response_model_exclude_none=True)
def get_ecr(parts: Wired, _reader: Reader, uid: str) -> EcrModel:
    with parts.store.read() as connection:
        return _model(connection, acts.find(parts, connection, uid, Kind.ECR))


@router.put("/{uid}/ecr", status_code=204)
def change_ecr(parts: Wired, _keeper: Keeper, uid: str, new: EcrForm) -> None:
    """Another description; secrets that it leaves out stay for the same access key."""
    acts.change(parts, uid, new.spec.described(new.metadata))


def _aws(given: AwsForm, region: str) -> Aws:
    role, pod = given.sts, given.pod_identity
    return Aws(
        kind=given.credential_type,
        access_key=given.access_key,
        secret_key=given.secret_key,
        secret_token=given.secret_token,
        arn=(pod.role_arn if given.credential_type == _POD else role.arn) or "",
        external_id=role.external_id,
        permission_boundary=pod.permission_boundary_arn,
        partition=given.partition,
        region=region,
    )


def _aws_model(aws: Aws) -> AwsModel:
    return AwsModel(
        credential_type=aws.kind or _KEY,
        access_key=aws.access_key,
        partition=aws.partition or None,
        sts=Sts(arn=aws.arn, external_id=aws.external_id) if aws.kind == _ROLE else None,
        pod_identity=PodIdentity(role_arn=aws.arn, permission_boundary_arn=aws.permission_boundary)
        if aws.kind == _POD
        else None,
    )


def _model(connection: Connection, registry: Registry) -> EcrModel:
    tls = registry.tls
    said = tls.skip_verify or tls.certificate or tls.ca  # clients take less for a change
    return EcrModel(
        metadata=meta_of(registry),
        spec=EcrSpec(
            endpoint=registry.endpoint,
            base_content_path=registry.base_content_path,
            provider_type=registry.provider,
            is_private=registry.is_private,
            is_sync_supported=registry.is_sync_supported,
            contains_spectro_manifest=registry.provider is Provider.PACK,
            credentials=_aws_model(registry.aws),
            default_region=registry.aws.region,
            tls=tls_model(tls) if said else None,
            registry_uid=registry.uid,
            scope=registry.scope,
        ),
        status=OciStatus(sync_status=acts.status(connection, registry)),
    )
