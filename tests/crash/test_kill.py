"""SIGKILL at random moments, under pushes, deletes, tags and garbage collection by several clients.

Whatever was answered is there and whole afterwards; nothing half is visible; garbage collection
frees only what nobody refers to.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.crash.traffic import Client, PackClient
from tests.live import Live, start
from tests.wire.oci import Repo

GRACE = 6.0
CONFIG = {"gc": {"enabled": False, "grace": f"{GRACE}s"}}


@pytest.mark.timeout(240)
def test_what_was_answered_survives_twenty_crashes(tmp_path: Path) -> None:
    """As many of them as a slow machine has time for, and five at least."""
    crashes(tmp_path, rounds=20, seed=1, seconds=60)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_what_was_answered_survives_two_hundred_crashes(tmp_path: Path) -> None:
    crashes(tmp_path, rounds=200, seed=int(time.time()), seconds=3000)


def crashes(folder: Path, rounds: int, seed: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    live = start(folder, config=CONFIG, workers=2)
    clients = [Client(live, f"image-{number}", seed + number) for number in range(3)]
    clients += [PackClient(live, "pack-a", seed + 10), PackClient(live, "pack-b", seed + 11)]
    try:
        for client in clients:
            client.start()
        number = done = 0
        while number < min(rounds, 5) or (number < rounds and time.monotonic() < until):
            time.sleep(chance.uniform(0.1, 0.4))
            sweep = _collecting(live) if number % 3 == 0 else None
            time.sleep(chance.uniform(0.0, 0.2 if sweep is None else 1.2))
            done = _worked(clients, done)
            if number % 4 == 3:
                _kill_a_worker(live, chance)
            else:
                if sweep is not None:
                    sweep.kill()
                live.kill()
                live.run()
            if sweep is not None:
                sweep.wait(60)
            _alive(clients, f"round {number} of seed {seed}")
            number += 1
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(60)
        _alive(clients, f"the end of seed {seed}")
        steps = [client.steps for client in clients]
        assert all(steps), steps
        assert sum(steps) >= number, steps
        live.kill()
        live.run()
        _audit(clients)
        time.sleep(GRACE + 0.5)
        _collect_all(live, clients)
    finally:
        for client in clients:
            client.stopping.set()
        if live.process.poll() is None:
            live.kill()


def _kill_a_worker(live: Live, chance: random.Random) -> None:
    children = live.workers()
    if children:
        os.kill(chance.choice(children), signal.SIGKILL)
    assert live.process.poll() is None
    live.wait_ready()


def _worked(clients: list[Client], before: int) -> int:
    """Wait, on a slow machine, until something was done since the last crash; how much by then."""
    deadline = time.monotonic() + 20
    while (done := sum(client.steps for client in clients)) == before:
        if time.monotonic() > deadline or not any(client.is_alive() for client in clients):
            break
        time.sleep(0.02)
    return done


def _alive(clients: list[Client], when: str) -> None:
    broken = [complaint for client in clients for complaint in client.broken]
    assert not broken, f"{when}:\n" + "\n\n".join(broken)


def _audit(clients: list[Client]) -> None:
    for client in clients:
        client.audit(GRACE)


def _collecting(live: Live, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "packyard", "gc", *words, str(live.config)],
        env=live.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _collect(live: Live, *words: str) -> str:
    sweep = _collecting(live, *words)
    printed, _ = sweep.communicate(timeout=100)
    assert sweep.returncode == 0, printed
    return printed


def _collect_all(live: Live, clients: list[Client]) -> None:
    """A dry run changes nothing; a real one frees what is garbage, and only that."""
    garbage = {client: client.garbage() for client in clients}
    assert any(garbage.values())
    before = _files(live.root)
    _collect(live, "--dry-run")
    assert _files(live.root) == before
    _audit(clients)
    _collect(live)
    _audit(clients)
    for client, blobs in garbage.items():
        with client.open() as http:
            repo = Repo(http, client.repository)
            for of in sorted(blobs):
                assert repo.blob(of, "HEAD").status_code == 404, f"{of} was not freed"


def _files(root: Path) -> set[tuple[str, int]]:
    """The files of the store, without the database's own working files."""
    return {
        (str(path.relative_to(root)), path.stat().st_size)
        for path in root.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm", "-journal", ".lock"))
    }


def test_workers_do_not_outlive_the_process_that_started_them(tmp_path: Path) -> None:
    live = start(tmp_path, workers=2)
    children = live.workers()
    assert len(children) >= 2
    try:
        live.process.kill()
        live.process.wait(60)
        deadline = time.monotonic() + 60
        while any(_runs(child) for child in children):
            assert time.monotonic() < deadline, "workers go on without their parent"
            time.sleep(0.1)
        live.run()
    finally:
        for child in children:
            if _runs(child):
                os.kill(child, signal.SIGKILL)
        if live.process.poll() is None:
            live.kill()


def _runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_killed_worker_is_replaced_and_nobody_is_left_waiting(tmp_path: Path) -> None:
    with start(tmp_path, workers=2) as live:
        auth = ("admin", live.admin_password)
        with httpx.Client(base_url=live.url, auth=auth, timeout=30) as client:
            repo = Repo(client)
            content = repo.store(repo.image(), "v1")
        before = set(live.workers())
        for child in before:
            os.kill(child, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while len(set(live.workers()) - before) < len(before):
            assert time.monotonic() < deadline, f"no new workers:\n{live.log()}"
            time.sleep(0.1)
        live.wait_ready()
        with httpx.Client(base_url=live.url, auth=auth, timeout=30) as client:
            assert Repo(client, repo.name).get("v1").content == content.body


def test_an_upload_survives_a_crash_and_is_resumed(tmp_path: Path) -> None:
    live = start(tmp_path, workers=2)
    try:
        auth = ("admin", live.admin_password)
        data = bytes(range(256)) * 4000
        with httpx.Client(base_url=live.url, auth=auth, timeout=30) as client:
            repo = Repo(client)
            begun = repo.patch(repo.location(), data[:500_000], "0-499999")
            location = begun.headers["location"]
        live.kill()
        live.run()
        with httpx.Client(base_url=live.url, auth=auth, timeout=30) as client:
            state = client.get(location)
            assert state.status_code == 204
            held = int(state.headers["range"].partition("-")[2]) + 1
            assert held == 500_000, "what was answered 202 is there"
            again = Repo(client, repo.name)
            rest = again.patch(state.headers["location"], data[held:])
            assert rest.status_code == 202
            assert again.push(data) == again.push(data)
    finally:
        live.kill()
