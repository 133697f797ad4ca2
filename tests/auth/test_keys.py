from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import select

from packyard.auth import accounts, keys, users
from packyard.auth.keys import Key
from packyard.auth.policy import Policy
from packyard.auth.principal import Action, Limits, Role
from packyard.auth.users import User
from packyard.errors import (
    Conflict,
    Denied,
    KeyUnknown,
    ParameterInvalid,
    ProjectUnknown,
    Unauthenticated,
    UserUnknown,
)
from packyard.hub.tables import projects
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.tables import audits
from tests.auth.people import basic, make_policy

HOUR = 3_600_000_000  # µs


@pytest.fixture
def ann(store: Store) -> User:
    return users.create(store, User(name="ann", role=Role.EDITOR), "a secret")


@pytest.fixture
def policy(store: Store) -> Policy:
    return make_policy(store)


def header(secret: str) -> bytes:
    return b"ApiKey " + secret.encode()


def test_a_key_is_shown_once_and_kept_as_a_hash(store: Store, ann: User) -> None:
    secret = keys.create(store, Key(name="ci", user_uid=ann.uid))
    assert keys.is_key(secret)
    with store.read() as connection:
        (kept,) = keys.of_user(connection, ann.uid)
        dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    assert kept.hash == keys.hash_of(secret)
    assert secret not in dump
    assert secret not in repr(kept)


def test_it_opens_every_door_that_its_owner_may_use(
    store: Store, ann: User, policy: Policy
) -> None:
    secret = keys.create(store, Key(name="ci", user_uid=ann.uid))
    for credential in (
        header(secret),
        b"apikey " + secret.encode(),
        b"Bearer " + secret.encode(),
        basic("ann", secret),
        basic("anything", secret),
        basic("", secret),
    ):
        found = policy.verify(credential)
        assert (found.uid, found.role, found.key) == (ann.uid, Role.EDITOR, "ci")
        assert policy.recall(credential) == found
    assert str(found) == "ann with the API key ci"


@pytest.mark.parametrize(
    "damage",
    [
        lambda s: s[:-1],
        lambda s: s + "x",
        lambda s: s.upper(),
        lambda s: s[:-1] + ("-" if s.endswith("_") else "_"),
    ],
)
def test_a_damaged_key_opens_nothing(
    store: Store, ann: User, policy: Policy, damage: object
) -> None:
    assert callable(damage)
    secret = damage(keys.create(store, Key(name="ci", user_uid=ann.uid)))
    for credential in (header(secret), basic("ann", secret), b"Bearer " + secret.encode()):
        with pytest.raises(Unauthenticated) as refused:
            policy.verify(credential)
        assert secret not in refused.value.message


