"""Projects and macros (terraform-contract.md, 1, 2, 3 and 8)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.wire import Wire

ZERO = "0001-01-01T00:00:00.000Z"
PROJECTS = "/v1/projects"


def body(name: str, description: str = "", labels: object = None) -> dict[str, object]:
    """As the provider sends it."""
    metadata = {
        "annotations": {"description": description},
        "creationTimestamp": ZERO,
        "deletionTimestamp": ZERO,
        "labels": labels,
        "lastModifiedTimestamp": ZERO,
        "name": name,
    }
    return {"metadata": metadata}


@pytest.fixture(scope="module")
def project(wire: Wire) -> str:
    return wire.uid(PROJECTS, body("contract projects"))


def test_every_start_finds_the_default_project(wire: Wire, project: str) -> None:
    found = wire.get("/v1/dashboard/projects/metadata")
    names = [item["metadata"]["name"] for item in found["items"]]
    assert {"Default", "contract projects"} <= set(names)
    assert all(item["metadata"]["uid"] for item in found["items"])
    listed = {item["metadata"]["name"] for item in wire.get(PROJECTS)["items"]}
    assert {"Default", "contract projects"} <= listed


def test_a_project_is_echoed_changed_and_deleted(wire: Wire) -> None:
    labels = {"owner": "ann", "plain": "spectro__tag"}
    uid = wire.uid(PROJECTS, body("echo", "For échos", labels))
    path = f"{PROJECTS}/{uid}"
    metadata = wire.get(path)["metadata"]
    assert (metadata["name"], metadata["uid"]) == ("echo", uid)
    assert metadata["labels"] == labels
    assert metadata["annotations"]["description"] == "For échos"
    assert wire.get(path, project=uid)["metadata"]["uid"] == uid

    wire.done("PUT", path, body("echo 2", "", {}))
    metadata = wire.get(path)["metadata"]
    assert metadata["name"] == "echo 2"
    assert not metadata["labels"]
    assert not metadata["annotations"].get("description")
    wire.done("DELETE", path, {})
    wire.absent("GET", path)
    wire.absent("PUT", path, body("echo"))
    wire.absent("DELETE", path)


def test_a_project_without_a_name_or_with_one_that_is_taken_is_refused(wire: Wire) -> None:
    for metadata in ({}, {"name": ""}, {"name": None}, {"name": "Default"}):
        answer = wire("POST", PROJECTS, {"metadata": metadata})
        assert 400 <= answer.status < 500, metadata
        assert answer.code != "ResourceNotFound"


@pytest.fixture(params=["project", "tenant"])
def macros(request: pytest.FixtureRequest, wire: Wire, project: str) -> Iterator[str]:
    """The address of the macros of a project and of the tenant."""
    tenant = wire.get("/v1/users/info")["tenantUid"]
    path = {"project": f"{PROJECTS}/{project}", "tenant": f"/v1/tenants/{tenant}"}[request.param]
    yield f"{path}/macros"
    wire.done("PUT", f"{path}/macros", {"macros": []})


def pairs(wire: Wire, path: str) -> dict[str, str]:
    return {row["name"]: row["value"] for row in wire.get(path)["macros"]}


def rows(**macros: str) -> dict[str, object]:
    return {"macros": [{"name": name, "value": value} for name, value in macros.items()]}


def test_macros_are_added_replaced_and_removed_by_name(wire: Wire, macros: str) -> None:
    assert wire.get(macros) == {"macros": []}
    wire.done("POST", macros, rows(zone="eu", domain="example.com"))
    wire.done("POST", macros, rows(odd='{{ .x }} "ü"\n'))
    assert pairs(wire, macros) == {"zone": "eu", "domain": "example.com", "odd": '{{ .x }} "ü"\n'}
    wire.done("PATCH", macros, rows(zone="us"))
    assert pairs(wire, macros)["zone"] == "us"
    assert len(pairs(wire, macros)) == 3
    wire.done("DELETE", macros, rows(zone="another value", unheard="x"))
    assert set(pairs(wire, macros)) == {"domain", "odd"}
    wire.done("PUT", macros, rows(domain="example.org"))
    assert pairs(wire, macros) == {"domain": "example.org"}
    wire.done("PUT", macros, {"macros": None})
    assert pairs(wire, macros) == {}


def test_macros_are_read_whatever_project_the_header_was_left_at(wire: Wire, macros: str) -> None:
    """The provider's header is the one of the operation before, which may be another project."""
    wire.done("POST", macros, rows(zone="eu"))
    other = wire.uid(PROJECTS, body(f"other {len(macros)}"))
    found = wire.get(macros)
    assert wire.get(macros, project=other) == found
    wire.done("DELETE", macros, rows(zone="eu"), project=other)
    wire.done("DELETE", f"{PROJECTS}/{other}")
    assert wire.get(macros) == {"macros": []}


def test_macros_that_are_none_are_refused_and_leave_the_others(wire: Wire, macros: str) -> None:
    wire.done("POST", macros, rows(zone="eu"))
    for wrong in (
        {"macros": [{"name": "", "value": "x"}]},
        {"macros": [{"value": "x"}]},
        {"macros": [{"name": "twice", "value": "x"}, {"name": "twice", "value": "y"}]},
        {"macros": [{"name": "good", "value": "x"}, {"name": "bad }} name", "value": "x"}]},
        {"macros": "zone"},
    ):
        answer = wire("POST", macros, wrong)
        assert 400 <= answer.status < 500, wrong
    assert pairs(wire, macros) == {"zone": "eu"}
