"""Cluster profiles over HTTP, as the Terraform provider makes, reads and changes them
(terraform-contract.md, section 7)."""

from __future__ import annotations

import pytest

from tests.live import Live
from tests.registry.conftest import pack_files
from tests.server.hub.conftest import Caller
from tests.server.hub.profile_calls import (
    PATH,
    body,
    built_in,
    create,
    done,
    get,
    manifest,
    manifest_pack,
    pack,
    published,
    push_pack,
)

VALUES = "pack:\n  namespace: x   # two  blanks\n\n\n"


@pytest.fixture(scope="module", autouse=True)
def packs(server: Live) -> None:
    for name, version in (("demo", "1.0.0"), ("demo", "1.1.0"), ("other", "2.0.0")):
        push_pack(server, pack_files(name, version))


def test_the_provider_creates_reads_changes_and_deletes(admin: Caller) -> None:
    layers = [
        pack("demo", "1.0.0", values=VALUES, uid="ffffffffffffffffffffffff"),
        manifest_pack("rules", manifest("limits"), manifest("quota")),
    ]
    variable = {"name": "size", "format": "number", "defaultValue": "1", "options": None}
    uid = create(admin, "web", *layers, variables=[variable])
    done(admin("PATCH", f"{PATH}/{uid}/publish"))
    found = get(admin, uid)
    assert found["metadata"]["annotations"] == {"description": "of the tests", "scope": "tenant"}
    assert found["metadata"]["labels"] == {}
    spec = found["spec"]
    assert spec["version"] == spec["published"]["profileVersion"] == "1.0.0"
    assert (spec["published"]["cloudType"], spec["published"]["type"]) == ("all", "add-on")
    demo, rules = spec["published"]["packs"]
    assert (demo["name"], demo["tag"], demo["type"]) == ("demo", "1.0.0", "spectro")
    assert demo["values"] == VALUES
    assert demo["manifests"] == []
    assert [one["name"] for one in rules["manifests"]] == ["limits", "quota"]
    assert "draft" not in spec

    manifests = admin("GET", f"{PATH}/{uid}/packs/rules/manifests").json()["items"]
    assert [one["spec"]["published"]["content"] for one in manifests] == [
        manifest("limits")["content"],
        manifest("quota")["content"],
    ]
    variables = admin("GET", f"{PATH}/{uid}/variables").json()["variables"]
    assert [(one["name"], one["format"], one["defaultValue"]) for one in variables] == [
        ("size", "number", "1")
    ]

    done(admin("PUT", f"{PATH}/{uid}/variables", {"variables": None}))
    stale = [{**pack("other", "2.0.0"), "uid": demo["packUid"]}, *layers]
    stale[2] = {**stale[2], "uid": demo["packUid"]}
    change = body("web", *stale, version="1.0.1")
    del change["spec"]["template"]["cloudType"]
    change["metadata"]["uid"] = uid
    done(admin("PUT", f"{PATH}/{uid}", change))
    assert [one["name"] for one in published(admin, uid)["packs"]] == ["demo", "rules"]
    metadata = {"name": "web", "labels": {"a": "spectro__tag"}, "annotations": {}}
    done(
        admin(
            "PATCH",
            f"{PATH}/{uid}/metadata",
            {"metadata": metadata, "spec": {"version": "1.0.1"}},
        )
    )
    done(admin("PATCH", f"{PATH}/{uid}/publish"))
    found = get(admin, uid)
    assert found["spec"]["version"] == found["spec"]["published"]["profileVersion"] == "1.0.1"
    assert found["spec"]["published"]["cloudType"] == "all"
    assert found["metadata"]["labels"] == {"a": "spectro__tag"}
    assert found["metadata"]["annotations"] == {"scope": "tenant"}
    other, same, rules_after = found["spec"]["published"]["packs"]
    assert (other["version"], same["packUid"]) == ("2.0.0", demo["packUid"])
    assert rules_after["packUid"] == rules["packUid"]
    assert admin("GET", f"{PATH}/{uid}/variables").json() == {"variables": []}

    clone = {"metadata": {"name": "web", "version": "2.0.0"}}
    copy = done(admin("POST", f"{PATH}/{uid}/clone", clone), 201).json()["uid"]
    cloned = get(admin, copy)["spec"]
    assert cloned["published"]["packs"][0]["name"] == "other"
    assert [one["version"] for one in cloned["versions"]] == ["1.0.1", "2.0.0"]
    assert cloned["published"]["packs"][2]["packUid"] != rules["packUid"]
    for one in (uid, copy):
        done(admin("DELETE", f"{PATH}/{one}"))
        gone = admin("GET", f"{PATH}/{one}")
        assert (gone.status_code, gone.json()["code"]) == (404, "ResourceNotFound")


