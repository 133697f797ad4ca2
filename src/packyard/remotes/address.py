"""What people write for a server: `host[:port]`, with a scheme or as `oci://host[/base]`.

Logins are kept and matched under `Address.host`, the bare `host[:port]` (spec: cli.md).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from packyard.errors import NameInvalid, ParameterInvalid
from packyard.references import parse_repo

_SCHEMES = ("", "http", "https", "oci")
_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """`scheme` is "http", "https" or "" where none was written; `base` goes before a repository."""

    host: str
    scheme: str = ""
    base: str = ""
    oci: bool = False

    @property
    def loopback(self) -> bool:
        """Whether the server is this machine: there plain HTTP is as good as TLS."""
        name = urlsplit(f"//{self.host}").hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost" or name.endswith(".localhost")

    def __str__(self) -> str:
        if self.oci:
            return f"oci://{self.host}" + (f"/{self.base}" if self.base else "")
        return f"{self.scheme}://{self.host}" if self.scheme else self.host


def parse_address(text: str) -> Address:
    """Raise `ParameterInvalid` where `text` does not name a server."""
    written = text.strip()
    if "@" in written:
        raise ParameterInvalid(
            "A server's address holds no user and password: give them with -u and "
            "--password-stdin when you log in."
        )
    parts = _split(written if "://" in written else f"//{written}")
    if parts.scheme not in _SCHEMES:
        raise ParameterInvalid(
            f"{parts.scheme!r} is no scheme of a registry: write host[:port], http://host, "
            "https://host or oci://host[/base]."
        )
    host = parts.netloc.lower()
    if not _HOST.fullmatch(host) or parts.query or parts.fragment:
        raise ParameterInvalid(f"{text!r} does not name a server: write host[:port].")
    base = parts.path.strip("/")
    if parts.scheme == "oci":
        return Address(host, base=_base(base, text), oci=True)
    if base:
        raise ParameterInvalid(
            f"{text!r}: a pack registry is named without a path; for a path inside an OCI "
            f"registry write oci://{host}/{base}."
        )
    return Address(host, scheme=parts.scheme)


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  (raises where the port is no port)
    except ValueError:
        raise ParameterInvalid(f"{text!r} does not name a server: write host[:port].") from None
    return parts


def _base(base: str, text: str) -> str:
    if not base:
        return ""
    try:
        return parse_repo(base)
    except NameInvalid as error:
        raise ParameterInvalid(f"{text!r}: {error}") from None
