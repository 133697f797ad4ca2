"""The OCI face: every address of the specification, and its handler."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.auth.principal import Action
from packyard.server.oci.blobs import Blobs
from packyard.server.oci.errors import refusal
from packyard.server.oci.manifests import Manifests
from packyard.server.oci.referrers import Referrers
from packyard.server.oci.tags import Names
from packyard.server.oci.uploads import Uploads
from packyard.server.parts import Parts
from packyard.server.routed import Routed
from packyard.server.routes import Route
from packyard.server.send import as_json

API_VERSION = (b"docker-distribution-api-version", b"registry/2.0")


def routes(parts: Parts) -> tuple[Route, ...]:
    """Every address of the specification ("Endpoints"); the hottest first."""
    manifests, blobs, uploads = Manifests(parts), Blobs(parts), Uploads(parts)
    names, referrers = Names(parts), Referrers(parts)
    manifest, blob = "/v2/{repo}/manifests/{reference}", "/v2/{repo}/blobs/{digest}"
    begin, upload = "/v2/{repo}/blobs/uploads", "/v2/{repo}/blobs/uploads/{upload}"
    return (
        Route("GET", manifest, Action.PULL, manifests.get),
        Route("PUT", manifest, Action.PUSH, manifests.put),
        Route("DELETE", manifest, Action.DELETE, manifests.delete),
        Route("POST", begin, Action.PUSH, uploads.begin),
        Route("GET", upload, Action.PUSH, uploads.status),
        Route("PATCH", upload, Action.PUSH, uploads.append),
        Route("PUT", upload, Action.PUSH, uploads.finish),
        Route("DELETE", upload, Action.PUSH, uploads.cancel),
        Route("GET", blob, Action.PULL, blobs.get),
        Route("DELETE", blob, Action.DELETE, blobs.delete),
        Route("GET", "/v2/{repo}/tags/list", Action.PULL, names.tags),
        Route("GET", "/v2/{repo}/referrers/{digest}", Action.PULL, referrers.get),
        Route("GET", "/v2/_catalog", Action.PULL, names.repositories),
        Route("GET", "/v2", Action.PULL, base),
    )


class Distribution(Routed):
    """An ASGI application for everything below `/v2`."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, routes(parts), refusal, via="oci")


async def base(_request: Request) -> ASGIApp:
    """That the specification is implemented here, and that the credentials are good."""
    return as_json(200, {})
