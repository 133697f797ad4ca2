"""What starts Packyard elsewhere: the systemd unit, the compose files, and Caddy in front."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.live import free_port, start

DEPLOY = Path(__file__).parents[2] / "deploy"
EXPOSURE = 2.0  # at most, of 10; systemd calls up to 2 "OK"


def run(*words: str | Path, **environ: str) -> str:
    done = subprocess.run(
        words, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there in the place of one that may not be installed."""
    text = (
        (DEPLOY / "packyard.service").read_text().replace("/opt/packyard/bin/packyard", "/bin/true")
    )
    path = tmp_path / "packyard.service"
    path.write_text(text)
    return path


@pytest.mark.clients("systemd-analyze")
def test_the_unit_is_right_and_closed(unit: Path) -> None:
    assert run("systemd-analyze", "verify", unit) == ""
    judged = run("systemd-analyze", "security", "--offline=yes", unit)
    (level,) = re.findall(r"Overall exposure level for packyard\.service: ([\d.]+)", judged)
    assert float(level) <= EXPOSURE


@pytest.mark.clients("docker-compose")
def test_the_compose_files_are_right_alone_and_laid_over_each_other() -> None:
    alone, caddy = DEPLOY / "compose.yaml", DEPLOY / "compose.caddy.yaml"
    assert "caddy" not in run("docker-compose", "-f", alone, "config")
    given = {"HOST": "packs.example.com", "LISTEN": "127.0.0.1:5000"}
    both = run("docker-compose", "-f", alone, "-f", caddy, "config", **given)
    assert "127.0.0.1:5000:5000" in both
    assert "REGISTRY_HTTP_HOST: https://packs.example.com" in both
    done = subprocess.run(
        ["docker-compose", "-f", alone, "-f", caddy, "config"], capture_output=True, check=False
    )
    assert b"the name by which clients reach it" in done.stderr


@pytest.mark.clients("caddy")
def test_behind_caddy_places_are_those_that_the_client_sees(tmp_path: Path) -> None:
    port = free_port()
    place = f"http://localhost:{port}"
    config = {"http": {"host": place, "trustedproxies": ["127.0.0.0/8"]}}
    caddyfile = tmp_path / "Caddyfile"
    shutil.copy(DEPLOY / "Caddyfile", caddyfile)
    caddyfile.write_text("{\n\tadmin off\n}\n" + caddyfile.read_text())
    with start(tmp_path, config=config) as live:
        environ = {**os.environ, "HOST": place, "UPSTREAM": live.host, "HOME": str(tmp_path)}
        caddy = subprocess.Popen(
            ["caddy", "run", "--config", caddyfile, "--adapter", "caddyfile"],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            transport = httpx.HTTPTransport(retries=5)
            auth = ("admin", live.admin_password)
            with httpx.Client(transport=transport, auth=auth, base_url=place) as client:
                begun = client.post("/v2/a/blobs/uploads/")
                assert begun.status_code == 202
                assert begun.headers["location"].startswith(f"{place}/v2/a/blobs/uploads/")
        finally:
            caddy.terminate()
            caddy.wait(20)
