"""Signing in at a real provider over TLS, and what becomes of odd answers."""

from __future__ import annotations

import hmac
import json
import socket
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from packyard.auth import oidc
from packyard.auth.oidc import Identity, Provider
from packyard.errors import ConfigurationInvalid, RemoteFailed, Unauthenticated
from tests.auth import provider as programs
from tests.auth.provider import CLIENT, SECRET, Running

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")  # of the provider
BACK = "https://packs.example.com/v1/auth/oidc/callback"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with programs.running(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def provider(program: Running) -> Iterator[Provider]:
    yield Provider(program.issuer, CLIENT, SECRET, ca=program.ca)
    program.tamper = None


def sign_in(program: Running, provider: Provider, subject: str = "ann-1") -> Identity:
    address, flow = provider.begin(BACK)
    back = program.consent(address, subject)
    assert back["state"] == flow.state
    return provider.finish(back["code"], flow)


def test_whoever_comes_back_is_known_with_groups_and_verified_address(
    program: Running, provider: Provider
) -> None:
    assert sign_in(program, provider) == Identity(
        issuer=program.issuer,
        subject="ann-1",
        name="ann",
        email="Ann@example.com",
        first_name="Ann",
        last_name="Example",
        groups=frozenset({"developers", "platform"}),
    )
    bob = sign_in(program, provider, "bob-2")
    assert (bob.name, bob.groups) == ("bob@example.com", frozenset())


def test_an_address_that_nobody_verified_is_none(program: Running, provider: Provider) -> None:
    assert sign_in(program, provider, "mallory-3").email == ""


def test_a_code_is_good_once_and_for_who_began(program: Running, provider: Provider) -> None:
    address, flow = provider.begin(BACK)
    code = program.consent(address, "ann-1")["code"]
    _, other = provider.begin(BACK)
    with pytest.raises(Unauthenticated):
        provider.finish(code, replace(flow, verifier=other.verifier))
    address, flow = provider.begin(BACK)
    code = program.consent(address, "ann-1")["code"]
    provider.finish(code, flow)
    for again in (code, "made up"):
        with pytest.raises(Unauthenticated):
            provider.finish(again, flow)


def test_an_answer_for_another_sign_in_is_refused(program: Running, provider: Provider) -> None:
    address, flow = provider.begin(BACK)
    code = program.consent(address, "ann-1")["code"]
    with pytest.raises(Unauthenticated):
        provider.finish(code, replace(flow, nonce="another"))


def resigned(**changes: object) -> object:
    """The ID token with other claims, `None` for absent, signed by the provider's own key."""

    def tamper(tokens: dict[str, Any], key: RSAKey) -> dict[str, Any]:
        claims = {**jwt.decode(tokens["id_token"], key, ["RS256"]).claims, **changes}
        kept = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": key.kid} if key.kid else {"alg": "RS256"}
        return {**tokens, "id_token": jwt.encode(header, kept, key)}

    return tamper


def signed_by(make: object) -> object:
    def tamper(tokens: dict[str, Any], key: RSAKey) -> dict[str, Any]:
        assert callable(make)
        claims = jwt.decode(tokens["id_token"], key, ["RS256"]).claims
        return {**tokens, "id_token": make(claims, key)}

    return tamper


def _confused(claims: dict[str, Any], key: RSAKey) -> str:
    """Signed with the provider's public key, as if that were a secret that both know."""
    signed = b".".join(
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256"}, claims)
    )
    digest = hmac.digest(key.as_pem(private=False), signed, "sha256")
    return (signed + b"." + urlsafe_b64encode(digest).rstrip(b"=")).decode()


def _foreign(claims: dict[str, Any], _: RSAKey) -> str:
    return jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048))


def _symmetric(claims: dict[str, Any], _: RSAKey) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.generate_key(256))


