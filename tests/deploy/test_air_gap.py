"""docs/air-gap.md as it stands: what one server has is carried to another one, by files alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.program import Program
from tests.live import ADMIN_PASSWORD
from tests.packs import samples
from tests.secured import Secured, start_secured
from tests.typed import Desk
from tests.wire.oci import Content, Repo, index

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: flannel}}
spec:
  containers:
    - {{name: flannel, image: "{image}"}}
"""
EVERYTHING = {"default": [{"type": "insecureAcceptAnything"}]}
ELSEWHERE = ("docker ", "pip ", "/opt/packyard/bin/pip ")  # in test_image and test_wheel


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Secured]:
    yield from running(tmp_path / "outside")


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Secured]:
    yield from running(tmp_path / "inside")


def running(folder: Path) -> Iterator[Secured]:
    folder.mkdir()
    secured = start_secured(folder)
    with secured.server:
        yield secured


@contextmanager
def calling(secured: Secured) -> Iterator[httpx.Client]:
    server = secured.server
    auth = ("admin", server.admin_password)
    with httpx.Client(base_url=server.url, auth=auth, verify=server.tls or False) as client:
        yield client


@pytest.fixture
def desk(tmp_path: Path, outside: Secured, inside: Secured) -> Desk:
    """That of somebody who trusts both servers, and is signed in outside."""
    desk = Desk(tmp_path)
    both = outside.authority.read_text() + inside.authority.read_text()
    login = {"auth": outside.server.authorization.removeprefix("Basic ")}
    logins = json.dumps({"auths": {outside.server.host: login}})
    desk.put("authorities.crt", both)
    desk.put("logins.json", logins)
    desk.put("password.txt", ADMIN_PASSWORD)
    desk.put(".packyard/config.json", logins, 0o600)
    desk.put(".config/containers/policy.json", json.dumps(EVERYTHING))
    for secured in (outside, inside):
        desk.put(f".packyard/certs.d/{secured.server.host}/ca.crt", both)
    desk.environment = {
        "SSL_CERT_FILE": str(tmp_path / "authorities.crt"),
        "REGISTRY_AUTH_FILE": str(tmp_path / "logins.json"),
    }
    desk.places = {  # a repository's name has no port
        "inside.example.com/$image": f"{inside.server.host}/${{image/:/-}}",
        "inside.example.com/ghcr.io": f"{inside.server.host}/{without_port(outside)}",
        "packs.example.com": outside.server.host,
        "inside.example.com": inside.server.host,
        "ghcr.io": outside.server.host,
    }
    return desk


def without_port(secured: Secured) -> str:
    return secured.server.host.replace(":", "-")


def push_image(repo: Repo, tag: str) -> Content:
    """For two platforms."""
    platforms = [
        repo.store(repo.image()).descriptor(platform={"os": "linux", "architecture": name})
        for name in ("amd64", "arm64")
    ]
    return repo.store(index(platforms), tag)


@pytest.mark.clients("skopeo")
def test_a_pack_its_image_and_a_chart(desk: Desk, outside: Secured, inside: Secured) -> None:
    image = f"{outside.server.host}/flannel-io/flannel:v0.28.5"
    manifests = {"manifests/sample.yaml": POD.format(image=image)}
    pack = samples.write(
        samples.pack(manifests, name="cni-flannel", version="0.28.5"), desk.folder / "made"
    )
    archive = samples.chart("web", "1.2.0")
    with calling(outside) as client:
        whole = push_image(Repo(client, "flannel-io/flannel"), "v0.28.5")
        assert client.post("/helm/api/charts", content=archive).status_code == 201
    pushed = Program(desk.folder)("pack", "push", "-r", outside.server.host, pack)
    assert pushed.code == 0, pushed.err
    desk.type("air-gap.md", lambda command: not command.startswith(ELSEWHERE))
    with calling(inside) as client:
        arrived = Repo(client, f"{without_port(outside)}/flannel-io/flannel").get("v0.28.5")
        assert arrived.content == whole.body
        assert client.get("/helm/charts/web-1.2.0.tgz").content == archive
