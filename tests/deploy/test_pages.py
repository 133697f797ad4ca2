"""The pages on running a registry, typed as they stand: each from its first command to its last.

What needs a container engine is typed in test_image.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import ADMIN_PASSWORD, free_port
from tests.secured import certify
from tests.typed import Desk


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
