"""Synchronizations: what they ask for, what the catalog has after them, what keeps it whole."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from packyard.catalog import foreign
from packyard.catalog.entries import Contents, Entry
from packyard.catalog.tables import packs
from packyard.digests import digest_of
from packyard.errors import RegistryUnknown, StorageFull
from packyard.hub import reading, registries, schedule, work
from packyard.hub.description import Auth, Kind, Provider, Registry
from packyard.packs import artifact
from packyard.packs.chart_artifact import ARCHIVE_TYPE, CONFIG_TYPE
from packyard.references import Tag, parse_repo, parse_tag
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from packyard.remotes.oci import Repository
from packyard.remotes.pack import add_tag, prepare, push
from packyard.remotes.source import Offer, Source
from packyard.storage.content import now
from tests.hub.syncing import Charts, Hub, checked, counted_by
from tests.packs import samples
from tests.remotes.content import push_artifact, push_chart, push_image, push_pack
from tests.remotes.distribution import PASSWORD, USER, running
from tests.remotes.raw import connected
from tests.remotes.scripted import Reply, Request, answering


def test_charts_of_a_repository_are_in_the_catalog_and_the_newest_with_contents(hub: Hub) -> None:
    charts = Charts()
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        charts.put("web", version, description="Serves pages.", appVersion=version)
    charts.put("db", "3.0.0", deprecated=True)
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        status = hub.sync(registry)
        assert (status.status, status.message) == (
            "Completed",
            "4 versions, 4 new or changed, 0 gone.",
        )
        assert (status.done, status.total) == (4, 4)
        held = hub.held(registry)
        assert sorted(held) == [
            ("db", "3.0.0"),
            ("web", "1.0.0"),
            ("web", "1.1.0"),
            ("web", "2.0.0-rc.1"),
        ]
        newest = held["web", "1.1.0"]
        assert newest.annotations["description"] == "Serves pages."
        assert newest.content_digest == newest.validator
        assert hub.contents(newest).values == "charts:\n  web:\n    a: 1\n"
        assert held["db", "3.0.0"].system_state == "deprecated"
        assert hub.tags(registry, "web") == {
            "1.0.0": "1.0.0",
            "1.1.0": "1.1.0",
            "2.0.0-rc.1": "2.0.0-rc.1",
            "1.0.x": "1.0.0",
            "1.1.x": "1.1.0",
            "1.x": "1.1.0",
            "2.0.x": "2.0.0-rc.1",
            "2.x": "2.0.0-rc.1",
        }
        archives = [path for path in server.seen() if path.endswith(".tgz")]
        assert sorted(archives) == ["GET /db-3.0.0.tgz", "GET /web-1.1.0.tgz"]

        before = len(server.requests)
        again = hub.sync(registry)
        assert again.message == "Nothing changed since the last synchronization."
        assert server.seen()[before:] == ["GET /index.yaml"]


def test_what_changed_is_read_and_what_vanished_is_marked(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("web", "1.1.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        first = hub.held(registry)
        charts.drop("web", "1.1.0")
        charts.put("web", "1.2.0")
        charts.rows["web"][0]["description"] = "Changed beside its archive."
        before = len(server.requests)
        status = hub.sync(registry)
        assert status.message == "2 versions, 1 new or changed, 1 gone."
        assert server.seen()[before:] == ["GET /index.yaml", "GET /web-1.2.0.tgz"]
        assert sorted(hub.held(registry)) == [("web", "1.0.0"), ("web", "1.2.0")]
        (gone,) = hub.held(registry, gone=True).values()
        assert (gone.uid, gone.label) == (first["web", "1.1.0"].uid, "1.1.0")
        assert hub.contents(gone)
        assert "1.1.0" not in hub.tags(registry, "web")

        charts.put("web", "1.1.0")
        before = len(server.requests)
        charts.rows["web"][-1]["digest"] = first["web", "1.1.0"].validator.removeprefix("sha256:")
        hub.sync(registry)
        back = hub.held(registry)["web", "1.1.0"]
        assert back.uid == gone.uid
        assert server.seen()[before:] == ["GET /index.yaml"]


@pytest.mark.parametrize("forced", [False, True])
def test_forced_forgets_what_is_remembered_of_the_source(hub: Hub, forced: bool) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        hub.sync(registry, forced=forced)
        conditions = ["if-none-match" in request.headers for request in server.requests]
    assert conditions == [False, False, not forced]


def test_a_failure_leaves_the_last_good_catalog_and_tells_the_reason(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    reply: list[Reply] = []
    with answering(lambda request: reply[0] if reply else charts(request)) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        reply.append(Reply(500))
        status = hub.sync(registry)
        assert (status.status, status.message) == (
            "Failed",
            f"{server.host}: 500 Internal Server Error.",
        )
        assert status.synced_at > 0
        assert sorted(hub.held(registry)) == [("web", "1.0.0")]
        reply.clear()
        assert hub.sync(registry).status == "Completed"


def test_a_registry_that_lists_nothing_any_more_is_believed_by_force_alone(hub: Hub) -> None:
    charts = Charts()
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        assert hub.sync(registry).message == "0 versions, 0 new or changed, 0 gone."
        charts.put("web", "1.0.0")
        charts.put("db", "1.0.0")
        hub.sync(registry)
        former, charts.rows = charts.rows, {}
        for _ in range(2):
            status = hub.sync(registry)
            assert (status.status, status.message) == (
                "Failed",
                (
                    "The registry lists nothing any more: the 2 versions of it that the catalog "
                    "has stay. Synchronize it by force if it was emptied on purpose."
                ),
            )
            assert sorted(hub.held(registry)) == [("db", "1.0.0"), ("web", "1.0.0")]
        charts.rows = {"web": former["web"]}
        assert hub.sync(registry).message == "1 version, 0 new or changed, 1 gone."
        charts.rows = {"web": [7]}  # broken is not gone
        assert hub.sync(registry).status == "Completed"
        assert sorted(hub.held(registry)) == [("web", "1.0.0")]
        charts.rows = {}
        assert "the version of it" in hub.sync(registry).message
        assert hub.sync(registry, forced=True).message == "0 versions, 0 new or changed, 1 gone."
        assert hub.held(registry) == {}
        assert hub.sync(registry).status == "Completed"


def test_a_kind_that_is_not_read_yet_says_so(hub: Hub) -> None:
    registry = hub.add(
        "12.dkr.ecr.eu-west-1.example.com", Kind.ECR, is_sync_supported=True, base_content_path="a"
    )
    status = hub.sync(registry)
    assert (status.status, status.message) == (
        "Failed",
        "Public ECR registries are not read yet.",
    )


def test_broken_entries_are_listed_with_their_reasons_beside_the_rest(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("lying", "1.0.0")
    charts.archives["lying", "1.0.0"] = b"something else"
    charts.put("odd", "1.0.0")
    charts.archives["odd", "1.0.0"] = charts.archives["web", "1.0.0"]
    charts.rows["odd"][0]["digest"] = charts.rows["web"][0]["digest"]
    charts.rows["web"] += [{"version": "1.1.0"}, 7]
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        status = hub.sync(registry)
        assert status.status == "Completed"
        assert status.message == (
            "3 versions, 3 new or changed, 0 gone, 2 that could not be taken, 2 without contents."
        )
        reasons = {(fault.name, fault.tag): fault.reason for fault in hub.faults(registry)}
        assert reasons["web", "1.1.0"] == "The entry has no address of an archive."
        assert reasons["web", ""] == "The entry is not a map."
        assert "its index says sha256:" in reasons["lying", "1.0.0"]
        assert reasons["odd", "1.0.0"] == (
            "The archive holds web 1.0.0, but it stands as odd 1.0.0."
        )
        assert sorted(hub.held(registry)) == [
            ("lying", "1.0.0"),
            ("odd", "1.0.0"),
            ("web", "1.0.0"),
        ]


def test_one_item_that_nobody_foresaw_stops_no_other(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its description, its content, or what the store takes."""
    charts = Charts()
    for name in ("good", "described", "read", "kept"):
        charts.put(name, "1.0.0", created="9999-12-31T23:59:59-12:00")
    found, whole = reading.chart_entry, reading.chart_contents

    def described(registry: str, offer: Offer) -> Entry:
        entry = found(registry, offer)
        if offer.name == "described":
            raise OverflowError
        return replace(entry, size=10**30) if offer.name == "kept" else entry

    def read(source: Source, offer: Offer) -> Contents:
        if offer.name == "read":
            raise UnicodeError
        return whole(source, offer)

    monkeypatch.setattr(reading, "chart_entry", described)
    monkeypatch.setattr(reading, "chart_contents", read)
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        assert hub.sync(registry).status == "Completed"
        faults = {fault.name: fault.reason for fault in hub.faults(registry)}
        assert faults.keys() == {"described", "read", "kept"}
        assert set(faults.values()) == {
            "A fault of this server, found at this one; its log tells more."
        }
        held = hub.held(registry)
        assert ("good", "1.0.0") in held
        assert held["good", "1.0.0"].pushed_at == 0
        again = hub.sync(registry)
        assert again.message == (
            "Nothing changed since the last synchronization; 3 could not be taken whole."
        )
        assert (again.done, again.total) == (len(held), len(held))
        monkeypatch.setattr(work, "_ODD", 2)
        assert hub.sync(registry, forced=True).status == "Failed"


