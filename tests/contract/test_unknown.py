"""Unknown uids, and names and malformed strings in a uid's place: 404 and `ResourceNotFound`,
never 400 or 422, whatever the path, with and without a project (terraform-contract.md, 2)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.contract.wire import Wire

STRINGS = [
    "5f7b0000000000000000beef",
    "A%20name",
    "x",
    "%2F",
    "..%2F..",
    "%E2%98%83",
    "5F7B0000000000000000BEEF",
    "x" * 300,
    "%27%3B--",
]
NAMED = {"metadata": {"name": "unknown"}, "spec": {}}
MACROS = {"macros": [{"name": "a", "value": "b"}]}

PROJECTS = [
    ("GET", "/v1/projects/{}", None),
    ("PUT", "/v1/projects/{}", NAMED),
    ("DELETE", "/v1/projects/{}", None),
    *((method, "/v1/projects/{}/macros", body) for method, body in (
        ("GET", None), ("POST", MACROS), ("PUT", MACROS), ("PATCH", MACROS), ("DELETE", MACROS),
    )),
    *((method, "/v1/tenants/{}/macros", body) for method, body in (
        ("GET", None), ("POST", MACROS), ("PUT", MACROS), ("PATCH", MACROS), ("DELETE", MACROS),
    )),
]  # fmt: skip

SPEC = {"endpoint": "https://127.0.0.1:9", "auth": {"type": "noAuth"}, "isPrivate": True}
REGISTRY: object = {"metadata": {"name": "unknown"}, "spec": SPEC}
KEYS = {"credentialType": "secret", "accessKey": "A", "secretKey": "B"}
ECR: object = {
    "metadata": {"name": "unknown"},
    "spec": {"endpoint": "1.dkr.ecr.eu-west-1.amazonaws.com", "credentials": KEYS},
}
REGISTRIES = [
    ("DELETE", "/v1/registries/{}", None),
    ("GET", "/v1/registries/{}/config", None),
    *((method, path + more, body) for path, body in (
        ("/v1/registries/helm/{}", REGISTRY),
        ("/v1/registries/pack/{}", REGISTRY),
        ("/v1/registries/oci/{}/basic", REGISTRY),
        ("/v1/registries/oci/{}/ecr", ECR),
    ) for method, more, body in (
        ("GET", "", None),
        ("PUT", "", body),
        ("DELETE", "", None),
        ("POST", "/sync", None),
        ("GET", "/sync/status", None),
    )),
]  # fmt: skip

PROFILE = {
    "metadata": {"name": "unknown"},
    "spec": {"version": "1.0.0", "template": {"type": "add-on", "packs": []}},
}
MANIFEST = {"name": "m", "content": "kind: A"}
VARIABLES: object = {"variables": []}
PROFILES = [
    *((method, "/v1/clusterprofiles/{}" + more, body) for method, more, body in (
        ("GET", "", None),
        ("PUT", "", PROFILE),
        ("DELETE", "", None),
        ("POST", "/clone", {"metadata": {"name": "n", "version": "1.0.0"}}),
        ("GET", "/export", None),
        ("GET", "/export/terraform", None),
        ("PATCH", "/metadata", {"metadata": {"name": "n"}, "spec": {"version": "1.0.0"}}),
        ("GET", "/packs", None),
        ("GET", "/packs/manifests", None),
        ("GET", "/packs/resolvedValues", None),
        ("GET", "/packs/a", None),
        ("DELETE", "/packs/a", None),
        ("GET", "/packs/a/config", None),
        ("GET", "/packs/a/manifests", None),
        ("POST", "/packs/a/manifests", MANIFEST),
        ("GET", "/packs/a/manifests/5f7b0000000000000000beef", None),
        ("PUT", "/packs/a/manifests/5f7b0000000000000000beef", MANIFEST),
        ("DELETE", "/packs/a/manifests/5f7b0000000000000000beef", None),
        ("PATCH", "/publish", None),
        ("GET", "/variables", None),
        ("PUT", "/variables", VARIABLES),
        ("PATCH", "/variables", VARIABLES),
        ("DELETE", "/variables", {"variables": []}),
    )),
    ("GET", "/v1/dashboard/clusterprofiles/{}", None),
]  # fmt: skip


def hold(wire: Wire, table: Sequence[tuple[str, str, object]], uid: str) -> None:
    for method, path, body in table:
        for string in STRINGS:
            wire.absent(method, path.format(string), body)
        wire.absent(method, path.format(STRINGS[1]), body, project=uid)


@pytest.fixture(scope="module")
def project(wire: Wire) -> str:
    found = wire.get("/v1/dashboard/projects/metadata")["items"]
    return str(found[0]["metadata"]["uid"])


def test_projects_and_macros(wire: Wire, project: str) -> None:
    hold(wire, PROJECTS, project)


def test_registries(wire: Wire, project: str) -> None:
    hold(wire, REGISTRIES, project)


def test_a_registry_is_found_only_as_what_it_is(wire: Wire) -> None:
    """The import of the provider asks for one kind after the other."""
    helm = wire.uid("/v1/registries/helm", REGISTRY)
    wire.absent("GET", f"/v1/registries/oci/{helm}/basic")
    wire.absent("GET", f"/v1/registries/oci/{helm}/ecr")
    wire.absent("GET", f"/v1/registries/pack/{helm}")
    wire.done("DELETE", f"/v1/registries/helm/{helm}")


def test_profiles(wire: Wire, project: str) -> None:
    hold(wire, PROFILES, project)
