from __future__ import annotations

import base64
import logging
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import bcrypt
import pytest
from sqlalchemy import Connection

from packyard.auth import passwords, policy, users
from packyard.auth.policy import Policy
from packyard.auth.principal import ANONYMOUS, Action, Principal, Role
from packyard.auth.users import User
from packyard.digests import digest_of
from packyard.errors import Denied, Unauthenticated, Unsupported
from packyard.references import RepoName
from packyard.storage.store import Store
from tests.auth.people import basic, make_policy


def line(name: str, password: str) -> str:
    return f"{name}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n"


ANN, BOB = basic("ann", "a secret"), basic("bob", "word")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "htpasswd"
    path.write_text(line("bob", "word") + line("admin", "root"))
    return path


@pytest.fixture
def asked(store: Store, file: Path) -> Policy:
    users.create(store, User(name="ann", role=Role.EDITOR), "a secret")
    return make_policy(store, file)


def test_users_of_the_table_have_their_role(asked: Policy) -> None:
    found = asked.verify(ANN)
    assert (found.name, found.role, found.projects) == ("ann", Role.EDITOR, {})
    assert found.uid


def test_writers_of_the_file_push_and_delete_the_others_pull(asked: Policy) -> None:
    assert asked.verify(BOB) == Principal("bob", Role.VIEWER)
    assert asked.verify(basic("admin", "root")) == Principal("admin", Role.EDITOR, deletes=True)


def test_the_table_comes_before_the_file(
    asked: Policy, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    users.create(store, User(name="bob", role=Role.ADMIN), "new word")
    with caplog.at_level(logging.WARNING):
        assert asked.verify(basic("bob", "new word")).role is Role.ADMIN
        with pytest.raises(Unauthenticated):
            asked.verify(BOB)
    told = [record for record in caplog.records if record.name.endswith("accounts")]
    assert len(told) == 1
    assert "bob is in the users' table and in the htpasswd file" in caplog.text


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        b"",
        b"Basic",
        b"Basic !",
        b"Basic " + base64.b64encode(b"no colon"),
        b"Basic " + base64.b64encode(b"\xff:x"),
        b"Bearer abc",
        b"Basic " + base64.b64encode(b"ann:wrong"),
        b"Basic " + base64.b64encode(b"ann:"),
        b"Basic " + base64.b64encode(b"ann:a secret\0"),
        b"Basic " + base64.b64encode(b"nobody:secret"),
        b"Basic " + base64.b64encode(b":secret"),
        b"Basic " + base64.b64encode(b"ann:" + b"x" * 100_000),
    ],
)
def test_all_else_is_refused_in_the_same_words(asked: Policy, authorization: bytes | None) -> None:
    with pytest.raises(Unauthenticated) as caught:
        asked.verify(authorization)
    with pytest.raises(Unauthenticated) as wrong:
        asked.verify(basic("ann", "wrong"))
    assert caught.value.message == wrong.value.message
    assert not caught.value.detail


def test_the_scheme_is_read_in_any_case(asked: Policy) -> None:
    assert asked.verify(ANN.replace(b"Basic", b"BASIC")).name == "ann"


def test_a_huge_password_costs_nothing(asked: Policy) -> None:
    authorization = basic("ann", "x" * 1_000_000)
    began = time.process_time()
    with pytest.raises(Unauthenticated):
        asked.verify(authorization)
    assert time.process_time() - began < 0.02


def test_only_a_verified_password_is_recalled(asked: Policy) -> None:
    assert asked.recall(ANN) is None
    found = asked.verify(ANN)
    assert asked.recall(ANN) == found
    assert asked.recall(basic("ann", "wrong")) is None
    assert asked.recall(BOB) is None


