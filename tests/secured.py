"""A server behind TLS whose certificate is signed by an authority of the test's own."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.live import Live, start


@dataclass(frozen=True, slots=True)
class Secured:
    """A server behind TLS whose certificate is signed by the authority at `authority`."""

    server: Live
    authority: Path


def start_secured(folder: Path, config: Mapping[str, Any] | None = None) -> Secured:
    """With `config` laid over the defaults of `live.start`."""
    authority, certificate, key = certify(folder)
    context = ssl.create_default_context(cafile=str(authority))
    tls = {"certificate": str(certificate), "key": str(key)}
    http = {**dict((config or {}).get("http", {})), "tls": tls}
    live = start(folder, config={**(config or {}), "http": http}, tls=context)
    return Secured(live, authority)


def certify(folder: Path) -> tuple[Path, Path, Path]:
    """An authority of our own, and a certificate of 127.0.0.1 signed by it, with its key."""
    now = dt.datetime.now(dt.UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the test")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry of the test")])

    def signed(
        subject: x509.Name, of: ec.EllipticCurvePrivateKey, *more: x509.ExtensionType
    ) -> bytes:
        identifiers = (
            x509.SubjectKeyIdentifier.from_public_key(of.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root_name)
            .public_key(of.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=2))
        )
        for extension in (*identifiers, *more):
            critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    paths = folder / "authority.pem", folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(
        signed(root_name, root_key, x509.BasicConstraints(ca=True, path_length=None), usage)
    )
    paths[1].write_bytes(
        signed(
            name,
            key,
            x509.SubjectAlternativeName([address]),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        )
    )
    paths[2].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
