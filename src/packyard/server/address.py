"""Where the server listens, found out before anything is started."""

from __future__ import annotations

import errno
import socket

from packyard.config.kinds import Address

_REASONS = {
    errno.EADDRINUSE: (
        "is in use: stop the program that listens there, or choose another port in http.addr"
    ),
    errno.EACCES: "may not be used by this user: ports below 1024 need a privilege",
    errno.EADDRNOTAVAIL: "is not an address of this machine",
}


def resolve(address: Address) -> Address:
    """With an IP address and a port that is free now; raises `OSError` with a sentence."""
    try:
        family, numeric, port = _numeric(address)
    except socket.gaierror as error:
        raise OSError(f"{address} cannot be resolved: {error.strerror}") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Workers share the port by SO_REUSEPORT; the probe does not, so it meets whoever is there.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            probe.bind((numeric, port))
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, f"cannot be used: {error.strerror}")
            raise OSError(f"{address} {reason}") from error
        return Address(numeric, probe.getsockname()[1])


def shown(address: Address) -> str:
    """As a person on this machine would write it in a URL."""
    everywhere = address.host in ("::", "0.0.0.0", "")  # noqa: S104 - compared, not bound
    return str(Address("localhost", address.port) if everywhere else address)


def _numeric(address: Address) -> tuple[socket.AddressFamily, str, int]:
    host = address.host or ("::" if _has_ipv6() else "0.0.0.0")  # noqa: S104 - as configured
    found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)
    family, _, _, _, place = found[0]
    return family, str(place[0]), int(place[1])


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True
