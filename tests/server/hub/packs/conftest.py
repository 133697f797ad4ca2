"""A server with packs of its own and two Helm repositories, of which one chart differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from packyard.packs.files import File, Files
from tests import live
from tests.hub.syncing import Charts
from tests.live import Live
from tests.remotes.scripted import Scripted, answering
from tests.server.hub.conftest import Caller
from tests.server.hub.profile_calls import push_pack
from tests.server.hub.registries.conftest import settled

PNG = b"\x89PNG\r\n\x1a\n and what follows"


def pack_files(
    name: str, version: str, *, values: str = "size: 1\n", logo: bytes = b"", **more: object
) -> Files:
    said = {"name": name, "displayName": name.title(), "version": version, "layer": "addon",
            "addonType": "system app", "cloudTypes": ["all"], **more}  # fmt: skip
    files = {
        "pack.json": File(json.dumps(said).encode(), executable=False),
        "values.yaml": File(values.encode(), executable=False),
        "README.md": File(f"# {name}\nRoutes traffic.\n".encode(), executable=False),
    }
    if logo:
        files["logo.png"] = File(logo, executable=False)
    return files


PACKS = [
    pack_files("nginx", "1.9.0", values="size: 9\n", addonType="ingress"),
    pack_files("nginx", "1.10.0", values="size: 10\n", addonType="ingress", logo=PNG),
    pack_files("calico", "3.27.1", layer="cni", addonType="", cloudTypes=["aws", "edge-native"]),
    pack_files("ubuntu", "22.04.4", layer="os", addonType="", group="LTS", cloudTypes=["maas"]),
    pack_files("minds", "0.1.0", addonType="ai", annotations={"source": "community"}),
    pack_files("retired", "1.0.0", annotations={"disabled": "true"}),
]


@dataclass(frozen=True)
class World:
    """Uids of the registries, and the servers of the two Helm repositories."""

    own: str
    charts: str
    others: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("server")
    networks = {"networks": ["127.0.0.0/8"], "rate": 10_000, "connections": 32}
    with live.start(folder, workers=2, config={"hub": networks}) as running:
        for files in PACKS:
            push_pack(running, files)
        yield running


@pytest.fixture(scope="module")
def repository() -> Iterator[Scripted]:
    charts = Charts()
    for name, version in (("web", "1.0.0"), ("web", "1.1.0"), ("nginx", "15.0.0")):
        charts.put(name, version, description="A chart of many uses")
    with answering(charts) as running:
        yield running


@pytest.fixture(scope="module")
def other_repository() -> Iterator[Scripted]:
    charts = Charts(count=100)
    charts.put("web", "1.0.0")
    with answering(charts) as running:
        yield running


@pytest.fixture(scope="module")
def world(admin: Caller, repository: Scripted, other_repository: Scripted) -> World:
    made = {}
    for name, source in (("charts", repository), ("others", other_repository)):
        spec = {"name": name, "endpoint": f"http://{source.host}", "auth": {"type": "noAuth"}}
        answer = admin("POST", "/v1/registries/helm", {"metadata": {"name": name}, "spec": spec})
        made[name] = answer.json()["uid"]
        settled(admin, f"/v1/registries/helm/{made[name]}/sync/status", seconds=120)
    listed = admin("GET", "/v1/registries/metadata").json()["items"]
    (own,) = (one["uid"] for one in listed if one["isDefault"])
    return World(own, made["charts"], made["others"])
