"""Contents of charts that a synchronization left out, at the first look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from packyard.catalog import entries
from packyard.catalog.query import words
from packyard.catalog.search import search
from packyard.errors import PackUnknown, RemoteFailed, Unavailable
from packyard.hub.contents import Looks
from tests.hub.syncing import Charts, Hub
from tests.remotes.scripted import Reply, Request, answering


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


def test_contents_are_fetched_once_and_kept(hub: Hub, looks: Looks) -> None:
    with answering(two_versions()) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        old, newest = (hub.held(registry)["web", version] for version in ("1.0.0", "1.1.0"))
        before = len(server.requests)
        assert looks.contents(newest.uid).values == "charts:\n  web:\n    a: 1\n"
        assert len(server.requests) == before
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(looks.contents, [old.uid] * 8))
        assert {contents.values for contents in found} == {"charts:\n  web:\n    a: 1\n"}
        assert looks.contents(old.uid) == found[0]
        assert server.seen()[before:] == ["GET /web-1.0.0.tgz"]
        assert hub.contents(old) == found[0]


def test_who_looks_waits_no_longer_than_they_like(hub: Hub, looks: Looks) -> None:
    charts = two_versions()
    go = threading.Event()

    def slow(request: Request) -> Reply:
        if request.path.endswith("1.0.0.tgz"):
            go.wait(60)
        return charts(request)

    with answering(slow) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        old = hub.held(registry)["web", "1.0.0"]
        with pytest.raises(Unavailable, match=r"web 1\.0\.0 is still being fetched"):
            looks.contents(old.uid, 0.05)
        go.set()
        assert looks.contents(old.uid).values
        assert len([path for path in server.seen() if path.endswith("1.0.0.tgz")]) == 1


def test_what_the_registry_does_wrong_is_told_and_tried_again(hub: Hub, looks: Looks) -> None:
    charts = two_versions()
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        old = hub.held(registry)["web", "1.0.0"]
        charts.archives_reply = Reply(500)
        with pytest.raises(RemoteFailed, match="500"):
            looks.contents(old.uid)
        charts.archives_reply = None
        assert looks.contents(old.uid).values
    with pytest.raises(PackUnknown):
        looks.contents("nothing")


def test_what_was_looked_at_can_be_searched(hub: Hub, looks: Looks) -> None:
    charts = two_versions()
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        old = hub.held(registry)["web", "1.0.0"]
        looks.contents(old.uid)
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
        looks.fetch([old], 0.05)
        with pytest.raises(PackUnknown):
            hub.contents(old)
        go.set()
        looks.fetch([old])
        assert hub.contents(old).values
