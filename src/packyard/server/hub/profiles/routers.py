"""The routers of profiles, those of fixed paths before those in whose place a uid may stand."""

from __future__ import annotations

from packyard.server.hub.profiles import (
    checks,
    dashboards,
    exchange,
    layers,
    manifests,
    own,
    variables,
    whole,
)

ROUTERS = tuple(
    module.router
    for module in (checks, exchange, own, dashboards, whole, variables, layers, manifests)
)
