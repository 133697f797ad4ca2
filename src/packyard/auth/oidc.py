"""Signing in at an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0,
3.1; RFC 7636), for any provider that tells of itself by discovery.

Two steps: `begin` gives the address to send somebody to, and what to keep of that in their browser;
`finish` takes the code that they come back with and answers who they are. Who they are here, and
what they may do, is `sign_in`'s to decide.
"""

from __future__ import annotations

import secrets
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from packyard.errors import ConfigurationInvalid, RemoteFailed, Unauthenticated

# Signatures by a key of the provider's; none of a secret that both know.
_ALGORITHMS = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)]
_ALGORITHMS += ["Ed25519", "EdDSA"]
_TIMEOUT = 10.0  # seconds for each answer
_KNOWN = 3600.0  # seconds for which what a provider tells of itself is taken as it was
_PAUSE = 5.0  # seconds for which one that could not be asked is not asked again
_LEEWAY = 60  # seconds by which clocks may differ
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LIMIT = 255  # characters of an issuer and a subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sign-in under way: what has to be the same when somebody comes back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is at the provider; `email` is "" unless the provider verified it."""

    issuer: str
    subject: str
    name: str
    email: str
    first_name: str
    last_name: str
    groups: frozenset[str]


class Provider:
    """`ca` is a file of authorities to trust besides those of the system."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str = "",
        *,
        scopes: tuple[str, ...] = ("openid", "profile", "email"),
        groups_claim: str = "groups",
        ca: Path | None = None,
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = tuple(dict.fromkeys(("openid", *scopes)))
        self._groups_claim = groups_claim
        self._ca = ca
        self._http: httpx.Client | None = None
        self._told: tuple[float, Mapping[str, Any]] = (0.0, {})
        self._failure = 0.0, ""
        self._lock = threading.Lock()

    def begin(self, redirect_uri: str) -> tuple[str, Flow]:
        """Where to send somebody, and what to keep until they come back. Raises `RemoteFailed`."""
        flow = Flow(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
        )
        address = prepare_grant_uri(
            self._metadata()["authorization_endpoint"],
            client_id=self._client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=self._scopes,
            state=flow.state,
            nonce=flow.nonce,
            code_challenge=create_s256_code_challenge(flow.verifier),
            code_challenge_method="S256",
        )
        return str(address), flow

    def finish(self, code: str, flow: Flow) -> Identity:
        """Who somebody is that came back with this code.

        Raises `Unauthenticated` where the provider does not take the code or its answer does not
        belong to this sign-in, `RemoteFailed` where the provider cannot be talked to.
        """
        tokens = self._exchange(code, flow)
        claims = self._verified(tokens, flow)
        wanted = {"email", self._groups_claim}
        told = self._metadata().get("userinfo_endpoint")
        if told and tokens.get("access_token") and not wanted <= claims.keys():
            more = self._get(told, {"authorization": f"Bearer {tokens['access_token']}"})
            if more.get("sub") == claims["sub"]:  # 5.3.2: else it is somebody else's
                # Whether an address is verified is said of the one beside it.
                verified = (claims if "email" in claims else more).get("email_verified")
                claims = {**more, **claims, "email_verified": verified}
        return self._identity(claims)

    def _exchange(self, code: str, flow: Flow) -> Mapping[str, Any]:
        metadata = self._metadata()
        body = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=flow.redirect_uri,
            code_verifier=flow.verifier,
            client_id=self._client_id,
        )
        headers = {"content-type": "application/x-www-form-urlencoded"}
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._client_secret and "client_secret_basic" in methods:
            pair = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        elif self._client_secret:
            body = f"{body}&client_secret={quote_plus(self._client_secret)}"
        address = metadata["token_endpoint"]
        answer = self._send("POST", address, headers, body)
        found = _object(answer)
        if answer.status_code in (400, 401) and found.get("error") == "invalid_grant":
            raise _not_good()
        if answer.status_code != 200 or not isinstance(found.get("id_token"), str):
            reason = found.get("error_description") or found.get("error") or answer.status_code
            raise self._failed(f"gave no token: {str(reason)[:200]}")
        return found

    def _verified(self, tokens: Mapping[str, Any], flow: Flow) -> dict[str, Any]:
        """The claims of the ID token, every rule of 3.1.3.7 checked."""
        try:
            keys = KeySet.import_key_set(self._get(self._metadata()["jwks_uri"]))  # type: ignore[arg-type]
            token = jwt.decode(tokens["id_token"], keys, algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {"iss": {"value": self.issuer}, "aud": {"value": self._client_id}},
                {
                    "nonce": flow.nonce,
                    "client_id": self._client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _not_good() from error
        return dict(claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _LIMIT:
            raise _not_good()
        email = _text(claims, "email") if claims.get("email_verified") in (True, "true") else ""
        groups = claims.get(self._groups_claim, [])
        named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        return Identity(
            issuer=self.issuer,
            subject=subject,
            name=_text(claims, "preferred_username") or email or subject,
            email=email,
            first_name=_text(claims, "given_name"),
            last_name=_text(claims, "family_name"),
            groups=frozenset(str(group) for group in named),
        )

    def _metadata(self) -> Mapping[str, Any]:
        """What the provider tells of itself (Discovery 1.0, 4)."""
        with self._lock:
            asked, told = self._told
            if told and time.monotonic() - asked < _KNOWN:
                return told
            failed, reason = self._failure
            if reason and time.monotonic() - failed < _PAUSE:
                raise RemoteFailed(reason)
            try:
                told = self._get(get_well_known_url(self.issuer, external=True))
            except RemoteFailed as error:
                self._failure = time.monotonic(), error.message
                raise
            if told.get("issuer") != self.issuer:
                raise self._failed(f"calls itself {str(told.get('issuer'))[:_LIMIT]!r}")
            for name in _ENDPOINTS:
                self._require_address(name, told.get(name))
            self._told = time.monotonic(), told
            return told

    def _require_address(self, name: str, address: object) -> None:
        """Endpoints are as safe as the issuer itself."""
        schemes = {"https", urlsplit(self.issuer).scheme}
        if not isinstance(address, str) or urlsplit(address).scheme not in schemes:
            raise self._failed(f"tells no {name} that could be used")

    def _get(self, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = self._send("GET", address, headers or {})
        found = _object(answer)
        if answer.status_code != 200 or not found:
            raise self._failed(f"answered {address} with {answer.status_code} and no JSON object")
        return found

    def _send(
        self, method: str, address: str, headers: Mapping[str, str], body: str = ""
    ) -> httpx.Response:
        sent = {"accept": "application/json", **headers}
        try:
            return self._client().request(method, address, headers=sent, content=body)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise self._failed(f"cannot be reached: {error or type(error).__name__}") from error

    def _client(self) -> httpx.Client:
        if self._http is None:
            context = ssl.create_default_context()
            try:
                if self._ca:
                    context.load_verify_locations(self._ca)
            except (OSError, ssl.SSLError) as error:
                raise ConfigurationInvalid(
                    f"auth.oidc.ca: {self._ca} holds no certificates of authorities: {error}."
                ) from error
            self._http = httpx.Client(verify=context, timeout=_TIMEOUT)
        return self._http

    def _failed(self, what: str) -> RemoteFailed:
        return RemoteFailed(f"The OpenID provider {self.issuer} {what}.")


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and value.isprintable() and len(value) <= _LIMIT else ""


def _not_good() -> Unauthenticated:
    return Unauthenticated("This sign-in is not good, or not any more: begin it again.")