@pytest.mark.parametrize("size", [10**30, -1, 1.5, "12", True, None])
def test_a_chart_of_an_absurd_size_is_broken_beside_the_rest(hub: Hub, size: object) -> None:
    layer = {"mediaType": ARCHIVE_TYPE, "digest": digest_of(b"x"), "size": size}
    config = {"mediaType": CONFIG_TYPE, "digest": digest_of(b"{}"), "size": size}
    manifest = json.dumps({"config": config, "layers": [layer]}).encode()

    def script(request: Request) -> Reply:
        if request.path.endswith("/_catalog"):
            return Reply(body=b'{"repositories": ["charts/odd"]}')
        if request.path.endswith("/tags/list"):
            return Reply(body=b'{"tags": ["1.0.0"]}')
        return Reply(200, {"Docker-Content-Digest": digest_of(manifest)}, manifest)

    with answering(script) as server:
        where = {"base_content_path": "charts", "is_sync_supported": True}
        registry = hub.add(f"http://{server.host}", Kind.OCI, **where)
        status = hub.sync(registry)
        assert status.status == "Completed"
        (fault,) = hub.faults(registry)
        assert (fault.name, fault.tag) == ("odd", "1.0.0")
        assert "of this server" not in fault.reason


def test_what_broke_since_stays_as_it_was(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("web", "1.1.0")
    charts.put("db", "1.0.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        charts.rows["web"][0] = {"version": "1.0.0"}
        charts.rows["db"] = 3  # type: ignore[assignment]
        status = hub.sync(registry)
        assert status.message == "3 versions, 0 new or changed, 0 gone, 2 that could not be taken."
        assert len(hub.held(registry)) == 3
        assert hub.tags(registry, "db")["1.0.0"] == "1.0.0"
        charts.rows["web"].pop(0)
        charts.rows["db"] = []
        hub.sync(registry)
        assert sorted(hub.held(registry)) == [("web", "1.1.0")]


def test_after_some_failures_of_the_way_the_others_are_not_tried(hub: Hub) -> None:
    charts = Charts(conditional=False)
    for number in range(60):
        charts.put(f"chart-{number}", "1.0.0")
    charts.archives_reply = Reply(401)
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        status = hub.sync(registry)
        assert status.status == "Failed"
        assert status.message == f"{server.host}: 401 Unauthorized."
        assert len(server.requests) < 60
        assert hub.held(registry) == {}
        charts.archives_reply = None
        assert hub.sync(registry).message == "60 versions, 60 new or changed, 0 gone."


def test_progress_is_what_was_read_of_what_there_is(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_PAUSE", 0.0)
    charts = Charts()
    seen: list[tuple[int, int]] = []
    for number in range(60):
        charts.put(f"chart-{number}", "1.0.0")

    def watched(request: Request) -> Reply:
        if request.path.endswith(".tgz"):
            status = hub.status(registry)
            seen.append((status.done, status.total))
        return charts(request)

    with answering(watched) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
    assert {total for _, total in seen} <= {0, 60}
    assert all(done <= total for done, total in seen)
    assert len({done for done, total in seen if total and 0 < done < 60}) > 5
    status = hub.status(registry)
    assert (status.done, status.total) == (60, 60)


def test_what_comes_back_counts_once(hub: Hub) -> None:
    charts = Charts()
    for name in ("web", "db", "odd"):
        charts.put(name, "1.0.0")
    charts.archives.pop(("odd", "1.0.0"))
    rows = charts.rows
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        first = hub.sync(registry).message
        charts.rows = {}
        hub.sync(registry, forced=True)
        charts.rows = rows
        assert hub.sync(registry).message == first
    assert first == "3 versions, 3 new or changed, 0 gone, 1 without contents."


@pytest.fixture(scope="module")
def registry_of_packs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with (
        running(tmp_path_factory.mktemp("packs"), login=True) as host,
        Client(parse_address(host), Credentials(USER, PASSWORD)) as client,
    ):
        yield client


def charts_below(hub: Hub, client: Client, path: str) -> Registry:
    return hub.add(
        client.host,
        Kind.OCI,
        is_sync_supported=True,
        base_content_path=path,
        auth=Auth(kind="basic", username=USER, password=PASSWORD),
    )


def test_packs_are_read_whole_with_all_their_tags(hub: Hub, registry_of_packs: Client) -> None:
    client = registry_of_packs
    push_pack(client, samples.pack(version="1.2.3"), "stable", base="one")
    push_pack(client, samples.pack(version="1.3.0", group="LTS"), base="one")
    push_chart(client, "web", "1.0.0+x", base="two")
    registry = hub.add(
        client.host,
        Kind.OCI,
        provider=Provider.PACK,
        base_content_path="one",
        auth=Auth(kind="basic", username=USER, password=PASSWORD),
    )
    assert hub.sync(registry).message == "2 versions, 2 new or changed, 0 gone."
    held = hub.held(registry)
    assert sorted(held) == [("sample", "1.2.3"), ("sample", "LTS__1.3.0")]
    entry = held["sample", "1.2.3"]
    assert (entry.layer, entry.display_name, entry.clouds) == ("addon", "Sample", ("all",))
    contents = hub.contents(entry)
    assert contents.values.startswith("pack:\n  namespace: sample\n")
    assert contents.readme == "# Sample\n"
    assert contents.logo == samples.PNG
    assert hub.tags(registry, "sample") == {
        "1.2.3": "1.2.3",
        "stable": "1.2.3",
        "1.2.x": "1.2.3",
        "1.x": "1.2.3",
        "LTS__1.3.0": "LTS__1.3.0",
        "LTS__1.3.x": "LTS__1.3.0",
        "LTS__1.x": "LTS__1.3.0",
    }
    add_tag(Repository(client, artifact.repository("sample", "one")), Tag("1.2.3"), Tag("edge"))
    assert hub.sync(registry).message == "2 versions, 0 new or changed, 0 gone."
    assert hub.tags(registry, "sample")["edge"] == "1.2.3"

    charts = hub.add(
        client.host,
        Kind.OCI,
        name="charts",
        base_content_path="two",
        is_sync_supported=True,
        auth=Auth(kind="basic", username=USER, password=PASSWORD),
    )
    assert hub.sync(charts).message == "1 version, 1 new or changed, 0 gone."
    ((key, chart),) = hub.held(charts).items()
    assert key == ("web", "1.0.0+x")
    assert chart.annotations == {"description": "Chart web.", "appVersion": "7"}
    assert chart.content_digest != chart.digest
    assert hub.contents(chart).values == "charts:\n  web:\n    a: 1\n"


def test_a_pack_that_contradicts_its_place_is_broken_and_not_read_again(
    hub: Hub, registry_of_packs: Client
) -> None:
    client = registry_of_packs
    push_pack(client, samples.pack(name="good"), base="odd")
    elsewhere = artifact.repository("another", "odd")
    prepared = prepare(*checked(samples.pack(name="good")))
    push(Repository(client, elsewhere), prepared, watch=lambda _: None)
    push_artifact(client, "odd/spectro-packs/archive/image", "1.0", b"{}", "x/y", b"x", "x/z")
    registry = hub.add(
        client.host,
        Kind.OCI,
        provider=Provider.PACK,
        base_content_path="odd",
        auth=Auth(kind="basic", username=USER, password=PASSWORD),
    )
    hub.sync(registry)
    assert list(hub.held(registry)) == [("good", "1.2.3")]
    another, image = hub.faults(registry)
    assert another.reason == "pack.json names it 'good', but it stands as 'another'."
    assert "is no pack" in image.reason
    with counted_by(hub) as asked:
        status = hub.sync(registry)
    assert status.message == "1 version, 0 new or changed, 0 gone, 2 that could not be taken."
    assert not [line for line in asked if "/blobs/" in line or (line.startswith("GET /v2/odd/s")
                and "/manifests/" in line)]  # fmt: skip
    assert hub.sync(registry, forced=True).message.startswith("1 version, 0 new or changed")


def test_what_is_no_chart_is_none_and_a_tag_beside_a_version_leads_to_it(
    hub: Hub, registry_of_packs: Client
) -> None:
    client = registry_of_packs
    for version in ("1.0.0-rc.1", "1.1.0+x"):
        push_chart(client, "web", version, base="mixed")
    push_image(client, "mixed/web", "0.6.0")
    push_artifact(client, "mixed/web", "0.5.0", b"{}", "x/y", b"x", "x/z")
    mixed = Repository(client, parse_repo("mixed/web"))
    for tag in ("v2", "1", "1.1"):
        add_tag(mixed, parse_tag("1.1.0_x"), parse_tag(tag))
    add_tag(mixed, parse_tag("1.0.0-rc.1"), parse_tag("1.0.0"))
    other = {"name": "web", "version": "3.0.0"}
    kinds = CONFIG_TYPE, samples.chart("web", "3.0.0"), ARCHIVE_TYPE
    push_artifact(client, "mixed/web", "0.9.0", json.dumps(other).encode(), *kinds)
    registry = charts_below(hub, client, "mixed")
    for changed in (2, 0):
        with counted_by(hub) as asked:
            status = hub.sync(registry)
        assert status.message == (
            f"2 versions, {changed} new or changed, 0 gone, 3 that could not be taken."
        )
        assert sorted(hub.held(registry)) == [("web", "1.0.0-rc.1"), ("web", "1.1.0+x")]
    assert not [line for line in asked if line.startswith("GET") and "/tags/" not in line][2:]
    assert hub.contents(hub.held(registry)["web", "1.1.0+x"]).values
    tags = hub.tags(registry, "web")
    assert {tags[tag] for tag in ("v2", "1", "1.1", "1.1.0+x")} == {"1.1.0+x"}
    assert tags["1.0.0"] == "1.0.0-rc.1"
    told = {fault.tag: fault.reason for fault in hub.faults(registry)}
    assert told.keys() == {"0.5.0", "0.6.0", "0.9.0"}
    assert "is no Helm chart" in told["0.5.0"] + told["0.6.0"]
    assert told["0.9.0"] == "The archive holds web 3.0.0, but it stands as web 0.9.0."


def test_images_with_newer_tags_take_no_chart_away(hub: Hub, registry_of_packs: Client) -> None:
    client = registry_of_packs
    push_chart(client, "web", "1.0.0", base="both")
    registry = charts_below(hub, client, "both")
    push_image(client, "both/web", "7.0.0")
    hub.sync(registry)
    assert list(hub.held(registry)) == [("web", "1.0.0")]
    for number in range(8):
        push_image(client, "both/web", f"9.{number}.0")
    hub.sync(registry, forced=True)
    assert list(hub.held(registry)) == [("web", "1.0.0")]
    assert len(hub.faults(registry)) == 9


# Broken off, interrupted, forced.


def test_what_was_read_before_a_death_is_not_read_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts = Charts()
    for number in range(40):
        charts.put(f"chart-{number:02}", "1.0.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        run = hub.take()
        assert run is not None

        def dies(*_: object) -> None:
            raise SystemExit  # neither the end of the run nor its failure is written

        monkeypatch.setattr(work.Work, "_publish", dies)
        with pytest.raises(SystemExit):
            hub.work(run)
        monkeypatch.undo()
        assert hub.held(registry) == {}
        assert hub.status(registry).status == "InProgress"
        assert hub.take() is None  # the lease still runs

        monkeypatch.setattr(schedule, "now", lambda: now() + 3_600_000_000)
        again = hub.take()
        assert again is not None
        before = len(server.requests)
        hub.work(again)
        assert hub.status(registry).status == "Completed"
        assert server.seen()[before:] == ["GET /index.yaml"]
        assert len(hub.held(registry)) == 40


def test_a_run_that_was_taken_over_writes_nothing(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        run = hub.take()
        assert run is not None
        with hub.store.write() as tx:
            schedule.reset(tx, registry.uid, due=True)
        hub.work(run)
        assert hub.held(registry) == {}
        assert hub.status(registry).status == "Pending"


def test_a_server_that_ends_leaves_the_work_to_another(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        run = hub.take()
        assert run is not None
        hub.stop.set()
        hub.work(run)
        assert hub.status(registry).status == "Pending"
        hub.stop.clear()
        again = hub.take()
        assert again is not None
        hub.work(again)
        assert hub.status(registry).status == "Completed"


@pytest.mark.parametrize("stops", [False, True])
def test_an_index_that_comes_slowly_is_given_up_with_the_run(hub: Hub, stops: bool) -> None:
    hub.times = replace(hub.times, lease=timedelta(seconds=0.5))
    coming = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        while True:
            connection.sendall(b"#" * 1000 + b"\n")
            coming.set()
            time.sleep(0.02)

    with connected(trickle) as host:
        registry = hub.add(f"http://{host}")
        run = hub.take()
        assert run is not None
        working = threading.Thread(target=hub.work, args=[run])
        working.start()
        assert coming.wait(20)
        if stops:
            hub.stop.set()
        else:
            with hub.store.write() as tx:
                registries.remove(tx, hub.vault, registry.uid)
        working.join(10)
        assert not working.is_alive()
    assert not stops or hub.status(registry).status == "Pending"


def test_a_registry_that_is_removed_meanwhile_ends_the_run(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        run = hub.take()
        assert run is not None
        with hub.store.write() as tx:
            registries.remove(tx, hub.vault, registry.uid)
        hub.work(run)
        with pytest.raises(RegistryUnknown):
            hub.status(registry)


def test_a_full_disk_leaves_the_last_good_catalog(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        charts.put("web", "1.1.0")

        def full(*_: object) -> None:
            raise StorageFull("There is no room left on the store's device.")

        monkeypatch.setattr(foreign, "prepare", full)
        status = hub.sync(registry)
        assert (status.status, status.message) == (
            "Failed",
            "There is no room left on the store's device.",
        )
        assert list(hub.held(registry)) == [("web", "1.0.0")]


def test_what_is_gone_is_forgotten_after_its_time_unless_it_is_used(hub: Hub) -> None:
    charts = Charts()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        charts.put("web", version)
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        charts.drop("web", "1.0.0")
        charts.drop("web", "1.1.0")
        hub.sync(registry)
        gone = hub.held(registry, gone=True)
        used = packs.c.uid == gone["web", "1.0.0"].uid
        with hub.store.write() as tx:
            assert foreign.forget(tx.connection, now() - 1_000_000_000, kept=used) == 0
            assert foreign.forget(tx.connection, now() + 1, kept=used) == 1
        assert list(hub.held(registry, gone=True)) == [("web", "1.0.0")]
        assert list(hub.held(registry)) == [("web", "1.2.0")]
