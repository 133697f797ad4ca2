"""Faulty registries through the API: whoever validates, makes or synchronizes one is told its exact
reason, and the last good catalog stays. The servers and their reasons are those of `remotes`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from packyard.hub.opening import MENDS
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from packyard.remotes.endpoint import parse_endpoint
from packyard.remotes.failures import COMMAND_LINE
from tests import live
from tests.hub.syncing import Charts
from tests.live import Live
from tests.packs import samples
from tests.remotes.content import push_chart, push_pack
from tests.remotes.distribution import running
from tests.remotes.scripted import Reply, Request, Scripted, answering
from tests.remotes.test_faulty_servers import FAULTS, Fault, charts, helm, packs
from tests.server.hub.conftest import Caller
from tests.server.hub.registries.conftest import created, held

NOT_OF_A_LISTING = {"empty base path", "list of something else"}
"""What is a fault of a new registry, and no longer of one that has been read."""


@dataclass(frozen=True)
class Registered:
    """A registry that was good; `body` is what it was made of."""

    fault: Fault
    uid: str
    path: str
    body: dict[str, Any]
    said: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    config = {
        "hub": {
            "networks": ["127.0.0.1/32", "::1/128"],
            "maxindex": 100_000,
            "connections": 64,
            "rate": 10_000,
            "timeouts": {"connect": "1s", "read": "1s", "whole": "2s"},
            "sync": {"parallel": 8, "retry": "5s"},
        }
    }
    with live.start(tmp_path_factory.mktemp("server"), workers=2, config=config) as started:
        yield started


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[object, str]]:
    """An endpoint for each kind of source that is read without a fault."""
    repository = Charts()
    repository.put("web", "1.0.0")
    with answering(repository) as helm, running(tmp_path_factory.mktemp("oci")) as host:
        with Client(parse_address(host)) as client:
            push_chart(client, "web", "1.0.0")
            push_pack(client, samples.pack())
        yield {charts: f"http://{host}", packs: f"http://{host}", None: f"http://{helm.host}"}


def described(fault: Fault, name: str, endpoint: str) -> tuple[str, dict[str, Any]]:
    """The path of its kind, and a body."""
    auth: dict[str, object] = {"type": "noAuth"}
    if isinstance(fault.login, Credentials):
        given = {"username": fault.login.username, "password": fault.login.password}
        auth = {"type": "basic", **given}
    spec: dict[str, object] = {"endpoint": endpoint, "auth": auth}
    if fault.source is charts:
        path = "oci/basic"
        spec |= {"providerType": "helm", "isSyncSupported": True, "baseContentPath": "charts"}
    else:
        path = "pack" if fault.source is packs else "helm"
    return path, {"metadata": {"name": name}, "spec": spec}


def place(fault: Fault, uid: str) -> str:
    if fault.source is charts:
        return f"/v1/registries/oci/{uid}/basic"
    return f"/v1/registries/{'pack' if fault.source is packs else 'helm'}/{uid}"


def faulty(fault: Fault, server: Scripted | str, folder: Path) -> tuple[str, str, str]:
    """The endpoint, what to trust, and the reason."""
    host = server if isinstance(server, str) else server.host
    port = host.rpartition(":")[2]
    endpoint = fault.endpoint.format(host=host, port=port)
    below = "/charts" if fault.source not in (charts, packs) else ""
    address = parse_endpoint(endpoint).address
    said = fault.said.replace(COMMAND_LINE.certificate, MENDS.certificate)
    said = said.replace(COMMAND_LINE.plain, MENDS.plain)
    pem = (folder / "server.crt").read_text() if fault.trusted else ""
    return f"{endpoint}{below}", pem, said.format(host=address.host, port=port, day="DAY")


def dateless(message: object) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d", "DAY", str(message))


def come_to(caller: Caller, registered: Registered, word: str, said: str) -> None:
    """Wait until the status is that; what a busy machine made fail is tried again by then."""
    deadline = time.monotonic() + 60
    while True:
        status = caller("GET", f"{registered.path}/sync/status").json()
        if status["status"] == word and dateless(status["message"]).startswith(said):
            return
        assert time.monotonic() < deadline, (registered.fault.name, status, said)
        time.sleep(0.1)


def test_each_fault_gives_its_exact_reason_and_leaves_the_catalog(
    server: Live, admin: Caller, good: dict[object, str], tmp_path: Path
) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        registered = []
        for fault in FAULTS:
            folder = tmp_path / fault.name
            folder.mkdir()
            there = good.get(fault.source, good[None])
            path, body = described(fault, fault.name, there)
            uid = created(admin("POST", f"/v1/registries/{path}", body))
            endpoint, pem, said = faulty(fault, stack.enter_context(fault.server(folder)), folder)
            _, body = described(fault, fault.name, endpoint)
            if pem:
                body["spec"]["auth"]["tls"] = {"enabled": True, "certificate": pem}
            registered.append(Registered(fault, uid, place(fault, uid), body, said))
        for one in registered:
            come_to(admin, one, "Completed", "1 version, ")

        def refused(one: Registered) -> None:
            """By validation, and where another of these is made."""
            kind = described(one.fault, "", "")[0]
            again = {**one.body, "metadata": {"name": f"again {one.fault.name}"}}
            for address, sent in ((f"{kind}/validate", one.body["spec"]), (kind, again)):
                answer = admin("POST", f"/v1/registries/{address}", sent)
                found = (
                    answer.status_code,
                    answer.json()["code"],
                    dateless(answer.json()["message"]),
                )
                assert found == (422, "InvalidRegistry", one.said)
                assert "hush" not in answer.text

        list(pool.map(refused, registered))
        for one in registered:
            assert admin("PUT", one.path, one.body).status_code == 204
        for one in registered:
            if one.fault.name not in NOT_OF_A_LISTING:
                come_to(admin, one, "Failed", one.said)
                version = "1.2.3" if one.fault.source is packs else "1.0.0"
                assert {found for _, found in held(server, one.uid)} == {version}
    listed = admin("GET", "/v1/registries/metadata").json()["items"]
    assert len(listed) == 1 + len(FAULTS)


@dataclass
class Front:
    """Passes requests on to the server at that URL, until it has lost everything."""

    url: str
    empty: bool = False
    http: httpx.Client = field(default_factory=lambda: httpx.Client(verify=False))  # noqa: S501

    def __call__(self, request: Request) -> Reply:
        if self.empty and request.path.startswith("/v2/_catalog"):
            return Reply(body=b'{"repositories": []}')
        if self.empty and request.path == "/index.yaml":
            return Reply(body=b"apiVersion: v1\nentries: {}\n")
        names = ("accept", "authorization")
        wanted = {name: text for name, text in request.headers.items() if name in names}
        there = self.http.request(request.method, f"{self.url}{request.path}", headers=wanted)
        kept = ("content-type", "docker-content-digest", "link")
        headers = {name: there.headers[name] for name in kept if name in there.headers}
        return Reply(there.status_code, headers, there.content)


def test_a_registry_that_has_lost_everything_keeps_its_catalog_until_somebody_means_it(
    server: Live, admin: Caller, good: dict[object, str]
) -> None:
    with ExitStack() as stack:
        for kind in (charts, packs, None):
            front = Front(good[kind])
            fault = Fault("lost", lambda _: nullcontext(""), "", source=kind or helm)
            there = f"http://{stack.enter_context(answering(front)).host}"
            path, body = described(fault, f"lost {kind}", there)
            uid = created(admin("POST", f"/v1/registries/{path}", body))
            one = Registered(fault, uid, place(fault, uid), body, "")
            come_to(admin, one, "Completed", "1 version, ")
            front.empty = True
            assert admin("POST", f"{one.path}/sync").status_code == 202
            come_to(admin, one, "Failed", "The registry lists nothing any more: the version of it")
            assert len(held(server, one.uid)) == 1
            listed = f"/v1/packs?filters=spec.registryUid={one.uid}"
            assert admin("GET", listed).json()["listmeta"]["count"] == 1
            assert admin("POST", f"{one.path}/sync?forceSync=true").status_code == 202
            come_to(admin, one, "Completed", "0 versions, 0 new or changed, 1 gone")
            assert admin("GET", listed).json()["listmeta"]["count"] == 0
            report = admin("GET", f"/v1/registries/{one.uid}/sync/report").json()["items"]
            assert [item["name"] for item in report] == (["charts"] if kind is charts else [])
