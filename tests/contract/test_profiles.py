"""Cluster profiles as the provider and scripts make, read, change, publish, clone and import them
(terraform-contract.md, 2, 3, 7, 8 and 9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.wire import UID, Wire

PROFILES = "/v1/clusterprofiles"
ZERO = "0001-01-01T00:00:00.000Z"
STALE = "5f7b0000000000000000beef"


def metadata(name: str, **more: object) -> dict[str, object]:
    dates = dict.fromkeys(("creationTimestamp", "deletionTimestamp", "lastModifiedTimestamp"), ZERO)
    return {"name": name, "labels": {}, "annotations": {"description": ""}, **dates, **more}


def layer(name: str, tag: str, registry: str = "", **more: object) -> dict[str, object]:
    """As the provider sends it: what is false or empty is often left out, lists may be null."""
    found = {"name": name, "type": "spectro", "tag": tag, "values": "", "manifests": None}
    return found | ({"registryUid": registry} if registry else {}) | more


def manifest(name: str, *contents: tuple[str, str], **more: object) -> dict[str, object]:
    return {
        "name": name,
        "type": "manifest",
        "uid": "spectro-manifest-pack",
        "values": "",
        "manifests": [{"name": title, "content": content} for title, content in contents],
        **more,
    }


def profile(name: str, *packs: dict[str, object], **more: object) -> dict[str, object]:
    template = {"cloudType": "all", "type": "add-on", "packs": list(packs)}
    spec = {"version": "1.0.0", "template": template, "variables": None, **more}
    return {"metadata": metadata(name), "spec": spec}


def update(name: str, uid: str, *packs: dict[str, object], version: str = "1.0.0") -> object:
    """The body of a PUT: without the cloud type."""
    spec = {"version": version, "template": {"type": "add-on", "packs": list(packs)}}
    return {"metadata": metadata(name, uid=uid), "spec": spec}


def variable(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "displayName": name.title(), **more}


@pytest.fixture(scope="module")
def default(wire: Wire) -> str:
    """The uid of the own registry."""
    rows = wire.get("/v1/registries/metadata")["items"]
    return next(str(row["uid"]) for row in rows if row["name"] == "Public Repo")


@pytest.fixture(scope="module")
def private(wire: Wire) -> str:
    """A Helm repository that nobody can read."""
    spec = {"endpoint": "https://127.0.0.1:9", "isPrivate": True, "auth": {"type": "noAuth"}}
    body = {"metadata": {"name": "private of profiles"}, "spec": spec}
    return wire.uid("/v1/registries/helm", body)


def published(wire: Wire, uid: str) -> Any:
    return wire.get(f"{PROFILES}/{uid}")["spec"]["published"]


def test_create_publish_read(wire: Wire, default: str, private: str) -> None:
    body = profile(
        "whole",
        layer("node-exporter", "1.x", default, values="a: 1  # kept"),
        layer("fluent-bit", "5.0.7"),
        layer("by-hand", "3.1.4", private, type="helm", values="b: 1"),
        manifest("spaces", ("b", "kind: Namespace"), ("a", "kind: ConfigMap")),
        manifest("more", ("a", "kind: Secret")),
    )
    body["metadata"] = metadata("whole", labels={"team": "a", "plain": "spectro__tag"})
    uid = wire.uid(PROFILES, body)
    wire.done("PATCH", f"{PROFILES}/{uid}/publish")
    found = wire.get(f"{PROFILES}/{uid}")
    assert found["metadata"]["labels"] == {"team": "a", "plain": "spectro__tag"}
    assert found["metadata"]["annotations"]["scope"] == "tenant"
    assert found["spec"]["version"] == "1.0.0"
    content = found["spec"]["published"]
    assert content["profileVersion"] == "1.0.0"
    assert (content["cloudType"], content["type"]) == ("all", "add-on")
    packs = content["packs"]
    assert [(pack["name"], pack["tag"]) for pack in packs][:3] == [
        ("node-exporter", "1.x"), ("fluent-bit", "5.0.7"), ("by-hand", "3.1.4"),
    ]  # fmt: skip
    assert packs[0]["version"] == "1.12.1"
    assert [pack["type"] for pack in packs] == [
        "spectro",
        "spectro",
        "helm",
        "manifest",
        "manifest",
    ]
    assert [pack["values"] or "" for pack in packs][:3] == ["a: 1  # kept", "", "b: 1"]
    assert [[row["name"] for row in pack["manifests"] or []] for pack in packs] == [
        [], [], [], ["b", "a"], ["a"],
    ]  # fmt: skip
    uids = [pack["packUid"] for pack in packs]
    assert len(set(uids)) == 5, "contents are keyed by packUid"
    for name, contents in (
        ("spaces", {"b": "kind: Namespace", "a": "kind: ConfigMap"}),
        ("more", {"a": "kind: Secret"}),
    ):
        rows = wire.get(f"{PROFILES}/{uid}/packs/{name}/manifests")["items"]
        assert {
            row["metadata"]["name"]: row["spec"]["published"]["content"] for row in rows
        } == contents
    assert not wire.get(f"{PROFILES}/{uid}/variables")["variables"]
    listed = wire.get("/v1/dashboard/clusterprofiles/metadata")["items"]
    row = next(row for row in listed if row["metadata"]["uid"] == uid)
    assert row["spec"]["version"] in {"", "1.0.0"}
    assert wire.get(PROFILES)["items"]
    wire.done("DELETE", f"{PROFILES}/{uid}")
    wire.absent("GET", f"{PROFILES}/{uid}")


def test_name_and_tag_win_over_stale_and_neighbours_uids(wire: Wire, default: str) -> None:
    first = layer("node-exporter", "1.11.1", default)
    uid = wire.uid(PROFILES, profile("stale", first, manifest("m", ("x", "kind: A"))))
    path = f"{PROFILES}/{uid}"
    wire.done("PATCH", f"{path}/publish")
    old = published(wire, uid)["packs"]
    # Inserted before the others, of which each comes with its neighbour's uid, and no registry.
    packs = (
        layer("fluent-bit", "5.0.7", uid=old[0]["packUid"]),
        layer("node-exporter", "1.12.1", uid=old[0]["packUid"]),
        manifest("m", ("x", "kind: B"), uid=old[0]["packUid"]),
        manifest("n", ("x", "kind: C"), uid=old[1]["packUid"]),
        layer("metrics-server", "0.9.0", uid=STALE),
        layer("second--node-exporter", "1.x", uid=old[1]["packUid"]),
    )
    wire.done("PUT", path, update("stale", uid, *packs))
    patch = {"metadata": metadata("stale 2"), "spec": {"version": "1.1.0"}}
    wire.done("PATCH", f"{path}/metadata", patch)
    wire.done("PATCH", f"{path}/publish")
    found = wire.get(path)
    assert (found["metadata"]["name"], found["spec"]["version"]) == ("stale 2", "1.1.0")
    now = found["spec"]["published"]
    assert now["profileVersion"] == "1.1.0"
    assert now["cloudType"] == "all"
    assert [(pack["name"], pack.get("version")) for pack in now["packs"]][:2] == [
        ("fluent-bit", "5.0.7"),
        ("node-exporter", "1.12.1"),
    ]
    assert now["packs"][1]["packUid"] != old[0]["packUid"]
    assert now["packs"][2]["packUid"] == old[1]["packUid"], "kept by the layer's name"
    assert len({pack["packUid"] for pack in now["packs"][:5]}) == 5
    for name, content in (("m", "kind: B"), ("n", "kind: C")):
        rows = wire.get(f"{path}/packs/{name}/manifests")["items"]
        assert [row["spec"]["published"]["content"] for row in rows] == [content]
    wire.done("DELETE", path)


def test_the_version_of_a_pack_in_a_group_is_as_good_as_its_tag(wire: Wire, default: str) -> None:
    """The data source knows the version alone, `24.4.4` of the tag `LTS__24.4.4`."""
    bare, whole = (
        wire.uid(PROFILES, profile(tag, layer("ubuntu", tag, default)))
        for tag in ("24.4.4", "LTS__24.4.4")
    )
    packs = [published(wire, uid)["packs"][0] for uid in (bare, whole)]
    assert [pack["tag"] for pack in packs] == ["24.4.4", "LTS__24.4.4"]
    assert packs[0]["packUid"] == packs[1]["packUid"]
    for uid in (bare, whole):
        wire.done("DELETE", f"{PROFILES}/{uid}")


def test_manifests_of_one_name_are_matched_by_pack(wire: Wire) -> None:
    """An update sends the uid of the first pack's manifest for both."""
    packs = (manifest("one", ("x", "kind: A")), manifest("two", ("x", "kind: B")))
    uid = wire.uid(PROFILES, profile("twice", *packs))
    path = f"{PROFILES}/{uid}"
    wire.done("PATCH", f"{path}/publish")
    found = wire.get(f"{path}/packs/one/manifests")["items"][0]["metadata"]["uid"]
    assert UID.fullmatch(found)
    changed = [
        manifest(name) | {"manifests": [{"name": "x", "content": f"kind: {name}", "uid": found}]}
        for name in ("one", "two")
    ]
    wire.done("PUT", path, update("twice", uid, *changed))
    wire.done("PATCH", f"{path}/publish")
    for name in ("one", "two"):
        rows = wire.get(f"{path}/packs/{name}/manifests")["items"]
        assert [row["spec"]["published"]["content"] for row in rows] == [f"kind: {name}"]
    wire.done("DELETE", path)


