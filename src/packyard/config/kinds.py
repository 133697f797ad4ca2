"""The kinds of values that a key can have, each with its reader from text and its name.

A reader raises `ValueError` with what the value must be, worded to follow "must be".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from packyard.errors import NameInvalid
from packyard.references import RepoName, parse_repo

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB|TiB)?")
_UNITS = {"B": 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4}
ROLES = ("viewer", "editor", "admin")
_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; an empty host means all interfaces, port 0 any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Size(int):
    """Bytes."""


@dataclass(frozen=True, slots=True)
class ProjectRole:
    """A role in one project, named as people call it."""

    project: str
    role: str

    def __str__(self) -> str:
        return f"{self.project}={self.role}"


class SafeUrl(str):
    """Of a server whose answers nobody can change on their way: over TLS, or on this machine."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is how the documentation calls it."""

    name: str
    read: Callable[[str], object]


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("true or false")


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise ValueError("a whole number")
    return int(text)


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if text == "0":
        return timedelta()
    if not match or not text:
        raise ValueError("a duration such as 90s, 15m or 168h")
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    try:
        return timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
    except OverflowError:
        raise ValueError("a duration below a million years") from None


def _size(text: str) -> Size:
    match = _SIZE.fullmatch(text)
    if not match or len(match[1]) > 18:
        raise ValueError("a number of bytes, or one such as 64KiB, 100MiB or 2GiB")
    return Size(int(match[1]) * 1024 ** _UNITS[match[2] or "B"])


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not re.fullmatch(r"\d{1,5}", port) or int(port) > 65535:
        raise ValueError("host:port, or :port for all interfaces")
    if ":" in host and not bracketed:
        raise ValueError("[host]:port, with brackets around an IPv6 address")
    return Address(host[1:-1] if bracketed else host, int(port))


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("an IP address or network such as 10.0.0.0/8") from None


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("the path of a file or folder")
    return Path(text)


def _repository(text: str) -> RepoName:
    try:
        return parse_repo(text)
    except NameInvalid:
        raise ValueError("a repository's name such as charts or team/charts") from None


def _project_role(text: str) -> ProjectRole:
    project, _, role = (part.strip() for part in text.rpartition("="))
    if not project or role not in ROLES:
        raise ValueError(f"PROJECT=role, with one of the roles {', '.join(ROLES)}")
    return ProjectRole(project, role)


def _safe_url(text: str) -> SafeUrl:
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    schemes = ("https", "http") if local else ("https",)
    if not re.match(rf"({'|'.join(schemes)})://[^/\s]+", text) or re.search(r"[\s?#@]", text):
        raise ValueError("a URL such as https://id.example.com, with https")
    return SafeUrl(text)


KINDS: dict[object, Kind] = {
    str: Kind("text", str),
    bool: Kind("true or false", _boolean),
    int: Kind("whole number", _whole),
    Path: Kind("path", _path),
    Size: Kind("bytes", _size),
    timedelta: Kind("duration", _duration),
    Address: Kind("host:port", _address),
    Network: Kind("network", _network),
    ProjectRole: Kind("PROJECT=role", _project_role),
    SafeUrl: Kind("URL", _safe_url),
    RepoName: Kind("repository", _repository),
}
