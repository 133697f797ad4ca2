from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from packyard.auth import accounts, sessions, tables, users
from packyard.auth.policy import Policy
from packyard.auth.sessions import Session
from packyard.auth.tokens import Tokens
from packyard.auth.users import User
from packyard.errors import SessionUnknown, Unauthenticated
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.tables import audits
from tests.auth.people import make_policy, make_tokens


@pytest.fixture
def ann(store: Store) -> User:
    return users.create(store, User(name="ann"), "a secret")


@pytest.fixture
def signed(store: Store) -> Tokens:
    return make_tokens(store)


@pytest.fixture
def policy(store: Store, signed: Tokens) -> Policy:
    return make_policy(store, tokens=signed)


def begin(store: Store, user: User) -> tuple[Session, bytes]:
    with store.write() as tx:
        session, cookie = sessions.begin(tx, user.uid, "192.0.2.1", "browser\n1.0")
    return session, b"Cookie " + cookie.encode()


def renew(store: Store, uid: str, number: int) -> Session | None:
    with store.write() as tx:
        return sessions.renew(tx, uid, number)


def listed(store: Store, user: User) -> list[Session]:
    with store.read() as connection:
        return sessions.of_user(connection, user.uid)


def test_cookie_and_token_of_a_session_open(
    store: Store, ann: User, policy: Policy, signed: Tokens
) -> None:
    session, cookie = begin(store, ann)
    token = signed.issue(ann.uid, session.uid, 1).encode()
    for credential in (cookie, token, b"Bearer " + token, b"bearer " + token):
        found = policy.verify(credential)
        assert (found.uid, found.session) == (ann.uid, session.uid)
        assert policy.recall(credential) == found
    assert session.agent == "browser1.0"


@pytest.mark.parametrize("damage", [b"x", b"", b".", b"." + b"x" * 43])
def test_a_cookie_that_is_not_whole_opens_nothing(
    store: Store, ann: User, policy: Policy, damage: bytes
) -> None:
    session, cookie = begin(store, ann)
    for credential in (
        cookie + b"x",
        b"Cookie " + session.uid.encode() + damage,
        b"Cookie " + damage,
    ):
        with pytest.raises(Unauthenticated):
            policy.verify(credential)


def test_what_was_given_out_ends_with_the_session(
    store: Store, ann: User, policy: Policy, signed: Tokens
) -> None:
    def ends(change: object) -> None:
        session, cookie = begin(store, ann)
        token = signed.issue(ann.uid, session.uid, 1).encode()
        assert policy.verify(cookie)
        assert policy.verify(token)
        assert callable(change)
        change(session)
        for credential in (cookie, token):
            assert policy.recall(credential) is None
            with pytest.raises(Unauthenticated):
                policy.verify(credential)

    ends(lambda session: sessions.end(store, ann.uid, session.uid))
    ends(lambda _: sessions.end_all(store, ann.uid))
    ends(lambda _: users.set_password(store, ann.uid, "another one"))
    ends(lambda _: users.change(store, ann.uid, lambda user: replace(user, disabled=True)))
    users.change(store, ann.uid, lambda _: ann)
    ends(lambda _: users.remove(store, ann.uid))


def test_a_token_of_another_user_and_this_session_opens_nothing(
    store: Store, ann: User, policy: Policy, signed: Tokens
) -> None:
    bob = users.create(store, User(name="bob"))
    session, _ = begin(store, ann)
    with pytest.raises(Unauthenticated):
        policy.verify(signed.issue(bob.uid, session.uid, 1).encode())


def test_a_session_ends_by_itself(
    store: Store, ann: User, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, cookie = begin(store, ann)
    policy.verify(cookie)
    later = now() + sessions.IDLE // timedelta(microseconds=1)
    for module in (accounts, sessions):
        monkeypatch.setattr(module, "now", lambda: later)
    assert policy.recall(cookie) is None
    with pytest.raises(Unauthenticated):
        policy.verify(cookie)
    assert renew(store, session.uid, 1) is None
    assert listed(store, ann) == []
    begin(store, ann)
    with store.read() as connection:
        assert len(connection.execute(select(tables.sessions)).all()) == 1


def test_using_a_session_keeps_it_but_not_for_ever(
    store: Store, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = begin(store, ann)
    most = sessions.LIFE // timedelta(microseconds=1)
    assert replace(session, used_at=session.created_at + most).ends_at == session.created_at + most
    monkeypatch.setattr(sessions, "now", lambda: session.created_at + 1000)
    sessions.touch(store, session.uid)
    assert listed(store, ann)[0].ends_at == session.ends_at + 1000


def test_each_token_is_renewed_once_and_a_second_time_ends_the_session(
    store: Store, ann: User, policy: Policy
) -> None:
    session, cookie = begin(store, ann)
    renewed = renew(store, session.uid, 1)
    assert renewed
    assert renewed.number == 2
    assert renew(store, session.uid, 2)
    assert renew(store, session.uid, 1) is None
    assert renew(store, session.uid, 3) is None
    with pytest.raises(Unauthenticated):
        policy.verify(cookie)
    with store.read() as connection:
        last = connection.execute(select(audits).order_by(audits.c.uid.desc())).first()
    assert last
    assert "renewed twice" in last.message


def test_people_see_and_end_their_own_sessions_only(store: Store, ann: User) -> None:
    bob = users.create(store, User(name="bob"))
    first, _ = begin(store, ann)
    second, _ = begin(store, ann)
    theirs, _ = begin(store, bob)
    assert [session.uid for session in listed(store, ann)] == [second.uid, first.uid]
    with pytest.raises(SessionUnknown):
        sessions.end(store, ann.uid, theirs.uid)
    assert sessions.end_all(store, ann.uid) == 2
    assert listed(store, ann) == []
    assert listed(store, bob) == [theirs]


def test_the_token_of_a_page_belongs_to_its_cookie() -> None:
    assert sessions.csrf_of("a.b") == sessions.csrf_of("a.b")
    assert sessions.csrf_of("a.b") != sessions.csrf_of("a.c")
    assert "a.b" not in sessions.csrf_of("a.b")
