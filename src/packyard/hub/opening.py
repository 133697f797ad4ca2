"""A registry's description made a source that can be read, with the hub's manners."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from packyard.errors import PackyardError, RegistryInvalid, Unsupported
from packyard.hub.description import Kind, Provider, Registry
from packyard.packs.files import STANDARD, Limits
from packyard.references import RepoName
from packyard.remotes import source
from packyard.remotes.budget import Budget
from packyard.remotes.challenge import AccessToken, Credentials, Login
from packyard.remotes.client import Client
from packyard.remotes.ecr import Ecr, Keys, Role
from packyard.remotes.endpoint import Endpoint, parse_endpoint
from packyard.remotes.failures import Mends
from packyard.remotes.helm import INDEX_LIMIT
from packyard.remotes.helm_source import HelmSource
from packyard.remotes.manners import Manners
from packyard.remotes.oci import catalog
from packyard.remotes.oci_source import OciSource
from packyard.remotes.pack_source import PackSource
from packyard.remotes.reach import Network, Reach
from packyard.remotes.source import Source

_MENDS = Mends(
    certificate="Give the certificate of its authority with the registry, or let the check be "
    "skipped (insecureSkipVerify).",
    plain="write http://{host} as the endpoint, to use it without encryption.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`networks` are private ones that may be called; `index_limit` is in bytes, times in
    seconds."""

    networks: tuple[Network, ...] = ()
    index_limit: int = INDEX_LIMIT
    limits: Limits = STANDARD
    connect: float = 10.0
    read: float = 30.0
    whole: float = 120.0
    budget: Budget = field(default_factory=Budget)

    @property
    def manners(self) -> Manners:
        return Manners(
            connect=self.connect,
            read=self.read,
            whole=self.whole,
            reach=Reach(self.networks),
            budget=self.budget,
            mends=_MENDS,
        )


@contextmanager
def opened(registry: Registry, settings: Settings) -> Iterator[Source]:
    """Its source while the block runs.

    Raises `Unsupported` for kinds that are kept but not read yet, `RegistryInvalid` for what cannot
    be used.
    """
    _require_readable(registry)
    endpoint = parse_endpoint(registry.endpoint)
    login, find = _login(registry, endpoint)
    with Client(
        endpoint.address,
        login,
        insecure=registry.tls.skip_verify,
        pem="\n".join(filter(None, (registry.tls.certificate, registry.tls.ca))),
        manners=settings.manners,
    ) as client:
        yield _source(registry, endpoint, client, find, settings)


def probe(registry: Registry, settings: Settings) -> None:
    """Raise `RegistryInvalid` with the exact reason where it cannot be read as what it is said to
    be; whatever a registry answers is never mistaken for an answer of ours."""
    try:
        with opened(registry, settings) as source:
            source.probe()
    except PackyardError as error:
        raise RegistryInvalid(error.message) from error


Find = Callable[[Client], Sequence[RepoName]]


def _login(registry: Registry, endpoint: Endpoint) -> tuple[Login | None, Find]:
    if registry.kind is Kind.ECR:
        ecr = _ecr(registry, endpoint)
        return ecr.login, lambda _: ecr.repositories()
    auth = registry.auth
    if auth.kind == "basic":
        return Credentials(auth.username, auth.password), catalog
    if auth.kind == "token" and auth.token:
        return AccessToken(auth.token), catalog
    return None, catalog


def _ecr(registry: Registry, endpoint: Endpoint) -> Ecr:
    aws = registry.aws
    identity: Keys | Role = Keys(aws.access_key, aws.secret_key, aws.secret_token)
    if aws.kind == "sts":
        identity = Role(aws.arn, aws.external_id)
    return Ecr(endpoint.address.host, identity, region=aws.region, partition=aws.partition)


def _source(
    registry: Registry, endpoint: Endpoint, client: Client, find: Find, settings: Settings
) -> Source:
    if registry.kind is Kind.HELM:
        return HelmSource(client, endpoint.path, limit=settings.index_limit)
    if registry.kind is Kind.PACK:
        if endpoint.path not in ("", "v1"):
            raise RegistryInvalid(
                f"A pack registry is named without a path, not with {endpoint.path!r}."
            )
        return PackSource(client, limits=settings.limits)
    bases = ["/".join(filter(None, (endpoint.path, base))) for base in registry.bases]
    kind = source.Kind.PACK if registry.provider is Provider.PACK else source.Kind.CHART
    return OciSource(client, kind, bases, limits=settings.limits, find=find)


def _require_readable(registry: Registry) -> None:
    if registry.provider is Provider.ZARF:
        raise Unsupported("Zarf packages are not read yet: the registry is kept for clusters only.")
    if registry.kind is Kind.ECR and not registry.is_private:
        raise Unsupported("Public ECR registries are not read yet.")
    if registry.kind is Kind.ECR and registry.aws.kind == "podIdentity":
        raise Unsupported("ECR by pod identity is not read yet: use an access key, or a role.")
