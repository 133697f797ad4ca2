"""The certificate that a server shows, in words, for people who ask why it is not trusted."""

from __future__ import annotations

import ssl

import httpcore
from cryptography import x509
from cryptography.x509.oid import NameOID

from packyard.remotes.manners import Manners
from packyard.remotes.transport import Backend

_NAMES = 10
_SECONDS = 5.0


def describe(host: str, port: int, manners: Manners) -> str:
    """What the server's certificate says of itself; "" where it shows none that can be read."""
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    try:
        stream = Backend(manners).connect_tcp(host, port, _SECONDS)
        try:
            stream = stream.start_tls(unverified, host, _SECONDS)
            der = stream.get_extra_info("socket").getpeercert(binary_form=True)
            return _words(x509.load_der_x509_certificate(der)) if der else ""
        finally:
            stream.close()
    except (httpcore.NetworkError, httpcore.TimeoutException, OSError, ValueError):
        return ""


def _words(certificate: x509.Certificate) -> str:
    subject, issuer = _name(certificate.subject), _name(certificate.issuer)
    names = ", ".join(dict.fromkeys(_alternatives(certificate)))
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return (
        f"the certificate {subject}{f' for {names}' if names else ''}, issued by "
        f"{'itself' if certificate.subject == certificate.issuer else issuer}, valid from "
        f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return repr(str(common[0].value)[:200] if common else name.rfc4514_string()[:200])


def _alternatives(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value)[:200] for name in extension.value][:_NAMES]
