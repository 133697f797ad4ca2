"""Where clients reach the server, and who they are, behind proxies that are trusted."""

from __future__ import annotations

import re
from ipaddress import ip_address

from starlette.types import Scope

from packyard.server.parts import Settings, header

_MAPPED = "::ffff:"  # before an IPv4 address that came to a socket of both families
_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9a-fA-F:.]+\](:[0-9]+)?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def origin(scope: Scope, settings: Settings) -> str:
    """What goes in front of a path to make it a `Location`; empty where a relative one will do."""
    if settings.external_url:
        return settings.external_url
    if not _trusted(scope, settings):
        return ""
    scheme = _first(scope, b"x-forwarded-proto") or scope["scheme"]
    host = _first(scope, b"x-forwarded-host") or _first(scope, b"host")
    prefix = _first(scope, b"x-forwarded-prefix").rstrip("/")
    if scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return ""
    return f"{scheme}://{host}{prefix if _PREFIX.fullmatch(prefix) else ''}"


def is_secure(scope: Scope, settings: Settings) -> bool:
    """Whether the client came over TLS, here or to a proxy that is trusted."""
    return origin(scope, settings).startswith("https:") or scope["scheme"] == "https"


def remote(scope: Scope, settings: Settings) -> str:
    """The client's address: the nearest one that no trusted proxy has."""
    client = scope.get("client")
    address = str(client[0]).removeprefix(_MAPPED) if client else ""
    if not _trusted(scope, settings):
        return address
    for hop in reversed(_text(scope, b"x-forwarded-for").split(",")):
        try:
            told = ip_address(hop.strip().removeprefix(_MAPPED))
        except ValueError:
            break
        address = str(told)
        if not any(told in network for network in settings.trusted_proxies):
            break
    return address


def _trusted(scope: Scope, settings: Settings) -> bool:
    client = scope.get("client")
    if not settings.trusted_proxies or not client:
        return False
    try:
        address = ip_address(str(client[0]).removeprefix(_MAPPED))
    except ValueError:
        return False
    return any(address in network for network in settings.trusted_proxies)


def _first(scope: Scope, name: bytes) -> str:
    return _text(scope, name).partition(",")[0].strip()


def _text(scope: Scope, name: bytes) -> str:
    return (header(scope, name) or b"").decode("latin-1")
