"""One server behind TLS for all calls, with the starter packs, and the key of its administrator."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.contract.wire import Wire
from tests.live import Live, basic
from tests.secured import start_secured


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    config = {"starterpacks": {"enabled": True}, "hub": {"networks": ["127.0.0.0/8"]}}
    secured = start_secured(tmp_path_factory.mktemp("contract"), config)
    yield secured.server
    secured.server.stop()


@pytest.fixture(scope="session")
def nobody(server: Live) -> Wire:
    assert isinstance(server.tls, ssl.SSLContext)
    return Wire(server.host, server.tls, "")


@pytest.fixture(scope="session")
def wire(server: Live, nobody: Wire) -> Wire:
    body = {"metadata": {"name": "contract"}, "spec": {}}
    headers = {"Authorization": basic("admin", server.admin_password)}
    made = nobody("POST", "/v1/apiKeys", body, headers)
    assert made.status == 201, made.content
    return Wire(server.host, nobody.tls, made.json["apiKey"])


@pytest.fixture(autouse=True, scope="module")
def connected(wire: Wire, nobody: Wire) -> None:
    """Connections of each module's own: the server closes those that rest between modules."""
    wire.connection.close()
    nobody.connection.close()
