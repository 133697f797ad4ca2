"""Registries that are synchronized again, through the API: what they are asked for, and what others
see of the catalog meanwhile.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from tests.hub.syncing import Charts
from tests.live import Live
from tests.packs import samples
from tests.remotes.content import push_chart, push_pack
from tests.remotes.distribution import running
from tests.remotes.scripted import Reply, Request, Scripted, answering
from tests.server.hub.conftest import Caller
from tests.server.hub.registries.conftest import created, settled
from tests.server.hub.registries.test_faults import Front

VERSIONS = ("1.0.0", "1.1.0", "2.0.0")
HEAD = "HEAD /v2/%s/manifests/3.0.0"


@dataclass(frozen=True)
class Known:
    """A registry of three versions; `again` is what it is asked for where nothing changed, `added`
    what it is asked for besides where there is a new one."""

    kind: str
    path: str
    spec: dict[str, Any]
    publish: Callable[[str], object]
    seen: Scripted
    again: list[str]
    added: set[str]


def lists(repository: str) -> list[str]:
    """What tells of changes in a repository of the OCI interface: no manifest, no blob."""
    heads = [f"HEAD /v2/{repository}/manifests/{version}" for version in VERSIONS]
    return sorted(["GET /v2/", "GET /v2/_catalog", f"GET /v2/{repository}/tags/list", *heads])


def content(repository: str) -> set[str]:
    return {f"GET /v2/{repository}/{kind}/DIGEST" for kind in ("manifests", "blobs")}


@pytest.fixture(scope="module")
def known(server: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Known]]:
    """One of each kind; the pack registry is the server's own."""
    own = parse_address(server.url)
    with ExitStack() as stack:
        host = stack.enter_context(running(tmp_path_factory.mktemp("oci")))
        oci = stack.enter_context(Client(parse_address(host)))
        login = Credentials("admin", server.admin_password)
        packyard = stack.enter_context(Client(own, login, insecure=True))
        charts = Charts()
        helm = stack.enter_context(answering(charts))
        urls = (f"http://{host}", f"http://{host}", server.url)
        fronts = [stack.enter_context(answering(Front(url))) for url in urls]
        nobody = {"type": "noAuth"}
        admin = {"type": "basic", "username": "admin", "password": server.admin_password}
        read = {"auth": nobody, "isSyncSupported": True}
        packs = "team/spectro-packs/archive/sample"
        yield [
            Known("helm", "", {"auth": nobody}, lambda version: charts.put("web", version), helm,
                  ["GET /index.yaml"], {"GET /web-3.0.0.tgz"}),
            Known("oci", "/basic", {**read, "providerType": "helm", "baseContentPath": "charts"},
                  lambda version: push_chart(oci, "web", version), fronts[0],
                  lists("charts/web"), {HEAD % "charts/web", *content("charts/web")}),
            Known("oci", "/basic", {**read, "providerType": "pack", "baseContentPath": "team"},
                  lambda version: push_pack(oci, samples.pack(version=version), base="team"),
                  fronts[1], lists(packs), {HEAD % packs, *content(packs)}),
            Known("pack", "", {"auth": admin},
                  lambda version: push_pack(packyard, samples.pack(version=version)), fronts[2],
                  ["GET /v1/_packs?limit=1000"], content("spectro-packs/archive/sample")),
        ]  # fmt: skip


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def synchronized(admin: Caller, path: str, message: str) -> None:
    """Ask for one more run, and wait for its end."""
    before = admin("GET", f"{path}/sync/status").json().get("lastRunTime")
    assert admin("POST", f"{path}/sync").status_code == 202
    until(lambda: settled(admin, f"{path}/sync/status").get("lastRunTime") != before)
    status = settled(admin, f"{path}/sync/status")
    assert (status["status"], status["message"]) == ("Completed", message)


def requests(seen: Scripted) -> list[str]:
    return sorted(re.sub(r"sha256:[0-9a-f]{64}", "DIGEST", line) for line in seen.seen())


