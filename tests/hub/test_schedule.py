"""Who synchronizes what, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from packyard.errors import RegistryUnknown
from packyard.hub import schedule
from packyard.hub.description import Registry
from packyard.hub.schedule import LeaseLost, Run, Status
from packyard.hub.tables import syncs
from packyard.storage import content
from tests.hub.syncing import TIMES, Hub


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def __call__(self, by: timedelta) -> None:
        self.shift += by

    def now(self) -> int:
        return content.now() + self.shift // timedelta(microseconds=1)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Lets time go on."""
    clock = Clock()
    monkeypatch.setattr(schedule, "now", clock.now)
    return clock


def taken(hub: Hub) -> Run:
    run = hub.take()
    assert run is not None
    return run


def ask(hub: Hub, registry: Registry, *, forced: bool = False) -> None:
    with hub.store.write() as tx:
        schedule.ask(tx, registry.uid, TIMES, forced=forced)


def complete(hub: Hub, run: Run) -> None:
    with hub.store.write() as tx:
        schedule.complete(tx, run, TIMES, "Done.", marks={"a": "b"}, done=3)


def fail(hub: Hub, run: Run, wait: float = 0.0) -> None:
    with hub.store.write() as tx:
        schedule.fail(tx, run, TIMES, "It broke.", wait=wait)


def test_a_new_registry_is_due_at_once_unless_it_does_not_synchronize(hub: Hub) -> None:
    private = hub.add("https://private.example", is_private=True)
    assert hub.status(private) == Status("", "", 0, 0, 0, 0)
    assert hub.take() is None
    registry = hub.add("https://charts.example", name="charts")
    assert hub.status(registry).status == "Pending"
    assert taken(hub).registry == registry.uid
    assert hub.status(registry).status == "InProgress"
    assert hub.take() is None


def test_after_a_success_the_next_comes_with_the_interval(hub: Hub, later: Clock) -> None:
    registry = hub.add("https://charts.example")
    complete(hub, taken(hub))
    status = hub.status(registry)
    assert (status.status, status.message, status.done, status.total) == (
        "Completed",
        "Done.",
        3,
        3,
    )
    later(timedelta(hours=23, minutes=59))
    assert hub.take() is None
    later(timedelta(minutes=2))
    assert taken(hub).marks == {"a": "b"}


def test_failures_are_tried_again_later_and_later(hub: Hub, later: Clock) -> None:
    registry = hub.add("https://charts.example")
    pauses = []
    for _ in range(12):
        fail(hub, taken(hub))
        assert hub.status(registry).status == "Failed"
        with hub.store.read() as connection:
            due = schedule.next_due(connection)
        assert due is not None
        pause = timedelta(microseconds=due - later.now())
        pauses.append(round(pause.total_seconds() / 60))
        later(pause)
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses[-1] == 24 * 60
    complete(hub, taken(hub))
    later(timedelta(days=1))
    fail(hub, taken(hub))
    later(timedelta(minutes=6))
    assert hub.take()


def test_a_server_that_asks_to_wait_is_not_asked_before(hub: Hub, later: Clock) -> None:
    hub.add("https://charts.example")
    fail(hub, taken(hub), wait=7200.0)
    later(timedelta(minutes=119))
    assert hub.take() is None
    later(timedelta(minutes=2))
    assert hub.take()


def test_what_is_asked_for_while_one_runs_comes_after_it(hub: Hub) -> None:
    registry = hub.add("https://charts.example")
    run = taken(hub)
    ask(hub, registry)
    assert hub.take() is None
    assert hub.status(registry).status == "InProgress"
    complete(hub, run)
    assert hub.status(registry).status == "Pending"
    again = taken(hub)
    assert not again.forced
    ask(hub, registry, forced=True)  # too early to end that one, but it is meant all the same
    complete(hub, again)
    forced = taken(hub)
    assert forced.forced
    complete(hub, forced)
    assert hub.status(registry).status == "Completed"


def test_a_clock_that_was_ahead_holds_up_nothing_once_it_is_right(hub: Hub, later: Clock) -> None:
    registry = hub.add("https://charts.example")
    other = hub.add("https://other.example", name="another")
    later(timedelta(days=365))
    complete(hub, taken(hub))
    run = taken(hub)
    later(timedelta(days=-365))
    ask(hub, other)  # comes after the one that runs
    complete(hub, run)
    assert hub.status(other).status == "Pending"
    assert taken(hub).registry == other.uid
    assert hub.take() is None
    later(timedelta(days=365))
    with hub.store.write() as tx:
        schedule.reset(tx, other.uid, due=True)
    taken(hub)
    later(timedelta(days=-365))
    with hub.store.write() as tx:
        schedule.mend(tx, TIMES)
    assert {taken(hub).registry, taken(hub).registry} == {registry.uid, other.uid}


