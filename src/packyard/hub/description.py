"""A registry as people describe it, and what is wrong with that (hub.md, "Registry kinds").

What was given is kept verbatim. Secrets stand in fields that are never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from packyard.errors import NameInvalid, PackyardError, RegistryInvalid
from packyard.references import parse_repo
from packyard.remotes.endpoint import parse_endpoint

_NAME_LIMIT = 255
MASK = "********"
"""Stands in the place of a secret that is not to be told; given back, it means the same one."""


class Kind(StrEnum):
    """Of the interface; the built-in one is `default`."""

    DEFAULT = "default"
    PACK = "pack"
    HELM = "helm"
    OCI = "oci"
    ECR = "ecr"


class Provider(StrEnum):
    """What a registry holds."""

    PACK = "pack"
    HELM = "helm"
    ZARF = "zarf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """`kind` is `noAuth`, `basic` or `token`."""

    kind: str = "noAuth"
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """`certificate` and `ca` are authorities to trust, PEM; `skip_verify` wins over them."""

    enabled: bool = False
    certificate: str = ""
    ca: str = ""
    key: str = field(default="", repr=False)
    skip_verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """`kind` is `secret`, `sts` or `pod-identity`; "" for none. `arn` is that of the role."""

    kind: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    secret_token: str = field(default="", repr=False)
    arn: str = ""
    external_id: str = ""
    permission_boundary: str = ""
    partition: str = ""
    region: str = ""


SECRET = {
    "auth": ("password", "token"),
    "tls": ("key",),
    "aws": ("secret_key", "secret_token"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Times are µs; `uid` is "" for one that is not kept yet. `labels` and `annotations` are those
    of whoever uses the API; None leaves them as they are."""

    name: str
    kind: Kind
    provider: Provider
    endpoint: str
    uid: str = ""
    base_path: str = ""
    base_content_path: str = ""
    auth: Auth = Auth()
    tls: Tls = Tls()
    aws: Aws = Aws()
    scope: str = "tenant"
    is_private: bool = False
    is_sync_supported: bool = False
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    created_at: int = 0
    changed_at: int = 0

    @property
    def synchronizes(self) -> bool:
        """Whether its content stands in the catalog: always for packs, never for Zarf."""
        if self.provider is Provider.ZARF:
            return False
        if self.kind is Kind.HELM:
            return not self.is_private
        return self.provider is Provider.PACK or self.is_sync_supported

    @property
    def shows_sync(self) -> bool:
        """What clients are told, and go by: with it a registry is kept only where it answers.
        Of OCI registries it is what they said (terraform-contract.md, 6)."""
        if self.kind in (Kind.OCI, Kind.ECR):
            return self.is_sync_supported
        return self.synchronizes

    @property
    def bases(self) -> list[str]:
        """The paths of repositories below which its content stands, "" for the whole registry."""
        above = self.base_path.strip("/ ")
        parts = [part.strip("/ ") for part in self.base_content_path.split(",")]
        below = [part for part in parts if part] or [""]
        return ["/".join(part for part in (above, path) if part) for path in below]


def faults(registry: Registry) -> list[str]:
    """Everything that is wrong with a description, as sentences; nothing is called for it."""
    found = []
    if not registry.name.strip() or len(registry.name) > _NAME_LIMIT:
        found.append(f"The name must have 1 to {_NAME_LIMIT} characters.")
    if not registry.name.isprintable():
        found.append("The name must hold no line breaks and other control characters.")
    try:
        parse_endpoint(registry.endpoint)
    except PackyardError as error:
        found.append(f"The endpoint cannot be used: {error.message}")
    if registry.auth.kind not in ("noAuth", "basic", "token"):
        found.append(f"{registry.auth.kind!r} is no type of authentication: noAuth, basic, token.")
    if registry.auth.kind == "basic" and not registry.auth.username:
        found.append("Basic authentication needs a user name.")
    if registry.kind is Kind.ECR:
        found += _aws_faults(registry)
    charts_by_path = registry.kind in (Kind.OCI, Kind.ECR) and registry.provider is Provider.HELM
    if (
        charts_by_path
        and registry.is_sync_supported
        and not registry.base_content_path.strip(", /")
    ):
        found.append("With synchronization on, a base content path is required.")
    if registry.kind in (Kind.OCI, Kind.ECR):
        found += _path_faults(registry)
    return found


def _path_faults(registry: Registry) -> list[str]:
    found = []
    for base in filter(None, registry.bases):
        try:
            parse_repo(base)
        except NameInvalid:
            found.append(
                f"{base[:_NAME_LIMIT]!r} is no path of repositories: lower-case words of letters "
                "and digits, joined by '/'."
            )
    return found


def _aws_faults(registry: Registry) -> list[str]:
    aws = registry.aws
    if not registry.is_private:
        return []  # public ones need no credentials
    if aws.kind == "secret":
        named = {"An access key": aws.access_key, "A secret key": aws.secret_key}
        return [f"{what} is required." for what, given in named.items() if given in ("", MASK)]
    if aws.kind == "sts":
        return [] if aws.arn else ["The ARN of the role is required."]
    if aws.kind == "pod-identity":
        return []
    return [f"{aws.kind!r} is no type of AWS credentials: secret, sts, pod-identity."]


def with_kept_secrets(given: Registry, former: Registry) -> Registry:
    """`given` with the former's secrets where it has none, or masks, for the same user.

    They go to the server that they were given for: raises `RegistryInvalid` where it is another.
    """
    kept: dict[str, Any] = {}
    for section, names in SECRET.items():
        mine, its = getattr(given, section), getattr(former, section)
        open_fields = {name for name in asdict(mine) if name not in names} - _FREE
        same = all(getattr(mine, name) == getattr(its, name) for name in open_fields)
        unsaid = [name for name in names if getattr(mine, name) in ("", MASK)]
        filled = {name: getattr(its, name) if same else "" for name in unsaid}
        kept[section] = replace(mine, **filled)
        if any(filled.values()):
            _require_same_server(given.endpoint, former.endpoint)
    return replace(given, **kept)


def _require_same_server(given: str, former: str) -> None:
    try:
        there, before = parse_endpoint(given).address, parse_endpoint(former).address
    except PackyardError:
        return  # nothing is sent to what is no endpoint
    less_safe = before.scheme == "https" and there.scheme != "https"
    if there.host != before.host or less_safe:
        how = "reached less safely than before" if there.host == before.host else "another server"
        raise RegistryInvalid(
            f"The secret was given for {before.host}, and {there.host} is {how}: give it again."
        )


# What may change without making a secret another's.
_FREE = {
    *("enabled", "certificate", "ca", "skip_verify"),
    *("permission_boundary", "partition", "region"),
}
