"""A server that is killed while it synchronizes, and many versions at once, through the API."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests import live
from tests.hub.syncing import Charts
from tests.live import ADMIN_PASSWORD, Live, basic
from tests.remotes.scripted import Reply, Request, Scripted, answering
from tests.server.hub.conftest import Caller
from tests.server.hub.registries.conftest import created, held, settled

CONFIG = {"hub": {"networks": ["127.0.0.0/8"], "rate": 10_000}}
MORE = 40  # charts of a round


class Slow(Charts):
    """Takes its time for each archive."""

    def __call__(self, request: Request) -> Reply:
        if request.path.endswith(".tgz"):
            time.sleep(0.02)
        return super().__call__(request)


def administrator(server: Live) -> Caller:
    caller = Caller(server, "")
    login = {"authorization": basic("admin", ADMIN_PASSWORD)}
    made = caller("POST", "/v1/apiKeys", {"metadata": {"name": "tests"}}, headers=login)
    caller.key = made.json()["apiKey"]
    return caller


def registered(admin: Caller, repository: Scripted) -> str:
    spec = {"endpoint": f"http://{repository.host}", "auth": {"type": "noAuth"}}
    return created(
        admin("POST", "/v1/registries/helm", {"metadata": {"name": "charts"}, "spec": spec})
    )


def kill_again_and_again(folder: Path, rounds: int) -> None:
    """Each time after a while of work; then the server is started again and asked nothing."""
    charts = Slow()
    dice = random.Random(11)  # noqa: S311
    with live.start(folder, config=CONFIG) as server, answering(charts) as repository:
        admin = administrator(server)
        uid = registered(admin, repository)
        path = f"/v1/registries/helm/{uid}/sync"
        settled(admin, f"{path}/status")
        expected = held(server, uid)
        for number in range(rounds):
            before = expected
            for chart in range(MORE):
                charts.put(f"chart-{number}-{chart}", "1.0.0")
            expected = before | {(f"chart-{number}-{chart}", "1.0.0") for chart in range(MORE)}
            asked = len(repository.requests)
            assert admin("POST", path).status_code == 202
            wanted = dice.randrange(1, MORE)
            while sum("tgz" in line for line in repository.seen()[asked:]) < wanted:
                time.sleep(0.002)
            server.kill()
            assert held(server, uid) in (before, expected)
            server.run()
            assert settled(admin, f"{path}/status", 60)["status"] == "Completed"
            assert held(server, uid) == expected
            assert admin("GET", f"/v1/registries/{uid}/sync/report").json()["items"] == []
            archives = Counter(line for line in repository.seen()[asked:] if "tgz" in line)
            assert len(archives) == MORE
            assert max(archives.values()) <= 2  # what was read and not written is read again


def test_a_server_that_is_killed_takes_up_its_synchronization(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, 1)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_server_that_is_killed_fifty_times_takes_up_its_synchronizations(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, 50)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_ten_thousand_versions_are_read_and_asked_for_once(tmp_path: Path) -> None:
    charts = Charts()
    for chart in range(200):
        for version in range(50):
            charts.put(f"chart-{chart:03}", f"1.{version}.0", description="One of many.")
    with live.start(tmp_path, config=CONFIG) as server, answering(charts) as repository:
        admin = administrator(server)
        uid = registered(admin, repository)
        path = f"/v1/registries/helm/{uid}/sync"
        status = settled(admin, f"{path}/status", 120)
        assert status["message"] == "10000 versions, 10000 new or changed, 0 gone."
        assert len(held(server, uid)) == 10_000
        archives = [line for line in repository.seen() if "tgz" in line]
        assert len(archives) == len(set(archives)) == 200  # the newest of each
        asked = len(repository.requests)
        assert admin("POST", path).status_code == 202
        status = settled(admin, f"{path}/status")
        assert status["message"] == "Nothing changed since the last synchronization."
        assert repository.seen()[asked:] == ["GET /index.yaml"]
