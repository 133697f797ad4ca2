from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from packyard.auth import sessions, tables, users
from packyard.auth.oidc import Identity
from packyard.auth.policy import Policy
from packyard.auth.principal import Action, Role
from packyard.auth.sign_in import Grants, SignedIn, SignIn
from packyard.auth.tokens import Tokens
from packyard.auth.users import User
from packyard.errors import Conflict, Denied, TooManyRequests, Unauthenticated
from packyard.hub.tables import projects
from packyard.storage.store import Store
from packyard.storage.tables import audits
from tests.auth.people import basic, make_policy, make_tokens
from tests.live import htpasswd_line

HERE = "192.0.2.1"
ANN = Identity(
    issuer="https://id.example.com",
    subject="ann-1",
    name="ann",
    email="ann@example.com",
    first_name="Ann",
    last_name="Example",
    groups=frozenset({"developers"}),
)
GRANTS = Grants(
    tenant={"developers": Role.VIEWER, "platform": Role.ADMIN},
    projects={"developers": {"Default": Role.EDITOR, "Nowhere": Role.ADMIN}},
)


@pytest.fixture
def signed(store: Store) -> Tokens:
    return make_tokens(store)


@pytest.fixture
def policy(store: Store, signed: Tokens) -> Policy:
    return make_policy(store, tokens=signed)


@pytest.fixture
def sign_in(store: Store, policy: Policy, signed: Tokens) -> SignIn:
    return SignIn(store, policy, signed)


def find(store: Store, name: str) -> User | None:
    with store.read() as connection:
        return users.find(connection, name)


def project(store: Store) -> str:
    with store.read() as connection:
        return connection.scalar(select(projects.c.uid)) or ""


def verify(policy: Policy, done: SignedIn) -> set[str]:
    """Whose uid the token and the cookie open for."""
    token = policy.verify(done.token.encode())
    cookie = policy.verify(b"Cookie " + done.cookie.encode())
    return {token.uid, cookie.uid}


def test_people_sign_in_by_name_or_address(store: Store, sign_in: SignIn, policy: Policy) -> None:
    ann = users.create(store, User(name="ann", email="ann@example.com"), "a secret")
    for name in ("ann", "ANN@example.com"):
        done = sign_in.by_password(name, "a secret", HERE, "browser")
        assert verify(policy, done) == {ann.uid}
        assert (done.session.address, done.session.agent) == (HERE, "browser")
        assert done.token not in repr(done)
        assert done.cookie not in repr(done)
    found = find(store, "ann")
    assert found
    assert found.signed_in_at


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "wrong"),
        ("nobody", "a secret"),
        ("ann", ""),
        ("ann", "x" * 1_000_000),
        ("n" * 1_000_000, "a secret"),
        ("\ud800", "a secret"),
        ("ann", "\ud800"),
        ("carl", "a secret"),
        ("dora", ""),
    ],
)
def test_whoever_is_refused_is_told_the_same(
    store: Store, sign_in: SignIn, name: str, password: str
) -> None:
    users.create(store, User(name="ann"), "a secret")
    users.create(store, User(name="carl", disabled=True), "a secret")
    users.create(store, User(name="dora"))
    with pytest.raises(Unauthenticated) as refused:
        sign_in.by_password(name, password, HERE)
    assert refused.value.message.startswith("Sign in with the name and password")


def test_tries_to_sign_in_are_limited(store: Store, sign_in: SignIn) -> None:
    users.create(store, User(name="ann"), "a secret")
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            sign_in.by_password("ann", "wrong", HERE)
    with pytest.raises(TooManyRequests):
        sign_in.by_password("ann", "a secret", HERE)
    assert sign_in.by_password("ann", "a secret", "198.51.100.1")


