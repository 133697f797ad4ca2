"""What people say of a registry, as the bodies of the API: one form for each kind (hub.md).

The kind decides where a registry stands in the API, and which words mean something for it; a word
that means nothing there is refused, not dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from packyard.errors import ParameterInvalid
from packyard.remotes.items import Item, at, text

PATH = "/v1/registries"


class Kind(StrEnum):
    PACK = "pack"
    HELM = "helm"
    OCI = "oci"
    ECR = "ecr"

    @property
    def collection(self) -> str:
        """Where one is made, and below it validated."""
        return f"{PATH}/{_COLLECTIONS[self]}"

    def place(self, uid: str) -> str:
        """Where the one of that uid stands."""
        return f"{PATH}/{_PLACES[self].format(uid=uid)}"


_COLLECTIONS = {Kind.PACK: "pack", Kind.HELM: "helm", Kind.OCI: "oci/basic", Kind.ECR: "oci/ecr"}
_PLACES = {
    Kind.PACK: "pack/{uid}",
    Kind.HELM: "helm/{uid}",
    Kind.OCI: "oci/{uid}/basic",
    Kind.ECR: "oci/{uid}/ecr",
}


class Provider(StrEnum):
    HELM = "helm"
    PACK = "pack"
    ZARF = "zarf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said of a registry; None and "" for nothing. `secret` is a password, a token or a
    secret key, whichever the rest asks for."""

    endpoint: str = ""
    username: str = ""
    token: bool = False
    access_key: str = ""
    role: str = ""
    external_id: str = ""
    partition: str = ""
    region: str = ""
    public: bool = False
    secret: str = field(default="", repr=False)
    provider: Provider | None = None
    base_path: str = ""
    content_paths: tuple[str, ...] = ()
    authority: str = ""
    insecure: bool | None = None
    sync: bool | None = None

    @property
    def wants_secret(self) -> str:
        """What has to be asked for: "password", "token", "secret key", "" for nothing."""
        if self.token:
            return "token"
        return "password" if self.username else "secret key" if self.access_key else ""


# Which words mean something for which kind; all others mean something for all.
_ONLY: Mapping[str, tuple[Kind, ...]] = {
    "username": (Kind.PACK, Kind.HELM, Kind.OCI),
    "token": (Kind.PACK, Kind.HELM),
    "access_key": (Kind.ECR,),
    "role": (Kind.ECR,),
    "external_id": (Kind.ECR,),
    "partition": (Kind.ECR,),
    "region": (Kind.ECR,),
    "public": (Kind.ECR,),
    "provider": (Kind.OCI, Kind.ECR),
    "base_path": (Kind.OCI,),
    "content_paths": (Kind.OCI, Kind.ECR),
}
_WORDS = {"role": "--role-arn", "content_paths": "--content-path"}


def require_fitting(kind: Kind, said: Said) -> None:
    """Raise `ParameterInvalid` with every word that means nothing for this kind."""
    nothing = Said()
    faults = []
    for name, kinds in _ONLY.items():
        if kind not in kinds and getattr(said, name) != getattr(nothing, name):
            word = _WORDS.get(name, f"--{name.replace('_', '-')}")
            faults.append(f"{word} is for {' and '.join(kinds)} registries.")
    if kind is Kind.PACK and said.sync is not None:
        faults.append("--no-sync is for helm, oci and ecr registries: packs are always read.")
    if said.access_key and said.role:
        faults.append("--access-key and --role-arn exclude each other.")
    if faults:
        raise ParameterInvalid(" ".join(faults))


def spec_of(kind: Kind, said: Said) -> dict[str, object]:
    """The `spec` of a new registry."""
    match kind:
        case Kind.PACK:
            private = bool(said.username or said.token)
            return {"endpoint": said.endpoint, "private": private, "auth": _auth(said)}
        case Kind.HELM:
            return {"endpoint": said.endpoint, "isPrivate": said.sync is False, "auth": _auth(said)}
        case Kind.OCI:
            return {**_content(said), "basePath": said.base_path, "auth": _auth(said)}
        case Kind.ECR:
            return {
                **_content(said),
                "isPrivate": not said.public,
                "credentials": _aws(said),
                "defaultRegion": said.region,
                "tls": _tls(said),
            }


def changed(kind: Kind, registry: Item, said: Said) -> dict[str, object]:
    """The `spec` of a registry that stands, with what was said put in the place of what it says.

    What is left out stays; secrets too, unless the user is another one.
    """
    nothing = Said()
    names = [field.name for field in fields(Said)]
    given = {name: getattr(said, name) for name in names}
    told = {name: value for name, value in given.items() if value != getattr(nothing, name)}
    return spec_of(kind, replace(said_of(kind, registry), **told))


def said_of(kind: Kind, registry: Item) -> Said:
    """What was said of a registry when it was made, but for its secret."""
    auth = "spec.auth"
    tls = "spec.tls" if kind is Kind.ECR else f"{auth}.tls"
    private = at(registry, "spec.isPrivate") is True
    synchronizes = not private
    if kind in (Kind.OCI, Kind.ECR):
        synchronizes = at(registry, "spec.isSyncSupported") is True
    provider = text(registry, "spec.providerType")
    paths = text(registry, "spec.baseContentPath")
    return Said(
        endpoint=text(registry, "spec.endpoint"),
        username=text(registry, f"{auth}.username"),
        token=text(registry, f"{auth}.type") == "token",
        access_key=text(registry, "spec.credentials.accessKey"),
        role=text(registry, "spec.credentials.sts.arn"),
        external_id=text(registry, "spec.credentials.sts.externalId"),
        partition=text(registry, "spec.credentials.partition"),
        region=text(registry, "spec.defaultRegion"),
        public=kind is Kind.ECR and not private,
        provider=Provider(provider) if provider in list(Provider) else None,
        base_path=text(registry, "spec.basePath"),
        content_paths=tuple(paths.split(",")) if paths else (),
        authority=text(registry, f"{tls}.certificate"),
        insecure=at(registry, f"{tls}.insecureSkipVerify") is True,
        sync=None if kind is Kind.PACK else synchronizes,
    )


def _content(said: Said) -> dict[str, object]:
    return {
        "endpoint": said.endpoint,
        "providerType": said.provider or Provider.HELM,
        "baseContentPath": ",".join(said.content_paths),
        "isSyncSupported": said.sync is not False,
    }


def _auth(said: Said) -> dict[str, object]:
    kind = "token" if said.token else "basic" if said.username else "noAuth"
    secret = {"token": said.secret} if said.token else {"password": said.secret}
    held = {} if kind == "noAuth" else {"username": said.username, **secret}
    return {"type": kind, **held, "tls": _tls(said)}


def _aws(said: Said) -> dict[str, object]:
    partition = {"partition": said.partition} if said.partition else {}
    if said.role:
        sts = {"arn": said.role, "externalId": said.external_id}
        return {"credentialType": "sts", "sts": sts, **partition}
    keys = {"accessKey": said.access_key, "secretKey": said.secret}
    return {"credentialType": "secret", **keys, **partition}


def _tls(said: Said) -> dict[str, object]:
    enabled = bool(said.authority or said.insecure)
    return {
        "enabled": enabled,
        "certificate": said.authority,
        "insecureSkipVerify": said.insecure is True,
    }