@pytest.mark.parametrize("dies", [False, True])
def test_a_forced_one_stays_that_until_it_has_ended(hub: Hub, later: Clock, dies: bool) -> None:
    registry = hub.add("https://charts.example")
    complete(hub, taken(hub))
    ask(hub, registry, forced=True)
    run = taken(hub)
    if dies:
        later(timedelta(minutes=1))
    else:
        with hub.store.write() as tx:
            schedule.release(tx, run)
    again = taken(hub)
    assert (again.forced, again.marks) == (True, {})
    ask(hub, registry)
    (complete if dies else fail)(hub, again)
    assert not taken(hub).forced
    with hub.store.write() as tx:
        schedule.reset(tx, registry.uid, due=True)
    assert not taken(hub).forced


@pytest.mark.parametrize("forced", [False, True])
def test_one_that_runs_for_long_can_be_forced_to_begin_anew(
    hub: Hub, later: Clock, forced: bool
) -> None:
    registry = hub.add("https://charts.example")
    run = taken(hub)
    ask(hub, registry, forced=True)
    assert hub.take() is None  # it has just begun
    later(timedelta(hours=1))
    with hub.store.write() as tx:
        schedule.renew(tx, run, TIMES, 5, 10)
    ask(hub, registry, forced=forced)
    if not forced:
        assert hub.take() is None
        return
    again = taken(hub)
    assert (again.forced, again.marks) == (True, {})
    for end in (complete, fail):
        with pytest.raises(LeaseLost):
            end(hub, run)
    complete(hub, again)


def test_a_lease_that_is_not_renewed_is_nobodys(hub: Hub, later: Clock) -> None:
    registry = hub.add("https://charts.example")
    run = taken(hub)
    later(timedelta(seconds=4))
    with hub.store.write() as tx:
        schedule.renew(tx, run, TIMES, 7, 9)
    status = hub.status(registry)
    assert (status.done, status.total) == (7, 9)
    later(timedelta(seconds=4))
    assert hub.take() is None
    later(timedelta(seconds=2))
    again = taken(hub)
    assert again.number != run.number
    with hub.store.write() as tx, pytest.raises(LeaseLost):
        schedule.renew(tx, run, TIMES, 8, 9)


def test_the_longest_due_comes_first(hub: Hub) -> None:
    registries = [hub.add("https://charts.example", name=f"charts {n}") for n in range(3)]
    assert [taken(hub).registry for _ in registries] == [one.uid for one in registries]


def test_a_change_begins_anew_and_forgets_the_former_failure(hub: Hub) -> None:
    registry = hub.add("https://charts.example")
    fail(hub, taken(hub))
    with hub.store.write() as tx:
        schedule.reset(tx, registry.uid, due=True)
    status = hub.status(registry)
    assert (status.status, status.message) == ("Pending", "")
    run = taken(hub)
    assert run.marks == {}
    with hub.store.write() as tx:
        schedule.reset(tx, registry.uid, due=False)
    assert hub.status(registry).status == ""
    assert hub.take() is None


def test_a_first_synchronization_can_be_left_for_later(hub: Hub, later: Clock) -> None:
    registry = hub.add("https://charts.example")
    with hub.store.write() as tx:
        tx.connection.execute(syncs.delete())
        schedule.enrol(tx, registry.uid, due=False, later=timedelta(hours=24))
    assert hub.status(registry).status == ""
    later(timedelta(hours=23))
    assert hub.take() is None
    later(timedelta(hours=2))
    assert hub.take()


def test_an_unknown_registry_has_no_status(hub: Hub) -> None:
    with hub.store.read() as connection, pytest.raises(RegistryUnknown):
        schedule.status(connection, "nothing")
    with hub.store.write() as tx, pytest.raises(RegistryUnknown):
        schedule.ask(tx, "nothing", TIMES)


def test_what_dead_processes_left_is_free_at_once(hub: Hub) -> None:
    hub.add("https://charts.example")
    assert hub.take()
    with hub.store.write() as tx:
        schedule.free(tx, lambda holder: holder == "another")
    assert hub.take() is None
    with hub.store.write() as tx:
        schedule.free(tx, lambda holder: holder == "tests")
    assert hub.take()