def test_it_ends_when_deactivated_expired_or_revoked_or_with_its_owner(
    store: Store, ann: User, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Key(name="ci", user_uid=ann.uid, expires_at=now() + HOUR)
    secret = keys.create(store, key)
    credential = header(secret)
    policy.verify(credential)

    keys.change(store, key.uid, lambda key: replace(key, active=False))
    assert policy.recall(credential) is None
    with pytest.raises(Unauthenticated, match="ci was deactivated"):
        policy.verify(credential)
    keys.change(store, key.uid, lambda key: replace(key, active=True))
    assert policy.verify(credential)

    monkeypatch.setattr(accounts, "now", lambda: now() + 2 * HOUR)
    assert policy.recall(credential) is None
    monkeypatch.setattr(keys, "now", lambda: now() + 2 * HOUR)
    with pytest.raises(Unauthenticated):
        make_policy(store).verify(credential)
    monkeypatch.undo()
    monkeypatch.setattr(accounts, "_RECHECK", 0.0)
    assert policy.verify(credential)

    users.change(store, ann.uid, lambda user: replace(user, disabled=True))
    assert policy.recall(credential) is None
    with pytest.raises(Unauthenticated):
        policy.verify(credential)
    users.change(store, ann.uid, lambda _: ann)
    assert policy.verify(credential)

    keys.remove(store, key.uid)
    assert policy.recall(credential) is None
    with pytest.raises(Unauthenticated):
        policy.verify(credential)
    with pytest.raises(KeyUnknown):
        keys.remove(store, key.uid)


def test_it_never_has_more_rights_than_its_owner_and_no_more_than_it_was_given(
    store: Store, ann: User, policy: Policy
) -> None:
    limits = Limits(frozenset({Action.PUSH, Action.DELETE}), "team/**")
    secret = keys.create(store, Key(name="ci", user_uid=ann.uid, limits=limits))
    principal = policy.verify(header(secret))
    policy.check(principal, Action.PUSH, "team/app/web")
    for action, repository in ((Action.PUSH, "teams/app"), (Action.PUSH, "other/team/app")):
        with pytest.raises(Denied, match=r"for team/\*\*, not for"):
            policy.check(principal, action, repository)
    for action in (Action.PULL, Action.DELETE, Action.ADMIN):
        with pytest.raises(Denied):
            policy.check(principal, action, "team/app")
    with pytest.raises(Denied, match=r"for team/\*\* alone"):
        policy.check_project(principal, Action.PUSH, "")
    users.change(store, ann.uid, lambda user: replace(user, role=Role.VIEWER))
    with pytest.raises(Denied):
        policy.check(policy.verify(header(secret)), Action.PUSH, "team/app")


def test_a_key_of_a_project_goes_with_it(store: Store, ann: User, policy: Policy) -> None:
    with store.read() as connection:
        project = connection.scalar(select(projects.c.uid)) or ""
    key = Key(name="ci", user_uid=ann.uid, limits=Limits(project=project))
    credential = header(keys.create(store, key))
    principal = policy.verify(credential)
    policy.check_project(principal, Action.PUSH, project)
    policy.check(principal, Action.PULL)
    with pytest.raises(Denied):
        policy.check(principal, Action.PUSH, "any/repository")
    with pytest.raises(Denied):
        policy.check_project(principal, Action.PULL, "0" * 24)
    with store.write() as tx:
        tx.connection.execute(projects.delete())
    assert policy.recall(credential) is None
    with pytest.raises(Unauthenticated):
        policy.verify(credential)


def test_everything_wrong_with_a_new_key_is_said_at_once(store: Store, ann: User) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        keys.create(
            store,
            Key(name="", user_uid=ann.uid, expires_at=1, limits=Limits(repositories="Team/{x}")),
        )
    for said in ("1 to 255 printable", "in the future", "no pattern of repositories"):
        assert said in refused.value.message
    with pytest.raises(UserUnknown):
        keys.create(store, Key(name="ci", user_uid="0" * 24))
    with pytest.raises(ProjectUnknown):
        keys.create(store, Key(name="ci", user_uid=ann.uid, limits=Limits(project="0" * 24)))
    with pytest.raises(ParameterInvalid, match="fly: an action is one of pull, push"):
        keys.parse_actions(["pull", "fly"])


def test_a_name_is_taken_once_by_each_owner(store: Store, ann: User) -> None:
    bob = users.create(store, User(name="bob"))
    keys.create(store, Key(name="ci", user_uid=ann.uid))
    keys.create(store, Key(name="ci", user_uid=bob.uid))
    other = Key(name="other", user_uid=ann.uid)
    keys.create(store, other)
    with pytest.raises(Conflict):
        keys.create(store, Key(name="ci", user_uid=ann.uid))
    with pytest.raises(Conflict):
        keys.change(store, other.uid, lambda key: replace(key, name="ci"))
    with store.read() as connection:
        assert len(keys.of_user(connection)) == 3


def test_changes_are_recorded_without_the_key(store: Store, ann: User) -> None:
    limits = Limits(frozenset({Action.PULL}), "team/*")
    key = Key(name="ci", user_uid=ann.uid, limits=limits)
    secret = keys.create(store, key)
    keys.change(store, key.uid, lambda key: replace(key, active=False))
    keys.remove(store, key.uid)
    with store.read() as connection:
        told = [row.message for row in connection.execute(select(audits).order_by(audits.c.uid))]
    assert told[1:] == [
        "Created the API key ci of ann, narrowed to pull in team/*",
        "Deactivated the API key ci",
        "Deleted the API key ci",
    ]
    assert secret not in " ".join(told)


def test_when_it_was_last_used_is_noted_now_and_then(
    store: Store, ann: User, policy: Policy
) -> None:
    secret = keys.create(store, Key(name="ci", user_uid=ann.uid))
    policy.verify(header(secret))
    with store.read() as connection:
        (first,) = keys.of_user(connection, ann.uid)
    assert first.used_at
    assert policy.verify(basic("x", secret))
    with store.read() as connection:
        assert keys.of_user(connection, ann.uid) == [first]


def test_a_remembered_key_costs_microseconds(store: Store, ann: User, policy: Policy) -> None:
    credential = header(keys.create(store, Key(name="ci", user_uid=ann.uid)))
    policy.verify(credential)
    count = 2000
    began = time.thread_time()
    for _ in range(count):
        policy.recall(credential)
    assert (time.thread_time() - began) / count < 50e-6