def test_variables_are_echoed_and_may_go_while_layers_use_them(wire: Wire, default: str) -> None:
    options = [{"label": "Red", "value": "red"}, {"label": "Blue", "value": "blue"}]
    variables = [
        variable("text", inputType="multiline", defaultValue="one\ntwo", immutable=True),
        variable("size", format="number", defaultValue="3", regex="*.*", required=True),
        variable("colour", inputType="dropdown", defaultValue="Red", options=options),
        variable("shade", inputType="dropdown", defaultValue="blue", options=options),
        variable("secret", isSensitive=True, defaultValue="hush-secret"),
    ]
    used = layer("node-exporter", "1.12.1", default, values="a: '{{.spectro.var.text}}'")
    uid = wire.uid(PROFILES, profile("variables", used, variables=variables))
    path = f"{PROFILES}/{uid}"
    wire.done("PATCH", f"{path}/publish")
    found = {row["name"]: row for row in wire.get(f"{path}/variables")["variables"]}
    for sent in variables:
        got = found[str(sent["name"])]
        for key, value in sent.items():
            if sent["name"] == "secret" and key == "defaultValue":
                assert got[key] != value
            elif key == "options":
                assert [row["label"] for row in got[key]] == ["Red", "Blue"]
            else:
                assert got[key] == value, (sent["name"], key)
    wire.done("PATCH", f"{path}/variables", {"variables": [variable("more")]})
    wire.done("PUT", f"{path}/variables", {"variables": None})
    assert not wire.get(f"{path}/variables")["variables"]
    wire.done("PUT", path, update("variables", uid, layer("node-exporter", "1.12.1", default)))
    wire.done("PATCH", f"{path}/publish")
    wire.done("DELETE", path)


