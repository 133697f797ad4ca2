"""Every part of the server, built and joined by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

from packyard.auth.accounts import Accounts
from packyard.auth.htpasswd import Htpasswd
from packyard.auth.oidc import Provider
from packyard.auth.policy import Policy
from packyard.auth.principal import Role
from packyard.auth.refusals import Refusals
from packyard.auth.sign_in import Grants
from packyard.auth.tokens import Tokens
from packyard.charts.engine import Engine
from packyard.config import Config
from packyard.config.model import Oidc
from packyard.hub import opening, usage
from packyard.hub.archives import Archives
from packyard.hub.composing import Profiles
from packyard.hub.contents import Looks
from packyard.hub.offers import Offers
from packyard.hub.schedule import Times
from packyard.packs.files import Limits
from packyard.registry.registry import Registry
from packyard.remotes.budget import Budget
from packyard.server import charts, packs
from packyard.server.edge import Edge
from packyard.server.exposition import Exposition
from packyard.server.folder import open_secrets
from packyard.server.hub import audits, keys, macros, projects, sign_in, users
from packyard.server.hub.packs.routers import ROUTERS as PACKS
from packyard.server.hub.profiles.routers import ROUTERS as PROFILES
from packyard.server.hub.registries.routers import ROUTERS as REGISTRIES
from packyard.server.metrics import Metrics
from packyard.server.parts import OpenId, Parts, Settings
from packyard.storage.store import Store

DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "1; mode=block",
    "Referrer-Policy": "same-origin",
}
TLS_HEADERS = {"Strict-Transport-Security": "max-age=63072000; includeSubdomains; preload"}


def build(config: Config, store: Store) -> Parts:
    """The parts over a store that was migrated."""
    limits = config.packs.limits
    registry = Registry(
        store,
        limits=Limits(
            max_bytes=limits.maxbytes,
            max_files=limits.maxfiles,
            max_file_bytes=limits.maxfilebytes,
            max_ratio=limits.maxratio,
        ),
        sparse=config.validation.manifests.sparse,
        charts=config.charts.repository,
        name=config.hub.defaultregistry,
        guard=usage.guard,
    )
    secrets = open_secrets(config)
    tokens = Tokens(store, secrets)
    engine = Engine(size=1)
    remotes = _remotes(config, registry.limits)
    looks = Looks(store, secrets, remotes)
    metrics = Metrics()
    return Parts(
        store=store,
        registry=registry,
        secrets=secrets,
        tokens=tokens,
        policy=_policy(config, store, tokens, Refusals(metrics.refused)),
        profiles=Profiles(store, secrets, engine.fill, looks),
        archives=Archives(store, secrets, remotes, registry.limits),
        engine=engine,
        looks=looks,
        offers=Offers(store),
        openid=_openid(config.auth.oidc) if config.auth.oidc else None,
        settings=_settings(config),
        remotes=remotes,
        sync_times=_sync_times(config),
        metrics=metrics,
    )


def asgi(config: Config, parts: Parts) -> ASGIApp:
    """The server as one ASGI application, in a process of its own."""
    pages = packs.build(parts)
    pages.include_router(charts.router)
    people = [module.router for module in (sign_in, users, keys, projects, macros, audits)]
    routers = (*people, *PROFILES, *REGISTRIES, *PACKS)
    for router in routers:
        pages.include_router(router)
    exposition = Exposition(parts, anonymous=config.http.metrics.anonymous)
    pages.router.routes.insert(0, Route(exposition.path, exposition, include_in_schema=False))
    prefixes = {router.prefix for router in routers}
    threading.Thread(target=_look_at_routes, args=(pages, prefixes), daemon=True).start()
    return Edge(parts, pages)


def _look_at_routes(pages: FastAPI, prefixes: Iterable[str]) -> None:
    """FastAPI reads what a route takes and gives at the first look at it; that takes a good part of
    a second for all of them, which no request need wait for."""
    for prefix in prefixes:
        scope = {"type": "http", "method": "GET", "path": prefix, "root_path": "", "headers": []}
        for route in pages.routes:
            route.matches(scope)


def _policy(config: Config, store: Store, tokens: Tokens, refusals: Refusals) -> Policy:
    htpasswd = config.auth.htpasswd
    accounts = Accounts(
        store,
        Htpasswd(htpasswd.path) if htpasswd else None,
        writers=htpasswd.writers if htpasswd else (),
    )
    return Policy(
        store,
        accounts,
        tokens,
        realm=htpasswd.realm if htpasswd else "Packyard",
        anonymous_pull=config.auth.anonymous == "pull",
        deletes=config.storage.delete.enabled,
        read_only=config.storage.maintenance.readonly.enabled,
        refusals=refusals,
    )


def _openid(oidc: Oidc) -> OpenId:
    provider = Provider(
        oidc.issuer,
        oidc.clientid,
        oidc.clientsecret,
        scopes=oidc.scopes,
        groups_claim=oidc.groupsclaim,
        ca=oidc.ca,
    )
    inside = {
        group: {given.project: Role(given.role) for given in roles}
        for group, roles in oidc.projectroles.items()
    }
    grants = Grants(
        tenant={group: Role(role) for group, role in oidc.roles.items()},
        projects=inside,
        default=None if oidc.defaultrole == "none" else Role(oidc.defaultrole),
    )
    return OpenId(provider=provider, grants=grants, label=oidc.label)


def _settings(config: Config) -> Settings:
    http = config.http
    return Settings(
        external_url=http.host.rstrip("/"),
        trusted_proxies=http.trustedproxies,
        headers=headers(config),
        max_chart=config.charts.limits.maxbytes,
        idle=http.timeouts.idle.total_seconds(),
    )


def _remotes(config: Config, limits: Limits) -> opening.Settings:
    hub = config.hub
    return opening.Settings(
        networks=hub.networks,
        index_limit=hub.maxindex,
        limits=limits,
        connect=hub.timeouts.connect.total_seconds(),
        read=hub.timeouts.read.total_seconds(),
        whole=hub.timeouts.whole.total_seconds(),
        budget=Budget(connections=hub.connections, rate=hub.rate),
    )


def _sync_times(config: Config) -> Times:
    sync = config.hub.sync
    return Times(interval=sync.interval, retry=sync.retry, force_after=sync.forceafter)


def headers(config: Config) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of every answer: the defaults, and the configured ones in their place."""
    secure = bool(config.http.tls.certificate) or config.http.host.startswith("https:")
    defaults = DEFAULT_HEADERS | (TLS_HEADERS if secure else {})
    chosen: dict[str, tuple[str, ...]] = {
        name.lower(): (value,) for name, value in defaults.items()
    }
    chosen |= {name.lower(): values for name, values in config.http.headers.items()}
    return tuple(
        (name.encode(), value.encode()) for name, values in chosen.items() for value in values
    )
