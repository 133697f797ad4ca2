"""Contents of charts that a synchronization left out, at the first look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from itertools import islice

import pytest

from packyard.catalog import entries, foreign
from packyard.catalog.entries import Entry
from packyard.catalog.query import words
from packyard.catalog.search import search
from packyard.errors import PackUnknown
from packyard.hub import contents
from packyard.hub.contents import Looks
from tests.hub.syncing import Charts, Hub
from tests.remotes.scripted import Reply, Request, Scripted, answering


@pytest.fixture
def looks(hub: Hub) -> Iterator[Looks]:
    made = Looks(hub.store, hub.vault, hub.settings)
    yield made
    made.close()


def two_versions() -> Charts:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("web", "1.1.0")
    return charts


def synchronized(hub: Hub, server: Scripted) -> dict[tuple[str, str], Entry]:
    registry = hub.add(f"http://{server.host}", name=server.host)
    hub.sync(registry)
    return hub.held(registry)


def test_contents_are_fetched_once_and_kept(hub: Hub, looks: Looks) -> None:
    with answering(two_versions()) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        old, newest = (hub.held(registry)["web", version] for version in ("1.0.0", "1.1.0"))
        before = len(server.requests)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(looks.fetch, [[old, newest]] * 8)) == [{}] * 8
        assert hub.contents(old).values == "charts:\n  web:\n    a: 1\n"
        assert looks.fetch([old]) == {}
        assert server.seen()[before:] == ["GET /web-1.0.0.tgz"]


def test_what_the_registry_does_wrong_is_told_and_tried_again_later(
    hub: Hub, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts = two_versions()
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        old = hub.held(registry)["web", "1.0.0"]
        charts.archives_reply = Reply(500)
        assert "500" in looks.fetch([old])[old.uid].message
        charts.archives_reply = None
        assert "500" in looks.fetch([old])[old.uid].message
        monkeypatch.setattr(contents, "_AGAIN", 0.0)
        assert looks.fetch([old]) == {}
        assert hub.contents(old).values


def test_what_nobody_foresaw_is_the_fault_of_one_chart(
    hub: Hub, looks: Looks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with answering(two_versions()) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        old = hub.held(registry)["web", "1.0.0"]

        def odd(*_: object) -> None:
            raise OverflowError("of all things")

        monkeypatch.setattr(foreign, "learn", odd)
        fault = looks.fetch([old])[old.uid]
    assert fault.message == "A fault of this server, found at this one; its log tells more."
    assert "'web' '1.0.0' cannot be taken" in caplog.text
    assert "of all things" in caplog.text


def test_registries_have_threads_of_their_own(hub: Hub, looks: Looks) -> None:
    slow, go = Charts(), threading.Event()
    for number in range(contents.PARALLEL + 2):
        slow.put("web", f"1.{number}.0")
    newest = f"1.{contents.PARALLEL + 1}.0"

    def late(request: Request) -> Reply:
        if request.path.endswith(".tgz") and newest not in request.path:
            go.wait(60)
        return slow(request)

    with answering(late) as first, answering(two_versions()) as second:
        held, other = (synchronized(hub, one) for one in (first, second))
        look = looks.begin([entry for (_, label), entry in held.items() if label != newest])
        assert looks.fetch([other["web", "1.0.0"]]) == {}
        assert len(look.faults()) == contents.PARALLEL + 1
        assert {"look again in a moment" in why.message for why in look.faults().values()} == {True}
        go.set()
        wait(look.running.values())
        assert look.faults() == {}


def test_what_somebody_looked_at_last_comes_first(hub: Hub, looks: Looks) -> None:
    charts, asked, go = Charts(), threading.Semaphore(0), threading.Event()
    go.set()
    for number in range(30):
        charts.put("many", f"1.{number}.0")
    for number in range(2):
        charts.put("other", f"1.{number}.0")

    def late(request: Request) -> Reply:
        if not go.is_set():
            asked.release()
            go.wait(60)
        return charts(request)

    with answering(late) as server:
        held = synchronized(hub, server)
        order = [held["many", f"1.{number}.0"] for number in range(1, 29)]
        go.clear()
        look = looks.begin(order)
        assert all(asked.acquire(timeout=20) for _ in range(contents.PARALLEL))
        other = looks.begin([held["other", "1.0.0"]])
        go.set()
        wait([*look.running.values(), *other.running.values()])
        assert look.faults() == other.faults() == {}
        seen = [line for line in server.seen() if "tgz" in line][2:]
        assert seen.index("GET /other-1.0.0.tgz") < 2 * contents.PARALLEL
        assert set(seen[: contents.PARALLEL]) == {
            f"GET /many-1.{number}.0.tgz" for number in range(1, contents.PARALLEL + 1)
        }
    for thread in [one for one in threading.enumerate() if one.name == "look"]:
        thread.join(10)
        assert not thread.is_alive()


def test_what_was_looked_at_can_be_searched(hub: Hub, looks: Looks) -> None:
    charts = two_versions()
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        looks.fetch([hub.held(registry)["web", "1.0.0"]])
        with hub.store.read() as connection:
            page = search(connection, words("web"))
        assert len(page.entries) == 2


def test_several_are_fetched_at_one_look(hub: Hub, looks: Looks) -> None:
    charts = Charts()
    for number in range(5):
        charts.put("web", f"1.{number}.0")
    broken = "/web-1.2.0.tgz"

    def partly(request: Request) -> Reply:
        return Reply(404) if request.path == broken else charts(request)

    with answering(partly) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        before = len(server.requests)
        older = [entry for (_, label), entry in hub.held(registry).items() if label != "1.4.0"]
        looks.fetch(older)
        with hub.store.read() as connection:
            read = entries.all_contents(connection, [entry.uid for entry in older])
        assert len(read) == 3
        looks.fetch(older[:0])
        looks.fetch([entry for entry in older if entry.uid not in read])
        asked = [path for path in server.seen()[before:] if path.startswith("GET")]
        assert sorted(asked) == [f"GET /web-1.{number}.0.tgz" for number in range(4)]


def test_no_more_than_some_wait(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    charts, go = two_versions(), threading.Event()

    def slow(request: Request) -> Reply:
        if request.path.endswith("1.0.0.tgz"):
            go.wait(60)
        return charts(request)

    monkeypatch.setattr(contents, "_WAITING", 2)
    looks = Looks(hub.store, hub.vault, hub.settings)
    with answering(slow) as server, ThreadPoolExecutor(8) as pool:
        old = synchronized(hub, server)["web", "1.0.0"]
        looking = [pool.submit(looks.fetch, [old], 60) for _ in range(8)]
        told = [one.result() for one in islice(as_completed(looking), 6)]
        assert all("look again in a moment" in faults[old.uid].message for faults in told)
        assert sum(not one.done() for one in looking) == 2
        go.set()
        assert [one.result() for one in looking].count({}) == 2
    looks.close()


def test_what_comes_late_is_kept_for_the_next_look(hub: Hub, looks: Looks) -> None:
    charts, go = two_versions(), threading.Event()

    def slow(request: Request) -> Reply:
        if request.path.endswith("1.0.0.tgz"):
            go.wait(60)
        return charts(request)

    with answering(slow) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        old = hub.held(registry)["web", "1.0.0"]
        assert "look again in a moment" in looks.fetch([old], 0.05)[old.uid].message
        with pytest.raises(PackUnknown):
            hub.contents(old)
        go.set()
        looks.fetch([old])
        assert hub.contents(old).values
