"""Every router of packs, in the order in which they are asked."""

from __future__ import annotations

from packyard.server.hub.packs import lists, single

ROUTERS = (lists.router, single.router)
