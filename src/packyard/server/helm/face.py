"""The Helm repository: every address, and its handler."""

from __future__ import annotations

from packyard.auth.principal import Action
from packyard.registry.helm_index import HelmIndexes
from packyard.server.helm.api import Charts
from packyard.server.helm.downloads import Downloads
from packyard.server.helm.errors import refusal
from packyard.server.helm.index import Index
from packyard.server.parts import Parts
from packyard.server.routed import Routed
from packyard.server.routes import Route


def routes(parts: Parts) -> tuple[Route, ...]:
    """What `helm` asks for, then ChartMuseum's API as its own documentation has it."""
    indexes = HelmIndexes(parts.store, parts.registry.source)
    charts = Charts(parts, indexes)
    one, version = "/helm/api/charts/{name}", "/helm/api/charts/{name}/{version}"
    return (
        Route("GET", "/helm/index.yaml", Action.PULL, Index(parts, indexes).get),
        Route("GET", "/helm/charts/{file}", Action.PULL, Downloads(parts).get),
        Route("GET", "/helm/api/charts", Action.PULL, charts.all),
        Route("POST", "/helm/api/charts", Action.PUSH, charts.upload),
        Route("POST", "/helm/api/prov", Action.PUSH, charts.upload_provenance),
        Route("GET", one, Action.PULL, charts.versions),
        Route("GET", version, Action.PULL, charts.version),
        Route("DELETE", version, Action.DELETE, charts.delete),
        Route("GET", f"{version}/values", Action.PULL, charts.values),
        Route("GET", f"{version}/templates", Action.PULL, charts.templates),
    )


class HelmRepository(Routed):
    """An ASGI application for everything below `/helm`."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, routes(parts), refusal, via="helm")
