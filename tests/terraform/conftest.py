"""A server behind TLS with the starter packs, and Terraform in a fresh folder for each test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from tests.live import Live, start
from tests.packs import samples
from tests.remotes.content import push_chart, push_pack
from tests.secured import Secured, start_secured
from tests.terraform.program import Terraform

TOOL = {"1.9.0": ("", "team"), "1.10.0": ("team",)}
TOOL_SAYS: dict[str, Any] = {
    "displayName": "TOOL AND MORE", "layer": "csi", "addonType": None,
    "cloudTypes": ["edge-native", "vsphere"],
}  # fmt: skip


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    config = {"starterpacks": {"enabled": True}, "hub": {"networks": ["127.0.0.0/8"]}}
    secured = start_secured(tmp_path_factory.mktemp("terraform"), config)
    yield secured
    secured.server.stop()


@pytest.fixture(scope="session")
def key(secured: Secured) -> str:
    """Of the administrator."""
    server = secured.server
    body = {"metadata": {"name": "terraform"}, "spec": {}}
    auth, verify = ("admin", server.admin_password), server.tls or True
    with httpx.Client(auth=auth, verify=verify, timeout=30) as client:
        made = client.post(f"{server.url}/v1/apiKeys", json=body).raise_for_status()
    return str(made.json()["apiKey"])


@pytest.fixture
def terraform(tmp_path: Path, secured: Secured, key: str) -> Terraform:
    return Terraform(tmp_path, secured, key)


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Another server, on plain HTTP: charts at /helm and below `charts`, packs below `team`; one of
    these is among its own, too, without the newest version."""
    with start(tmp_path_factory.mktemp("upstream")) as server:
        login = Credentials("admin", server.admin_password)
        with Client(parse_address(server.url), login) as client:
            for version in ("1.0.0", "1.2.0"):
                push_chart(client, "web", version)
                push_chart(client, "cache", version)
                push_pack(client, samples.pack(version=version), base="team")
            for version, bases in TOOL.items():
                tool = samples.pack(name="tool", version=version, **TOOL_SAYS)
                for base in bases:
                    push_pack(client, tool, base=base)
        yield server


@pytest.fixture(scope="session")
def api(secured: Secured, key: str) -> Iterator[httpx.Client]:
    """What the provider does not show."""
    url, tls = secured.server.url, secured.server.tls or True
    headers = {"ApiKey": key}
    with httpx.Client(base_url=url, verify=tls, headers=headers, timeout=30) as client:
        yield client


def synchronized(api: httpx.Client, path: str) -> None:
    """Wait until a registry's synchronization is done, which has to have come to a good end."""
    deadline = time.monotonic() + 60
    while (status := api.get(f"{path}/sync/status").json())["status"] != "Completed":
        assert status["status"] != "Failed", status
        assert time.monotonic() < deadline, status
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Charts:
    """The uids of registries that stay: a Helm repository, a private one, an OCI registry of
    charts; and a pack registry and an OCI registry of packs."""

    helm: str
    private: str
    oci: str
    packs: str
    oci_packs: str


@pytest.fixture(scope="session")
def charts(api: httpx.Client, upstream: Live) -> Charts:
    login = {"type": "basic", "username": "admin", "password": upstream.admin_password}
    repository = {"endpoint": f"{upstream.url}/helm", "auth": login}
    content = {"providerType": "helm", "baseContentPath": "charts", "isSyncSupported": True}
    oci = {"endpoint": upstream.url, "auth": login, **content}
    packs = {"endpoint": upstream.url, "auth": login}
    team = oci | {"providerType": "pack", "baseContentPath": "team"}

    def make(path: str, name: str, spec: object) -> str:
        made = api.post(f"/v1/registries/{path}", json={"metadata": {"name": name}, "spec": spec})
        return str(made.raise_for_status().json()["uid"])

    made = Charts(
        make("helm", "kept charts", repository),
        make("helm", "kept private charts", repository | {"isPrivate": True}),
        make("oci/basic", "kept oci charts", oci),
        make("pack", "kept packs", packs),
        make("oci/basic", "kept oci packs", team),
    )
    synchronized(api, f"/v1/registries/helm/{made.helm}")
    synchronized(api, f"/v1/registries/pack/{made.packs}")
    for uid in (made.oci, made.oci_packs):
        synchronized(api, f"/v1/registries/oci/{uid}/basic")
    return made


@pytest.fixture(scope="session")
def unlisted(secured: Secured) -> None:
    """A pack of the own registry whose add-on type is none of those that the provider knows."""
    login = Credentials("admin", secured.server.admin_password)
    address = parse_address(secured.server.url)
    with Client(address, login, authority=secured.authority) as client:
        push_pack(client, samples.pack(addonType="ai"))