def test_a_password_changed_meanwhile_begins_no_session(
    store: Store, sign_in: SignIn, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = users.create(store, User(name="ann"), "a secret")
    opens = policy.opens

    def slowly(given: object, address: str) -> object:
        account = opens(given, address)  # type: ignore[arg-type]
        users.set_password(store, ann.uid, "another one")
        return account

    monkeypatch.setattr(policy, "opens", slowly)
    with pytest.raises(Unauthenticated):
        sign_in.by_password("ann", "a secret", HERE)
    with store.read() as connection:
        assert sessions.of_user(connection, ann.uid) == []


def test_a_token_is_renewed_once_and_keeps_its_session(
    store: Store, sign_in: SignIn, policy: Policy
) -> None:
    ann = users.create(store, User(name="ann"), "a secret")
    first = sign_in.by_password("ann", "a secret", HERE)
    second = sign_in.renew(first.token)
    assert second.session.uid == first.session.uid
    assert second.token != first.token
    assert policy.verify(first.token.encode()).uid == ann.uid
    third = sign_in.renew(second.token)
    for used_up in (first.token, third.token):
        with pytest.raises(Unauthenticated):
            sign_in.renew(used_up)
    with pytest.raises(Unauthenticated):
        policy.verify(third.token.encode())


def test_a_disabled_user_renews_nothing(store: Store, sign_in: SignIn) -> None:
    ann = users.create(store, User(name="ann"), "a secret")
    done = sign_in.by_password("ann", "a secret", HERE)
    users.change(store, ann.uid, lambda user: replace(user, disabled=True))
    with pytest.raises(Unauthenticated):
        sign_in.renew(done.token)


def test_an_identity_becomes_a_user_with_the_roles_of_its_groups(
    store: Store, sign_in: SignIn, policy: Policy
) -> None:
    done = sign_in.by_identity(ANN, GRANTS, HERE)
    user = find(store, "ann")
    assert user
    assert verify(policy, done) == {user.uid}
    assert (user.email, user.first_name, user.role) == ("ann@example.com", "Ann", Role.VIEWER)
    assert user.projects == {project(store): Role.EDITOR}
    assert not user.password_hash
    with store.read() as connection:
        told = connection.scalars(select(audits.c.message).order_by(audits.c.uid)).all()
    assert told[-3:] == [
        "Created the user ann",
        "ann signed in at https://id.example.com for the first time",
        "Signed in",
    ]


def test_roles_follow_the_groups_at_each_sign_in(
    store: Store, sign_in: SignIn, policy: Policy
) -> None:
    users.create(store, User(name="root", role=Role.ADMIN), "a secret")
    first = sign_in.by_identity(ANN, GRANTS, HERE)
    more = replace(ANN, name="renamed", groups=frozenset({"platform", "developers"}))
    sign_in.by_identity(more, GRANTS, HERE)
    user = find(store, "ann")
    assert user
    assert user.role is Role.ADMIN
    gone = replace(ANN, groups=frozenset({"others"}))
    with pytest.raises(Denied, match="ann has no role here"):
        sign_in.by_identity(gone, GRANTS, HERE)
    user = find(store, "ann")
    assert user
    assert (user.role, user.projects) == (None, {})
    assert not policy.verify(first.token.encode()).may(Action.PULL)


def test_strangers_leave_no_row(store: Store, sign_in: SignIn) -> None:
    for grants in (GRANTS, Grants()):
        with pytest.raises(Denied, match="no role here"):
            sign_in.by_identity(replace(ANN, groups=frozenset()), grants, HERE)
    assert find(store, "ann") is None
    sign_in.by_identity(replace(ANN, groups=frozenset()), Grants(default=Role.VIEWER), HERE)


def test_without_groups_in_the_configuration_roles_are_given_here(
    store: Store, sign_in: SignIn
) -> None:
    grants = Grants(default=Role.VIEWER)
    user = sign_in.by_identity(ANN, grants, HERE).user
    users.change(store, user.uid, lambda user: replace(user, role=Role.EDITOR))
    sign_in.by_identity(ANN, grants, HERE)
    found = find(store, "ann")
    assert found
    assert found.role is Role.EDITOR


def test_nobody_becomes_somebody_who_has_a_password(store: Store, sign_in: SignIn) -> None:
    users.create(store, User(name="ann", email="ann@example.com", role=Role.ADMIN), "a secret")
    with pytest.raises(Conflict, match="a user ann already"):
        sign_in.by_identity(ANN, GRANTS, HERE)
    other = sign_in.by_identity(replace(ANN, name="ann-2"), GRANTS, HERE).user
    assert (other.email, other.role) == ("", Role.VIEWER)


def test_nobody_of_a_provider_shuts_out_somebody_of_the_htpasswd_file(
    store: Store, signed: Tokens, tmp_path: Path
) -> None:
    """The table comes first: with their name there, those of the file would not get in any more."""
    file = tmp_path / "htpasswd"
    file.write_text(htpasswd_line("ann", "a secret"))
    policy = make_policy(store, file, tokens=signed)
    with pytest.raises(Conflict, match="a user ann in the htpasswd file"):
        SignIn(store, policy, signed).by_identity(ANN, GRANTS, HERE)
    assert find(store, "ann") is None
    assert policy.verify(basic("ann", "a secret")).may(Action.PULL)


def test_a_user_made_beforehand_waits_for_the_verified_address(
    store: Store, sign_in: SignIn
) -> None:
    made = users.create(store, User(name="annie", email="ann@example.com", role=Role.EDITOR))
    unverified = replace(ANN, email="", name="other")
    assert sign_in.by_identity(unverified, GRANTS, HERE).user.uid != made.uid
    second = replace(ANN, subject="ann-2")
    assert sign_in.by_identity(second, Grants(), HERE).user.uid == made.uid
    third = replace(ANN, subject="ann-3", name="third")
    assert sign_in.by_identity(third, GRANTS, HERE).user.uid != made.uid
    with store.read() as connection:
        linked = connection.execute(select(tables.identities)).all()
    assert [row.subject for row in linked if row.user_uid == made.uid] == ["ann-2"]


def test_a_disabled_user_is_not_let_in_by_a_provider(store: Store, sign_in: SignIn) -> None:
    user = sign_in.by_identity(ANN, GRANTS, HERE).user
    users.change(store, user.uid, lambda user: replace(user, disabled=True))
    with pytest.raises(Denied, match="disabled"):
        sign_in.by_identity(ANN, GRANTS, HERE)


def test_names_of_a_provider_are_made_names_of_ours(store: Store, sign_in: SignIn) -> None:
    odd = replace(ANN, name="urn:people:ann", email="")
    assert sign_in.by_identity(odd, GRANTS, HERE).user.name == "urn-people-ann"
