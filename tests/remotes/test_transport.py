"""The way to the network: time limits, budgets, proxies, and certificates in words."""

from __future__ import annotations

import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest

from packyard.errors import ParameterInvalid, RemoteFailed
from packyard.remotes.address import parse_address
from packyard.remotes.budget import Budget
from packyard.remotes.challenge import AccessToken, Credentials
from packyard.remotes.client import Client
from packyard.remotes.manners import Manners
from packyard.remotes.reach import Reach
from tests.live import free_port
from tests.remotes.certificates import Certificate
from tests.remotes.raw import connected
from tests.remotes.scripted import Reply, Request, answering

HASTY = Manners(connect=1.0, read=0.3, whole=0.4)


def dribble(connection: socket.socket, start: bytes, step: float = 0.05) -> None:
    connection.recv(4096)
    connection.sendall(start)
    while True:
        time.sleep(step)
        connection.sendall(b"x")


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nx-long: ", b"HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n"],
    ids=["header", "body"],
)
def test_an_answer_that_dribbles_for_ever_is_given_up(start: bytes) -> None:
    began = time.monotonic()
    with (
        connected(lambda connection: dribble(connection, start)) as host,
        Client(parse_address(f"http://{host}"), manners=HASTY) as client,
        pytest.raises(RemoteFailed, match="answers so slowly"),
    ):
        client.request("POST", "/")
    assert time.monotonic() - began < 20


def test_a_large_answer_may_take_its_time() -> None:
    piece = b"x" * 64 * 1024

    def slowly(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (8 * len(piece)))
        for _ in range(8):
            time.sleep(0.1)
            connection.sendall(piece)

    with (
        connected(slowly) as host,
        Client(parse_address(f"http://{host}"), manners=HASTY) as client,
    ):
        assert len(client.request("GET", "/").body) == 8 * len(piece)


def test_a_server_that_falls_silent_is_given_up() -> None:
    def silent(connection: socket.socket) -> None:
        connection.recv(4096)
        time.sleep(5)

    with (
        connected(silent) as host,
        Client(parse_address(f"http://{host}"), manners=HASTY) as client,
        pytest.raises(RemoteFailed, match="stopped answering"),
    ):
        client.request("POST", "/")


@pytest.mark.parametrize("secure", [False, True])
def test_a_silent_server_is_left_when_nobody_waits_any_more(
    secure: bool, certificate: Certificate
) -> None:
    """Long before the time that it is given."""
    asked = threading.Event()

    def silent(connection: socket.socket) -> None:
        if secure:
            connection = certificate.server().wrap_socket(connection, server_side=True)
        with connection:
            connection.recv(4096)
            asked.set()
            connection.recv(1)

    manners = Manners(read=300.0, wanted=lambda: not asked.is_set())
    with (
        connected(silent) as host,
        Client(
            parse_address(f"{'https' if secure else 'http'}://{host}"),
            insecure=True,
            manners=manners,
        ) as client,
        pytest.raises(RemoteFailed),
    ):
        client.request("POST", "/")


def test_a_server_that_speaks_something_else_is_named_so() -> None:
    def mail(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"220 mail.example ESMTP\r\n500 What?\r\n\r\n")

    with (
        connected(mail) as host,
        Client(parse_address(f"http://{host}")) as client,
        pytest.raises(RemoteFailed, match="does not speak HTTP here"),
    ):
        client.request("GET", "/")


def test_a_redirect_to_another_scheme_is_not_followed() -> None:
    with (
        answering(lambda _: Reply(302, {"Location": "ftp://files.example/"})) as server,
        Client(parse_address(f"http://{server.host}")) as client,
        pytest.raises(RemoteFailed, match="neither http nor https"),
    ):
        client.request("GET", "/")


# Budgets.


def test_no_more_requests_run_at_once_than_the_budget_has_places() -> None:
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def slow(_request: Request) -> Reply:
        with lock:
            running.append(1)
            most.append(len(running))
        time.sleep(0.02)
        with lock:
            running.pop()
        return Reply(body=b"{}")

    manners = Manners(budget=Budget(connections=2, rate=1000.0))
    with answering(slow) as server:
        address = parse_address(f"http://{server.host}")
        with (
            Client(address, manners=manners) as one,
            Client(address, manners=manners) as other,
            ThreadPoolExecutor(8) as pool,
        ):
            calls = [pool.submit(c.request, "GET", "/") for c in (one, other) for _ in range(8)]
            assert all(call.result().status == 200 for call in calls)
    assert max(most) == 2