def test_a_clone_has_something_published_before_it_is_published(wire: Wire, default: str) -> None:
    first = layer("node-exporter", "1.11.1", default, values="a: 1")
    uid = wire.uid(PROFILES, profile("lineage", first))
    wire.done("PATCH", f"{PROFILES}/{uid}/publish")
    body = {"metadata": {"name": "lineage", "version": "1.1.0"}}
    clone = wire.uid(f"{PROFILES}/{uid}/clone", body)
    found = wire.get(f"{PROFILES}/{clone}")
    assert found["spec"]["published"]["packs"][0]["values"] == "a: 1"
    assert found["spec"]["version"] == "1.1.0"
    again = wire("POST", f"{PROFILES}/{uid}/clone", body)
    assert again.status == 409
    for made in (uid, clone):
        wire.done("DELETE", f"{PROFILES}/{made}")


def test_the_scope_is_that_of_the_header_and_reads_need_none(wire: Wire, default: str) -> None:
    rows = wire.get("/v1/dashboard/projects/metadata")["items"]
    project = next(row["metadata"]["uid"] for row in rows if row["metadata"]["name"] == "Default")
    one = layer("node-exporter", "1.12.1", default)
    uid = wire.uid(PROFILES, profile("scoped", one), project=project)
    shared = wire.uid(PROFILES, profile("scoped", one))
    for header in ("", project):
        scopes = [
            wire.get(f"{PROFILES}/{which}", project=header)["metadata"]["annotations"]["scope"]
            for which in (uid, shared)
        ]
        assert scopes == ["project", "tenant"]
    seen = wire.get("/v1/dashboard/clusterprofiles/metadata", project=project)["items"]
    assert {uid, shared} <= {row["metadata"]["uid"] for row in seen}
    for which in (uid, shared):
        wire.done("DELETE", f"{PROFILES}/{which}", project=project)


