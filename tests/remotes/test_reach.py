"""Which addresses are called, whatever way leads to them."""

from __future__ import annotations

import socket
from ipaddress import ip_network

import pytest

from packyard.errors import RemoteFailed
from packyard.remotes.address import parse_address
from packyard.remotes.client import Client
from packyard.remotes.manners import Manners
from packyard.remotes.reach import ANYWHERE, Reach
from tests.remotes.scripted import Reply, answering

GUARDED = Reach()
HERE = Reach((ip_network("127.0.0.1/32"),))

NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "2002:a9fe:a9fe::1",
    "64:ff9b::a9fe:a9fe",
    "::169.254.169.254",
    "224.0.0.1",
    "ff02::1",
]
PRIVATE = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.77.1",
    "100.64.0.1",
    "198.18.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "64:ff9b:1::1",
    "::ffff:10.1.2.3",
    "2002:a01:203::1",
    "64:ff9b::a01:203",
]
THIS_SERVER = ["127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"]  # noqa: S104
PUBLIC = ["8.8.8.8", "172.32.0.1", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called(address: str) -> None:
    every = Reach((ip_network("0.0.0.0/0"), ip_network("::/0")))
    assert "never called" in GUARDED.fault(address)
    assert "never called" in every.fault(address)
    assert not ANYWHERE.fault(address)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        *((address, "a private address") for address in PRIVATE),
        *((address, "this server itself") for address in THIS_SERVER),
    ],
)
def test_private_addresses_are_called_where_that_is_allowed(address: str, said: str) -> None:
    every = Reach((ip_network("0.0.0.0/0"), ip_network("::/0")))
    assert said in GUARDED.fault(address)
    assert "hub.networks" in GUARDED.fault(address)
    assert not every.fault(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    assert not GUARDED.fault(address)


def test_a_host_can_be_one_of_the_allowed_networks_alone() -> None:
    reach = Reach((ip_network("10.0.0.0/8"),), inside="registry.example")
    assert "nobody's who may learn the password" in reach.fault("8.8.8.8", "registry.example")
    assert not reach.fault("10.1.2.3", "registry.example")
    assert not reach.fault("8.8.8.8", "elsewhere.example")


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost"])
def test_the_address_counts_and_not_its_spelling(host: str) -> None:
    with pytest.raises(RemoteFailed, match="is this server itself"):
        GUARDED.addresses(host, 80)


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: list[str]) -> list[str]:
    """Let names resolve to `addresses`, one list for each question; the questions so far."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: int, **more: int) -> object:
        if not host.endswith(".example"):
            return real(host, port, *rest, **more)
        asked.append(host)
        found = addresses[min(len(asked), len(addresses)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_is_taken_by_those_of_its_addresses_that_may_be_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers(monkeypatch, ["10.0.0.1", "8.8.8.8", "8.8.8.8"], ["10.0.0.1"])
    assert GUARDED.addresses("some.example", 443) == ["8.8.8.8"]
    with pytest.raises(RemoteFailed, match=r"^some\.example leads to 10\.0\.0\.1: 10\.0\.0\.1 is"):
        GUARDED.addresses("some.example", 443)


def test_each_connection_goes_to_the_address_that_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answers(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    with answering(lambda _: Reply(headers={"Connection": "close"})) as server:
        port = server.host.rpartition(":")[2]
        address = parse_address(f"http://moving.example:{port}")
        with Client(address, manners=Manners(reach=HERE)) as client:
            client.request("GET", "/")
            assert asked == ["moving.example"]
            with pytest.raises(RemoteFailed, match=r"moving\.example leads to 127\.0\.0\.2"):
                client.request("GET", "/")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "place",
    ["http://127.0.0.2/", "http://[::1]/", "http://2130706434/", "http://169.254.169.254/latest"],
)
def test_redirects_and_realms_lead_nowhere_else(place: str) -> None:
    with (
        answering(lambda _: Reply(302, {"Location": place})) as server,
        Client(parse_address(f"http://{server.host}"), manners=Manners(reach=HERE)) as client,
        pytest.raises(RemoteFailed, match=r"this server itself|link-local"),
    ):
        client.request("GET", "/")
    challenge = {"WWW-Authenticate": f'Bearer realm="{place}"'}
    with (
        answering(lambda _: Reply(401, challenge)) as server,
        Client(parse_address(f"http://{server.host}"), manners=Manners(reach=HERE)) as client,
        pytest.raises(RemoteFailed, match=r"this server itself|link-local"),
    ):
        client.request("GET", "/")
