"""Worker processes: few, lazy, replaced when they die, gone with their parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packyard.charts.chart import Release
from packyard.charts.engine import Engine
from packyard.charts.pool import Limits
from packyard.charts.template import Template
from tests.charts.samples import CONFIG, chart
from tests.charts.test_limits import LOOP

RELEASE = Release(name="r")


def children(pid: int | None = None) -> set[int]:
    listing = Path(f"/proc/{pid or os.getpid()}/task").glob("*/children")
    return {int(word) for path in listing for word in path.read_text().split()}


def workers(engine: Engine) -> set[int]:
    return {worker._process.pid for worker in engine._pool._idle}


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_processes_start_with_the_first_job_and_end_with_the_engine() -> None:
    before = children()
    with Engine(2) as engine:
        assert children() == before
        for _ in range(3):
            assert engine.load(chart())[0]
        assert len(children() - before) == 1
        (folder,) = {worker._folder for worker in engine._pool._idle}
        assert folder.is_dir()
    assert children() == before
    assert not folder.exists()


def test_many_callers_share_few_processes() -> None:
    with Engine(2) as engine, ThreadPoolExecutor(8) as callers:
        archive = chart({"a.yaml": CONFIG})

        def colour(number: int) -> object:
            rendering, _ = engine.render(archive, {"colour": f"c{number}"}, RELEASE)
            return rendering and rendering.manifests[0].data["data"]

        assert list(callers.map(colour, range(60))) == [{"colour": f"c{n}"} for n in range(60)]
        assert 1 <= len(workers(engine)) <= 2


def test_a_killed_process_is_replaced_idle_or_at_work() -> None:
    with Engine(1, Limits(seconds=20)) as engine:
        assert engine.load(chart())[0]
        (idle,) = workers(engine)
        os.kill(idle, signal.SIGKILL)
        assert engine.load(chart())[0]

        results: list[object] = []
        (at_work,) = workers(engine)
        busy = Template(
            name="t", text="{{ range until 9000 }}{{ range until 900 }}{{ end }}{{ end }}x", data={}
        )
        job = threading.Thread(target=lambda: results.extend(engine.fill([busy])))
        job.start()
        wait_for(lambda: not workers(engine))
        os.kill(at_work, signal.SIGKILL)
        job.join(timeout=60)
        assert [entry.text for entry in results] == ["x"]  # type: ignore[attr-defined]
        assert workers(engine).isdisjoint({idle, at_work})


def test_a_job_whose_process_dies_again_and_again_is_given_up() -> None:
    with Engine(1) as engine:
        before = children()
        done = threading.Event()

        def hunt() -> None:
            while not done.is_set():
                for pid in children() - before:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.01)

        hunter = threading.Thread(target=hunt)
        hunter.start()
        loaded, findings = engine.load(chart())
        done.set()
        hunter.join()
        assert loaded is None
        assert [finding.rule for finding in findings] == ["helm.engine"]
        assert engine.load(chart())[0]


def test_an_idle_process_ends_by_itself_and_the_next_job_starts_another() -> None:
    with Engine(1, Limits(idle=0.2)) as engine:
        assert engine.load(chart())[0]
        (first,) = workers(engine)
        wait_for(lambda: not alive(first))
        assert engine.load(chart())[0]
        assert workers(engine) != {first}


def test_a_process_stays_however_much_memory_its_parent_has() -> None:
    """The peak that the system reports of a process begins with that of its parent."""
    program = textwrap.dedent(
        """
        from packyard.charts.engine import Engine
        from packyard.charts.template import Template
        full = bytearray(600 * 1024**2)
        with Engine(1) as engine:
            pids = set()
            for _ in range(3):
                engine.fill([Template(name="t", text="x", data={})])
                pids.add(engine._pool._idle[0]._process.pid)
                assert engine._pool._idle[0]._process.poll() is None
        print(len(pids))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_processes_inherit_neither_sockets_nor_environment_nor_folder() -> None:
    with socket.socket() as listening, Engine(1) as engine:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        os.set_inheritable(listening.fileno(), True)  # noqa: FBT003
        os.environ["PACKYARD_TEST_SECRET"] = "s3cret"
        try:
            assert engine.load(chart())[0]
        finally:
            del os.environ["PACKYARD_TEST_SECRET"]
        (pid,) = workers(engine)
        proc = Path(f"/proc/{pid}")
        targets = [str(entry.readlink()) for entry in (proc / "fd").iterdir()]
        assert not [target for target in targets if target.startswith("socket:")]
        assert b"s3cret" not in (proc / "environ").read_bytes()
        assert proc.joinpath("cwd").resolve() != Path.cwd()
        limits = (proc / "limits").read_text()
        assert "Max open files            3 " in limits
        assert f"Max data size             {Limits().memory} " in limits


def test_processes_end_with_a_parent_that_is_killed_at_whatever_they_work(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import threading, time
        from packyard.charts.engine import Engine
        from packyard.charts.template import Template
        engine = Engine(2)
        loop = Template(name="t", text={LOOP!r}, data={{}})
        engine.fill([Template(name="t", text="x", data={{}})])
        for _ in range(2):
            threading.Thread(target=engine.fill, args=([loop],), daemon=True).start()
        time.sleep(1)
        print("ready", flush=True)
        time.sleep(60)
        """
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    pids = children(parent.pid)
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not any(map(alive, pids)))
    assert not list(tmp_path.iterdir())
