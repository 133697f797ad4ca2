"""One server for all tests of this folder, and clients with the rights the tests name."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live import Live, start
from tests.wire.oci import Repo


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    config = {"http": {"trustedproxies": ["127.0.0.0/8"]}}
    live = start(tmp_path_factory.mktemp("server"), workers=2, config=config)
    yield live
    live.stop()


@pytest.fixture(scope="session")
def admin(server: Live) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=server.url, auth=("admin", server.admin_password), timeout=30
    ) as client:
        yield client


@pytest.fixture(scope="session")
def reader(server: Live) -> Iterator[httpx.Client]:
    """Somebody of the htpasswd file, who may read and not write."""
    with httpx.Client(
        base_url=server.url, auth=(server.reader, server.reader_password), timeout=30
    ) as client:
        yield client


@pytest.fixture(scope="session")
def anonymous(server: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
def repo(admin: httpx.Client) -> Repo:
    """A repository of its own for each test; it exists once something is pushed."""
    return Repo(admin)


@pytest.fixture
def other(admin: httpx.Client) -> Repo:
    return Repo(admin)