def test_what_is_attached_in_one_layer_is_not_read_in_another(admin: Caller) -> None:
    first, second = manifest("same", "first"), manifest("same", "second")
    uid = create(admin, "twins", manifest_pack("a", first), manifest_pack("b", second))
    a, b = published(admin, uid)["packs"]
    assert a["packUid"] != b["packUid"]
    stale = {**second, "content": second["content"] + "!", "uid": a["manifests"][0]["uid"]}
    change = body("twins", manifest_pack("a", first), manifest_pack("b", stale))
    done(admin("PUT", f"{PATH}/{uid}", change))
    done(admin("PATCH", f"{PATH}/{uid}/publish"))
    for name, content in (("a", first["content"]), ("b", stale["content"])):
        (item,) = admin("GET", f"{PATH}/{uid}/packs/{name}/manifests").json()["items"]
        assert item["spec"]["published"]["content"] == content
    assert published(admin, uid)["packs"][1]["manifests"] == b["manifests"]


@pytest.mark.parametrize(
    ("given", "resolved"),
    [
        ({"tag": "1.1.0"}, "1.1.0"),
        ({"tag": "1.x"}, "1.1.0"),
        ({"tag": "1.0.0", "type": "oci"}, "1.0.0"),
        ({"tag": "", "version": "1.0.0"}, "1.0.0"),
        ({"tag": "1.0.0", "registry": {"metadata": {"name": "Public Repo"}}}, "1.0.0"),
        ({"name": "second--demo", "tag": "1.0.0"}, "1.0.0"),
    ],
)
def test_a_layer_is_found_by_what_is_known_of_it(
    admin: Caller, given: dict[str, str], resolved: str
) -> None:
    values = "pack:\n  spectrocloud.com/display-name: second\n"
    uid = create(admin, "found", {**pack("demo", "1.0.0"), "values": values, **given})
    (layer,) = published(admin, uid)["packs"]
    assert layer["version"] == resolved
    assert layer["tag"] == (given["tag"] or resolved)
    assert layer["type"] == given.get("type", "spectro")
    assert layer["registryUid"] == built_in(admin)
    done(admin("DELETE", f"{PATH}/{uid}"))


def test_a_wrong_profile_is_refused_with_everything_at_once(admin: Caller) -> None:
    wrong = body(
        "wrong", pack("dem", "1.0.0"), pack("demo", "9"), pack("other", "2.0.0", values="a: [")
    )
    answer = admin("POST", PATH, wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "InvalidClusterProfile")
    assert "uid" not in answer.json()
    rules = [finding["rule"] for finding in answer.json()["details"]["findings"]]
    assert rules == ["layer.pack-unknown", "layer.tag-unknown", "yaml.syntax"]
    assert admin("GET", f"{PATH}/validate/name?name=wrong").status_code == 204
    taken = create(admin, "taken", pack("demo", "1.0.0"))
    again = admin("POST", PATH, body("taken", pack("demo", "1.0.0")))
    assert (again.status_code, again.json()["code"]) == (409, "ClusterProfileAlreadyExists")
    assert admin("GET", f"{PATH}/validate/name?name=taken&version=1.0.0").status_code == 409
    assert (
        admin("POST", f"{PATH}/{taken}/clone", {"metadata": {"name": "taken"}}).status_code == 409
    )
    bulk = {"uids": [taken, "0" * 24]}
    answer = done(admin("DELETE", f"{PATH}/bulk", bulk), 200).json()
    assert (answer["deletedCount"], answer["isSucceeded"]) == (1, False)
    assert [one["uid"] for one in answer["failures"]] == ["0" * 24]