def test_a_registry_is_asked_for_nothing_that_is_known(admin: Caller, known: list[Known]) -> None:
    for number, one in enumerate(known):
        for version in VERSIONS:
            one.publish(version)
        spec = {"endpoint": f"http://{one.seen.host}", **one.spec}
        body = {"metadata": {"name": f"known {number}"}, "spec": spec}
        made = f"{one.kind}{one.path}?skipPackSync=true"
        if one.kind == "helm":
            spec["createOption"] = {"skipSync": True}
        path = f"/v1/registries/{one.kind}/{created(admin('POST', f'/v1/registries/{made}', body))}"
        path += one.path
        synchronized(admin, path, "3 versions, 3 new or changed, 0 gone.")

        one.seen.requests.clear()
        none = "Nothing changed since the last synchronization."
        unchanged = none if one.kind == "helm" else "3 versions, 0 new or changed, 0 gone."
        synchronized(admin, path, unchanged)
        assert requests(one.seen) == one.again

        one.publish("3.0.0")
        one.seen.requests.clear()
        synchronized(admin, path, "4 versions, 1 new or changed, 0 gone.")
        more = requests(one.seen)
        for line in one.again:
            more.remove(line)
        assert set(more) == one.added


def test_others_see_the_former_state_or_the_new_one(admin: Caller) -> None:
    """Never a part, whichever of the two workers they ask."""
    charts = Charts()
    charts.put("web", "9.0.0")
    newest, states = charts.rows["web"], (1000, 400, 1200)

    def hold(count: int) -> None:
        charts.rows = {"web": newest + [
            {"name": "web", "version": f"1.{number}.0", "urls": [f"web-1.{number}.0.tgz"]}
            for number in range(count - 1)
        ]}  # fmt: skip

    with answering(charts) as repository:
        hold(states[0])
        spec = {"endpoint": f"http://{repository.host}", "auth": {"type": "noAuth"}}
        body = {"metadata": {"name": "whole"}, "spec": {**spec, "createOption": {"skipSync": True}}}
        uid = created(admin("POST", "/v1/registries/helm", body))
        path = f"/v1/registries/helm/{uid}"
        synchronized(admin, path, "1000 versions, 1000 new or changed, 0 gone.")
        seen: list[int] = []
        ended = threading.Event()

        def watch() -> None:
            onlooker = Caller(admin.server, admin.key)
            while not ended.is_set():
                listed = f"/v1/packs?limit=1&filters=spec.registryUid={uid}"
                count = onlooker("GET", listed).json()["listmeta"]["count"]
                if seen[-1:] != [count]:
                    seen.append(count)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for count, message in (
                (states[1], "400 versions, 0 new or changed, 600 gone."),
                (states[2], "1200 versions, 800 new or changed, 0 gone."),
            ):
                hold(count)
                synchronized(admin, path, message)
        finally:
            ended.set()
            watcher.join()
    assert seen == [count for count in states if count in seen]


def test_a_registry_that_moves_while_it_is_read_shows_its_new_place_alone(admin: Caller) -> None:
    here, there, going_on = Charts(), Charts(), threading.Event()
    for number in range(20):
        here.put(f"here{number}", "1.0.0")
    there.put("there", "1.0.0")

    def slow(request: Request) -> Reply:
        if request.path.endswith(".tgz"):
            going_on.wait(30)
        return here(request)

    with answering(slow) as old, answering(there) as new:
        spec = {"endpoint": f"http://{old.host}", "auth": {"type": "noAuth"}}
        body = {"metadata": {"name": "moving"}, "spec": spec}
        path = f"/v1/registries/helm/{created(admin('POST', '/v1/registries/helm', body))}"
        try:
            until(lambda: any(line.endswith(".tgz") for line in old.seen()))
            spec["endpoint"] = f"http://{new.host}"
            assert admin("PUT", path, body).status_code == 204
        finally:
            going_on.set()
        message = "1 version, 1 new or changed, 0 gone."
        until(lambda: settled(admin, f"{path}/sync/status")["message"] == message)
        search = {"filter": {"registryUid": [path.rpartition("/")[2]]}}
        found = admin("POST", "/v1/packs/search", search).json()["items"]
        assert [item["spec"]["name"] for item in found] == ["there"]
