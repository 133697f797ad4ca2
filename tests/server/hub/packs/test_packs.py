"""Packs as data sources and scripts ask for them (terraform-contract.md, 4, 5, 7 and 9)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from packyard.catalog.entries import pack_uid
from packyard.catalog.query import ADDON_TYPES
from tests.hub.syncing import Charts
from tests.live import Live
from tests.remotes.scripted import Reply, Request, answering
from tests.server.hub.conftest import Caller, make_user
from tests.server.hub.packs.conftest import PNG, World, pack_files
from tests.server.hub.profile_calls import create, manifest, manifest_pack, pack, push_pack
from tests.server.hub.registries.conftest import settled

S1 = {
    "type": ["spectro", "helm", "manifest", "oci"],
    "layer": ["kernel", "os", "k8s", "cni", "csi", "addon"],
    "environment": ["all"],
    "addOnType": [*ADDON_TYPES, ""],
    "addOnSubType": None,
    "registryUid": None,
    "source": None,
}


def get(caller: Caller, path: str) -> Any:
    answer = caller("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(caller: Caller, filters: str, more: str = "") -> list[str]:
    found = get(caller, f"/v1/packs?limit=50&filters={quote(filters, safe='')}{more}")
    return [f"{one['spec']['name']}:{one['spec']['version']}" for one in found["items"]]


def found(caller: Caller, wanted: object, query: str = "limit=50") -> list[dict[str, Any]]:
    answer = caller("POST", f"/v1/packs/search?{query}", wanted)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["spec"]["name"] for item in items]


def test_filters_of_versions(viewer: Caller, world: World) -> None:
    table = {
        "spec.name=nginxANDspec.version=1.9.0ANDspec.cloudTypes_in_aws,all": ["nginx:1.9.0"],
        "spec.name=nginx": ["nginx:15.0.0", "nginx:1.10.0", "nginx:1.9.0"],
        f"spec.name=nginxANDspec.registryUid={world.own}": ["nginx:1.10.0", "nginx:1.9.0"],
        "metadata.name=nginxANDspec.version>1.9.0ANDspec.version<2": ["nginx:1.10.0"],
        "spec.name=nginxANDspec.type=helm": ["nginx:15.0.0"],
        "spec.cloudTypes=edge-nativeANDspec.layer=cniANDspec.displayName=Calico"
        "ANDspec.version>3.26.9": ["calico:3.27.1"],
        "spec.cloudTypes=awsANDspec.layer=addon": [],
        f"metadata.uid={pack_uid(world.own, 'nginx', '1.9.0')}": ["nginx:1.9.0"],
        "spec.group=LTSORspec.addonType=ai": ["minds:0.1.0", "ubuntu:22.04.4"],
        "spec.name=absent": [],
    }
    assert {text: listed(viewer, text) for text in table} == table


def test_what_a_version_is_told_as(viewer: Caller, world: World) -> None:
    text = quote("spec.name=nginxANDspec.version=1.10.0", safe="")
    (item,) = get(viewer, f"/v1/packs?filters={text}")["items"]
    assert item["metadata"]["uid"] == pack_uid(world.own, "nginx", "1.10.0")
    spec = item["spec"]
    assert (spec["values"], spec["registryUid"], spec["cloudTypes"]) == (
        "size: 10\n",
        world.own,
        ["all"],
    )
    assert (spec["type"], spec["layer"], spec["displayName"]) == ("spectro", "addon", "Nginx")


def test_answers_are_kept_nowhere_but_pictures(viewer: Caller, world: World) -> None:
    logo = f"packs/{pack_uid(world.own, 'nginx', '1.10.0')}/logo"
    kept = {
        path: viewer("GET", f"/v1/{path}").headers["cache-control"]
        for path in (
            "packs?limit=1",
            "packs?limit=1&fields=spec.name",
            f"packs/nginx/registries/{world.own}",
            logo,
        )
    }
    assert kept.pop(logo) == "private, max-age=86400"
    assert set(kept.values()) == {"no-store"}


def test_a_chart_is_fetched_where_somebody_looks_at_it(viewer: Caller, world: World) -> None:
    text = quote("spec.name=webANDspec.version=1.0.0", safe="")
    told = get(viewer, f"/v1/packs?filters={text}")["items"]
    assert [one["spec"]["registryUid"] for one in told] == sorted(
        (world.charts, world.others), key=lambda uid: pack_uid(uid, "web", "1.0.0")
    )
    assert all("a: 1" in one["spec"]["values"] for one in told)


def test_a_chart_that_cannot_be_fetched_says_why(admin: Caller, viewer: Caller) -> None:
    charts = Charts()
    for version in ("1.0.0", "1.1.0"):
        charts.put("away", version, deprecated=True)
    with answering(charts) as source:
        spec = {"endpoint": f"http://{source.host}", "auth": {"type": "noAuth"}}
        made = admin("POST", "/v1/registries/helm", {"metadata": {"name": "away"}, "spec": spec})
        uid = made.json()["uid"]
        settled(admin, f"/v1/registries/helm/{uid}/sync/status")
        charts.archives_reply = Reply(404)
        for path in (f"away/registries/{uid}", pack_uid(uid, "away", "1.0.0")):
            whole = get(viewer, f"/v1/packs/{path}")
            assert whole["tags"][-1]["state"] == "deprecated"
            told = whole["packValues"]
            assert (told[0]["values"], "404" in told[0]["fault"]) == ("", True)
            assert all("a: 1" in one["values"] and not one["fault"] for one in told[1:])
        listed = get(viewer, f"/v1/packs?filters=spec.registryUid={uid}")["items"]
        assert {one["spec"]["state"] for one in listed} == {"deprecated"}
        faults = {one["spec"]["version"]: one["spec"]["fault"] for one in listed}
        assert ("404" in faults.pop("1.0.0"), faults) == (True, {"1.1.0": ""})
        status = viewer("GET", f"/v1/packs/{pack_uid(uid, 'away', '1.0.0')}/readme").status_code
        assert status >= 400
    assert admin("DELETE", f"/v1/registries/{uid}").status_code == 204


def test_who_waits_for_a_slow_registry_holds_up_nobody_else(
    admin: Caller, viewer: Caller, world: World
) -> None:
    charts, asked, go = Charts(), threading.Event(), threading.Event()
    for version in ("1.0.0", "1.1.0"):
        charts.put("slow", version)

    def slow(request: Request) -> Reply:
        if request.path.endswith("1.0.0.tgz"):
            asked.set()
            go.wait(60)
        return charts(request)

    with answering(slow) as source, ThreadPoolExecutor(48) as pool:
        spec = {"endpoint": f"http://{source.host}", "auth": {"type": "noAuth"}}
        made = admin("POST", "/v1/registries/helm", {"metadata": {"name": "slow"}, "spec": spec})
        uid = made.json()["uid"]
        settled(admin, f"/v1/registries/helm/{uid}/sync/status")
        waiting = [pool.submit(get, viewer, f"/v1/packs/slow/registries/{uid}") for _ in range(48)]
        assert asked.wait(30)
        own = get(viewer, f"/v1/packs/nginx/registries/{world.own}")
        other = get(viewer, f"/v1/packs/{pack_uid(world.others, 'web', '1.0.0')}")
        assert own["packValues"][0]["values"]
        assert other["packValues"][0]["values"]
        assert not any(one.done() for one in waiting)
        go.set()
        assert all(one.result()["packValues"][0]["values"] for one in waiting)
    assert admin("DELETE", f"/v1/registries/{uid}").status_code == 204


def test_pages_orders_and_members_of_a_list(viewer: Caller, world: World) -> None:
    first = get(viewer, "/v1/packs?limit=3")
    assert first["listmeta"]["count"] > len(first["items"]) == 3
    token = first["listmeta"]["continue"]
    second = get(viewer, f"/v1/packs?limit=3&continue={token}")
    assert second == get(viewer, "/v1/packs?limit=3&offset=3")
    every = get(viewer, "/v1/packs?limit=1000")
    assert every["items"][:6] == first["items"] + second["items"]
    assert every["listmeta"]["continue"] == ""
    beyond = get(viewer, "/v1/packs?offset=1000")
    assert (beyond["items"], beyond["listmeta"]["count"]) == ([], len(every["items"]))
    upwards = listed(viewer, "spec.name=nginx", "&orderBy=spec.version=1")
    assert upwards == ["nginx:1.9.0", "nginx:1.10.0", "nginx:15.0.0"]
    (short,) = get(viewer, "/v1/packs?filters=spec.name=calico&fields=spec.version")["items"]
    assert short["spec"] == {"version": "3.27.1"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("filters=nginx", "'nginx' is no condition"),
        ("filters=spec.nam=x", "did you mean spec.name?"),
        ("filters=spec.version>x", "'x' in spec.version> is no version"),
        ("filters=spec.name_in_" + ",".join(map(str, range(201))), "201 values, more than 200"),
        ("orderBy=spec.values", "packs are ordered by metadata.name"),
        ("continue=x", "continue is not what"),
    ],
    ids=lambda text: text[:25],
)
def test_bad_questions(viewer: Caller, query: str, said: str) -> None:
    answer = viewer("GET", f"/v1/packs?{query}")
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_the_search_of_a_data_source(viewer: Caller, world: World) -> None:
    (spectro,) = found(viewer, {"filter": {**S1, "name": {"eq": "calico"}}, "sort": None})
    assert spectro["spec"]["registries"] == [
        {
            "uid": world.own,
            "name": "Public Repo",
            "scope": "system",
            "latestVersion": "3.27.1",
            "latestPackUid": pack_uid(world.own, "calico", "3.27.1"),
            "state": "",
            "annotations": {},
            "logoUrl": "",
            "differsFrom": [],
        }
    ]
    helm, own = sorted(
        found(viewer, {"filter": {**S1, "name": {"eq": "nginx"}}}),
        key=lambda item: str(item["spec"]["type"]),
    )
    assert (helm["spec"]["type"], own["spec"]["type"]) == ("helm", "spectro")
    assert own["spec"]["registries"][0]["latestVersion"] == "1.10.0"
    (web,) = found(viewer, {"filter": {"name": {"eq": "web"}}})
    assert {one["name"]: one["latestVersion"] for one in web["spec"]["registries"]} == {
        "charts": "1.1.0",
        "others": "1.0.0",
    }
    only = {"filter": {"name": {"eq": "web"}, "registryUid": [world.others]}}
    ((one,),) = (item["spec"]["registries"] for item in found(viewer, only))
    assert one["uid"] == world.others


def test_conditions_of_a_search(viewer: Caller, world: World) -> None:
    own = {"registryUid": [world.own]}
    table: list[tuple[dict[str, Any], list[str]]] = [
        ({"name": {"eq": "CALICO"}}, ["calico"]),
        ({"name": {"eq": "CALICO", "ignoreCase": False}}, []),
        ({"name": {"beginsWith": "ca"}}, ["calico"]),
        ({"displayName": {"contains": "aLi"}}, ["calico"]),
        ({"displayName": {"contains": "aLi", "ignoreCase": False}}, []),
        ({"layer": ["cni", "os"]}, ["calico", "ubuntu"]),
        ({"environment": ["aws"], "layer": ["cni", "os"]}, ["calico"]),
        ({"environment": ["aws", "all"], "layer": ["cni", "os"]}, ["calico", "ubuntu"]),
        ({"addOnType": ["Ingress"]}, ["nginx"]),
        ({"addOnType": ["ai"]}, ["minds"]),
        ({"addOnType": [""], "layer": ["addon", "cni"]}, ["calico", "minds"]),
        ({"source": ["community"]}, ["minds"]),
        ({"state": ["disabled"]}, ["retired"]),
        ({"isFips": True}, []),
        ({"type": ["helm"]}, []),
    ]
    for condition, expected in table:
        assert names(found(viewer, {"filter": {**own, **condition}})) == expected, condition


def test_order_pages_and_words_of_a_search(viewer: Caller, world: World) -> None:
    sort = [{"field": "layer", "order": "desc"}, {"field": "name", "order": "asc"}]
    layers = [item["spec"]["layer"] for item in found(viewer, {"sort": sort})]
    assert layers == sorted(layers, reverse=True)
    answer = viewer("POST", "/v1/packs/search?limit=100", {"filter": {}, "sort": []}).json()
    assert answer["listmeta"]["continue"] == ""
    assert answer["listmeta"]["count"] == len(answer["items"])
    first = viewer("POST", "/v1/packs/search?limit=2", {}).json()
    second = found(viewer, {}, f"limit=2&continue={first['listmeta']['continue']}")
    assert answer["items"][:4] == first["items"] + second
    assert viewer("POST", "/v1/packs/search").json()["listmeta"]["count"] == len(answer["items"])
    assert names(found(viewer, {}, "q=many+uses")) == ["nginx", "web"]
    often = {"sort": [{"field": "layer", "order": order} for order in ("desc", "asc")] * 600}
    assert [item["spec"]["layer"] for item in found(viewer, often)] == layers
    assert viewer("POST", "/v1/packs/search", {"sort": [{"field": "age"}]}).status_code == 400
    many = "+".join(map(str, range(1000)))
    assert viewer("POST", f"/v1/packs/search?q={many}", {}).status_code == 400
    values = [str(number) for number in range(5000)]
    refused = viewer("POST", "/v1/packs/search", {"filter": {"environment": values}})
    assert refused.status_code == 400
    assert "5000 values, more than 200" in refused.json()["message"]


def test_every_version_in_a_registry(viewer: Caller, world: World) -> None:
    told = get(viewer, f"/v1/packs/nginx/registries/{world.own}?cloudType=all")
    uids = {version: pack_uid(world.own, "nginx", version) for version in ("1.9.0", "1.10.0")}
    assert told["registryUid"] == world.own
    assert told["logoUrl"] == f"/v1/packs/{uids['1.10.0']}/logo"
    rows = [(row["tag"], row["version"], row["packUid"]) for row in told["tags"]]
    assert rows[-2:] == [
        ("1.9.0", "1.9.0", uids["1.9.0"]),
        ("1.10.0", "1.10.0", uids["1.10.0"]),
    ]
    assert sorted(rows[:-2]) == [
        ("1.10.x", "1.10.x", uids["1.10.0"]),
        ("1.9.x", "1.9.x", uids["1.9.0"]),
        ("1.x", "1.x", uids["1.10.0"]),
    ]
    parents = {row["tag"]: row["parentTags"] for row in told["tags"][-2:]}
    assert parents == {"1.9.0": ["1.9.x", "1.x"], "1.10.0": ["1.10.x", "1.x"]}
    assert {one["packUid"]: one["values"] for one in told["packValues"]} == {
        uids["1.9.0"]: "size: 9\n",
        uids["1.10.0"]: "size: 10\n",
    }


def test_values_of_one_version_alone(viewer: Caller, world: World) -> None:
    path = f"/v1/packs/nginx/registries/{world.own}"
    for tag, values in {"": "size: 10\n", "1.9.x": "size: 9\n", "1.x": "size: 10\n"}.items():
        told = get(viewer, f"{path}?tag={tag}")
        assert [one["values"] for one in told["packValues"]] == [values]
        assert [row["tag"] for row in told["tags"][-2:]] == ["1.9.0", "1.10.0"]
    assert get(viewer, f"{path}?tag=none")["packValues"] == []


def test_tags_with_a_group(viewer: Caller, world: World) -> None:
    told = get(viewer, f"/v1/packs/ubuntu/registries/{world.own}")
    rows = {row["tag"]: row["version"] for row in told["tags"]}
    assert rows == {
        "LTS__22.04.4": "22.04.4",
        "LTS__22.4.x": "LTS__22.4.x",
        "LTS__22.x": "LTS__22.x",
    }
    assert [row["version"] for row in told["tags"]].count("LTS__22.04.4") == 1
    assert told["tags"][-1]["version"] == "22.04.4"


def test_names_with_what_stands_before(viewer: Caller, world: World) -> None:
    for name in ("nginx", "Ingress--nginx", "my--very--nginx", "a/b--nginx"):
        for end in ("registries/", f"registries/{world.own}"):
            told = get(viewer, f"/v1/packs/{quote(name, safe='')}/{end}?cloudType=all")
            assert (told["name"], told["registryUid"]) == ("nginx", world.own)


def test_charts_in_a_registry_and_where_they_differ(viewer: Caller, world: World) -> None:
    told = get(viewer, f"/v1/packs/web/registries/{world.charts}?cloudType=all")
    assert [(row["tag"], row["differsFrom"]) for row in told["tags"][-2:]] == [
        ("1.0.0", [world.others]),
        ("1.1.0", []),
    ]
    assert all("a: 1" in one["values"] for one in told["packValues"])
    one = get(viewer, f"/v1/packs/{pack_uid(world.others, 'web', '1.0.0')}")
    assert one["tags"][-1]["differsFrom"] == [world.charts]


def test_everything_that_differs_is_in_one_list(viewer: Caller, world: World) -> None:
    told = get(viewer, "/v1/packs/clashes")
    (web,) = told["items"]
    assert (web["name"], web["version"], told["listmeta"]["count"]) == ("web", "1.0.0", 1)
    copies = {one["uid"]: one for one in web["registries"]}
    assert copies.keys() == {world.charts, world.others}
    assert {one["name"] for one in web["registries"]} == {"charts", "others"}
    assert len({one["digest"] for one in web["registries"]}) == 2
    for uid, one in copies.items():
        assert one["packUid"] == pack_uid(uid, "web", "1.0.0")
    later = get(viewer, "/v1/packs/clashes?offset=1")
    assert (later["items"], later["listmeta"]["count"]) == ([], 1)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cloudType=aws", 200),
        ("cloudType=maas", 404),
        ("cloudType=all&layer=cni", 200),
        ("layer=os", 404),
        ("states=deprecated", 404),
    ],
)
def test_versions_for_a_cloud_or_layer(
    viewer: Caller, world: World, query: str, status: int
) -> None:
    path = f"/v1/packs/calico/registries/{world.own}?{query}"
    assert viewer("GET", path).status_code == status


def test_disabled_packs_are_shown_where_asked_for(viewer: Caller, world: World) -> None:
    path = f"/v1/packs/retired/registries/{world.own}"
    assert viewer("GET", path).status_code == 404
    assert get(viewer, f"{path}?states=deprecated,disabled")["name"] == "retired"


def test_one_pack_by_its_uid(viewer: Caller, world: World) -> None:
    uid = pack_uid(world.own, "nginx", "1.9.0")
    told = get(viewer, f"/v1/packs/{uid}?includePackValues=true")
    assert (told["registryUid"], told["packValues"][0]["values"]) == (world.own, "size: 9\n")
    assert [row["packUid"] for row in told["tags"]] == [uid, uid]
    assert get(viewer, f"/v1/packs/{uid}/readme")["readme"].startswith("# nginx")
    assert viewer("GET", f"/v1/packs/{uid}/logo").status_code == 404
    picture = viewer("GET", f"/v1/packs/{pack_uid(world.own, 'nginx', '1.10.0')}/logo")
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    assert "max-age=" in picture.headers["cache-control"]
    assert picture.headers["expires"].endswith("GMT")


def test_what_is_not_there(viewer: Caller, world: World) -> None:
    for name in ("0" * 24, "nothing", "search", "a/b", "%", "x" * 300):
        segment = quote(name, safe="")
        for end in ("", "/readme", "/logo", f"/registries/{world.own}", "/registries/"):
            answer = viewer("GET", f"/v1/packs/{segment}{end}")
            assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound")
        answer = viewer("GET", f"/v1/packs/nginx/registries/{segment}")
        assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound")


def test_packs_that_only_layers_have(editor: Caller, viewer: Caller, world: World) -> None:
    made = create(editor, "notes", manifest_pack("notes", manifest("notes")))
    (layer,) = get(editor, f"/v1/clusterprofiles/{made}")["spec"]["published"]["packs"]
    told = get(viewer, f"/v1/packs/{layer['packUid']}")
    assert (told["name"], told["registryUid"]) == ("notes", layer["registryUid"])
    assert get(viewer, f"/v1/packs/{layer['packUid']}/readme") == {"readme": ""}
    assert get(viewer, "/v1/packs/spectro-manifest-pack")["registryUid"] == world.own


def test_a_chart_that_people_name(admin: Caller, editor: Caller, viewer: Caller) -> None:
    login = {"type": "basic", "username": "me", "password": "a password"}
    spec = {"endpoint": "http://charts.example.com", "isPrivate": True, "auth": login}
    made = admin("POST", "/v1/registries/helm", {"metadata": {"name": "hidden"}, "spec": spec})
    registry = made.json()["uid"]
    named = pack("team/tool", "2.0.0", type="helm", registryUid=registry)
    profile = create(editor, "tools", named)
    (layer,) = get(editor, f"/v1/clusterprofiles/{profile}")["spec"]["published"]["packs"]
    told = get(viewer, f"/v1/packs/{layer['packUid']}")
    assert (told["name"], told["registryUid"]) == ("team/tool", registry)
    assert [(row["tag"], row["packUid"]) for row in told["tags"]] == [("2.0.0", layer["packUid"])]


def test_a_script_that_pushes_and_polls(server: Live, viewer: Caller, world: World) -> None:
    path = f"/v1/packs/late/registries/{world.own}"
    assert viewer("GET", path).json()["code"] == "ResourceNotFound"
    push_pack(server, pack_files("late", "0.1.0"))
    told = get(viewer, path)
    row = next(row for row in told["tags"] if row["tag"] == "0.1.0")
    values = {one["packUid"]: one["values"] for one in told["packValues"]}
    assert values[row["packUid"]] == "size: 1\n"


def test_who_may_ask(anybody: Caller, admin: Caller, viewer: Caller) -> None:
    assert anybody("GET", "/v1/packs").status_code == 401
    stranger = make_user(admin, "nora", None)
    assert stranger("GET", "/v1/packs").status_code == 403
    project = admin("POST", "/v1/projects", {"metadata": {"name": "packs"}}).json()["uid"]
    roles = {"projectRoles": [{"projectUid": project, "role": "viewer"}]}
    inside = make_user(admin, "ines", None, **roles)
    assert inside("GET", "/v1/packs", headers={"ProjectUid": project}).status_code == 200
    assert viewer("GET", "/v1/packs", headers={"projectuid": project}).status_code == 200
    lost = viewer("GET", "/v1/packs", headers={"ProjectUid": "0" * 24})
    assert lost.json()["code"] == "ResourceNotFound"