@pytest.mark.parametrize(
    "tamper",
    [
        resigned(iss="https://id.example.com"),
        resigned(aud="another"),
        resigned(aud=[CLIENT, "another"], azp="another"),
        resigned(exp=int(time.time()) - 3600),
        resigned(exp=None),
        resigned(nonce=None),
        resigned(sub=None),
        resigned(sub=7),
        resigned(sub=""),
        signed_by(
            lambda claims, _: jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048))
        ),
        signed_by(lambda claims, _: jwt.encode({"alg": "HS256"}, claims, OctKey.generate_key(256))),
        signed_by(_confused),
        signed_by(lambda *_: "eyJhbGciOiJub25lIn0.e30."),
        signed_by(lambda *_: "no token"),
    ],
)
def test_id_tokens_that_are_not_for_us_are_refused(
    program: Running, provider: Provider, tamper: object
) -> None:
    assert callable(tamper)
    program.tamper = tamper
    with pytest.raises(Unauthenticated, match="begin it again"):
        sign_in(program, provider)


@pytest.mark.parametrize(
    ("told", "more", "email"),
    [
        ({"email": "a@x.io", "email_verified": True}, {}, "a@x.io"),
        ({"email": "a@x.io"}, {"email": "b@x.io", "email_verified": True}, ""),
        ({"email_verified": True}, {"email": "b@x.io"}, ""),
        ({}, {"email": "b@x.io", "email_verified": True}, "b@x.io"),
        ({}, {"email": "b@x.io", "email_verified": True, "sub": "other"}, ""),
    ],
)
def test_an_address_is_verified_by_whoever_tells_it(
    program: Running,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    told: dict[str, object],
    more: dict[str, object],
    email: str,
) -> None:
    absent = dict.fromkeys(("email", "email_verified", "groups"))
    program.tamper = resigned(**absent | told)  # type: ignore[assignment]
    get = provider._get

    def answered(address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return {"sub": "ann-1", **more} if "userinfo" in address else get(address, headers)

    monkeypatch.setattr(provider, "_get", answered)
    assert sign_in(program, provider).email == email


def test_a_provider_that_does_not_answer_is_not_asked_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oidc, "_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        provider = Provider(f"http://127.0.0.1:{silent.getsockname()[1]}", CLIENT)
        for _ in range(3):
            with pytest.raises(RemoteFailed, match="cannot be reached"):
                provider.begin(BACK)
        silent.settimeout(0.1)
        silent.accept()
        with pytest.raises(TimeoutError):
            silent.accept()
        monkeypatch.setattr(oidc, "_PAUSE", 0.0)
        with pytest.raises(RemoteFailed):
            provider.begin(BACK)
        silent.accept()


def test_a_certificate_of_an_unknown_authority_is_not_trusted(program: Running) -> None:
    with pytest.raises(RemoteFailed, match=r"cannot be reached.*certificate"):
        Provider(program.issuer, CLIENT, SECRET).begin(BACK)


def test_what_is_wrong_with_a_provider_is_said(program: Running, tmp_path: Path) -> None:
    wrong_secret = Provider(program.issuer, CLIENT, "wrong", ca=program.ca)
    with pytest.raises(RemoteFailed, match="gave no token: invalid_client") as refused:
        sign_in(program, wrong_secret)
    assert "wrong" not in refused.value.message
    with pytest.raises(RemoteFailed, match="calls itself 'https://127"):
        Provider(f"{program.issuer}/", CLIENT, SECRET, ca=program.ca).begin(BACK)
    with pytest.raises(RemoteFailed, match="with 404"):
        Provider(f"{program.issuer}/none", CLIENT, SECRET, ca=program.ca).begin(BACK)
    with pytest.raises(RemoteFailed, match="cannot be reached"):
        Provider("https://127.0.0.1:1", CLIENT).begin(BACK)
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigurationInvalid, match=r"auth\.oidc\.ca"):
        Provider(program.issuer, CLIENT, ca=tmp_path / "ca.pem").begin(BACK)
