"""A full profile of starter packs and real add-ons, composed over HTTP from what is offered alone:
checked, published, exported, deleted, imported again, and rendered to the same objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from packyard.packs.values import Document, parse_path
from tests import kubernetes_schema, live
from tests.delivery.test_full_profile import LEFT_OUT, SYSTEM
from tests.live import Live, basic
from tests.server.hub.conftest import Caller
from tests.server.hub.profile_calls import PATH, done, pack, published

CLOUD = "edge-native"
INFRASTRUCTURE = ("os", "k8s", "cni", "csi")
DEPLOYMENT = {"system": SYSTEM}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, real_packs: Path) -> Iterator[Live]:
    config = {"starterpacks": {"enabled": True}}
    with live.start(tmp_path_factory.mktemp("server"), workers=2, config=config) as running:
        headers = {"authorization": basic("admin", running.admin_password)}
        with httpx.Client(timeout=60, headers=headers) as http:
            for archive in sorted(real_packs.glob("*.tar.gz")):
                http.post(f"{running.url}/v1/_packs", content=archive.read_bytes())
        yield running


class Console:
    """Composes as a person does: looks at what is offered, takes it with its values."""

    def __init__(self, caller: Caller) -> None:
        self._ask = caller
        self._values = httpx.Client(
            base_url=caller.server.url,
            headers={"authorization": basic("admin", caller.server.admin_password)},
        )
        self.packs: list[dict[str, Any]] = []

    def offered(self, layer: str) -> list[dict[str, Any]]:
        body = {"cloudType": CLOUD, "type": "cluster", "packs": self.packs}
        items: list[dict[str, Any]] = []
        token = ""
        while True:
            path = f"{PATH}/options?layer={layer}&continue={token}"
            page = done(self._ask("POST", path, body), 200).json()
            items += page["items"]
            token = page["listmeta"]["continue"]
            if not token:
                return items

    def take(self, option: dict[str, Any]) -> None:
        version = next(one for one in option["versions"] if one["fits"])
        if version["needs"]:
            return
        held = self._values.get(f"/v1/_packs/{option['name']}/tags/{version['tag']}").json()
        self.packs.append(
            pack(option["name"], version["tag"], uid=version["packUid"], values=held["values"])
        )


@pytest.fixture(scope="module")
def full(admin: Caller) -> tuple[str, list[dict[str, Any]]]:
    """The uid of the profile, published, and what it renders to."""
    console = Console(admin)
    for layer in INFRASTRUCTURE:
        console.take(console.offered(layer)[-1])
    for option in console.offered("addon"):
        if option["name"] not in LEFT_OUT:
            console.take(option)
    template = {"cloudType": CLOUD, "type": "cluster", "packs": console.packs}
    body = {"metadata": {"name": "full"}, "spec": {"version": "1.0.0", "template": template}}
    found = done(admin("POST", f"{PATH}/findings", body), 200).json()["items"]
    for each in console.packs:  # what authors leave to be filled in
        each["values"] = _filled(each, found, "parameter.required")
    assert len(console.packs) > 20
    found = done(admin("POST", f"{PATH}/findings", body), 200).json()
    assert found["isPublishable"], found
    uid = done(admin("POST", f"{PATH}?publish=true", body), 201).json()["uid"]
    return uid, _rendered(admin, uid)


def test_every_object_of_a_built_in_kind_is_as_kubernetes_has_it(
    full: tuple[str, list[dict[str, Any]]],
) -> None:
    _, objects = full
    faults = [fault for one in objects for fault in kubernetes_schema.faults(one)]
    assert faults == []
    assert sum(map(kubernetes_schema.is_built_in, objects)) > 100


def test_a_full_profile_goes_out_and_in_and_renders_to_the_same(
    admin: Caller, server: Live, full: tuple[str, list[dict[str, Any]]]
) -> None:
    uid, before = full
    twice = _rendered(admin, uid)
    out = done(admin("GET", f"{PATH}/{uid}/export?format=yaml"), 200)
    done(admin("DELETE", f"{PATH}/{uid}"))
    answer = httpx.post(
        f"{server.url}{PATH}/import/file?publish=true",
        headers={"ApiKey": admin.key},
        files={"importFile": out.content},
        timeout=60,
    )
    again = done(answer, 201).json()["uid"]
    _give_secrets_again(admin, again)
    after = _rendered(admin, again)
    # Certificates and passwords are others each time, whoever renders them.
    repeatable = [one == other for one, other in zip(before, twice, strict=True)]
    kept = [one for one, same in zip(before, repeatable, strict=True) if same]
    assert kept == [one for one, same in zip(after, repeatable, strict=True) if same]
    assert repeatable.count(False) < 10
    assert len(before) > 100


def _filled(layer: dict[str, Any], findings: list[dict[str, Any]], rule: str) -> str:
    """The values of a layer with something in each place that findings of a rule are about."""
    values, _ = Document.parse(layer["values"])
    assert values
    for one in findings:
        if one["rule"] == rule and one["layer"] == layer["name"]:
            values = values.set(parse_path(one["path"]), "filled")
    return values.text


def _give_secrets_again(admin: Caller, uid: str) -> None:
    """What an export masks is told by the check of the imported profile."""
    found = done(admin("GET", f"{PATH}/{uid}/findings"), 200).json()["items"]
    masked = {one["layer"] for one in found if one["rule"] == "layer.masked"}
    assert masked
    for layer in published(admin, uid)["packs"]:
        if layer["name"] in masked:
            values = _filled(layer, found, "layer.masked")
            change = {"pack": {"name": layer["name"], "values": values}}
            done(admin("PUT", f"{PATH}/{uid}/packs/{layer['name']}", change))
    done(admin("PATCH", f"{PATH}/{uid}/publish"))


def _rendered(admin: Caller, uid: str) -> list[dict[str, Any]]:
    answer = admin.http.post(
        f"{admin.server.url}{PATH}/{uid}/render",
        json=DEPLOYMENT,
        headers={"ApiKey": admin.key},
        timeout=120,
    )
    assert answer.status_code == 200, answer.text
    assert ".spectro." not in answer.text
    documents = (Document.parse(text)[0] for text in re.split(r"(?m)^---\n", answer.text))
    return [one.data for one in documents if one and one.data]
