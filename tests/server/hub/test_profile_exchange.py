"""Profiles out and in, layer by layer, checked, listed, and the options for the next layer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.live import Live, basic
from tests.registry.conftest import pack_files
from tests.server.hub import checker
from tests.server.hub.conftest import Caller
from tests.server.hub.profile_calls import (
    PATH,
    body,
    create,
    done,
    get,
    manifest,
    manifest_pack,
    pack,
    published,
    push_pack,
)

VALUES = "pack:\n  namespace: '{{ .spectro.system.user.name }}'\n"
SECRET = {"name": "token", "isSensitive": True, "defaultValue": "open sesame"}


@pytest.fixture(scope="module", autouse=True)
def packs(server: Live) -> None:
    needs = {"dependencies": [{"packName": "demo", "layer": "addon", "type": "required"}]}
    clouds = {"cloudTypes": ["aws"]}
    for files in (
        pack_files("demo", "1.0.0"),
        pack_files("demo", "1.1.0"),
        pack_files("needy", "1.0.0", constraints=needs),
        pack_files("cloudy", "1.0.0", **clouds),
        pack_files("system", "1.0.0", layer="os", displayName="The System"),
    ):
        push_pack(server, files)


@pytest.fixture(scope="module")
def shop(admin: Caller) -> str:
    layers = [pack("demo", "1.x", values=VALUES), manifest_pack("rules", manifest("limits"))]
    uid = create(admin, "shop", *layers, variables=[SECRET])
    done(admin("PATCH", f"{PATH}/{uid}/publish"))
    return uid


def exported(admin: Caller, uid: str, form: str = "json") -> httpx.Response:
    return done(admin("GET", f"{PATH}/{uid}/export?format={form}"), 200)


def upload(admin: Caller, content: bytes, name: str = "importFile") -> httpx.Response:
    answer = httpx.post(
        f"{admin.server.url}{PATH}/import/file?format=json&publish=true",
        headers={"ApiKey": admin.key},
        files={name: ("any name", content, "application/octet-stream")},
        timeout=60,
    )
    checker.check(admin.server.url, answer, admin.http)
    return answer


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_what_is_exported_can_be_imported(admin: Caller, shop: str, form: str) -> None:
    out = exported(admin, shop, form)
    assert out.headers["content-type"] == "application/octet-stream"
    assert out.headers["content-disposition"] == f'attachment; filename="shop-1.0.0.{form}"'
    assert "open sesame" not in out.text
    taken = upload(admin, out.content)
    assert (taken.status_code, taken.json()["code"]) == (409, "ClusterProfileAlreadyExists")
    renamed = out.text.replace("shop", f"shop-{form}", 1).encode()
    made = done(upload(admin, renamed), 201).json()
    assert [one["registryName"] for one in made["layers"]] == ["Public Repo"]
    again, before = published(admin, made["uid"]), published(admin, shop)
    for one in (again, before):
        del one["name"], one["uid"]
        for layer in one["packs"]:
            for attached in layer.pop("manifests"):
                assert attached["name"] == "limits"
        one["packs"][1].pop("packUid")
    assert again == before
    second = exported(admin, made["uid"], form).text
    assert second.replace(f"shop-{form}", "shop", 1) == out.text
    done(admin("DELETE", f"{PATH}/{made['uid']}"))


def test_terraform_is_exported(admin: Caller, shop: str) -> None:
    for query in ("", "?format=yaml", "?format=json"):
        out = done(admin("GET", f"{PATH}/{shop}/export/terraform{query}"), 200)
        assert 'resource "spectrocloud_cluster_profile"' in out.text
        assert "open sesame" not in out.text
        assert out.headers["content-disposition"].endswith('filename="shop-1.0.0.tf"')


def test_what_cannot_be_imported_leaves_nothing(admin: Caller, shop: str) -> None:
    whole = exported(admin, shop).json()
    whole["metadata"]["name"] = "alien"
    whole["spec"]["template"]["packs"][0]["name"] = "dem"
    refusals = {
        json.dumps(whole): "layer.pack-unknown",
        "{": "profile.syntax",
        "a: [": "yaml.syntax",
        "kind: ClusterProfile\nspec: {packs: []}\n": "profile.not-export",
        "[]": "yaml.root",
        "metadata: {name: 7}\nspec: {template: {packs: []}}\n": "profile.type",
    }
    for content, rule in refusals.items():
        answer = upload(admin, content.encode())
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == "InvalidClusterProfile"
        rules = [one["rule"] for one in answer.json()["details"]["findings"]]
        assert rule in rules, (content, rules)
    assert upload(admin, b"{}", "file").status_code == 400
    answer = admin("POST", f"{PATH}/import", {"metadata": {}, "spec": {"template": {"packs": []}}})
    assert answer.status_code == 422
    names = admin("GET", f"{PATH}").json()["items"]
    assert [one["metadata"]["name"] for one in names] == ["shop"]


def test_registries_of_an_import_are_proposed(admin: Caller, shop: str) -> None:
    whole = exported(admin, shop).json()
    whole["metadata"]["name"] = "elsewhere"
    packs = whole["spec"]["template"]["packs"]
    packs[0]["registry"]["metadata"] = {"uid": "f" * 24, "name": "Elsewhere", "kind": "oci"}
    packs.append({"name": "nothing", "tag": "1.0.0", "layer": "addon"})
    told = done(admin("POST", f"{PATH}/import/validate", whole), 200).json()
    matching = [
        [one["name"] for one in pack["registry"]["matchingRegistries"]]
        for pack in told["spec"]["template"]["packs"]
    ]
    assert matching == [["Public Repo"], [], []]
    for pack_told in told["spec"]["template"]["packs"]:
        del pack_told["registry"]["matchingRegistries"]
    packs[-1]["registry"] = {}
    assert told == whole
    whole["metadata"]["name"] = "shop"
    assert admin("POST", f"{PATH}/import/validate", whole).status_code == 409


def test_layers_are_changed_one_by_one(admin: Caller) -> None:
    system = pack("system", "1.0.0")
    uid = create(admin, "single", system, pack("demo", "1.0.0"))
    template = {"template": {"type": "cluster", "packs": [system, pack("demo", "1.0.0")]}}
    done(admin("PUT", f"{PATH}/{uid}", {"spec": template}))
    path = f"{PATH}/{uid}/packs"
    made = done(admin("POST", path, {"pack": manifest_pack("rules", manifest("a"))}), 201).json()
    assert admin("POST", path, {"pack": pack("demo", "1.0.0")}).status_code == 409
    items = done(admin("GET", f"{path}?includePackMeta=schema,presets"), 200).json()["items"]
    assert [one["metadata"]["name"] for one in items] == ["system", "demo", "rules"]
    assert items[2]["metadata"]["uid"] == made["uid"]
    assert items[1]["spec"]["values"] == "pack:\n  namespace: demo\n"  # of the pack
    assert items[1]["spec"]["schema"] == []
    change = {"pack": {"name": "demo", "tag": "1.1.0", "values": VALUES, "uid": made["uid"]}}
    done(admin("PUT", f"{path}/demo", change))
    summary = done(admin("GET", f"{path}/demo"), 200).json()["spec"]
    assert summary["pack"]["version"] == "1.1.0"
    assert summary["pack"]["values"] == VALUES
    assert summary["registry"]["name"] == "Public Repo"
    config = done(admin("GET", f"{path}/demo/config?packUid="), 200).json()["items"][0]["spec"]
    assert (config["tag"], config["isValuesOverridden"]) == ("1.1.0", True)
    assert admin("GET", f"{path}/demo/config?packUid={'0' * 24}").status_code == 404
    added = done(admin("POST", f"{path}/rules/manifests", manifest("b")), 201).json()["uid"]
    done(
        admin("PUT", f"{path}/rules/manifests/{added}", {"content": manifest("b", "2")["content"]})
    )
    one = done(admin("GET", f"{path}/rules/manifests/{added}"), 200).json()
    assert one["spec"]["published"]["content"] == manifest("b", "2")["content"]
    every = done(admin("GET", f"{path}/manifests"), 200).json()["spec"]["packs"]
    assert [len(each["spec"]["manifests"]) for each in every] == [0, 0, 2]
    done(admin("DELETE", f"{path}/rules/manifests/{added}"))
    assert admin("GET", f"{path}/rules/manifests/{added}").status_code == 404
    done(admin("PATCH", f"{PATH}/{uid}/packRefs", {"packs": [pack("demo", "1.x")]}))
    assert admin("GET", f"{path}/demo/config?packUid=").json()["items"][0]["spec"]["tag"] == "1.x"
    refused = admin("DELETE", f"{path}/system")
    assert (refused.status_code, refused.json()["code"]) == (403, "OperationForbidden")
    done(admin("DELETE", f"{path}/demo"))
    for method, tail in (("GET", ""), ("DELETE", ""), ("GET", "/manifests")):
        assert admin(method, f"{path}/demo{tail}").status_code == 404
    done(admin("DELETE", f"{PATH}/{uid}"))


def test_variables_are_replaced_changed_and_removed(admin: Caller) -> None:
    uid = create(admin, "variables", pack("demo", "1.0.0"))
    path = f"{PATH}/{uid}/variables"

    def listed() -> list[tuple[str, str]]:
        variables = admin("GET", path).json()["variables"]
        return [(one["name"], one["defaultValue"]) for one in variables]

    given: list[dict[str, Any]] = [SECRET, {"name": "size", "defaultValue": 1, "format": ""}]
    done(admin("PUT", path, {"variables": given}))
    assert listed() == [("token", "********"), ("size", "1")]
    more = [{"name": "size", "defaultValue": "2"}, {"name": "last", "inputType": "multiline"}]
    done(admin("PATCH", path, {"variables": more}))
    assert listed() == [("token", "********"), ("size", "2"), ("last", "")]
    wrong = [{"name": "a b"}, {"name": "x"}, {"name": "x"}]
    answer = admin("PUT", path, {"variables": wrong})
    assert answer.status_code == 422
    rules = [one["rule"] for one in answer.json()["details"]["findings"]]
    assert rules == ["variable.name-form", "variable.name-repeated"]
    assert admin("DELETE", path, {"variables": ["last", "none"]}).status_code == 404
    done(admin("DELETE", path, {"variables": ["last"]}))
    assert listed() == [("token", "********"), ("size", "2")]
    uses = body("variables", pack("demo", "1.0.0", values="a: '{{.spectro.var.size}}'\n"))
    done(admin("PUT", f"{PATH}/{uid}", uses))
    done(admin("PUT", path, {"variables": None}))  # while its layer still uses one
    answer = admin("PATCH", f"{PATH}/{uid}/publish")
    assert answer.status_code == 422
    assert "'size' is not defined" in answer.json()["message"]
    done(admin("DELETE", f"{PATH}/{uid}"))


def test_checks_and_resolved_values(admin: Caller, shop: str) -> None:
    draft = {"type": "add-on", "packs": [pack("dem", "1"), pack("demo", "1.0.0")]}
    results = done(admin("POST", f"{PATH}/validate/packs", draft), 200).json()["packs"]["results"]
    assert [(one["name"], [e["code"] for e in one["errors"]]) for one in results] == [
        ("dem", ["layer.pack-unknown"]),
        ("demo", []),
    ]
    of = done(admin("POST", f"{PATH}/{shop}/validate/packs", {"packs": []}), 200).json()
    assert of["packs"]["results"][0]["errors"][0]["code"] == "profile.empty"
    found = done(admin("GET", f"{PATH}/{shop}/findings"), 200).json()
    assert found["isPublishable"]
    assert [one["rule"] for one in found["items"]] == ["variable.unused", "macro.deployment"]
    wrong = body("wrong", pack("demo", "1.0.0", values="a: 1\na: 2\n"))
    found = done(admin("POST", f"{PATH}/findings", wrong), 200).json()
    (one,) = [one for one in found["items"] if one["severity"] == "refuse"]
    assert (one["layer"], one["line"], found["isPublishable"]) == ("demo", 2, False)
    path = f"{PATH}/{shop}/packs/resolvedValues"
    resolved = done(admin("GET", path), 200).json()["resolved"]
    assert resolved == {"demo": "pack:\n  namespace: 'admin'\n", "rules": ""}
    asked = {"references": ["spectro.system.user.name", "{{ .spectro.pack.demo.pack.namespace }}"]}
    resolved = done(admin("GET", path, asked), 200).json()["resolved"]
    assert list(resolved.values()) == ["admin", "admin"]
    assert done(admin("GET", f"{PATH}/macros"), 200).json() == {"macros": []}


def test_options_are_what_fits_and_why_the_others_do_not(admin: Caller, shop: str) -> None:
    template = {"cloudType": "gcp", "type": "cluster", "packs": []}
    path = f"{PATH}/options?layer=addon"
    fitting = done(admin("POST", path, template), 200).json()["items"]
    assert [one["name"] for one in fitting] == ["demo", "needy"]
    demo, needy = fitting
    assert [one["version"] for one in demo["versions"]] == ["1.1.0", "1.0.0"]
    assert demo["parentTags"] == ["1.1.x", "1.x", "1.0.x"]
    assert needy["versions"][0]["needs"][0]["rule"] == "dependency.missing"
    every = done(admin("POST", f"{path}&all=true&text=CLOUDY", template), 200).json()["items"]
    (cloudy,) = every
    assert "not made for gcp, but for aws" in cloudy["versions"][0]["against"][0]["message"]
    beside = done(admin("GET", f"{PATH}/{shop}/options?layer=addon&limit=1&offset=2"), 200).json()
    assert beside["listmeta"]["count"] == 3
    (needy,) = beside["items"]
    assert needy["versions"][0]["needs"] == []
    assert admin("GET", f"{PATH}/{shop}/options?layer=nothing").status_code == 400


def test_lists_show_what_a_scope_has(admin: Caller, shop: str) -> None:
    team = {"metadata": {"name": "team"}}
    project = done(admin("POST", "/v1/projects", team), 201).json()["uid"]
    inside = {"projectuid": project}
    other = create(admin, "shop", pack("demo", "1.1.0"), version="2.0.0")
    answer = admin("POST", PATH, body("mine", pack("demo", "1.0.0")), headers=inside)
    mine = done(answer, 201).json()["uid"]

    def names(answer: httpx.Response) -> list[tuple[str, str]]:
        items = done(answer, 200).json()["items"]
        specs = [one.get("spec") or one["specSummary"] for one in items]
        return [(i["metadata"]["name"], s["version"]) for i, s in zip(items, specs, strict=True)]

    tenant = [("shop", "2.0.0"), ("shop", "1.0.0")]
    dashboard = "/v1/dashboard/clusterprofiles"
    for path in (PATH, f"{dashboard}/metadata"):
        assert names(admin("GET", path)) == tenant
        assert names(admin("GET", path, headers=inside)) == [("mine", "1.0.0"), *tenant]
    assert names(admin("GET", f"{PATH}?orderBy=spec.version=1&limit=1")) == [("shop", "1.0.0")]
    # by its uid it is found from anywhere
    assert get(admin, mine)["metadata"]["annotations"]["scope"] == "project"
    filters: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        ({}, [("mine", "1.0.0"), *tenant]),
        ({"filter": {"scope": "project"}}, [("mine", "1.0.0")]),
        ({"filter": {"profileName": {"contains": "HO"}}}, tenant),
        ({"filter": {"profileName": {"beginsWith": "s", "ne": "shop"}}}, []),
        ({"filter": {"version": {"gt": "1.9"}}}, [("shop", "2.0.0")]),
        ({"filter": {"profileType": ["cluster"]}}, []),
        ({"filter": {"environment": ["aws"]}, "sort": None}, []),
        (
            {"sort": [{"field": "creationTimestamp", "order": "asc"}]},
            [tenant[1], tenant[0], ("mine", "1.0.0")],
        ),
    ]
    for search, wanted in filters:
        assert names(admin("POST", dashboard, search, headers=inside)) == wanted, search
    assert admin("POST", dashboard, {"sort": [{"field": "x"}]}).status_code == 400
    page = admin("POST", f"{dashboard}?limit=1", {}).json()
    token = page["listmeta"]["continue"]
    assert names(admin("POST", f"{dashboard}?limit=1&continue={token}", {})) == [("shop", "1.0.0")]
    summary = done(admin("GET", f"{dashboard}/{shop}"), 200).json()
    assert [one["version"] for one in summary["specSummary"]["versions"]] == ["1.0.0", "2.0.0"]
    assert summary["specSummary"]["published"]["packs"][0]["displayName"] == "Demo"
    for uid in (other, mine):
        done(admin("DELETE", f"{PATH}/{uid}"))
    done(admin("DELETE", f"/v1/projects/{project}"))


def test_macros_are_those_of_the_scope_and_used_ones_stay(admin: Caller) -> None:
    tenant = admin("GET", "/v1/users/info").json()["tenantUid"]
    of_tenant = f"/v1/tenants/{tenant}/macros"
    zone = {"macros": [{"name": "zone", "value": "dmz"}]}
    uses = pack("demo", "1.0.0", values="a: '{{ .spectro.macro.zone }}'\n")
    answer = admin("POST", PATH, body("zoned", uses))
    assert "macro.unknown" in [one["rule"] for one in answer.json()["details"]["findings"]]
    done(admin("POST", of_tenant, zone))
    uid = create(admin, "zoned", uses)
    assert done(admin("GET", f"{PATH}/macros"), 200).json() == zone
    resolved = admin("GET", f"{PATH}/{uid}/packs/resolvedValues").json()["resolved"]
    assert resolved == {"demo": "a: 'dmz'\n"}
    for method, given in (("DELETE", zone), ("PUT", {"macros": []})):
        refused = admin(method, of_tenant, given)
        assert (refused.status_code, refused.json()["code"]) == (409, "ResourceInUse")
    assert admin("GET", f"{PATH}/usedBy?macro=zone").json()["items"][0]["name"] == "zoned"
    done(admin("DELETE", f"{of_tenant}?force=true", zone))
    assert admin("PATCH", f"{PATH}/{uid}/publish").status_code == 422
    done(admin("DELETE", f"{PATH}/{uid}"))


def test_what_profiles_use_is_deleted_by_force_alone(admin: Caller, server: Live) -> None:
    push_pack(server, pack_files("used", "1.0.0"))
    values = "a: '{{ .spectro.var.size }}'\n"
    uid = create(admin, "user", pack("used", "1.0.0", values=values), variables=[{"name": "size"}])
    (layer,) = published(admin, uid)["packs"]
    used_by = f"{PATH}/usedBy"
    for query in (f"packUid={layer['packUid']}", f"registryUid={layer['registryUid']}"):
        uses = done(admin("GET", f"{used_by}?{query}"), 200).json()["items"]
        assert ("user", ["used"]) in [(one["name"], one["layers"]) for one in uses]
    assert done(admin("GET", f"{used_by}?macro=zone"), 200).json() == {"items": []}
    assert admin("GET", used_by).status_code == 400
    tag = f"{server.url}/v2/spectro-packs/archive/used/manifests/1.0.0"
    headers = {"authorization": basic("admin", server.admin_password)}
    refused = httpx.delete(tag, headers=headers)
    assert refused.status_code == 409
    assert "used by a cluster profile: user 1.0.0" in refused.text
    refused = httpx.delete(f"{server.url}/v1/_packs/used/tags/1.0.0", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "ResourceInUse")
    assert httpx.delete(f"{tag}?force=true", headers=headers).status_code == 202
    (layer,) = published(admin, uid)["packs"]
    assert layer["isInvalid"]
    assert layer["inValidReason"] == "Public Repo holds no used:1.0.0 any more."
    assert layer["values"] == values
    summary = admin("GET", f"/v1/dashboard/clusterprofiles/{uid}").json()
    assert summary["status"]["pack"]["deleted"] == 1
    done(admin("DELETE", f"{PATH}/{uid}"))
