"""What the bodies of all kinds of registries have in common, and their way to a description.

False and empty texts are often left out by clients; a body without them means just these.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BeforeValidator, Field

from packyard.hub.description import Auth, Kind, Provider, Registry, Tls
from packyard.hub.schedule import Status
from packyard.server.hub.forms import Form, Meta, Named
from packyard.server.pack_models import timestamp

Scope = Annotated[
    Literal["system", "tenant", "all", ""],
    Query(description="system: the server's own registry; tenant: all others."),
]
Force = Annotated[bool, Query(description="Also one that cluster profiles have packs of.")]
Forced = Annotated[
    bool,
    Query(
        alias="forceSync",
        description="End one that runs for long, and begin anew; believe a registry that lists "
        "nothing any more.",
    ),
]
Skipped = Annotated[
    bool, Query(alias="skipPackSync", description="Leave the first synchronization for later.")
]
Secret = Annotated[str, Field(description="Never answered; without it the former stays.")]
Lender = Annotated[
    str, Field(description="When validating: the registry whose secrets stand for missing ones.")
]
ProviderType = Annotated[
    Provider,
    BeforeValidator(lambda given: given or Provider.HELM),
    Field(description="helm, pack or zarf; helm without it."),
]


class Labelled(Named):
    """`metadata` of a body about a registry; labels and annotations that are not said stay."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class TlsForm(Form):
    enabled: bool = False
    certificate: str = Field(default="", description="Authorities to trust, PEM.")
    ca: str = Field(default="", description="More of them.")
    key: Secret = ""
    insecure_skip_verify: bool = False


class AuthForm(Form):
    type: str = Field(default="", description="noAuth, basic or token.")
    username: str = ""
    password: Secret = ""
    token: Secret = ""
    tls: TlsForm = TlsForm()


class PlaceForm(Form):
    """What bodies about repositories and pack registries have in common."""

    name: str = ""
    endpoint: str = ""
    auth: AuthForm = AuthForm()
    registry_uid: Lender = ""

    def placed(
        self, metadata: Labelled, kind: Kind, provider: Provider, *, is_private: bool
    ) -> Registry:
        return Registry(
            name=name_of(metadata, self.name),
            kind=kind,
            provider=provider,
            endpoint=self.endpoint,
            auth=auth_of(self.auth),
            tls=tls_of(self.auth.tls),
            is_private=is_private,
            labels=metadata.labels,
            annotations=metadata.annotations,
        )


class TlsModel(Form):
    enabled: bool
    certificate: str
    ca: str
    insecure_skip_verify: bool


class AuthModel(Form):
    type: str
    username: str
    tls: TlsModel | None = None


class Progress(Form):
    done: int = Field(description="Versions.")
    total: int = Field(description="Zero while it is not known.")


class SyncStatus(Form):
    is_sync_supported: bool
    status: str = Field(description="Pending, InProgress, Completed, Failed; empty before all.")
    message: str
    last_run_time: str | None = None
    last_synced_time: str | None = None
    progress: Progress

    @classmethod
    def of(cls, status: Status, *, supported: bool) -> SyncStatus:
        return cls(
            is_sync_supported=supported,
            status=status.status,
            message=status.message,
            last_run_time=timestamp(status.started_at) or None,
            last_synced_time=timestamp(status.synced_at) or None,
            progress=Progress(done=status.done, total=status.total),
        )


class SummaryStatus(Form):
    sync: SyncStatus


class OciStatus(Form):
    sync_status: SyncStatus


def meta_of(registry: Registry) -> Meta:
    return Meta(
        uid=registry.uid,
        name=registry.name,
        creation_timestamp=timestamp(registry.created_at),
        last_modified_timestamp=timestamp(registry.changed_at),
        labels=dict(registry.labels or {}),
        annotations=dict(registry.annotations or {}),
    )


def name_of(metadata: Named, otherwise: str = "") -> str:
    """Of a body, which says it in one place or two; "" where it says none."""
    return metadata.name or otherwise


def auth_of(given: AuthForm) -> Auth:
    """Without a type it is what the fields that are there ask for."""
    kind = given.type or ("basic" if given.username else "token" if given.token else "noAuth")
    return Auth(
        kind=kind,
        username=given.username,
        password=given.password,
        token=given.token,
    )


def tls_of(given: TlsForm) -> Tls:
    return Tls(
        enabled=given.enabled,
        certificate=given.certificate,
        ca=given.ca,
        key=given.key,
        skip_verify=given.insecure_skip_verify,
    )


def auth_model(registry: Registry) -> AuthModel:
    """With what was said of TLS, where something was."""
    auth, tls = registry.auth, registry.tls
    said = tls != Tls()
    return AuthModel(type=auth.kind, username=auth.username, tls=tls_model(tls) if said else None)


def tls_model(tls: Tls) -> TlsModel:
    return TlsModel(
        enabled=tls.enabled,
        certificate=tls.certificate,
        ca=tls.ca,
        insecure_skip_verify=tls.skip_verify,
    )
