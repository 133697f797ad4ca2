from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from packyard.config.model import Tls
from packyard.server.tls import Certificates
from tests.live import Live, start


class Authority:
    """An authority of the test's own, that signs certificates of 127.0.0.1 and of clients."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / f"{name}.crt"
        usage = x509.BasicConstraints(ca=True, path_length=0)
        self._write(self.certificate, self._sign(self._name, self._key, [(usage, True)]))

    def issue(self, name: str, *, password: bytes = b"") -> tuple[Path, Path]:
        """A certificate and its key, in files of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        place = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        signed = self._sign(
            _named(name), key, [(place, False), (x509.ExtendedKeyUsage(usages), False)]
        )
        certificate, private = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        encryption = (
            serialization.BestAvailableEncryption(password)
            if password
            else serialization.NoEncryption()
        )
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
            )
        )
        self._write(certificate, signed)
        return certificate, private

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extensions: list[tuple[x509.ExtensionType, bool]],
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, hashes.SHA256())

    @staticmethod
    def _write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def trusting(authority: Authority, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if client:
        certificate, key = client
        context.load_cert_chain(certificate, key)
    return context


def tls_config(certificate: Path, key: Path, **more: object) -> dict[str, object]:
    files = {"certificate": str(certificate), "key": str(key)}
    return {"http": {"tls": {**files, **more}}}


def subject(live: Live) -> str:
    """The common name of the certificate that the server shows now."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host, _, port = live.host.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain) as secured,
    ):
        shown = secured.getpeercert(binary_form=True)
    assert shown
    names = x509.load_der_x509_certificate(shown).subject
    return str(names.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


# The files


def test_good_files_have_no_faults(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("server")
    tls = Tls(certificate=certificate, key=key, clientcas=(authority.certificate,))
    assert Certificates(tls, tmp_path).faults() == []
    assert Certificates(Tls(), tmp_path).faults() == []
    assert Certificates(Tls(), tmp_path).context() is None


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("server")
    _, other = authority.issue("other")
    _, locked = authority.issue("locked", password=b"secret")
    text, gone = tmp_path / "text", tmp_path / "gone"
    text.write_text("no certificate")

    def faults(*files: Path, clients: tuple[Path, ...] = ()) -> list[str]:
        tls = Tls(certificate=files[0], key=files[1], clientcas=clients)
        return Certificates(tls, tmp_path).faults()

    assert faults(certificate, other) == [f"http.tls.key: {other} is not the key of {certificate}"]
    assert faults(certificate, gone, clients=(gone,)) == [
        f"http.tls.key: {gone} cannot be read: No such file or directory",
        f"http.tls.clientcas: {gone} cannot be read: No such file or directory",
    ]
    for files in ((text, key), (certificate, text), (certificate, locked)):
        (fault,) = faults(*files)
        assert "both have to be PEM, the key without a password" in fault
    assert faults(certificate, key, clients=(text,)) == [
        f"http.tls.clientcas: {text} holds no certificate in PEM form"
    ]


def test_a_change_counts_once_and_only_when_the_files_fit(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = authority.issue("server")
    watched = Certificates(Tls(certificate=certificate, key=key), tmp_path)
    assert not watched.changed()
    new_certificate, new_key = authority.issue("new")
    new_certificate.replace(certificate)
    assert not watched.changed()
    assert "the certificates read before stay in use" in caplog.text
    new_key.replace(key)
    assert watched.changed()
    assert not watched.changed()


# A server


def test_over_tls_answers_say_to_come_back_over_tls(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue("server")
    context = trusting(authority)
    with start(tmp_path, config=tls_config(*files), tls=context) as live:
        assert live.url.startswith("https://")
        answer = httpx.get(f"{live.url}/health", verify=context)
        assert answer.status_code == 200
        assert (
            answer.headers["strict-transport-security"]
            == "max-age=63072000; includeSubdomains; preload"
        )
        assert f"listens on {live.url}" in live.log()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://{live.host}/health")


def test_only_clients_of_the_named_authorities_get_in(authority: Authority, tmp_path: Path) -> None:
    second, stranger = Authority(tmp_path, "second"), Authority(tmp_path, "stranger")
    files = authority.issue("server")
    clientcas = [str(authority.certificate), str(second.certificate)]
    known = trusting(authority, authority.issue("client"))
    config = tls_config(*files, clientcas=clientcas)
    with start(tmp_path, config=config, tls=known) as live:
        also = trusting(authority, second.issue("client-2"))
        assert httpx.get(f"{live.url}/health", verify=also).status_code == 200
        for context in (trusting(authority), trusting(authority, stranger.issue("client-3"))):
            with pytest.raises(httpx.TransportError):
                httpx.get(f"{live.url}/health", verify=context)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("minimum", "older"), [("tls1.2", ssl.TLSVersion.TLSv1_1), ("tls1.3", ssl.TLSVersion.TLSv1_2)]
)
def test_older_versions_than_the_minimum_are_not_spoken(
    authority: Authority, tmp_path: Path, minimum: str, older: ssl.TLSVersion
) -> None:
    files = authority.issue("server")
    context = trusting(authority)
    with start(tmp_path, config=tls_config(*files, minimumtls=minimum), tls=context) as live:
        old = trusting(authority)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = older
        old.maximum_version = older
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{live.url}/health", verify=old)
        lowest = trusting(authority)
        lowest.maximum_version = ssl.TLSVersion.TLSv1_2 if minimum == "tls1.2" else older.TLSv1_3
        assert httpx.get(f"{live.url}/health", verify=lowest).status_code == 200


def test_renewed_certificates_are_used_without_a_failed_request(
    authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("server")
    context = trusting(authority)
    with start(tmp_path, config=tls_config(certificate, key), tls=context, workers=2) as live:
        assert subject(live) == "server"
        new_certificate, new_key = authority.issue("renewed")
        new_certificate.replace(certificate)
        new_key.replace(key)
        deadline = time.monotonic() + 60
        shown: list[str] = []
        while shown[-5:] != ["renewed"] * 5:
            assert httpx.get(f"{live.url}/health", verify=context).status_code == 200
            shown.append(subject(live))
            assert time.monotonic() < deadline, live.log()
            time.sleep(0.05)


def test_a_half_renewed_certificate_is_not_taken(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("server")
    context = trusting(authority)
    with start(tmp_path, config=tls_config(certificate, key), tls=context) as live:
        new_certificate, _ = authority.issue("renewed")
        new_certificate.replace(certificate)
        deadline = time.monotonic() + 60
        while "is not the key of" not in live.log():
            assert time.monotonic() < deadline, live.log()
            time.sleep(0.05)
        assert subject(live) == "server"
        assert httpx.get(f"{live.url}/health", verify=context).status_code == 200
