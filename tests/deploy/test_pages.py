"""The pages on running a registry, typed as they stand: each from its first command to its last.

What needs a container engine is typed in test_image.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.live import ADMIN_PASSWORD, basic, free_port, start
from tests.secured import certify
from tests.typed import Desk
from tests.wire.oci import Repo, random_bytes


def without_containers(command: str) -> bool:
    return not command.startswith("docker ")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With a port for the server, and nothing of this machine's."""
    server = f"127.0.0.1:{free_port()}"
    desk = Desk(
        tmp_path,
        server,
        places={"localhost:5000": server},
        environment={
            "REGISTRY_HTTP_ADDR": server,
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(tmp_path / "data"),
            "REGISTRY_STARTERPACKS_ENABLED": "false",
            "PACKYARD_ADMIN_PASSWORD": ADMIN_PASSWORD,
        },
    )
    desk.put("password.txt", ADMIN_PASSWORD)
    return desk


@pytest.mark.clients("curl", "htpasswd")
def test_htpasswd(desk: Desk) -> None:
    for name in ("reader", "pipeline", "new-reader"):
        desk.put(f"{name}.txt", f"password of {name}")
    desk.type("htpasswd.md")


@pytest.mark.clients("curl", "openssl", "oras", "helm")
def test_tls(desk: Desk) -> None:
    desk.places = {
        "DNS:packs.example.com": "IP:127.0.0.1",
        "packs.example.com:443": desk.server,
        "packs.example.com": desk.server,
        "/etc/packyard/": f"{desk.folder}/etc/",
    }
    desk.type("tls.md", without_containers)


PROXIES = [pytest.param(name, marks=pytest.mark.clients(name)) for name in ("caddy", "nginx")]


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.clients("curl", "oras")
def test_proxies(desk: Desk, proxy: str) -> None:
    authority, certificate, key = certify(desk.folder)
    if proxy == "caddy":  # makes its own
        authority = desk.folder / ".local/share/caddy/pki/authorities/local/root.crt"
    place, port = f"127.0.0.1:{free_port()}", free_port()
    quiet = "admin off\nskip_install_trust"
    own = f"access_log off; client_body_temp_path {desk.folder}/a; proxy_temp_path {desk.folder}/b;"
    desk.proxy = place
    desk.places = {
        "127.0.0.1:5000": desk.server,
        "packs.example.com {": f"{{\n{quiet}\nhttp_port {port}\n}}\n{place} {{",
        "server_name packs.example.com": "server_name 127.0.0.1",
        "packs.example.com": place,
        "listen 443": f"listen {place}",
        "/etc/nginx/tls.crt": str(certificate),
        "/etc/nginx/tls.key": str(key),
        "events {}": f"daemon off; pid {desk.folder}/pid; error_log {desk.folder}/log; events {{}}",
        "http {": f"http {{ {own}",
    }
    desk.environment |= {"CURL_CA_BUNDLE": str(authority), "SSL_CERT_FILE": str(authority)}
    other = {"caddy": "nginx", "nginx": "caddy"}[proxy]
    desk.type("proxy.md", lambda command: not command.startswith(other))


def log_in(desk: Desk) -> None:
    login = {"auth": basic("admin", ADMIN_PASSWORD).removeprefix("Basic "), "insecure": True}
    logins = {"auths": {desk.server: login}, "defaultRegistry": desk.server}
    desk.put(".packyard/config.json", json.dumps(logins))


@contextmanager
def pushing(desk: Desk) -> Iterator[None]:
    """Images are pushed whenever there is a server, one after the other; after five `pushed` is
    there."""
    ended = threading.Event()

    def push() -> None:
        number = 0
        with httpx.Client(
            base_url=f"http://{desk.server}", auth=("admin", ADMIN_PASSWORD), timeout=30
        ) as client:
            repo = Repo(client, "team/app")
            while not ended.is_set():
                with suppress(httpx.TransportError, AssertionError):
                    repo.store(repo.image(random_bytes(20_000)), f"v{number}")
                    number += 1
                if number == 5:
                    desk.put("pushed", "")
                time.sleep(0.1)

    thread = threading.Thread(target=push)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.clients("sqlite3")
def test_a_backup_beside_pushes_and_a_restore(desk: Desk) -> None:
    """Whatever the restored server lists is there whole, and so is all of before the backup."""
    log_in(desk)
    desk.places["/var/lib/packyard"] = f"{desk.folder}/data"
    for name in ("backup", "elsewhere"):
        place = desk.folder / "mounted" / name
        place.mkdir(parents=True)
        desk.places[f"/{name}"] = str(place)
    begun = "systemctl start packyard; until [ -e pushed ]; do alive; done"
    with pushing(desk):
        desk.type("backup.md", without_containers, begun)
    with start(desk.folder) as live:
        auth = ("admin", live.admin_password)
        with httpx.Client(base_url=live.url, auth=auth, timeout=30) as client:
            repo = Repo(client, "team/app")
            tags = set(repo.tags())
            assert tags >= {f"v{number}" for number in range(5)}
            for tag in tags:
                (layer,) = repo.get(tag).json()["layers"]
                assert len(repo.blob(layer["digest"]).content) == layer["size"]
