"""Whose certificates count: the system's store, and what an administrator laid down for a server.

    <folder>/SERVER/ca.crt                      trusted for that server, beside the system's store
    <folder>/SERVER/client.cert, client.key     shown to a server that asks who its client is

SERVER is `host:port` as in the address, or the host alone for all its ports (spec: cli.md).
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from packyard.errors import ParameterInvalid, RemoteFailed

CERTIFICATES = (Path("/etc/packyard/certs.d"), Path("/etc/spectro/certs.d"))


def tls_context(
    host: str,
    *,
    verify: bool,
    folders: Sequence[Path] = CERTIFICATES,
    authority: Path | None = None,
    pem: str = "",
) -> ssl.SSLContext:
    """The context for connections to `host` (`host[:port]`), verifying it or not.

    `authority` is a file of certificates that are trusted too, `pem` such certificates themselves;
    where nothing is verified, neither is read.
    """
    context = ssl.create_default_context()
    if authority and verify:
        try:
            context.load_verify_locations(authority)
        except (OSError, ssl.SSLError) as error:
            raise RemoteFailed(f"{authority} holds no certificates for {host}: {error}.") from error
    if pem and verify:
        try:
            # What is not ASCII are comments between the certificates.
            context.load_verify_locations(cadata=pem.encode("ascii", "ignore").decode())
        except (ValueError, ssl.SSLError) as error:
            raise ParameterInvalid(
                f"The certificate to trust for {host} cannot be read ({_reason(error)}): it has to "
                "be in PEM form, from BEGIN CERTIFICATE to END CERTIFICATE."
            ) from error
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


def _reason(error: ValueError | ssl.SSLError) -> str:
    named = getattr(error, "reason", None) or str(error)
    return str(named).replace("_", " ").lower()


def _folders_of(host: str, folders: Sequence[Path]) -> list[Path]:
    bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    names = dict.fromkeys((host, bare))
    return [folder / name for folder in folders for name in names]
