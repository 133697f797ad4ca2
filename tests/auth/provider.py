"""A real OpenID provider on this machine, over TLS, that also holds clients to PKCE.

`tamper` may change what its token endpoint answers, given the key that it signs with.
"""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import werkzeug.serving
from authlib.common.encoding import to_unicode, urlsafe_b64encode
from joserfc.jwk import RSAKey

from tests.remotes.certificates import make_certificate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import flask
    from oidc_provider_mock import User, app

CLIENT, SECRET = "packyard", "secret at the provider"
PEOPLE = [
    User(
        sub="ann-1",
        claims={
            "preferred_username": "ann",
            "given_name": "Ann",
            "family_name": "Example",
            "email": "Ann@example.com",
            "email_verified": True,
            "groups": ["developers", "platform"],
        },
    ),
    User(sub="bob-2", claims={"email": "bob@example.com", "email_verified": True}),
    User(
        sub="mallory-3",
        claims={"preferred_username": "mallory", "email": "admin@example.com"},
    ),
]
Tamper = Callable[[dict[str, Any], RSAKey], dict[str, Any]]


@dataclass
class Running:
    issuer: str
    ca: Path
    tamper: Tamper | None = None
    challenges: dict[str, str] = field(default_factory=dict)

    def consent(self, address: str, subject: str) -> dict[str, str]:
        """Go there as a browser does, say yes, and answer the query that one is sent back with."""
        with httpx.Client(verify=_context(self.ca)) as browser:
            assert browser.get(address).status_code == 200
            form = {"sub": subject} if subject else {"action": "deny"}
            answer = browser.post(address, data=form)
        assert answer.status_code in (302, 303), answer.text
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        return {name: values[0] for name, values in query.items()}


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    certificate = make_certificate(folder)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    program = app(require_nonce=True, user_claims=PEOPLE)
    program.debug = False
    provider = Running("", certificate.path)
    _hold_to_pkce(program, provider)
    server = werkzeug.serving.make_server(
        "127.0.0.1", 0, program, threaded=True, ssl_context=certificate.server()
    )
    provider.issuer = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _hold_to_pkce(program: flask.Flask, provider: Running) -> None:
    @program.after_request
    def remember(answer: flask.Response) -> flask.Response:
        asked = flask.request
        if asked.path == "/oauth2/authorize" and answer.status_code in (302, 303):
            query = parse_qs(urlsplit(answer.headers["location"]).query)
            assert asked.args["code_challenge_method"] == "S256"
            if "code" in query:
                provider.challenges[query["code"][0]] = asked.args["code_challenge"]
        if asked.path == "/oauth2/token" and answer.status_code == 200 and provider.tamper:
            stored = flask.g.oidc_provider_mock_storage.jwk
            key = RSAKey.import_key(stored.as_dict(is_private=True))
            answer.set_data(json.dumps(provider.tamper(answer.get_json(), key)))
        return answer

    @program.before_request
    def verify() -> tuple[dict[str, str], int] | None:
        form = flask.request.form
        if flask.request.path != "/oauth2/token":
            return None
        verifier = sha256(form["code_verifier"].encode()).digest()
        challenge = provider.challenges.pop(form["code"], None)
        if challenge != to_unicode(urlsafe_b64encode(verifier)).rstrip("="):
            return {"error": "invalid_grant"}, 400
        given = flask.request.authorization
        if given is None or (given.username, given.password) != (CLIENT, "secret+at+the+provider"):
            return {"error": "invalid_client"}, 401
        return None


def _context(ca: Path) -> Any:
    import ssl  # noqa: PLC0415

    return ssl.create_default_context(cafile=str(ca))
