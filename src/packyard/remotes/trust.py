"""Whose certificates count: the system's store, and what an administrator laid down for a server.

    <folder>/SERVER/ca.crt                      trusted for that server, beside the system's store
    <folder>/SERVER/client.cert, client.key     shown to a server that asks who its client is

SERVER is `host:port` as in the address, or the host alone for all its ports (spec: cli.md).
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from packyard.errors import RemoteFailed

CERTIFICATES = (Path("/etc/packyard/certs.d"), Path("/etc/spectro/certs.d"))


def tls_context(
    host: str,
    *,
    verify: bool,
    folders: Sequence[Path] = CERTIFICATES,
    authority: Path | None = None,
) -> ssl.SSLContext:
    """The context for connections to `host` (`host[:port]`), verifying it or not.

    `authority` is a file of certificates that are trusted too.
    """
    context = ssl.create_default_context()
    if authority:
        try:
            context.load_verify_locations(authority)
        except (OSError, ssl.SSLError) as error:
            raise RemoteFailed(f"{authority} holds no certificates for {host}: {error}.") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for folder in _folders_of(host, folders):
        authority, certificate, key = (
            folder / name for name in ("ca.crt", "client.cert", "client.key")
        )
        try:
            if authority.is_file():
                context.load_verify_locations(authority)
            if certificate.is_file() and key.is_file():
                context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise RemoteFailed(
                f"The certificates in {folder} cannot be used for {host}: {error}. "
                "They have to be readable and in PEM form."
            ) from error
    return context


def _folders_of(host: str, folders: Sequence[Path]) -> list[Path]:
    bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    names = dict.fromkeys((host, bare))
    return [folder / name for folder in folders for name in names]
