"""Sign-ins that fail: told in the log by name and address, counted, and never more than a bit."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from packyard.auth import keys, users
from packyard.auth.keys import Key
from packyard.auth.policy import Policy
from packyard.auth.principal import Role
from packyard.auth.refusals import Refusals, Way
from packyard.auth.users import User
from packyard.errors import PackyardError
from packyard.storage.store import Store
from tests.auth.people import basic, make_policy
from tests.live import htpasswd_line

HERE = "192.0.2.1"


def test_each_way_to_fail_is_told_with_its_reason_and_nothing_secret(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(htpasswd_line("bob", "bobs password"))
    ann = User(name="ann", role=Role.EDITOR)
    users.create(store, ann, "anns password")
    users.create(store, User(name="eve", disabled=True), "eves password")
    key = Key(name="pipeline", user_uid=ann.uid)
    secret = keys.create(store, key)
    keys.change(store, key.uid, lambda standing: replace(standing, active=False))
    counted: Counter[Way] = Counter()
    policy = make_policy(store, file, refusals=Refusals(lambda way: counted.update([way])))
    wrong = [
        (basic("ann", "hush hush"), "ann", "the password is wrong"),
        (basic("bob", "hush hush"), "bob", "the password is wrong"),
        (basic("eve", "eves password"), "eve", "the user is disabled or has no password"),
        (basic("x" * 3_000, "hush hush"), "x" * 100, "there is nobody of that name"),
        (b"ApiKey hush", "", "there is no such API key, or its owner is disabled"),
        (b"ApiKey " + secret.encode(), "", "The API key pipeline was deactivated."),
    ]
    for credential, name, reason in wrong:
        caplog.clear()
        with pytest.raises(PackyardError):
            policy.verify(credential, HERE)
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert record.getMessage() == f"sign-in failed: {reason}"
        assert record.__dict__["fields"]["user"] == name
        assert record.__dict__["fields"]["remote"] == HERE
        assert not any(word in str(record.__dict__) for word in ("hush", "eves password", secret))
    assert counted == {Way.PASSWORD: 4, Way.KEY: 2}
    caplog.clear()
    for good in (basic("ann", "anns password"), basic("bob", "bobs password")):
        policy.verify(good, HERE)
    assert not caplog.records


def test_who_tries_too_often_is_told_too(
    asked: Policy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("packyard.auth.passwords.pretend", lambda _: None)
    for _ in range(11):
        with pytest.raises(PackyardError):
            asked.verify(basic("mallory", "hush"), HERE)
    assert caplog.messages[-2:] == [
        "sign-in failed: there is nobody of that name",
        "sign-in failed: too many tries before",
    ]


def test_a_flood_leaves_few_lines_and_says_how_many_it_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("packyard.auth.refusals.time.monotonic", lambda: clock[0])
    counted: Counter[Way] = Counter()
    told = Refusals(lambda way: counted.update([way]))
    for _ in range(5_000):
        told.tell(Way.KEY, "wrong", address=HERE)
    assert (len(caplog.records), counted[Way.KEY]) == (100, 5_000)
    clock[0] += 2.5
    for _ in range(10):
        told.tell(Way.KEY, "wrong", address=HERE)
    assert [record.__dict__["fields"].get("left_out") for record in caplog.records[100:]] == [
        4_900,
        None,
    ]


@pytest.fixture
def asked(store: Store) -> Policy:
    return make_policy(store)
