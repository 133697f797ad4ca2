"""What people write for a registry of a hub: `[scheme://]host[:port][/path]`.

Without a scheme it is https, but on this machine, where plain HTTP is tried too. `oci://` stands
for none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from packyard.errors import ParameterInvalid
from packyard.remotes.address import Address, parse_address


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` has no slashes at its ends."""

    address: Address
    path: str = ""


def parse_endpoint(text: str) -> Endpoint:
    """Raise `ParameterInvalid` where `text` does not say where a registry is."""
    written = text.strip()
    if "@" in written:
        raise ParameterInvalid(
            "An endpoint holds no user and password: they have fields of their own."
        )
    try:
        parts = urlsplit(written if "://" in written else f"//{written}")
    except ValueError:
        raise ParameterInvalid(f"{written!r} is no endpoint: write https://host[:port].") from None
    if parts.query or parts.fragment:
        raise ParameterInvalid(f"{written!r}: an endpoint ends with its path, without '?' and '#'.")
    scheme = "" if parts.scheme == "oci" else parts.scheme
    address = parse_address(f"{scheme}://{parts.netloc}" if scheme else parts.netloc)
    if not address.scheme and not address.loopback:
        address = replace(address, scheme="https")
    return Endpoint(address, unquote(parts.path).strip("/"))