def test_a_place_is_given_back_whatever_becomes_of_the_request() -> None:
    def realm(request: Request) -> Reply:
        if request.path.startswith("/token"):
            return Reply(body=b'{"token": "t"}')
        if request.headers.get("authorization") == "Bearer t":
            return Reply(404)
        where = f'Bearer realm="http://{request.headers["host"]}/token"'
        return Reply(401, {"WWW-Authenticate": where}, body=b'{"errors": []}')

    manners = Manners(budget=Budget(connections=1, rate=1000.0))
    with answering(realm) as server:
        address = parse_address(f"http://{server.host}")
        with Client(address, Credentials("me", "x"), manners=manners) as client:
            for _ in range(3):
                with pytest.raises(Exception, match="404"):
                    client.request("GET", "/", scope="repository:a:pull")
    refused = Manners(budget=manners.budget)
    with (
        Client(parse_address(f"http://127.0.0.1:{free_port()}"), manners=refused) as client,
        pytest.raises(RemoteFailed, match="refuses connections"),
    ):
        client.request("GET", "/")


def test_a_second_holds_no_more_requests_than_its_budget() -> None:
    budget = Budget(connections=8, rate=50.0)
    began = time.monotonic()
    for _ in range(60):
        leave = budget.enter("registry.example", 1.0)
        assert leave is not None
        leave()
    assert 0.15 < time.monotonic() - began < 10


def test_who_finds_no_place_is_told_in_the_end() -> None:
    budget = Budget(connections=1)
    assert budget.enter("registry.example", 0.01)
    assert budget.enter("registry.example", 0.01) is None
    assert budget.enter("other.example", 0.01)


# Proxies.


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Request]]:
    """An HTTP proxy that the environment names and that answers itself; what came to it."""
    with answering(lambda _: Reply(body=b"by proxy")) as proxy:
        for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", f"http://user:p%40ss@{proxy.host}")
        yield proxy.requests


def test_the_proxy_of_the_environment_is_used(proxied: list[Request]) -> None:
    manners = Manners(reach=Reach())
    with Client(parse_address("http://closed.example"), manners=manners) as client:
        assert client.request("GET", "/index.yaml").body == b"by proxy"
    (request,) = proxied
    assert request.path == "http://closed.example/index.yaml"
    login = b64encode(b"user:p@ss").decode()
    assert request.headers["proxy-authorization"] == f"Basic {login}"


def test_no_proxy_leads_to_addresses_that_are_not_called(proxied: list[Request]) -> None:
    manners = Manners(reach=Reach())
    with (
        Client(parse_address("http://169.254.169.254"), manners=manners) as client,
        pytest.raises(RemoteFailed, match="link-local"),
    ):
        client.request("GET", "/latest/meta-data")
    assert proxied == []


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(RemoteFailed, match="'socks5': only http and https"):
        Client(parse_address("http://closed.example"))


# Certificates and tokens.


def test_an_untrusted_certificate_is_described(certificate: Certificate) -> None:
    with (
        answering(lambda _: Reply(), tls=certificate.server()) as server,
        Client(parse_address(server.host)) as client,
        pytest.raises(RemoteFailed) as refused,
    ):
        client.request("GET", "/")
    said = str(refused.value)
    assert "is not trusted: self-signed certificate. It shows the certificate 'tests'" in said
    assert "for 127.0.0.1, issued by itself, valid from 20" in said


def test_a_certificate_of_another_host_is_described(certificate: Certificate) -> None:
    with (
        answering(lambda _: Reply(), tls=certificate.server()) as server,
        Client(
            parse_address(f"https://localhost:{server.host.rpartition(':')[2]}"),
            pem=certificate.path.read_text(),
            manners=Manners(reach=Reach((ip_network("127.0.0.0/8"), ip_network("::1/128")))),
        ) as client,
        pytest.raises(RemoteFailed, match=r"not valid for 'localhost'\. It shows .* 127\.0\.0\.1"),
    ):
        client.request("GET", "/")


def test_a_certificate_given_as_text_is_trusted(certificate: Certificate) -> None:
    pem = certificate.path.read_text()
    with answering(lambda _: Reply(body=b"{}"), tls=certificate.server()) as server:
        with Client(parse_address(server.host), pem=pem) as client:
            assert client.request("GET", "/").url.scheme == "https"
        with Client(parse_address(server.host), pem="no PEM", insecure=True) as client:
            assert client.request("GET", "/").url.scheme == "https"


@pytest.mark.parametrize(
    "pem", ["text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ä"]
)
def test_a_certificate_that_cannot_be_read_is_refused(pem: str) -> None:
    with pytest.raises(ParameterInvalid, match="certificate to trust for registry"):
        Client(parse_address("registry.example"), pem=pem)


def test_a_persons_token_goes_out_with_every_request() -> None:
    def closed(request: Request) -> Reply:
        known = request.headers.get("authorization") == "Bearer abc"
        challenge = {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:1/"'}
        return Reply(body=b"{}") if known else Reply(401, challenge)

    with answering(closed) as server:
        address = parse_address(f"http://{server.host}")
        with Client(address, AccessToken("abc")) as client:
            client.request("GET", "/")
        assert len(server.requests) == 1
        with Client(address, AccessToken("wrong")) as client, pytest.raises(Exception, match="401"):
            client.request("GET", "/")
        assert len(server.requests) == 2
