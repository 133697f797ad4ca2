"""Locations and addresses behind proxies."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from packyard.server.forwarded import origin, remote
from packyard.server.parts import Settings

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
FORWARDED = {
    "x-forwarded-proto": "https",
    "x-forwarded-host": "packs.example.com",
    "x-forwarded-for": "203.0.113.9, 10.0.0.3",
}


def scope(client: str | None, headers: dict[str, str]) -> dict[str, object]:
    return {
        "scheme": "http",
        "client": (client, 1) if client else None,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        ("10.0.0.1", FORWARDED, "https://packs.example.com"),
        ("fd00::1", FORWARDED, "https://packs.example.com"),
        ("192.0.2.1", FORWARDED, ""),
        (None, FORWARDED, ""),
        ("unix:", FORWARDED, ""),
        ("10.0.0.1", {"host": "inside:5000"}, "http://inside:5000"),
        (
            "10.0.0.1",
            FORWARDED | {"x-forwarded-host": "a.example:8443, b"},
            "https://a.example:8443",
        ),
        ("10.0.0.1", FORWARDED | {"x-forwarded-host": "[fd00::2]:80"}, "https://[fd00::2]:80"),
        ("10.0.0.1", FORWARDED | {"x-forwarded-prefix": "/reg/"}, "https://packs.example.com/reg"),
        ("10.0.0.1", FORWARDED | {"x-forwarded-prefix": "//x"}, "https://packs.example.com"),
        ("10.0.0.1", FORWARDED | {"x-forwarded-host": "a\r\nx: y"}, ""),
        ("10.0.0.1", FORWARDED | {"x-forwarded-proto": "javascript"}, ""),
    ],
)
def test_a_location_follows_proxies_that_are_trusted_and_no_others(
    client: str | None, headers: dict[str, str], expected: str
) -> None:
    assert origin(scope(client, headers), Settings(trusted_proxies=TRUSTED)) == expected


def test_a_configured_address_goes_before_everything() -> None:
    settings = Settings(external_url="https://x.example", trusted_proxies=TRUSTED)
    assert origin(scope("10.0.0.1", FORWARDED), settings) == "https://x.example"


@pytest.mark.parametrize(
    ("client", "chain", "expected"),
    [
        ("10.0.0.1", "203.0.113.9, 10.0.0.3", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense\n", "10.0.0.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        (None, "203.0.113.9", ""),
    ],
)
def test_the_client_is_the_nearest_address_that_is_not_trusted(
    client: str | None, chain: str, expected: str
) -> None:
    headers = {"x-forwarded-for": chain}
    assert remote(scope(client, headers), Settings(trusted_proxies=TRUSTED)) == expected
