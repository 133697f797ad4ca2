from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from packyard.auth import passwords, tables, tries, users
from packyard.auth.policy import Policy
from packyard.auth.users import User
from packyard.errors import TooManyRequests, Unauthenticated
from packyard.storage.content import now
from packyard.storage.store import Store
from tests.auth.people import basic, make_policy

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
SECOND = 1_000_000  # µs


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes, however slow the machine."""
    moment = now()
    monkeypatch.setattr(tries, "now", lambda: moment)


def fail(store: Store, name: str, address: str, times: int) -> None:
    for _ in range(times):
        tries.failed(store, name, address)


def test_after_ten_wrong_tries_one_may_be_made_every_half_minute(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(store, "ann", HERE, 9)
    tries.check(store, "ann", HERE)
    fail(store, "ann", HERE, 1)
    with pytest.raises(TooManyRequests, match="try again in 0:00:30") as refused:
        tries.check(store, "ANN", HERE)
    assert refused.value.detail == {"retry_after": 30}
    tries.check(store, "ann", ELSEWHERE)
    tries.check(store, "bob", HERE)
    later = now() + 31 * SECOND
    monkeypatch.setattr(tries, "now", lambda: later)
    tries.check(store, "ann", HERE)
    fail(store, "ann", HERE, 1)
    with pytest.raises(TooManyRequests):
        tries.check(store, "ann", HERE)


def test_many_names_from_one_network_and_one_name_from_many_are_limited(store: Store) -> None:
    for number in range(tries.ADDRESS.tries):
        tries.failed(store, f"user-{number}", f"2001:db8::{number:x}")
    with pytest.raises(TooManyRequests):
        tries.check(store, "somebody", "2001:db8::ffff")
    tries.check(store, "somebody", "2001:db8:0:1::1")
    for number in range(tries.NAME.tries):
        tries.failed(store, "ann", f"192.0.2.{number}")
    with pytest.raises(TooManyRequests):
        tries.check(store, "ann", ELSEWHERE)


def test_whoever_gets_in_is_not_held_up_by_former_mistakes(store: Store) -> None:
    fail(store, "ann", HERE, 9)
    tries.succeeded(store, "ann", HERE)
    fail(store, "ann", HERE, 9)
    tries.check(store, "ann", HERE)


def test_nobody_is_kept_out_by_others_where_they_got_in_lately(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries.succeeded(store, "Ann", HERE)
    for number in range(tries.NAME.tries + 10):
        tries.failed(store, "ann", f"203.0.113.{number}")
    tries.check(store, "ann", HERE)
    with pytest.raises(TooManyRequests):
        tries.check(store, "ann", ELSEWHERE)
    fail(store, "ann", HERE, tries.FROM_THERE.tries)
    with pytest.raises(TooManyRequests):  # that they got in is no leave to try on
        tries.check(store, "ann", HERE)
    later = now() + tries.AT_HOME // timedelta(microseconds=1) - 60 * SECOND
    monkeypatch.setattr(tries, "now", lambda: later)
    for number in range(tries.NAME.tries + 20):
        tries.failed(store, "ann", f"203.0.113.{number}")
    tries.check(store, "ann", HERE)
    monkeypatch.setattr(tries, "now", lambda: later + 61 * SECOND)
    with pytest.raises(TooManyRequests):
        tries.check(store, "ann", HERE)


def test_rows_say_nobody_and_go_when_they_mean_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(store, "ann", HERE, 3)
    with store.read() as connection:
        kept = connection.execute(select(tables.tries)).all()
    assert len(kept) == 3
    assert "ann" not in str(kept)
    later = now() + 3600 * SECOND
    monkeypatch.setattr(tries, "now", lambda: later)
    fail(store, "bob", ELSEWHERE, 1)
    with store.read() as connection:
        left = connection.execute(select(tables.tries)).all()
    assert not {row.bucket for row in kept} & {row.bucket for row in left}


def test_all_processes_count_together_and_names_are_not_told_apart(
    store: Store, tmp_path: Path
) -> None:
    users.create(store, User(name="ann"), "a secret")
    other = Store.open(tmp_path / "data")
    policies = [make_policy(store), make_policy(other)]
    for name in ("ann", "nobody"):
        outcomes = []
        for number in range(12):
            with pytest.raises((Unauthenticated, TooManyRequests)) as refused:
                policies[number % 2].verify(basic(name, f"wrong {number}"), HERE)
            said = refused.value.message.partition(": try again")[0]  # in how long may differ
            outcomes.append((type(refused.value), said))
        assert [kind for kind, _ in outcomes] == [Unauthenticated] * 10 + [TooManyRequests] * 2
        assert len(set(outcomes)) == 2
    with pytest.raises(TooManyRequests):
        policies[0].verify(basic("ann", "a secret"), HERE)
    assert policies[0].verify(basic("ann", "a secret"), ELSEWHERE)
    other.close()


def test_who_is_remembered_is_not_held_up_by_others(store: Store) -> None:
    users.create(store, User(name="ann"), "a secret")
    asked = make_policy(store)
    asked.verify(basic("ann", "a secret"), HERE)
    fail(store, "ann", HERE, 20)
    assert asked.recall(basic("ann", "a secret"))
    with pytest.raises(TooManyRequests):
        make_policy(store).verify(basic("ann", "a secret"), HERE)


def test_a_blocked_try_costs_no_hashing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = make_policy(store)
    fail(store, "ann", HERE, 20)
    monkeypatch.setattr(passwords, "pretend", _never)
    with pytest.raises(TooManyRequests):
        asked.verify(basic("ann", "wrong"), HERE)
    assert isinstance(asked, Policy)


def _never(_: int) -> None:
    raise AssertionError("a password was hashed")
