"""Servers with faults, and the exact sentence that each is answered with: one table of both."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from packyard.errors import PackyardError
from packyard.remotes.challenge import Credentials, Login
from packyard.remotes.client import Client
from packyard.remotes.endpoint import parse_endpoint
from packyard.remotes.helm_source import HelmSource
from packyard.remotes.manners import Manners
from packyard.remotes.oci_source import OciSource
from packyard.remotes.pack_source import PackSource
from packyard.remotes.reach import Reach
from packyard.remotes.source import Kind, Source
from tests.live import free_port
from tests.remotes.certificates import make_certificate
from tests.remotes.raw import connected
from tests.remotes.scripted import Reply, Scripted, answering

HERE = Reach((ip_network("127.0.0.1/32"), ip_network("::1/128")))
MANNERS = Manners(connect=1.0, read=0.3, whole=0.3, reach=HERE)
HTML = {"Content-Type": "text/html; charset=utf-8"}
REALM = {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:9/token"'}
BASIC = {"WWW-Authenticate": 'Basic realm="r"'}

Make = Callable[[Client], Source]
Server = AbstractContextManager[str | Scripted]


def helm(client: Client) -> Source:
    return HelmSource(client, "charts", limit=100_000)


def charts(client: Client) -> Source:
    return OciSource(client, Kind.CHART, ["charts"])


def packs(client: Client) -> Source:
    return PackSource(client)


def always(reply: Reply) -> Callable[[Path], Server]:
    return lambda _: answering(lambda _: reply)


def redirecting(place: str) -> Callable[[Path], Server]:
    return always(Reply(302, {"Location": place}))


def saying(*parts: bytes, forever: bool = False, pause: float = 0.0) -> Callable[[Path], Server]:
    """Below HTTP: read a request, say this, and then something every now and then, or nothing."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        for part in parts:
            connection.sendall(part)
        time.sleep(pause)
        while forever:
            time.sleep(0.05)
            connection.sendall(b"x")

    return lambda _: connected(talk)


def encrypted(days: int) -> Callable[[Path], Server]:
    """With a certificate for 127.0.0.1 that ends in so many days."""
    return lambda folder: answering(
        lambda _: Reply(), tls=make_certificate(folder, days=days).server()
    )


@dataclass(frozen=True)
class Fault:
    """`endpoint` names the server as `{host}` and its port as `{port}`; so does `said`."""

    name: str
    server: Callable[[Path], Server]
    said: str
    endpoint: str = "http://{host}"
    source: Make = helm
    login: Login | None = None
    trusted: bool = False


def nobody(_: Path) -> Server:
    return nullcontext(f"127.0.0.1:{free_port()}")


