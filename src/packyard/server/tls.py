"""Certificates: checked before the server starts, read again when their files change.

A half-done replacement (a new certificate with the old key) is warned about and the old pair goes
on being used until the files fit again.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

from granian.constants import SSLProtocols

from packyard.config.model import Tls

_log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What Granian's workers read when they start."""

    certificate: Path
    key: Path
    minimum: SSLProtocols
    client_authorities: Path | None


class Certificates:
    """The files named in `http.tls`. `folder` is private; the authorities' bundle is kept there."""

    def __init__(self, tls: Tls, folder: Path) -> None:
        self._tls = tls
        self._bundle = folder / "client-authorities.pem"
        self._seen = self._stamp()

    def context(self) -> Context | None:
        """None where TLS is off. `faults` must have found none."""
        tls = self._tls
        if tls.certificate is None or tls.key is None:
            return None
        if tls.clientcas:
            self._bundle.write_bytes(b"\n".join(path.read_bytes() for path in tls.clientcas))
        return Context(
            tls.certificate,
            tls.key,
            SSLProtocols.tls13 if tls.minimumtls == "tls1.3" else SSLProtocols.tls12,
            self._bundle if tls.clientcas else None,
        )

    def faults(self) -> list[str]:
        """What keeps the files from being used, in sentences that name the key and the file."""
        tls = self._tls
        if tls.certificate is None or tls.key is None:
            return []
        named = [("certificate", tls.certificate), ("key", tls.key)]
        named += [("clientcas", path) for path in tls.clientcas]
        found = [f"http.tls.{key}: {fault}" for key, path in named if (fault := _unreadable(path))]
        if not found:
            found += [fault for path in tls.clientcas if (fault := _no_authorities(path))]
            found += _misfit(tls.certificate, tls.key)
        return found

    def changed(self) -> bool:
        """Whether the files changed since the last call and can be used as they are now."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        faults = self.faults()
        for fault in faults:
            _log.warning("%s; the certificates read before stay in use", fault)
        return not faults

    def _stamp(self) -> Stamp:
        tls = self._tls
        paths = [path for path in (tls.certificate, tls.key, *tls.clientcas) if path]
        return tuple(_stamp(path) for path in paths)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino


def _unreadable(path: Path) -> str:
    try:
        path.read_bytes()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return ""


def _no_authorities(path: Path) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError:
        return f"http.tls.clientcas: {path} holds no certificate in PEM form"
    return ""


def _misfit(certificate: Path, key: Path) -> list[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An empty password keeps OpenSSL from asking for one at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return [f"http.tls.key: {key} is not the key of {certificate}"]
        fault = f"{certificate} cannot be used with the key {key} ({error.reason or error})"
        return [f"http.tls.certificate: {fault}; both have to be PEM, the key without a password"]
    return []
