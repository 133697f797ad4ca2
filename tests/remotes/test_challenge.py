"""Challenges, and what answers them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from packyard.remotes.challenge import (
    Authorizer,
    Challenge,
    Credentials,
    RenewedLogin,
    Token,
    parse_challenges,
)

ME = Credentials("me", "pass:wörd")
BASIC = [Challenge("basic", {"realm": "r"})]
BEARER = [Challenge("bearer", {"realm": "https://auth.example.com/token", "service": "s"})]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="a realm"', [Challenge("basic", {"realm": "a realm"})]),
        ("basic realm=plain", [Challenge("basic", {"realm": "plain"})]),
        ("Basic", [Challenge("basic", {})]),
        (
            'Bearer realm="https://a/t?x=1,2",service="reg",scope="repository:a/b:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://a/t?x=1,2",
                        "service": "reg",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (
            r'Basic realm="with \"quotes\"", Bearer realm="https://a/t"',
            [
                Challenge("basic", {"realm": 'with "quotes"'}),
                Challenge("bearer", {"realm": "https://a/t"}),
            ],
        ),
        ("Negotiate", []),
        ("", []),
    ],
)
def test_challenges_are_read_with_their_parameters(header: str, expected: list[Challenge]) -> None:
    assert parse_challenges(header) == expected


class Realm:
    """Gives out numbered tokens and notes the scopes that they were asked for."""

    def __init__(self, life: float = 60) -> None:
        self.scopes: list[str] = []
        self.life = life

    def __call__(self, parameters: Mapping[str, str], scope: str) -> Token:
        self.scopes.append(scope)
        return Token(f"t{len(self.scopes)}", self.life)


def test_nothing_is_sent_before_the_registry_asked() -> None:
    assert Authorizer(ME, Realm()).header("scope") is None


def test_basic_is_answered_with_the_credentials_and_sent_from_then_on() -> None:
    authorizer = Authorizer(ME, Realm())
    value = authorizer.answer(BASIC, "", None)
    assert value == "Basic bWU6cGFzczp3w7ZyZA=="
    assert authorizer.header("anything") == value


def test_refused_credentials_are_not_tried_again() -> None:
    assert Authorizer(ME, Realm()).answer(BASIC, "", ME.header) is None


def test_without_credentials_basic_has_no_answer() -> None:
    assert Authorizer(None, Realm()).answer(BASIC, "", None) is None


def test_each_scope_has_one_token_while_it_lives() -> None:
    realm = Realm()
    authorizer = Authorizer(None, realm)
    assert authorizer.answer(BEARER, "a", None) == "Bearer t1"
    assert [authorizer.header(scope) for scope in "aba"] == ["Bearer t1", "Bearer t2", "Bearer t1"]
    assert realm.scopes == ["a", "b"]


def test_a_refused_token_is_replaced() -> None:
    authorizer = Authorizer(None, Realm())
    first = authorizer.answer(BEARER, "a", None)
    assert authorizer.answer(BEARER, "a", first) == "Bearer t2"


def test_a_token_that_another_thread_fetched_meanwhile_is_used() -> None:
    authorizer = Authorizer(None, Realm())
    authorizer.answer(BEARER, "a", None)
    assert authorizer.answer(BEARER, "a", None) == "Bearer t1"


def test_an_aged_token_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    realm = Realm(life=20)
    authorizer = Authorizer(None, realm)
    now = 1000.0
    monkeypatch.setattr("packyard.remotes.challenge.time.monotonic", lambda: now)
    authorizer.answer(BEARER, "a", None)
    now += 14
    assert authorizer.header("a") == "Bearer t1"
    now += 2
    assert authorizer.header("a") == "Bearer t2"


def test_expected_basic_gives_way_to_a_challenge_for_tokens() -> None:
    authorizer = Authorizer(ME, Realm())
    authorizer.expect_login()
    assert authorizer.header("") == ME.header
    assert authorizer.answer(BEARER, "", ME.header) == "Bearer t1"
    assert authorizer.header("a") == "Bearer t2"


@pytest.mark.parametrize("shown", [repr(ME), repr(Token("hush", 1)), str(ME)])
def test_secrets_are_not_shown(shown: str) -> None:
    assert "hush" not in shown
    assert "wörd" not in shown


def test_a_login_that_ends_is_renewed_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("packyard.remotes.challenge.time.time", lambda: now)
    given = iter([(Credentials("u", "one"), 5000.0), (Credentials("u", "two"), 9000.0)])
    login = RenewedLogin(lambda: next(given))
    assert login.header == login.header == Credentials("u", "one").header
    now = 4800.0
    assert login.header == Credentials("u", "two").header


def test_a_login_that_was_refused_is_renewed_once() -> None:
    given = iter([(Credentials("u", name), 1e12) for name in ("one", "two", "two")])
    login = RenewedLogin(lambda: next(given))
    first = login.header
    second = login.renewed(first)
    assert second == Credentials("u", "two").header
    assert login.renewed(first) == second  # another thread was refused with the first one
    assert login.renewed(second) is None
