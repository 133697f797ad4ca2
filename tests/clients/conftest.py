"""Servers (plain and with TLS) and shells for the tests that drive real client programs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients.shell import Shell
from tests.live import Live, start
from tests.secured import Secured, start_secured

_serial = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    live = start(tmp_path_factory.mktemp("clients"), workers=2)
    yield live
    live.stop()


@pytest.fixture
def shell(tmp_path: Path, server: Live) -> Shell:
    """Logged in as the admin, on plain HTTP."""
    shell = Shell(tmp_path, server)
    shell.log_in()
    return shell


@pytest.fixture
def repo(server: Live) -> str:
    """The host and a repository's name that no other test uses."""
    return f"{server.host}/clients/repo-{next(_serial)}"


@pytest.fixture
def admin(server: Live) -> Iterator[httpx.Client]:
    auth = ("admin", server.admin_password)
    with httpx.Client(base_url=server.url, auth=auth, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    secured = start_secured(tmp_path_factory.mktemp("tls"))
    yield secured
    secured.server.stop()
