"""Every router of registries, in the order in which they are asked: the path of a registry's name
comes before those of kinds, which it may be."""

from __future__ import annotations

from packyard.server.hub.registries import basic, ecr, every, helm, pack

ROUTERS = (every.router, helm.router, pack.router, basic.router, ecr.router)
