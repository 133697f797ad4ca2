from __future__ import annotations

import time
from datetime import timedelta

import pytest

from packyard.auth import tokens
from packyard.auth.secrets import Secrets
from packyard.auth.tokens import Claims, Tokens
from packyard.errors import Unauthenticated
from packyard.storage.content import now
from packyard.storage.store import Store
from tests.auth.people import claims, forged, make_tokens

USER, SESSION = "0" * 24, "1" * 24


@pytest.fixture
def signed(store: Store) -> Tokens:
    return make_tokens(store)


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


def test_what_is_not_as_it_was_issued_is_refused(signed: Tokens) -> None:
    good = signed.issue(USER, SESSION, 1)
    head, _, signature = good.split(".")
    minute = timedelta(minutes=1)
    bad = {
        **forged(good),
        "other purpose": signed.sign("sign-in", claims(), minute),
        "number as text": signed.sign("session", claims(number="1"), minute),
        "no user": signed.sign("session", {"sid": SESSION, "number": 1}, minute),
        "expired": signed.sign("session", claims(), timedelta(seconds=-1)),
        "empty": "",
        "long": f"{head}.{'A' * 1_000_000}.{signature}",
    }
    for name, token in bad.items():
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
