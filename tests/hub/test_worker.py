"""Processes that synchronize: never two at one registry, and whatever dies is taken up again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from packyard.auth.secrets import Secrets
from packyard.catalog.tables import pack_contents, pack_tags, packs
from packyard.hub import schedule, worker
from packyard.hub.description import Registry
from packyard.hub.schedule import Times
from packyard.hub.sync import Sync
from packyard.hub.worker import Worker
from tests.hub.syncing import Charts, Hub, settings
from tests.migrated import open_migrated
from tests.remotes.scripted import Reply, Request, answering

ROOT = Path(__file__).parents[2]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Hub]:
    root = tmp_path / "data"
    store = open_migrated(root)
    yield Hub(store, vault=Secrets.load(file=root / "secrets.key"))
    store.close()


@contextmanager
def working(hub: Hub, tmp_path: Path, *, lease: float = 5.0) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does what is due; killed at the end of the block, where it was not before."""
    with (tmp_path / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.hub.worker_process", str(tmp_path / "data"), str(lease)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait(60)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def is_completed(hub: Hub, *registries: Registry) -> bool:
    return all(hub.status(one).status == "Completed" for one in registries)


def test_two_processes_never_synchronize_one_registry_twice(disk: Hub, tmp_path: Path) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    lock, running, seen = threading.Lock(), set[str](), dict[str, int]()

    def script(request: Request) -> Reply:
        place = request.path.split("/")[1]
        if request.path.endswith("index.yaml"):
            with lock:
                assert place not in running
                running.add(place)
                seen[place] = seen.get(place, 0) + 1
            time.sleep(0.02)
            with lock:
                running.remove(place)
        return charts(request)

    with (
        answering(script) as server,
        working(disk, tmp_path),
        working(disk, tmp_path),
    ):
        registries = [
            disk.add(f"http://{server.host}/place-{number}", name=f"registry {number}")
            for number in range(12)
        ]
        until(lambda: is_completed(disk, *registries))
    assert seen == {f"place-{number}": 1 for number in range(12)}


def whole(hub: Hub, registry: Registry) -> int:
    """How many versions the catalog has, every one with all that belongs to it."""
    with hub.store.read() as connection:
        rows = connection.execute(select(packs).where(packs.c.source == registry.uid)).all()
        uids = {row.uid for row in rows}
        led = set(
            connection.scalars(select(pack_tags.c.pack).where(pack_tags.c.source == registry.uid))
        )
        described = set(connection.scalars(select(pack_contents.c.pack)))
    assert led == {row.uid for row in rows if not row.gone_at}
    assert described <= uids
    return len(uids)


def kill_and_take_up(disk: Hub, tmp_path: Path, rounds: int) -> None:
    """Kill whoever works at a random moment, again and again; each time the catalog is what it was
    before or after a whole synchronization."""
    charts = Charts()
    slow = 0.001
    dice = random.Random(7)  # noqa: S311

    def script(request: Request) -> Reply:
        time.sleep(slow)
        return charts(request)

    with answering(script) as server:
        registry = disk.add(f"http://{server.host}")
        count = 0
        for number in range(rounds):
            before = count
            for more in range(15):
                charts.put(f"chart-{number}-{more}", "1.0.0")
            count += 15
            with disk.store.write() as tx:
                schedule.ask(tx, registry.uid, disk.times)
            with working(disk, tmp_path) as process:
                time.sleep(dice.uniform(0.0, 0.25))
                process.send_signal(signal.SIGKILL)
                process.wait(60)
            assert whole(disk, registry) in (before, count)
            asked = len(server.requests)
            with working(disk, tmp_path):
                until(lambda: is_completed(disk, registry))
            assert whole(disk, registry) == count
            archives = [line for line in server.seen()[asked:] if line.endswith(".tgz")]
            assert len(archives) <= 15
    assert disk.faults(registry) == []


def test_whatever_dies_is_taken_up_again(disk: Hub, tmp_path: Path) -> None:
    kill_and_take_up(disk, tmp_path, 4)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_whatever_dies_is_taken_up_again_fifty_times(disk: Hub, tmp_path: Path) -> None:
    kill_and_take_up(disk, tmp_path, 50)


def test_leases_of_dead_processes_of_this_machine_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as ended:
        assert ended.stdout is not None
        ended.stdout.read()
        until(lambda: worker._is_dead(f"{worker._HOST}:{ended.pid}:abc:def"))
    token = worker._TOKEN
    own = f"{worker._HOST}:{os.getpid()}"
    assert worker._is_dead(f"{worker._HOST}:{process.pid}:abc:def")
    assert worker._is_dead(f"{own}:of-another:def")
    assert not worker._is_dead(f"{own}:{token}:def")
    assert not worker._is_dead(f"{worker._HOST}:{os.getppid()}:abc:def")
    assert not worker._is_dead(f"elsewhere.example:{process.pid}:abc:def")
    assert not worker._is_dead("tests")


def test_a_worker_looks_at_the_schedule_only_when_it_changed(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    ask = schedule.next_due

    def counted(connection: Connection) -> int | None:
        looked.append(1)
        return ask(connection)

    monkeypatch.setattr(schedule, "next_due", counted)
    monkeypatch.setattr(worker, "LOOK", 0.005)
    times = Times(lease=timedelta(seconds=5))
    sync = Sync(hub.store, hub.vault, settings(), times)
    stop = threading.Event()
    thread = threading.Thread(target=Worker(hub.store, sync, times).work, args=(stop,))
    thread.start()
    try:
        time.sleep(0.2)
        before = len(looked)
        charts = Charts()
        charts.put("web", "1.0.0")
        with answering(charts) as server:
            registry = hub.add(f"http://{server.host}")
            until(lambda: is_completed(hub, registry))
        assert len(looked) > before
    finally:
        stop.set()
        thread.join(60)
    assert before <= 2
