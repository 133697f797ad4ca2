"""A server behind TLS with the starter packs, and Terraform in a fresh folder for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    with httpx.Client(verify=server.tls or True, auth=("admin", server.admin_password)) as client:
        made = client.post(f"{server.url}/v1/apiKeys", json=body).raise_for_status()
    return str(made.json()["apiKey"])


@pytest.fixture
def terraform(tmp_path: Path, secured: Secured, key: str) -> Terraform:
    return Terraform(tmp_path, secured, key)


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Another server, on plain HTTP: charts at /helm and below `charts`, a pack below `team`."""
    with start(tmp_path_factory.mktemp("upstream")) as server:
        login = Credentials("admin", server.admin_password)
        with Client(parse_address(server.url), login) as client:
            for version in ("1.0.0", "1.2.0"):
                push_chart(client, "web", version)
                push_chart(client, "cache", version)
                push_pack(client, samples.pack(version=version), base="team")
        yield server
