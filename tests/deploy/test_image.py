"""The container image, built on Debian's packages and run as people run it.

Under soak alone: it takes some minutes, and loads packages.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.cli.program import Program, make_pack
from tests.deploy.engine import IMAGE, Engine, with_image
from tests.live import free_port, htpasswd_line, start
from tests.secured import certify
from tests.test_docs import console_lines
from tests.typed import Desk

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "custom-registry.md"
PASSWORD = "a password of the test"
MEGABYTES, SECONDS = 300, 4.0  # its size, and the time until it is ready for the second time

pytestmark = [
    pytest.mark.soak,
    pytest.mark.clients("podman", "crun", "buildah", "debootstrap", "nsenter"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """With the image in it."""
    with with_image(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@dataclass
class Container:
    """One that runs; `url` is where its port 5000 is reached."""

    engine: Engine
    name: str
    url: str
    trust: ssl.SSLContext | bool = True

    def wait_ready(self) -> float:
        """Seconds until it was ready."""
        began = time.monotonic()
        while time.monotonic() - began < 30:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/ready", verify=self.trust).status_code == 200:
                    return time.monotonic() - began
            time.sleep(0.02)
        raise AssertionError(self.engine("logs", self.name))

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, auth=("admin", PASSWORD), timeout=60, verify=self.trust
        )


@pytest.fixture
def container(engine: Engine, tmp_path: Path) -> Iterator[Container]:
    """Started with nothing but variables, by a user without a name, on a read-only root."""
    port = free_port()
    auth = tmp_path / "auth"
    auth.mkdir()
    (auth / "htpasswd").write_text(htpasswd_line("admin", PASSWORD))
    container = Container(engine, f"packyard-{port}", f"http://127.0.0.1:{port}")
    engine(
        "run", "--detach", "--name", container.name,
        "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--user", "4711",
        "-v", f"{container.name}:/data", "-v", f"{auth}:/auth:ro",
        "-e", "REGISTRY_AUTH=htpasswd",
        "-e", "REGISTRY_AUTH_HTPASSWD_REALM=Registry Realm",
        "-e", "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd",
        "-p", f"127.0.0.1:{port}:5000", IMAGE,
    )  # fmt: skip
    container.wait_ready()
    yield container
    engine("rm", "--force", "--time", "5", container.name)
    engine("volume", "rm", "--force", container.name)


def refused(engine: Engine, *words: str | Path) -> str:
    """What a container says that must not start."""
    said = engine("run", "--rm", *words, check=False)
    assert "Traceback" not in said
    assert "listens on" not in said
    return said


def test_the_image_is_small_and_says_what_it_is(engine: Engine) -> None:
    (image,) = json.loads(engine("inspect", IMAGE))
    assert image["Size"] < MEGABYTES * 1_000_000
    about = image["Config"]
    assert about["Entrypoint"] == ["packyard"]
    assert about["Cmd"] == ["serve", "/etc/packyard/config.yml"]
    assert about["User"] == "65532:0"
    assert about["Volumes"].keys() == {"/data", "/auth"}
    assert about["ExposedPorts"].keys() == {"5000/tcp"}
    assert about["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert image["Healthcheck"]["Test"] == ["CMD", "packyard", "health", "--process", "1"]


def test_the_image_holds_no_tools(engine: Engine) -> None:
    look = "for name in pip gcc strip curl hatchling; do ! command -v $name || exit 1; done"
    engine("run", "--rm", "--entrypoint", "sh", IMAGE, "-c", look)
    # Nothing is left to be compiled at every start.
    python = ("--entrypoint", "/opt/packyard/bin/python")
    command = ("-v", "/opt/packyard/bin/packyard", "serve", "--help")
    loaded = engine("run", "--rm", *python, IMAGE, *command, check=False)
    assert "/opt/packyard/lib/python3.13/site-packages/packyard/cli/__pycache__" in loaded
    assert not re.findall(r"# code object from '?/opt/\S+/packyard/\S+\.py\b", loaded)


def test_it_renders_charts_and_talks_to_ecr_without_what_was_taken_out(
    engine: Engine, tmp_path: Path
) -> None:
    pack = f"{ROOT}/packs:/packs:ro"
    chart = "/packs/node-exporter-1.12.1"
    shown = engine("run", "--rm", "-v", pack, IMAGE, "pack", "render", chart)
    assert "kind: DaemonSet" in shown
    names = sorted(path.name for path in (ROOT / "packs").iterdir())
    engine("run", "--rm", "-v", pack, IMAGE, "pack", "lint", *(f"/packs/{name}" for name in names))
    code = (
        "import boto3, rich.syntax, sqlalchemy.dialects.sqlite\n"
        "session = boto3.Session('key', 'secret', region_name='eu-central-1')\n"
        "for name in ('ecr', 'sts', 'ecr-public'): session.client(name)\n"
        "print('made')"
    )
    python = ("--entrypoint", "/opt/packyard/bin/python")
    assert engine("run", "--rm", *python, IMAGE, "-c", code) == "made"


def test_it_is_logged_in_to_pushed_to_and_keeps_what_it_has(
    container: Container, tmp_path: Path
) -> None:
    engine, host = container.engine, container.url.removeprefix("http://")
    home = tmp_path / "home"
    home.mkdir()
    packyard = Program(home)
    login = packyard(
        "registry", "login", "-d", "-u", "admin", "--password-stdin", host, stdin=PASSWORD
    )
    assert login.code == 0, login.err
    pushed = packyard("pack", "push", make_pack(tmp_path / "pack", "kept", "1.0.0"))
    assert pushed.code == 0, pushed.err
    assert engine("exec", container.name, "packyard", "health", "--process", "1") == "ready"
    engine("exec", container.name, "packyard", "user", "add", "ann", "--role", "editor")
    began = time.monotonic()
    engine("stop", "--time", "30", container.name)
    assert time.monotonic() - began < 10
    assert engine("inspect", "--format", "{{.State.ExitCode}}", container.name) == "0"
    engine("start", container.name)
    assert container.wait_ready() < SECONDS
    pulled = packyard("pack", "pull", "kept:1.0.0", tmp_path / "back")
    assert pulled.code == 0, pulled.err
    assert (tmp_path / "back/kept-1.0.0/run.sh").read_text() == "#!/bin/sh\n"


def test_told_to_end_it_lets_a_push_finish(container: Container) -> None:
    parts = [bytes([number]) * 100_000 for number in range(20)]
    digest = "sha256:" + hashlib.sha256(b"".join(parts)).hexdigest()
    begun = threading.Event()

    def slowly() -> Iterator[bytes]:
        for part in parts:
            yield part
            begun.set()
            time.sleep(0.1)

    ending = threading.Thread(
        target=lambda: begun.wait(20) and container.engine("stop", "--time", "30", container.name)
    )
    ending.start()
    with container.client() as client:
        place = client.post("/v2/slow/blobs/uploads/").headers["location"]
        length = {"content-length": str(sum(map(len, parts)))}
        answer = client.put(place, params={"digest": digest}, content=slowly(), headers=length)
    assert answer.status_code == 201
    ending.join(60)
    assert container.engine("inspect", "--format", "{{.State.ExitCode}}", container.name) == "0"
    container.engine("start", container.name)
    container.wait_ready()
    with container.client() as client:
        assert client.get(f"/v2/slow/blobs/{digest}").content == b"".join(parts)


def test_the_commands_that_people_have_start_it_with_tls(engine: Engine, tmp_path: Path) -> None:
    authority, certificate, key = certify(tmp_path)
    for path in (tmp_path, certificate, key):
        path.chmod(0o755)
    (tmp_path / "htpasswd-basic").write_text(htpasswd_line("admin", PASSWORD))
    port = free_port()
    trust = ssl.create_default_context(cafile=str(authority))
    container = Container(engine, f"packyard-{port}", f"https://127.0.0.1:{port}", trust)
    engine(
        "run", "-d", "--name", container.name, "-p", f"127.0.0.1:{port}:5000",
        "-v", f"{tmp_path}:/auth", "-v", f"{tmp_path}:/certs",
        "-e", "REGISTRY_AUTH=htpasswd", "-e", "REGISTRY_AUTH_HTPASSWD_REALM=Registry Realm",
        "-e", "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd-basic",
        "-e", f"REGISTRY_HTTP_TLS_CERTIFICATE=/certs/{certificate.name}",
        "-e", f"REGISTRY_HTTP_TLS_KEY=/certs/{key.name}",
        IMAGE,
    )  # fmt: skip
    try:
        container.wait_ready()
        with container.client() as client:
            assert client.get("/v1/").status_code == 200
        assert engine("exec", container.name, "packyard", "health", "--process", "1") == "ready"
    finally:
        engine("rm", "--force", "--time", "5", container.name)


def test_what_it_may_not_read_or_write_is_said(engine: Engine, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    said = refused(engine, "--user", "4711", "-v", f"{closed}:/data", IMAGE)
    assert "The data folder /data may not be written by the user 4711" in said
    (closed / "htpasswd").write_text(htpasswd_line("admin", PASSWORD))
    (closed / "htpasswd").chmod(0o600)
    closed.chmod(0o755)
    file = ("-e", "REGISTRY_AUTH=htpasswd", "-e", "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd")
    said = refused(engine, "--user", "4711", "-v", f"{closed}:/auth", *file, IMAGE)
    assert "/auth/htpasswd cannot be read by the user 4711" in said
    said = refused(engine, IMAGE, "serve", "/none.yml")
    assert "The configuration /none.yml cannot be read" in said


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Iterator[Desk]:
    """That of somebody with a container engine, who follows the tutorial first."""
    server = f"127.0.0.1:{free_port()}"
    ports = {f"-p {port}:5000": f"-p {server}:5000" for port in (443, 5000)}
    desk = Desk(tmp_path, server, places={**ports, "localhost:5000": server})
    desk.put("bin/docker", f'#!/bin/sh\nexec {engine.program} "$@"\n', 0o755)
    desk.put("password.txt", PASSWORD)
    yield desk
    engine("rm", "--force", "--time", "5", "packyard", check=False)
    engine("volume", "rm", "--force", "packyard")


def of_containers(command: str) -> bool:
    return command.startswith(("docker ", "mkdir backup"))


def begun() -> str:
    """The commands of the tutorial until it runs."""
    lines = list(console_lines(PAGE))
    (last,) = [number for number, line in enumerate(lines) if line.startswith("docker run")]
    return "\n".join(line for line in lines[: last + 1] if "docker build" not in line)


def test_the_tutorial_does_what_it_says(desk: Desk, tmp_path: Path) -> None:
    make_pack(tmp_path / "quiet-nights-1.0.0", "quiet-nights", "1.0.0")
    (tmp_path / "hub").mkdir()
    with start(tmp_path / "hub", config={"hub": {"networks": ["127.0.0.0/8"]}}) as hub:
        desk.places["hub.example.com"] = hub.host
        desk.put("hub-password.txt", hub.admin_password)
        desk.type(PAGE.name, lambda command: "docker build" not in command)


@pytest.mark.parametrize("page", ["upgrades.md", "backup.md", "air-gap.md"])
def test_what_pages_do_with_a_container(desk: Desk, page: str) -> None:
    first = begun()
    for name, place in desk.places.items():
        first = first.replace(name, place)
    ready = f"until reachable {desk.server}; do sleep 0.1; done"
    desk.type(page, of_containers, f"{first}; {ready}")


def test_what_the_page_on_tls_does_with_a_container(desk: Desk) -> None:
    _, certificate, key = certify(desk.folder)
    for name, path in (("tls.crt", certificate), ("tls.key", key)):
        desk.put(f"certs/{name}", path.read_text())
    desk.put("auth/htpasswd", htpasswd_line("admin", PASSWORD))
    desk.places["/etc/packyard/"] = f"{desk.folder}/etc/"
    desk.type("tls.md", of_containers)


def test_process_1_buries_what_a_killed_worker_leaves(container: Container) -> None:
    script = (
        "import os, signal\n"
        "children = [int(p) for p in open('/proc/1/task/1/children').read().split()]\n"
        "os.kill(children[0], signal.SIGKILL)\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0: import time; time.sleep(1)\n"
        "    os._exit(0)\n"
    )
    container.engine("exec", container.name, "/opt/packyard/bin/python", "-c", script)
    container.wait_ready()
    time.sleep(3)
    states = "cat /proc/[0-9]*/stat | cut -d' ' -f3"
    assert "Z" not in container.engine("exec", container.name, "sh", "-c", states)
