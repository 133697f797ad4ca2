"""Which addresses of the network may be called.

A hub calls what people type, and then what redirects, realms and indexes name: none of that may
lead it to what only its own machine or network can reach. So a name is resolved here, each address
is judged, and the connection goes to the very address that was judged: a name that leads elsewhere
a moment later, or a number spelt in another way, gains nothing.

Link-local, multicast and reserved addresses are never called, private ones only in networks that
were allowed. An IPv6 address that carries an IPv4 one is judged as both.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from packyard.errors import RemoteFailed

Network = IPv4Network | IPv6Network
_Ip = IPv4Address | IPv6Address

_TRANSLATED = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Reach:
    """`networks` may be called although they are private; without `guarded` everything may.

    `inside` is a host that is called nowhere else than in these.
    """

    networks: tuple[Network, ...] = ()
    guarded: bool = True
    inside: str = ""

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of `host` to connect to, in the resolver's order.

        Raises `RemoteFailed` where the name leads only to addresses that are not called, and
        `OSError` where it leads nowhere.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        every = list(dict.fromkeys(str(info[4][0]) for info in found))
        faults = {address: self.fault(address, host) for address in every}
        allowed = [address for address in every if not faults[address]]
        if not allowed:
            there = "" if every[0] == host.strip("[]") else f"{host} leads to {every[0]}: "
            raise RemoteFailed(f"{there}{every[0]} {faults[every[0]]}.", host=host)
        return allowed

    def fault(self, address: str, host: str = "") -> str:
        """Why an address is not called, to follow it in a sentence; "" where it may be."""
        if not self.guarded:
            return ""
        inside = bool(self.inside) and host.strip("[]").lower() == self.inside
        found = (self._fault(reading, inside=inside) for reading in _readings(address))
        return next(filter(None, found), "")

    def _fault(self, address: _Ip, *, inside: bool) -> str:
        if address.is_link_local:
            return "is link-local, where clouds keep their credentials, and is never called"
        if address.is_multicast:
            return "stands for many machines at once, and is never called"
        if any(address in network for network in self.networks):
            return ""
        if inside:
            return f"is nobody's who may learn the password, unless that is allowed: {MEND}"
        if address.is_loopback or address.is_unspecified:
            return f"is this server itself, and calling that has to be allowed: {MEND}"
        local = isinstance(address, IPv6Address) and address.is_site_local
        if local or address.is_reserved or not address.is_global:
            return f"is a private address, and calling those has to be allowed: {MEND}"
        return ""


MEND = "name its network in `hub.networks` of the configuration"
ANYWHERE = Reach(guarded=False)


def _readings(address: str) -> Iterator[_Ip]:
    """The address, and every IPv4 address that it can be read as."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv4Address):
        yield ip
        return
    if ip.ipv4_mapped or ip in _TRANSLATED or (ip in _COMPATIBLE and int(ip) > 1):
        yield IPv4Address(int(ip) & 0xFFFFFFFF)
        return
    yield ip
    yield from filter(None, (ip.sixtofour, *(ip.teredo or ())))
