"""What people say of a registry, as the bodies of the API: one form for each kind (hub.md).

The kind decides where a registry stands in the API, and which words mean something for it; a word
that means nothing there is refused, not dropped. What is said is laid over what the registry is: of
one that stands everything else stays, secrets too, which nobody is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """What was said of a registry; None, False and "" for nothing, but "" is none where None
    stands here. `secret` is a password, a token or a secret key, whichever the rest asks for."""

    endpoint: str = ""
    username: str | None = None
    token: bool = False
    no_login: bool = False
    access_key: str | None = None
    role: str | None = None
    external_id: str = ""
    partition: str = ""
    region: str = ""
    public: bool | None = None
    secret: str = field(default="", repr=False)
    provider: Provider | None = None
    base_path: str | None = None
    content_paths: tuple[str, ...] | None = None
    authority: str | None = None
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
    "no_login": (Kind.PACK, Kind.HELM, Kind.OCI),
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
_EXCLUDING = (("username", "token", "no_login"), ("access_key", "role"))
_WORDS = {"role": "--role-arn", "content_paths": "--content-path"}


def require_fitting(kind: Kind, said: Said) -> None:
    """Raise `ParameterInvalid` with every word that means nothing for this kind, or beside others,
    or is empty."""
    nothing = Said()
    words = [name for name in _ONLY if getattr(said, name) != getattr(nothing, name)]
    faults = [
        f"{_word(name)} is for {' and '.join(_ONLY[name])} registries."
        for name in words
        if kind not in _ONLY[name]
    ]
    if kind is Kind.PACK and said.sync is not None:
        faults.append("--no-sync is for helm, oci and ecr registries: packs are always read.")
    if said.provider is Provider.PACK and said.sync is False:
        faults.append("--no-sync is not for --provider pack: packs are always read.")
    for names in _EXCLUDING:
        several = [_word(name) for name in names if name in words]
        if len(several) > 1:
            faults.append(f"{' and '.join(several)} exclude each other.")
    named = ("username", "access_key", "role")
    faults += [f"{_word(name)} is empty." for name in named if getattr(said, name) == ""]
    if faults:
        raise ParameterInvalid(" ".join(faults))


def _word(name: str) -> str:
    return _WORDS.get(name, f"--{name.replace('_', '-')}")


_NEW: Mapping[Kind, Item] = {
    Kind.PACK: {"private": False},
    Kind.HELM: {"isPrivate": False},
    Kind.OCI: {"providerType": Provider.HELM.value, "isSyncSupported": True},
    Kind.ECR: {
        "providerType": Provider.HELM.value,
        "isSyncSupported": True,
        "isPrivate": True,
        "credentials": {"credentialType": "secret"},
    },
}


def is_read(row: Item) -> bool:
    """Whether the content of one that stands is read, by its row in the list of all: packs always
    are, whatever is said to whom waits, and Zarf packages are not yet."""
    provider = text(row, "spec.providerType")
    if provider in (Provider.PACK, Provider.ZARF):
        return provider == Provider.PACK
    return at(row, "status.sync.isSyncSupported") is True


def spec_of(kind: Kind, said: Said) -> dict[str, object]:
    """The `spec` of a new registry; raises `ParameterInvalid` where nobody signs in who has to."""
    if kind is Kind.ECR and not (said.access_key or said.role or said.public):
        raise ParameterInvalid("An ecr registry signs in: say --access-key or --role-arn.")
    return _laid_over(_NEW[kind], kind, said)


def changed(kind: Kind, registry: Item, said: Said) -> dict[str, object]:
    """The `spec` of a registry that stands, with what was said in the place of what it says."""
    return _laid_over(_part(registry, "spec"), kind, said)


def _laid_over(spec: Item, kind: Kind, said: Said) -> dict[str, object]:
    found = {**spec, **({"endpoint": said.endpoint} if said.endpoint else {})}
    if kind is Kind.ECR:
        found["credentials"] = _aws(_part(spec, "credentials"), said)
        found["tls"] = _tls(_part(spec, "tls"), said)
        found |= {} if said.public is None else {"isPrivate": not said.public}
        found |= {"defaultRegion": said.region} if said.region else {}
    else:
        found["auth"] = _auth(_part(spec, "auth"), said)
    if kind is Kind.PACK and (said.username or said.token or said.no_login):
        found["private"] = not said.no_login
    if said.provider:
        found["providerType"] = said.provider.value
    if said.base_path is not None:
        found["basePath"] = said.base_path
    if said.content_paths is not None:
        found["baseContentPath"] = ",".join(said.content_paths)
    if said.sync is not None:
        synchronized = {"isPrivate": not said.sync}
        found |= synchronized if kind is Kind.HELM else {"isSyncSupported": said.sync}
    return found


def _auth(auth: Item, said: Said) -> dict[str, object]:
    """Raises `ParameterInvalid` for a secret of nobody."""
    found = dict(auth)
    if said.no_login:
        found = {"type": "noAuth"}
    elif said.token:
        found = {"type": "token", "username": said.username or text(auth, "username")}
    elif said.username:
        found = {"type": "basic", "username": said.username}
    kind = str(found.setdefault("type", "noAuth"))
    if said.secret and kind == "noAuth":
        raise ParameterInvalid("A secret of whom? Say --username or --token beside it.")
    if said.secret:
        found["token" if kind == "token" else "password"] = said.secret
    return {**found, "tls": _tls(_part(auth, "tls"), said)}


def _aws(credentials: Item, said: Said) -> dict[str, object]:
    """Raises `ParameterInvalid` for a secret or an external id of nobody."""
    found = dict(credentials)
    if said.access_key:
        found = {"credentialType": "secret", "accessKey": said.access_key}
    elif said.role:
        found = {"credentialType": "sts", "sts": {"arn": said.role}}
    kind = str(found.get("credentialType", ""))
    if said.secret and kind != "secret":
        raise ParameterInvalid("A secret of whom? Say --access-key beside it.")
    if said.secret:
        found["secretKey"] = said.secret
    if said.external_id and kind != "sts":
        raise ParameterInvalid("An external id of whom? Say --role-arn beside it.")
    if said.external_id:
        found["sts"] = {**_part(found, "sts"), "externalId": said.external_id}
    partition = said.partition or text(credentials, "partition")
    return {**found, **({"partition": partition} if partition else {})}


def _tls(tls: Item, said: Said) -> dict[str, object]:
    found = dict(tls)
    if said.authority is not None:
        found |= {"certificate": said.authority, "ca": ""}
    if said.insecure is not None:
        found["insecureSkipVerify"] = said.insecure
    if found != tls:
        found["enabled"] = any(found.get(key) for key in ("certificate", "insecureSkipVerify"))
    return found


def _part(item: Item, name: str) -> Item:
    """The object there, {} where there is none."""
    found = item.get(name)
    return found if isinstance(found, dict) else {}
