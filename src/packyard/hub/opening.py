"""A registry's description made a source that can be read, with the hub's manners."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from packyard.errors import PackyardError, RegistryInvalid, RemoteFailed, Unsupported
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
from packyard.remotes.manners import Manners, always
from packyard.remotes.oci import catalog
from packyard.remotes.oci_source import OciSource
from packyard.remotes.pack_source import PackSource
from packyard.remotes.reach import Network, Reach
from packyard.remotes.source import Source

MENDS = Mends(
    certificate="Give the certificate of its authority with the registry, or let the check be "
    "skipped (insecureSkipVerify).",
    plain="write http://{host} as the endpoint, to use it without encryption.",
)


Chart = tuple[str, str]
"""Name and version, "" for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`networks` are private ones that may be called; `index_limit` is in bytes, times in
    seconds. Calls are given up where nothing is `wanted` any more."""

    networks: tuple[Network, ...] = ()
    index_limit: int = INDEX_LIMIT
    limits: Limits = STANDARD
    connect: float = 10.0
    read: float = 30.0
    whole: float = 120.0
    budget: Budget = field(default_factory=Budget)
    wanted: Callable[[], bool] = always

    @property
    def manners(self) -> Manners:
        return Manners(
            connect=self.connect,
            read=self.read,
            whole=self.whole,
            reach=Reach(self.networks),
            budget=self.budget,
            wanted=self.wanted,
            mends=MENDS,
        )


def opened(registry: Registry, settings: Settings) -> AbstractContextManager[Source]:
    """Its source while the block runs.

    Raises `Unsupported` for kinds that are kept but not read yet, `RegistryInvalid` for what cannot
    be used.
    """
    if reason := unread(registry):
        raise Unsupported(reason)
    return _connected(registry, settings)


def probe(registry: Registry, settings: Settings) -> None:
    """Raise `RegistryInvalid` with the exact reason where it is not what it is said to be, or lets
    us not in; whatever a registry answers is never mistaken for an answer of ours.

    Of what is not read, nothing has to be there.
    """
    if _needs_pod(registry):
        return
    try:
        with _connected(registry, settings) as source:
            try_out(registry, source)
    except PackyardError as error:
        raise RegistryInvalid(error.message) from error


def try_out(registry: Registry, source: Source) -> None:
    """What `probe` does, with a source that is open."""
    is_read = registry.synchronizes and not unread(registry)
    if isinstance(source, OciSource) and not is_read:
        source.knock()
    else:
        source.probe()


def require_charts(registry: Registry, settings: Settings, wanted: Collection[Chart]) -> None:
    """Raise `RegistryInvalid` where the registry cannot be read, or does not hold all of these."""
    missing = set(wanted)
    try:
        with opened(registry, settings) as source:
            listing = source.listing({})
            for page in listing.pages if listing else ():
                for offer in page.offers:
                    missing -= {(offer.name, offer.tag), (offer.name, "")}
                if not missing:
                    return
    except PackyardError as error:
        raise RegistryInvalid(error.message) from error
    named = ", ".join(" ".join(filter(None, chart)) for chart in sorted(missing))
    raise RegistryInvalid(f"The registry does not hold {named}.")


@contextmanager
def _connected(registry: Registry, settings: Settings) -> Iterator[Source]:
    endpoint = parse_endpoint(registry.endpoint)
    login, find, manners = _login(registry, endpoint, settings.manners)
    with Client(
        endpoint.address,
        login,
        insecure=registry.tls.skip_verify,
        pem="\n".join(filter(None, (registry.tls.certificate, registry.tls.ca))),
        manners=manners,
    ) as client:
        yield _source(registry, endpoint, client, find, settings)


Find = Callable[[Client], Iterable[RepoName]]


def _login(
    registry: Registry, endpoint: Endpoint, manners: Manners
) -> tuple[Login | None, Find, Manners]:
    if registry.kind is Kind.ECR and registry.is_private:
        ecr = _ecr(registry, endpoint)
        if ecr.is_of_aws:
            _require_encryption(endpoint)
        else:
            manners = _inside(endpoint, manners)
        return ecr.login, lambda _: ecr.repositories(), manners
    auth = registry.auth
    if auth.kind == "basic":
        return Credentials(auth.username, auth.password), catalog, manners
    if auth.kind == "token" and auth.token:
        return AccessToken(auth.token), catalog, manners
    return None, catalog, manners


def _require_encryption(endpoint: Endpoint) -> None:
    """Raise `RegistryInvalid` before AWS is asked for a password that would go out in clear."""
    if endpoint.address.scheme != "https":
        raise RegistryInvalid(
            f"{endpoint.address.host} is a host of AWS, to which no password is sent unencrypted: "
            "write https:// in front of it, or no scheme."
        )


def _inside(endpoint: Endpoint, manners: Manners) -> Manners:
    """Call the endpoint in networks that were allowed alone; raise `RemoteFailed` before AWS is
    asked for a password where it leads elsewhere."""
    server = urlsplit(f"//{endpoint.address.host}")
    host = server.hostname or ""
    reach = replace(manners.reach, inside=host)
    try:
        reach.addresses(host, server.port or 0)
    except OSError as error:
        raise RemoteFailed(
            f"{host} is no host of AWS, and its address cannot be found.", host=host
        ) from error
    return replace(manners, reach=reach)


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


def unread(registry: Registry) -> str:
    """Why a registry of a kind that comes later is not read yet; "" where it is."""
    if registry.provider is Provider.ZARF:
        return "Zarf packages are not read yet: the registry is kept for clusters only."
    if registry.kind is Kind.ECR and not registry.is_private:
        return "Public ECR registries are not read yet."
    if _needs_pod(registry):
        return "ECR by pod identity is not read yet: use an access key, or a role."
    return ""


def _needs_pod(registry: Registry) -> bool:
    is_private_ecr = registry.kind is Kind.ECR and registry.is_private
    return is_private_ecr and registry.aws.kind == "pod-identity"
