"""Foreign registries, certificates, and waits made short."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from packyard.remotes import client, transfer
from tests.remotes.certificates import Certificate, make_certificate
from tests.remotes.distribution import running


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSES", (0.001, 0.001, 0.001))
    monkeypatch.setattr(transfer, "PAUSE", 0.001)


@pytest.fixture(scope="session")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("open")) as host:
        yield host


@pytest.fixture(scope="session")
def closed_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("closed"), login=True) as host:
        yield host


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))
