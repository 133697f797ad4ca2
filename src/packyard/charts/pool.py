"""Worker processes for Helm's engine, and the limits that it cannot set itself.

A template that loops or grows cannot be stopped from inside, so every job runs in a process that
can be killed: for taking too long, by the memory limit it set itself (`worker`), or for answering
too much. Then the job ends as `Stopped`, and only that job. Processes start when the first jobs
come, take one job at a time, and end by themselves when they are idle or their parent is gone.

They get none of the caller's files, sockets, environment or standard streams, and a new empty
folder to stand in. A pool is used from any thread, but not across a fork.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from packyard.charts.frames import LENGTH
from packyard.charts.worker import UNUSABLE

_START = """\
import sys, json
settings = json.loads(sys.argv[1])
sys.path[:] = settings.pop("path")
from packyard.charts.worker import main
main(**settings)
"""
# Read by the program loader and the SDK, before anything of ours runs.
_KEPT = ("LD_LIBRARY_PATH", "HELM_C_LIB")
_CHUNK = 1024 * 1024
_TAIL = 1024 * 1024  # Go tells the reason first, and then all its stacks
_ATTEMPTS = 3
# The end of an idle process, and signals that nothing in the engine raises.
_FROM_OUTSIDE = (0, -signal.SIGKILL, -signal.SIGTERM)
_OUT_OF_MEMORY = (
    b"out of memory",
    b"cannot allocate memory",
    b"malloc failed",
    b"MemoryError",
    b"failed to create new OS thread",
    b"pthread_create failed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may take. Memory counts what a process can write to, not what it reserves."""

    seconds: float = 30
    memory: int = 2 * 1024**3
    output: int = 64 * 1024**2
    idle: float = 60
    """Seconds after which a process without work ends."""


class Stopped(Exception):
    """A job that was not finished, and the rule that says why."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


class Pool:
    """At most `size` processes; further jobs wait for one of them."""

    def __init__(self, size: int = 2, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._room = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._closed = False

    def run(self, request: bytes) -> bytes:
        """The answer to a frame, as a frame without its length; raises `Stopped`."""
        with self._room:
            for _ in range(_ATTEMPTS):
                worker = self._take()
                try:
                    answer = worker.ask(request)
                except _Gone:
                    continue  # idle for too long, or killed by somebody: the job is harmless
                finally:
                    self._put_back(worker)
                return answer
        raise Stopped("helm.engine", "The template engine was ended from outside, several times.")

    def close(self) -> None:
        """End all processes; jobs that still run end with them."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Worker(self.limits)

    def _put_back(self, worker: _Worker) -> None:
        with self._lock:
            if worker.fit and not self._closed:
                self._idle.append(worker)
                return
        worker.end()


class _Gone(Exception):
    """The process ended without a fault of the job."""


class _Worker:
    """One process. `fit` tells whether it can take another job."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._folder = Path(tempfile.mkdtemp(prefix="packyard-helm-"))
        self.fit = True
        path = [entry for entry in sys.path if entry]
        settings = {"path": path, "memory": limits.memory, "idle": limits.idle}
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        folder = str(self._folder)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-I", "-c", _START, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={"HOME": folder, "TMPDIR": folder, "TZ": "UTC", "GOTRACEBACK": "none", **kept},
            start_new_session=True,
            bufsize=0,
        )
        process = self._process
        streams = (process.stdin, process.stdout, process.stderr)
        self._streams = [stream for stream in streams if stream]  # all three, as asked for
        for stream in self._streams:
            os.set_blocking(stream.fileno(), False)

    def ask(self, request: bytes) -> bytes:
        """Raises `_Gone` or `Stopped`, after which the process is not fit any more."""
        exchange = _Exchange(self._streams, request, self._limits)
        self.fit = False
        answer = exchange.run()
        if answer is None:
            raise self._reason(exchange.complaint)
        self.fit = True
        return answer

    def end(self) -> None:
        self._process.kill()
        for stream in self._streams:
            stream.close()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _reason(self, complaint: bytes) -> Exception:
        """Why the process ended before it had answered."""
        status = self._process.wait()
        if any(sign in complaint for sign in _OUT_OF_MEMORY):
            limit = f"{self._limits.memory / 1024**3:g} GiB"
            return Stopped("helm.memory", f"Rendering needed more than {limit} of memory.")
        if status in _FROM_OUTSIDE:
            return _Gone()
        if status == UNUSABLE:
            *_, reason = complaint.decode(errors="replace").strip().splitlines() or [""]
            return Stopped("helm.engine", reason)
        return Stopped("helm.engine", f"The template engine failed (status {status}).")


class _Exchange:
    """One request written while its answer and the complaints are read, until the deadline."""

    def __init__(self, streams: list[IO[bytes]], request: bytes, limits: Limits) -> None:
        self._in, self._out, self._err = streams
        self._request = memoryview(request)
        self._limits = limits
        self._answer = bytearray()
        self._tail = bytearray()

    @property
    def complaint(self) -> bytes:
        """The last of what the process wrote to its standard error."""
        return bytes(self._tail)

    def run(self) -> bytes | None:
        """The answer; None where the process ended before it was complete."""
        deadline = time.monotonic() + self._limits.seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._in, selectors.EVENT_WRITE, self._write)
            selector.register(self._out, selectors.EVENT_READ, self._read)
            selector.register(self._err, selectors.EVENT_READ, self._listen)
            while self._out in selector.get_map() or self._err in selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    limit = f"{self._limits.seconds:g} seconds"
                    raise Stopped("helm.time", f"Rendering was not finished after {limit}.")
                for key, _ in selector.select(left):
                    if not key.data():
                        selector.unregister(key.fileobj)
                if (answer := self._whole()) is not None:
                    return answer
        return None

    def _write(self) -> bool:
        try:
            self._request = self._request[os.write(self._in.fileno(), self._request[:_CHUNK]) :]
        except BrokenPipeError:
            return False
        return bool(self._request)

    def _read(self) -> bool:
        chunk = os.read(self._out.fileno(), _CHUNK)
        self._answer += chunk
        return bool(chunk)

    def _listen(self) -> bool:
        chunk = os.read(self._err.fileno(), _CHUNK)
        self._tail = (self._tail + chunk)[-_TAIL:]
        return bool(chunk)

    def _whole(self) -> bytes | None:
        if len(self._answer) < LENGTH.size:
            return None
        (size,) = LENGTH.unpack_from(self._answer)
        if size > self._limits.output:
            limit = f"{self._limits.output / 1024**2:g} MiB"
            raise Stopped("helm.output", f"What comes out is larger than {limit}.")
        if len(self._answer) < LENGTH.size + size:
            return None
        return bytes(memoryview(self._answer)[LENGTH.size :])
