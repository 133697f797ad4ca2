"""Packs as the provider's data sources and scripts look for them (terraform-contract.md, 4, 5, 7
and 9)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.wire import UID, Wire

LAYERS = ["kernel", "os", "k8s", "cni", "csi", "addon"]
TYPES = ["spectro", "helm", "manifest", "oci"]
ADD_ONS = [
    "load balancer", "ingress", "logging", "monitoring", "security", "authentication",
    "servicemesh", "system app", "app services", "registry", "csi", "cni", "integration", "",
]  # fmt: skip
NAMES = {
    "ubuntu", "kubernetes", "cni-flannel", "csi-local-path", "fluent-bit", "metrics-server",
    "node-exporter", "prometheus",
}  # fmt: skip


@pytest.fixture(scope="module")
def default(wire: Wire) -> str:
    """The uid of the own registry."""
    rows = wire.get("/v1/registries/metadata")["items"]
    return next(str(row["uid"]) for row in rows if row["name"] == "Public Repo")


def filtered(wire: Wire, text: str) -> list[Any]:
    """As the client asks: escaped, one page."""
    found: list[Any] = wire.get(f"/v1/packs?filters={quote(text)}&limit=50")["items"]
    return found


def versions(items: list[Any]) -> set[tuple[str, str]]:
    return {(item["spec"]["name"], item["spec"]["version"]) for item in items}


def test_a_filter_finds_one_version(wire: Wire, default: str) -> None:
    (found,) = filtered(wire, "spec.name=node-exporterANDspec.version=1.11.1")
    assert UID.fullmatch(found["metadata"]["uid"])
    assert found["spec"]["registryUid"] == default
    assert found["spec"]["cloudTypes"] == ["all"]
    assert "pack:" in found["spec"]["values"]
    assert filtered(wire, f"metadata.uid={found['metadata']['uid']}") == [found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spec.name=node-exporter", {("node-exporter", "1.11.1"), ("node-exporter", "1.12.1")}),
        ("spec.name=node-exporterANDspec.version>1.11.1", {("node-exporter", "1.12.1")}),
        ("spec.name=node-exporterANDspec.version>=1.9.0ANDspec.version<1.12.0",
         {("node-exporter", "1.11.1")}),
        ("spec.name=node-exporterANDspec.version!=1.12.1", {("node-exporter", "1.11.1")}),
        ("spec.name=ubuntu OR spec.name=kubernetes",
         {("ubuntu", "24.4.4"), ("kubernetes", "1.36.3")}),
        ("spec.layer=k8sANDspec.cloudTypes_in_edge-native,all", {("kubernetes", "1.36.3")}),
        ("spec.layer=k8sANDspec.cloudTypes_in_aws,all", set()),
        ("spec.cloudTypes=edge-nativeANDspec.layer=osANDspec.displayName=Ubuntu 24.04 LTS",
         {("ubuntu", "24.4.4")}),
        ("metadata.name=fluent-bit", {("fluent-bit", "5.0.7")}),
        ("spec.name=ANDROID", set()),
        ("spec.displayName=Fluent Bit", {("fluent-bit", "5.0.7")}),
        ("spec.name=no-such-pack", set()),
    ],
)  # fmt: skip
def test_filters(wire: Wire, text: str, expected: set[tuple[str, str]]) -> None:
    assert versions(filtered(wire, text)) == expected


@pytest.mark.parametrize("text", ["spec.name", "spec.name~x", "nothing=x", "AND"])
def test_a_filter_that_is_none_is_refused(wire: Wire, text: str) -> None:
    answer = wire("GET", f"/v1/packs?filters={quote(text)}")
    assert (answer.status, answer.code != "ResourceNotFound") == (400, True)


def searched(wire: Wire, filters: object = None, query: str = "") -> Any:
    answer = wire("POST", f"/v1/packs/search{query}", {"filter": filters, "sort": None})
    assert answer.status == 200, answer.content
    return answer.json


def test_the_search_for_the_newest_version_restricts_nothing(wire: Wire, default: str) -> None:
    for name in sorted(NAMES):
        everything = {"type": TYPES, "layer": LAYERS, "environment": ["all"], "addOnType": ADD_ONS}
        for registries in (None, [default]):
            given = {"name": {"eq": name}, "registryUid": registries, **everything}
            found = searched(wire, given)
            (item,) = found["items"]
            assert item["spec"]["name"] == name
            (registry,) = item["spec"]["registries"]
            assert registry["uid"] == default
            newest = registry["latestVersion"]
            assert filtered(wire, f"spec.name={name}ANDspec.version={newest}")


def test_search_by_sets_and_without_any(wire: Wire) -> None:
    every = {item["spec"]["name"] for item in searched(wire)["items"]}
    assert every >= NAMES
    empty = dict.fromkeys(("layer", "environment", "addOnType", "registryUid", "source"))
    assert {item["spec"]["name"] for item in searched(wire, empty)["items"]} == every
    lists: dict[str, list[str]] = {key: [] for key in empty}
    assert {item["spec"]["name"] for item in searched(wire, lists)["items"]} == every
    wanted = {"type": ["spectro"], "layer": ["addon"], "addOnType": ["logging"]}
    assert {item["spec"]["name"] for item in searched(wire, wanted)["items"]} == {"fluent-bit"}
    bodies: list[dict[str, object]] = [
        {},
        {"filter": None},
        {"filter": {}, "sort": []},
        {"filter": {"type": ["spectro", "oci"]}},
    ]
    for body in bodies:
        answer = wire("POST", "/v1/packs/search?limit=100", body)
        assert answer.status == 200
        assert answer.json["listmeta"]["continue"] == ""


def test_pages_by_offset_and_by_continue(wire: Wire) -> None:
    pages = [wire.get(f"/v1/packs?limit=3&offset={offset}")["items"] for offset in (0, 3, 6)]
    uids = [item["metadata"]["uid"] for page in pages for item in page]
    assert len(set(uids)) == 9
    first = searched(wire, query="?limit=3")
    token = first["listmeta"]["continue"]
    assert token
    names = {item["spec"]["name"] for item in first["items"]}
    while token:
        page = searched(wire, query=f"?limit=3&continue={quote(token)}")
        names |= {item["spec"]["name"] for item in page["items"]}
        token = page["listmeta"]["continue"]
    assert names >= NAMES


def test_a_pack_of_a_registry_has_all_tags_and_values(wire: Wire, default: str) -> None:
    path = f"/v1/packs/node-exporter/registries/{default}"
    found = wire.get(f"{path}?cloudType=all")
    assert found["name"] == "node-exporter"
    rows = [(row["tag"], row["version"]) for row in found["tags"]]
    parents = {"1.x", "1.11.x", "1.12.x"}
    assert parents <= {tag for tag, version in rows if tag == version}
    real = [version for _, version in rows if version not in parents]
    assert real == ["1.11.1", "1.12.1"], "ascending: clients fall back to the last row"
    uids = {row["version"]: row["packUid"] for row in found["tags"]}
    assert uids["1.x"] == uids["1.12.x"] == uids["1.12.1"] != uids["1.11.1"]
    values = {row["packUid"]: row["values"] for row in found["packValues"]}
    for uid in uids.values():
        assert "pack:" in values[uid]
    assert wire.get(f"/v1/packs/my--node-exporter/registries/{default}")["tags"] == found["tags"]
    # An empty parameter leaves a trailing slash.
    assert wire.get("/v1/packs/node-exporter/registries/?cloudType=all")["tags"]


def test_a_pack_by_its_uid(wire: Wire, default: str) -> None:
    tags = wire.get(f"/v1/packs/node-exporter/registries/{default}")["tags"]
    for version in ("1.11.1", "1.12.1"):
        uid = next(row["packUid"] for row in tags if row["version"] == version)
        found = wire.get(f"/v1/packs/{uid}?includePackValues=true&unheard=of")
        assert (found["name"], found["registryUid"]) == ("node-exporter", default)
        assert (found["packValues"][0]["packUid"], bool(found["packValues"][0]["values"])) == (
            uid,
            True,
        )


def test_the_uid_of_every_layer_leads_to_its_registry(wire: Wire, default: str) -> None:
    spec = {"endpoint": "https://127.0.0.1:9", "isPrivate": True, "auth": {"type": "noAuth"}}
    private = wire.uid("/v1/registries/helm", {"metadata": {"name": "by hand"}, "spec": spec})
    packs = [
        {"name": "node-exporter", "tag": "1.x", "type": "spectro", "values": ""},
        {"name": "chart", "tag": "3.1.4", "type": "helm", "registryUid": private, "values": ""},
    ]
    template = {"cloudType": "all", "type": "add-on", "packs": packs}
    body = {"metadata": {"name": "uids"}, "spec": {"version": "1.0.0", "template": template}}
    uid = wire.uid("/v1/clusterprofiles?publish=true", body)
    layers = wire.get(f"/v1/clusterprofiles/{uid}")["spec"]["published"]["packs"]
    registries = [wire.get(f"/v1/packs/{layer['packUid']}")["registryUid"] for layer in layers]
    assert registries == [default, private]
    wire.done("DELETE", f"/v1/clusterprofiles/{uid}")
