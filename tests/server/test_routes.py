"""Which path leads where, and how its names are read."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.auth.principal import Action
from packyard.errors import MethodNotAllowed, PathUnknown
from packyard.server.edge import Edge
from packyard.server.oci.face import routes as oci_routes
from packyard.server.routes import Route, Routes

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def routes(edge: Edge) -> Routes:
    return Routes(oci_routes(edge.parts))


@pytest.mark.parametrize(
    ("path", "template", "texts"),
    [
        ("/v2", "/v2", ()),
        ("/v2/", "/v2", ()),
        ("/v2/_catalog", "/v2/_catalog", ()),
        ("/v2/_catalog/", "/v2/_catalog", ()),
        ("/v2/a/manifests/v1", "/v2/{repo}/manifests/{reference}", ("a", "v1")),
        ("/v2/a/b/c/manifests/v1/", "/v2/{repo}/manifests/{reference}", ("a/b/c", "v1")),
        (f"/v2/a/blobs/{DIGEST}", "/v2/{repo}/blobs/{digest}", ("a", DIGEST)),
        ("/v2/a/blobs/sha256%3Aab", "/v2/{repo}/blobs/{digest}", ("a", "sha256:ab")),
        ("/v2/a/manifests/x%2Fy", "/v2/{repo}/manifests/{reference}", ("a", "x/y")),
        (f"/v2/a/referrers/{DIGEST}", "/v2/{repo}/referrers/{digest}", ("a", DIGEST)),
        ("/v2/a/tags/list", "/v2/{repo}/tags/list", ("a",)),
        ("/v2/tags/list/tags/list", "/v2/{repo}/tags/list", ("tags/list",)),
        ("/v2/blobs/uploads/manifests/x",
         "/v2/{repo}/manifests/{reference}", ("blobs/uploads", "x")),
        ("/v2/manifests/manifests/manifests/manifests/x",
         "/v2/{repo}/manifests/{reference}", ("manifests/manifests/manifests", "x")),
        ("/v2/a/blobs/uploads/0f", "/v2/{repo}/blobs/uploads/{upload}", ("a", "0f")),
    ],
)  # fmt: skip
def test_a_path_leads_to_its_route(
    routes: Routes, path: str, template: str, texts: tuple[str, ...]
) -> None:
    for method in ("GET", "HEAD"):
        target = routes.find(method, path)
        assert (target.route.path, target.texts) == (template, texts)


@pytest.mark.parametrize("path", ["/v2/a/blobs/uploads", "/v2/a/blobs/uploads/"])
def test_a_slash_at_the_end_makes_no_difference(routes: Routes, path: str) -> None:
    assert routes.find("POST", path).route.path == "/v2/{repo}/blobs/uploads"


@pytest.mark.parametrize("path", ["/v2x", "/v2//", "/v2/a", "/v2/tags/list", "/v2/a/tags", "/v1"])
def test_other_paths_are_unknown(routes: Routes, path: str) -> None:
    with pytest.raises(PathUnknown):
        routes.find("GET", path)


def test_the_methods_of_a_path_are_told(routes: Routes) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        routes.find("PATCH", "/v2/a/manifests/x")
    assert caught.value.detail["allow"] == "GET, HEAD, PUT, DELETE"


def test_the_first_of_two_paths_that_match_goes_first() -> None:
    async def nothing(_: Request) -> ASGIApp:
        raise NotImplementedError

    narrow = Route("GET", "/x/special", Action.PULL, nothing)
    wide = Route("GET", "/x/{name}", Action.PULL, nothing)
    assert Routes([narrow, wide]).find("GET", "/x/special").route is narrow
    assert Routes([wide, narrow]).find("GET", "/x/special").route is wide
