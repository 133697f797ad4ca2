"""Where a registry is, as people write it."""

from __future__ import annotations

import pytest

from packyard.errors import ParameterInvalid
from packyard.remotes.endpoint import parse_endpoint


@pytest.mark.parametrize(
    ("text", "address", "path"),
    [
        ("registry.example", "https://registry.example", ""),
        ("Registry.example:5000/", "https://registry.example:5000", ""),
        ("https://charts.example/stable/", "https://charts.example", "stable"),
        ("http://charts.example/a%20b", "http://charts.example", "a b"),
        ("oci://registry.example/team", "https://registry.example", "team"),
        ("127.0.0.1:5000", "127.0.0.1:5000", ""),
        ("http://127.0.0.1:5000/v1", "http://127.0.0.1:5000", "v1"),
        ("[::1]:5000", "[::1]:5000", ""),
        (" 12.dkr.ecr.eu-west-1.example ", "https://12.dkr.ecr.eu-west-1.example", ""),
    ],
)  # fmt: skip
def test_an_endpoint_is_a_server_and_a_path(text: str, address: str, path: str) -> None:
    endpoint = parse_endpoint(text)
    assert (str(endpoint.address), endpoint.path) == (address, path)


@pytest.mark.parametrize(
    "text",
    ["", "https://", "ftp://host", "https://user:pass@host", "https://host?a=1", "https://host#x",
     "https://host:99999", "https://[host", "no host", "file:///etc/passwd", "https://ho st/"],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        parse_endpoint(text)
    assert "pass@" not in str(refused.value)
