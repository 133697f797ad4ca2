"""What every HTTP face is given: the parts of the server, joined by hand in `app`."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from anyio import CapacityLimiter
from starlette.types import Scope

from packyard.auth.oidc import Provider
from packyard.auth.policy import Policy
from packyard.auth.secrets import Secrets
from packyard.auth.sign_in import Grants
from packyard.auth.tokens import Tokens
from packyard.charts.engine import Engine
from packyard.hub import opening
from packyard.hub.archives import Archives
from packyard.hub.composing import Profiles
from packyard.hub.contents import Looks
from packyard.hub.offers import Offers
from packyard.hub.schedule import Times
from packyard.registry.registry import Registry
from packyard.server.calls import Calls
from packyard.server.metrics import Metrics
from packyard.server.turns import Turns
from packyard.storage.store import Store

MIB = 1024 * 1024


_HEADERS = "packyard.headers"


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that name, in lower case, of an ASGI scope."""
    table: dict[bytes, bytes] | None = scope.get(_HEADERS)
    if table is None:
        table = scope[_HEADERS] = dict(reversed(scope["headers"]))
    return table.get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`idle` is in seconds, `max_manifest` and `max_chart` are bytes of a request's body.

    `external_url` (no slash at its end) is where clients reach the server; without it `Location`
    follows the `X-Forwarded-*` of a proxy in `trusted_proxies`, else it is relative. `headers` go
    into every answer that does not have them.
    """

    external_url: str = ""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    max_manifest: int = 4 * MIB
    max_chart: int = 20 * MIB
    idle: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenId:
    """Where people sign in elsewhere, what that makes them here, and what the button says.

    Who waits for the provider has threads of their own: one that does not answer holds up nobody
    else.
    """

    provider: Provider
    grants: Grants
    label: str
    asking: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    store: Store
    registry: Registry
    secrets: Secrets
    tokens: Tokens
    policy: Policy
    profiles: Profiles
    archives: Archives
    engine: Engine  # starts nothing before its first use
    looks: Looks
    offers: Offers
    openid: OpenId | None = None
    settings: Settings = field(default_factory=Settings)
    # How other registries are read, and when they are synchronized.
    remotes: opening.Settings = field(default_factory=opening.Settings)
    sync_times: Times = field(default_factory=Times)
    metrics: Metrics = field(default_factory=Metrics)
    # Passwords have a thread of their own, so that a flood of wrong ones takes nobody else's.
    verifying: Turns = field(default_factory=Turns)
    # So have calls to other registries that somebody waits for.
    calls: Calls = field(default_factory=Calls)