INDEX = "{host}/charts/index.yaml is not the index of a Helm repository."
SHOWN = (
    "It shows the certificate 'tests' for 127.0.0.1, issued by itself, valid from {day} to {day}. "
    "Put the certificate of its authority at /etc/packyard/certs.d/{host}/ca.crt, or log in with "
    "--insecure to go without the check."
)
ALLOWED = "has to be allowed: name its network in `hub.networks` of the configuration."
FAULTS = [
    Fault("no such name", nobody, "{host} cannot be found: its name does not resolve.",
          "http://no-such-host.invalid"),
    Fault("no server", nobody,
          "{host} refuses connections; is the server running, and is that its port?"),
    Fault("silent", saying(pause=2.0), "{host} stopped answering."),
    Fault("headers without end", saying(b"HTTP/1.1 200 OK\r\nx: ", forever=True),
          "{host} answers so slowly that it was given up."),
    Fault("body without end",
          saying(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n", forever=True),
          "{host} answers so slowly that it was given up."),
    Fault("hangs up", saying(),
          "The connection to {host} broke: Server disconnected without sending a response."),
    Fault("another protocol", saying(b"220 mail.example ESMTP\r\n500 What?\r\n\r\n"),
          "{host} does not speak HTTP here: it answers '220 mail.example ESMTP'."),
    Fault("a shell's protocol", saying(b"SSH-2.0-Shell\r\n", b"Invalid identification.\r\n"),
          "{host} does not speak HTTP here: it answers 'SSH-2.0-Shell'."),
    Fault("bytes of no text", saying(b"\x15\x03\x01\x00\x02\x02\x46"),
          "{host} does not speak HTTP here: it answers with the bytes 15 03 01 00 02 02 46."),
    Fault("no TLS", always(Reply()),
          "{host} does not speak TLS here: log in with --insecure, or write http://{host}, to use "
          "it without encryption.", "https://{host}"),
    Fault("unknown authority", encrypted(30),
          f"The TLS certificate of {{host}} is not trusted: self-signed certificate. {SHOWN}",
          "https://{host}"),
    Fault("expired certificate", encrypted(-1),
          "The TLS certificate of {host} is not trusted: certificate has expired. " + SHOWN,
          "https://{host}", trusted=True),
    Fault("certificate of another host", encrypted(30),
          "The TLS certificate of {host} is not trusted: Hostname mismatch, certificate is not "
          "valid for 'localhost'. " + SHOWN, "https://localhost:{port}", trusted=True),
    Fault("circle of redirects", redirecting("/charts/index.yaml"),
          "{host} sends requests round in circles (too many redirects)."),
    Fault("redirect to what clouds keep", redirecting("http://169.254.169.254/latest/"),
          "{host} leads on to 169.254.169.254. 169.254.169.254 is link-local, where clouds keep "
          "their credentials, and is never called."),
    Fault("redirect inside", redirecting("http://10.0.0.7:6443/"),
          "{host} leads on to 10.0.0.7:6443. 10.0.0.7 is a private address, and calling those "
          + ALLOWED),
    Fault("redirect to this server", redirecting("http://[::ffff:127.0.0.2]/"),
          "{host} leads on to [::ffff:127.0.0.2]. ::ffff:127.0.0.2 is this server itself, and "
          "calling that " + ALLOWED),
    Fault("redirect to a file", redirecting("file:///etc/passwd"),
          "{host} leads to an address that is neither http nor https."),
    Fault("web page", always(Reply(200, HTML, b"<!doctype html><title>Hi</title>")),
          f"{INDEX} It is a web page."),
    Fault("error", always(Reply(500)), "{host}: 500 Internal Server Error."),
    Fault("overloaded", always(Reply(429, {"Retry-After": "3600"})),
          "{host}: 429 Too Many Requests. It asks to come again in 3600 seconds."),
    Fault("asks for credentials", always(Reply(401, BASIC)),
          "{host} asks for credentials ({host}: 401 Unauthorized)."),
    Fault("other credentials", always(Reply(401, BASIC)),
          "{host} does not accept the credentials ({host}: 401 Unauthorized).",
          login=Credentials("me", "hush-hush")),
    Fault("not for this user", always(Reply(403)),
          "{host} does not let this login read ({host}: 403 Forbidden).",
          login=Credentials("me", "hush-hush")),
    Fault("no index", always(Reply(404)),
          "{host}/charts/ is no Helm repository: it answers 404 when asked for index.yaml. Is "
          "there a path missing?"),
    Fault("other JSON", always(Reply(body=b'{"a": [1]}')), f"{INDEX} It has no key 'entries'."),
    Fault("broken YAML", always(Reply(body=b"entries:\n\tweb: []\n")),
          f"{INDEX} line 2: Not YAML: found character that cannot start any token."),
    Fault("not packed as said", always(Reply(200, {"Content-Encoding": "gzip"}, b"plain")),
          "{host} answered with something that cannot be unpacked."),
    Fault("packed twice", always(Reply(200, {"Content-Encoding": "gzip, gzip"},
                                       gzip.compress(gzip.compress(b"#" * 50_000_000)))),
          "{host} answered with something packed as 'gzip, gzip', which nobody asked for."),
    Fault("nested without end", always(Reply(body=b"entries:\n a: " + b"[" * 90_000)),
          f"{INDEX} It is too large, or nested too deeply."),
    Fault("cut off", always(Reply(body=b"entries:\n" + b"#" * 5000, cut=100)),
          "The connection to {host} broke: peer closed connection without sending complete message "
          "body (received 100 bytes, expected 5009)."),
    Fault("without end", always(Reply(200, {"Content-Encoding": "gzip"},
                                      gzip.compress(b"#" * 50_000_000))),
          "{host}/charts/index.yaml has more than 100000 bytes, the limit; not read on."),
    Fault("no registry", always(Reply(404)),
          "{host} is no OCI registry: it has nothing at /v2/.", source=charts),
    Fault("web page for a registry", always(Reply(200, HTML, b"<html>")),
          "{host} is no OCI registry: it answers with a web page at /v2/.", source=charts),
    Fault("empty base path", always(Reply(body=b'{"repositories": ["images/web"]}')),
          "{host} holds no repositories below 'charts', or lists none; where it lists none, name "
          "each repository in the base content path.", source=charts),
    Fault("list in circles",
          always(Reply(200, {"Link": '</v2/_catalog>; rel="next"'}, b'{"repositories": ["a"]}')),
          "{host} lists repositories in circles: a page leads back to one.", source=charts),
    Fault("list of something else", always(Reply(body=b'{"repositories": 7}')),
          "{host} holds no repositories below 'charts', or lists none; where it lists none, name "
          "each repository in the base content path.", source=charts),
    Fault("realm without a server", always(Reply(401, REALM)),
          "127.0.0.1:9 refuses connections; is the server running, and is that its port?",
          source=charts),
    Fault("no packs", always(Reply(404)),
          "{host} is no pack registry: no packs at /v1/, and nothing at /v2/.", source=packs),
    Fault("other texts", always(Reply(body=b"OK")),
          "{host} answered with something that is not JSON.", source=packs),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_each_fault_gives_its_exact_reason(fault: Fault, tmp_path: Path) -> None:
    with fault.server(tmp_path) as server:
        host = server if isinstance(server, str) else server.host
        port = host.rpartition(":")[2]
        endpoint = parse_endpoint(fault.endpoint.format(host=host, port=port))
        pem = (tmp_path / "server.crt").read_text() if fault.trusted else ""
        with (
            Client(endpoint.address, fault.login, pem=pem, manners=MANNERS) as client,
            pytest.raises(PackyardError) as refused,
        ):
            fault.source(client).probe()
    said = str(refused.value)
    expected = fault.said.format(host=endpoint.address.host, port=port, day="DAY")
    assert re.sub(r"\d{4}-\d\d-\d\d", "DAY", said) == expected
    assert "hush-hush" not in said


def test_every_fault_has_its_own_reason() -> None:
    reasons = {json.dumps([fault.said, fault.endpoint]) for fault in FAULTS}
    assert len(reasons) >= 20