@pytest.mark.parametrize("spelling", ["ProjectUid", "Projectuid", "projectUid", "projectuid", "?"])
def test_a_project_is_named_by_a_header_of_any_spelling_or_in_the_query(
    wire: Wire, spelling: str
) -> None:
    rows = wire.get("/v1/dashboard/projects/metadata")["items"]
    project = next(row["metadata"]["uid"] for row in rows if row["metadata"]["name"] == "Default")
    query = f"?ProjectUid={project}" if spelling == "?" else ""
    headers = {} if query else {spelling: project}
    body = profile("spelled", manifest("m", ("x", "kind: A")))
    made = wire("POST", PROFILES + query, body, headers)
    assert made.status == 201
    path = f"{PROFILES}/{made.json['uid']}"
    assert wire.get(path)["metadata"]["annotations"]["scope"] == "project"
    wire.done("DELETE", path)


def multipart(content: bytes) -> tuple[Iterator[bytes], dict[str, str]]:
    """The part `importFile` in small chunks."""
    head = (
        b'--bound\r\nContent-Disposition: form-data; name="importFile"; filename="p.json"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n"
    )
    whole = head + content + b"\r\n--bound--\r\n"
    chunks = (whole[start : start + 100] for start in range(0, len(whole), 100))
    return chunks, {
        "Content-Type": "multipart/form-data; boundary=bound",
        "Transfer-Encoding": "chunked",
    }


def test_files_are_imported_from_a_chunked_upload(wire: Wire, default: str) -> None:
    layers = (layer("node-exporter", "1.12.1", default), manifest("m", ("x", "kind: A")))
    uid = wire.uid(PROFILES, profile("carried", *layers))
    wire.done("PATCH", f"{PROFILES}/{uid}/publish")
    exported = wire("GET", f"{PROFILES}/{uid}/export?format=json")
    assert exported.status == 200
    wire.done("DELETE", f"{PROFILES}/{uid}")
    path = f"{PROFILES}/import/file?format=json&publish=true"
    body, headers = multipart(exported.content)
    made = wire("POST", path, body, headers)
    assert made.status == 201, made.content
    packs = published(wire, made.json["uid"])["packs"]
    assert [pack["name"] for pack in packs] == ["node-exporter", "m"]
    wire.done("DELETE", f"{PROFILES}/{made.json['uid']}")

    direct = wire("POST", f"{PROFILES}/import?publish=true", json.loads(exported.content))
    assert direct.status == 201
    wire.done("DELETE", f"{PROFILES}/{direct.json['uid']}")
    for content in (b"{", b"", b"[]", b"a: [", b"\xff"):
        body, headers = multipart(content)
        assert 400 <= wire("POST", path, body, headers).status < 500, content


def test_scripts_create_and_publish_at_once(wire: Wire, default: str) -> None:
    body = profile("at once", layer("node-exporter", "1.12.1", default))
    uid = wire.uid(f"{PROFILES}?publish=true", body)
    assert published(wire, uid)["packs"][0]["name"] == "node-exporter"
    again = wire("POST", f"{PROFILES}?publish=true", body)
    assert again.status == 409
    bulk = wire("DELETE", f"{PROFILES}/bulk", {"uids": [uid]})
    assert bulk.status == 200
    wire.absent("GET", f"{PROFILES}/{uid}")


def test_every_problem_is_said_at_once_and_nothing_is_stored(wire: Wire, default: str) -> None:
    broken = profile(
        "broken",
        layer("node-exporter", "9.9.9", default),
        layer("no-such-pack", "1.0.0", default),
        layer("fluent-bit", "5.0.7", default, values="a: ["),
    )
    answer = wire("POST", PROFILES, broken)
    assert 400 <= answer.status < 500
    assert answer.code != "ResourceNotFound", "which would be read as a profile that is gone"
    told = json.dumps([answer.json["message"], answer.json["details"]])
    for word in ("9.9.9", "no-such-pack", "fluent-bit"):
        assert word in told
    rows = wire.get("/v1/dashboard/clusterprofiles/metadata")["items"]
    assert "broken" not in {row["metadata"]["name"] for row in rows}
