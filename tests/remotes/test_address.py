"""What people write for a server."""

from __future__ import annotations

import pytest

from packyard.errors import ParameterInvalid
from packyard.remotes.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("packs.example.com", Address("packs.example.com")),
        ("Packs.Example.com:5000", Address("packs.example.com:5000")),
        ("http://packs.example.com:5000/", Address("packs.example.com:5000", scheme="http")),
        ("https://packs.example.com", Address("packs.example.com", scheme="https")),
        ("oci://ghcr.io", Address("ghcr.io", oci=True)),
        ("oci://ghcr.io/team/Packs".lower(), Address("ghcr.io", base="team/packs", oci=True)),
        ("oci://ghcr.io/team/", Address("ghcr.io", base="team", oci=True)),
        ("[::1]:5000", Address("[::1]:5000")),
        (" localhost:5000\n", Address("localhost:5000")),
    ],
)
def test_an_address_is_a_host_with_what_was_written_around_it(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://packs.example.com",
        "packs.example.com:port",
        "packs.example.com:99999",
        "packs example.com",
        "packs.example.com/base",
        "https://packs.example.com/v2/",
        "oci://ghcr.io/Team",
        "oci://ghcr.io/a//b",
        "packs.example.com?x=1",
        "-packs.example.com",
    ],
)
def test_what_names_no_server_is_refused(text: str) -> None:
    with pytest.raises(ParameterInvalid):
        parse_address(text)


@pytest.mark.parametrize(
    "text", ["http://me:hush@packs.example.com", "me:hush@host", "http://me:hush#@host"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        parse_address(text)
    assert "hush" not in str(refused.value)


def test_a_path_behind_a_pack_registry_is_refused_with_the_oci_form() -> None:
    with pytest.raises(ParameterInvalid, match=r"oci://packs\.example\.com/base"):
        parse_address("packs.example.com/base")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("a.localhost:80", True),
        ("127.3.2.1:5000", True),
        ("[::1]:5000", True),
        ("192.168.1.1", False),
        ("localhost.example.com", False),
    ],
)
def test_this_machine_is_known_by_its_names(host: str, loopback: bool) -> None:
    assert parse_address(host).loopback is loopback


@pytest.mark.parametrize("text", ["host:1", "http://host", "oci://host/a/b", "oci://host"])
def test_an_address_prints_as_it_is_written(text: str) -> None:
    assert str(parse_address(text)) == text