def test_recall_ends_after_its_time(asked: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.verify(ANN)
    later = time.monotonic() + policy.REMEMBERED + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert asked.recall(ANN) is None


def test_recall_ends_with_the_password(asked: Policy, store: Store) -> None:
    asked.verify(ANN)
    users.reset_password(store, "ann", "changed it")
    assert asked.recall(ANN) is None
    with pytest.raises(Unauthenticated):
        asked.verify(ANN)
    assert asked.verify(basic("ann", "changed it")).name == "ann"


def test_recall_ends_when_another_process_changes_the_password(
    asked: Policy, store: Store, tmp_path: Path
) -> None:
    asked.verify(ANN)
    other = Store.open(tmp_path / "data")
    users.reset_password(other, "ann", "changed it")
    other.close()
    assert asked.recall(ANN) is None


def test_recall_outlives_commits_that_change_nobody(asked: Policy, store: Store) -> None:
    found = asked.verify(ANN)
    users.create(store, User(name="carl", role=Role.VIEWER), "pass word")
    assert asked.recall(ANN) == found


def test_recall_ends_with_a_line_of_the_file(asked: Policy, file: Path) -> None:
    asked.verify(BOB)
    file.write_text(line("admin", "root"))
    assert asked.recall(BOB) is None
    with pytest.raises(Unauthenticated):
        asked.verify(BOB)


def test_recall_takes_microseconds(asked: Policy) -> None:
    asked.verify(ANN)
    count = 2000
    began = time.thread_time()
    for _ in range(count):
        asked.recall(ANN)
    assert (time.thread_time() - began) / count < 50e-6


def test_what_is_remembered_is_bounded(asked: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "_REMEMBERED_LIMIT", 1)
    asked.verify(ANN)
    asked.verify(BOB)
    assert asked.recall(ANN) is None
    assert asked.recall(BOB)


def test_one_password_sent_many_times_at_once_is_verified_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", 11)  # some 100 ms
    users.create(store, User(name="ann", role=Role.VIEWER), "a secret")
    asked = make_policy(store)
    other = make_policy(store)
    one = _processor_time(lambda: other.verify(ANN))
    threads = [threading.Thread(target=asked.verify, args=(ANN,)) for _ in range(8)]

    def together() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert _processor_time(together) < 3 * one


def test_nobody_signed_in_is_refused_unless_anonymous_pull_is_on(store: Store) -> None:
    with pytest.raises(Unauthenticated):
        make_policy(store).verify(None)
    assert make_policy(store).recall(None) is None
    open_policy = make_policy(store, anonymous_pull=True)
    assert open_policy.verify(None) is ANONYMOUS
    assert open_policy.recall(None) is ANONYMOUS
    with pytest.raises(Unauthenticated):
        open_policy.verify(basic("ann", "wrong"))


def test_who_did_not_sign_in_is_asked_to_and_others_are_denied(store: Store) -> None:
    asked = make_policy(store, anonymous_pull=True)
    asked.check(ANONYMOUS, Action.PULL)
    with pytest.raises(Unauthenticated):
        asked.check(ANONYMOUS, Action.PUSH)
    with pytest.raises(Denied, match="bob may not push"):
        asked.check(Principal("bob", Role.VIEWER), Action.PUSH)
    bob = Principal("bob", Role.VIEWER, uid="b")
    for action, said in ((Action.PUSH, "may not change anything"), (Action.ADMIN, "is no admin")):
        with pytest.raises(Denied, match=f"bob {said}.* here: ask an administrator"):
            asked.check_project(bob, action, "")


@pytest.mark.parametrize(
    ("deletes", "read_only", "off"),
    [
        (True, False, set()),
        (False, False, {Action.DELETE}),
        (True, True, {Action.PUSH, Action.DELETE}),
    ],
)
def test_what_is_switched_off_is_off_for_admins_too(
    store: Store, deletes: bool, read_only: bool, off: set[Action]
) -> None:
    asked = make_policy(store, deletes=deletes, read_only=read_only)
    admin = Principal("admin", Role.ADMIN)
    for action in Action:
        if action in off:
            with pytest.raises(Unsupported):
                asked.check(admin, action)
        else:
            asked.check(admin, action)


def _processor_time(work: object) -> float:
    assert callable(work)
    began = time.process_time()
    work()
    return time.process_time() - began


def test_while_others_commit_an_account_is_read_again_only_where_its_rows_changed(
    asked: Policy, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.verify(ANN)
    reads = 0
    read = store.read

    def counted() -> AbstractContextManager[Connection]:
        nonlocal reads
        reads += 1
        return read()

    monkeypatch.setattr(store, "read", counted)
    for data in (b"a", b"b", b"c"):
        store.put_blob(RepoName("some/place"), digest_of(data), data)
        time.sleep(0.02)
        assert asked.recall(ANN)
    assert reads == 0
    with store.read() as connection:
        ann = users.by_name(connection, "ann")
    users.change(store, ann.uid, lambda user: replace(user, role=Role.VIEWER))
    time.sleep(0.02)
    assert asked.recall(ANN) is None
