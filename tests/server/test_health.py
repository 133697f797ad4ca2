"""`packyard health`: whether the server of this machine is ready, asked without a client."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from packyard.errors import ConfigurationInvalid, Unavailable
from packyard.server.health import check_health, started_as
from tests.cli.program import Program
from tests.live import Live, free_port, start
from tests.secured import Secured, start_secured


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    live = start(tmp_path_factory.mktemp("health"))
    yield live
    live.stop()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    secured = start_secured(tmp_path_factory.mktemp("secured"))
    yield secured
    secured.server.stop()


def test_a_server_is_asked_where_its_configuration_says(live: Live, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    program = Program(tmp_path / "home")
    asked = program("health", live.config)
    assert (asked.code, asked.out, asked.err) == (0, "ready\n", "")
    port = live.host.rpartition(":")[2]
    check_health(None, {"REGISTRY_HTTP_ADDR": f":{port}"})
    check_health(None, {"REGISTRY_HTTP_ADDR": f"0.0.0.0:{port}"})


def test_a_process_is_asked_as_it_was_started(live: Live, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    program = Program(tmp_path / "home", {"REGISTRY_HTTP_ADDR": "127.0.0.1:1"})
    asked = program("health", "--process", str(live.process.pid))
    assert (asked.code, asked.out, asked.err) == (0, "ready\n", "")
    config, environ = started_as(live.process.pid)
    assert config
    assert config.samefile(live.config)
    assert environ == live.environment


def test_what_is_no_server_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    program = Program(tmp_path / "home", {"REGISTRY_HTTP_ADDR": f"127.0.0.1:{free_port()}"})
    asked = program("health")
    assert asked.code == 1
    assert "does not answer: [Errno 111] Connection refused" in asked.err
    asked = program("health", "--process", str(os.getpid()))
    assert "is no server of ours" in asked.err
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    with pytest.raises(Unavailable, match="cannot be seen: No such file or directory"):
        started_as(ended.pid)
    with pytest.raises(ConfigurationInvalid, match="port 0"):
        check_health(None, {"REGISTRY_HTTP_ADDR": ":0"})


def test_a_store_without_its_tables_is_not_ready(tmp_path: Path) -> None:
    with start(tmp_path) as live:
        with sqlite3.connect(live.root / "packyard.db") as database:
            database.execute("UPDATE alembic_version SET version_num = 'another'")
        with pytest.raises(Unavailable, match="answers 503 to GET /ready"):
            check_health(live.config, {})


def test_over_tls_no_certificate_has_to_be_known(secured: Secured, tmp_path: Path) -> None:
    check_health(secured.server.config, {})
    # As if it also asked for certificates of clients: that it takes a connection is enough.
    config = json.loads(secured.server.config.read_text())
    config["http"]["tls"]["clientcas"] = str(secured.authority)
    (tmp_path / "config.yml").write_text(json.dumps(config))
    check_health(tmp_path / "config.yml", {})
