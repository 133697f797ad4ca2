from __future__ import annotations

import base64
import json
import time
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from packyard.auth import tokens
from packyard.auth.secrets import Secrets
from packyard.auth.tokens import Claims, Tokens
from packyard.errors import Unauthenticated
from packyard.storage.content import now
from packyard.storage.store import Store
from tests.auth.people import make_tokens

USER, SESSION = "0" * 24, "1" * 24


@pytest.fixture
def signed(store: Store) -> Tokens:
    return make_tokens(store)


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def claims(**more: object) -> dict[str, object]:
    until = int(time.time()) + 60
    whole = {"sub": USER, "sid": SESSION, "number": 1, "iss": tokens.ISSUER, "aud": "session"}
    return {**whole, "exp": until, **more}


def test_a_token_says_whose_session_it_is(signed: Tokens) -> None:
    before = int(time.time())
    read = signed.read(signed.issue(USER, SESSION, 7))
    assert read == Claims(USER, SESSION, 7, read.expires)
    assert before + 900 <= read.expires <= time.time() + 900


def test_every_process_reads_what_one_has_signed(store: Store) -> None:
    secrets = Secrets.load()
    secrets.start_anew(store)
    first, second = Tokens(store, secrets), Tokens(store, secrets)
    assert second.read(first.issue(USER, SESSION, 1)).user_uid == USER
    assert first.read(second.issue(USER, SESSION, 1)).user_uid == USER


def test_what_is_not_as_it_was_issued_is_refused(store: Store, signed: Tokens) -> None:
    good = signed.issue(USER, SESSION, 1)
    head, body, signature = good.split(".")
    key_id = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    own = OctKey.generate_key(256)
    pair = RSAKey.generate_key(2048)
    forged = {
        "unsigned": f"{part({'alg': 'none', 'kid': key_id})}.{part(claims())}.",
        "unsigned, in capitals": f"{part({'alg': 'None', 'kid': key_id})}.{part(claims())}.AA",
        "foreign": jwt.encode({"alg": "HS256", "kid": key_id}, claims(), own),
        "foreign key": jwt.encode({"alg": "HS256", "kid": "f" * 22}, claims(), own),
        "without key": jwt.encode({"alg": "HS256"}, claims(), own),
        "other algorithm": jwt.encode(
            {"alg": "RS256", "kid": key_id}, claims(), pair, algorithms=["RS256"]
        ),
        "own key inside": jwt.encode(
            {"alg": "HS256", "kid": key_id, "jwk": own.as_dict(private=True)}, claims(), own
        ),
        "longer hash": jwt.encode(
            {"alg": "HS512", "kid": key_id}, claims(), own, algorithms=["HS512"]
        ),
        "truncated": good[:-1],
        "without signature": f"{head}.{body}.",
        "other body": f"{head}.{part(claims(sub='2' * 24))}.{signature}",
        "other purpose": signed.sign("sign-in", claims(), timedelta(minutes=1)),
        "number as text": signed.sign("session", claims(number="1"), timedelta(minutes=1)),
        "no user": signed.sign("session", {"sid": SESSION, "number": 1}, timedelta(minutes=1)),
        "expired": signed.sign("session", claims(), timedelta(seconds=-1)),
        "no JSON": f"{head}.{part(b'[]')}.{signature}",
        "nothing": "..",
        "empty": "",
        "long": f"{head}.{'A' * 1_000_000}.{signature}",
    }
    for name, token in forged.items():
        with pytest.raises(Unauthenticated) as refused:
            signed.read(token)
        assert token[:20] not in refused.value.message or not token, name
    assert signed.read(good)


def test_a_renewed_key_signs_and_the_former_is_read_while_its_tokens_live(
    signed: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = signed.sign("session", claims(), timedelta(hours=1))
    former = signed.issue(USER, SESSION, 1)
    signed.renew_key()
    latter = signed.issue(USER, SESSION, 1)
    assert former.split(".")[0] != latter.split(".")[0]
    assert signed.read(former)
    assert signed.read(lasting)
    later = now() + tokens.LIFE // timedelta(microseconds=1) + 1
    monkeypatch.setattr(tokens, "now", lambda: later)
    assert signed.read(latter)
    with pytest.raises(Unauthenticated):
        signed.read(lasting)


def test_only_two_keys_are_kept(store: Store, signed: Tokens) -> None:
    first = signed.issue(USER, SESSION, 1)
    signed.renew_key()
    signed.renew_key()
    with pytest.raises(Unauthenticated):
        signed.read(first)
