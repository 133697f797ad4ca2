"""Policies over a store as the server makes them, and people in the forms that requests have."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from packyard.auth import tokens as session_tokens
from packyard.auth.accounts import Accounts
from packyard.auth.htpasswd import Htpasswd
from packyard.auth.policy import Policy
from packyard.auth.refusals import Refusals
from packyard.auth.secrets import Secrets
from packyard.auth.tokens import Tokens
from packyard.storage.store import Store


def make_tokens(store: Store) -> Tokens:
    """With keys of their own, which replace what the store had."""
    secrets = Secrets.load()
    secrets.start_anew(store)
    return Tokens(store, secrets)


def make_policy(
    store: Store,
    file: Path | None = None,
    *,
    tokens: Tokens | None = None,
    realm: str = "Packyard",
    anonymous_pull: bool = False,
    deletes: bool = True,
    read_only: bool = False,
    refusals: Refusals | None = None,
) -> Policy:
    accounts = Accounts(store, Htpasswd(file) if file else None)
    return Policy(
        store,
        accounts,
        tokens or make_tokens(store),
        realm=realm,
        anonymous_pull=anonymous_pull,
        deletes=deletes,
        read_only=read_only,
        refusals=refusals,
    )


def basic(name: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())


def claims(**more: object) -> dict[str, object]:
    """What the token of a session says, good for a minute."""
    until = int(time.time()) + 60
    whole = {"sub": "0" * 24, "sid": "1" * 24, "number": 1, "aud": "session"}
    return {**whole, "iss": session_tokens.ISSUER, "exp": until, **more}


def forged(good: str) -> dict[str, str]:
    """What somebody makes who has a good token, and none of our keys, by how they made it."""
    head, body, signature = good.split(".")
    key_id, said = _part(head)["kid"], _part(body)
    own, pair = OctKey.generate_key(256), RSAKey.generate_key(2048)
    public = base64.b64encode(pair.as_pem(private=False))
    named = {"alg": "HS256", "kid": key_id}
    return {
        "unsigned": f"{part({'alg': 'none', 'kid': key_id})}.{body}.",
        "unsigned, with a signature": f"{part({'alg': 'none', 'kid': key_id})}.{body}.{signature}",
        "unsigned, in capitals": f"{part({'alg': 'None', 'kid': key_id})}.{body}.AA",
        "foreign": jwt.encode(named, said, own),
        "foreign key": jwt.encode({"alg": "HS256", "kid": "f" * 22}, said, own),
        "a file as its key": jwt.encode({"alg": "HS256", "kid": "../../dev/null"}, said, own),
        "without key": jwt.encode({"alg": "HS256"}, said, own),
        "empty key": f"{head}.{body}.{part(b'')}",
        "other algorithm": jwt.encode(
            {"alg": "RS256", "kid": key_id}, said, pair, algorithms=["RS256"]
        ),
        "a public key as the secret": jwt.encode(named, said, OctKey.import_key(public)),
        "own key inside": jwt.encode({**named, "jwk": own.as_dict(private=True)}, said, own),
        "own key elsewhere": jwt.encode({**named, "jku": "http://127.0.0.1:9/"}, said, own),
        "longer hash": jwt.encode({**named, "alg": "HS512"}, said, own, algorithms=["HS512"]),
        "truncated": good[:-1],
        "without signature": f"{head}.{body}.",
        "without body": f"{head}..{signature}",
        "other user": f"{head}.{part({**said, 'sub': '2' * 24})}.{signature}",
        "later end": f"{head}.{part({**said, 'exp': said['exp'] + 900})}.{signature}",
        "no JSON": f"{head}.{part(b'[]')}.{signature}",
        "deep JSON": f"{head}.{part(b'[' * 1500)}.{signature}",
        "nothing": "..",
    }


def part(value: object) -> str:
    """One part of a token."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _part(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=="))
    return found
