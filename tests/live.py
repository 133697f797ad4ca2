"""A live server for tests: the real command, on a free port of 127.0.0.1, with its own data.

`start` writes the configuration, runs `python -m packyard serve` and waits until it is ready. All
that a server prints is in `Live.log()`. Only processes started here are ever ended here.

A server finds its tables and its administrator in its folder, as at any start but the first: to
make them, and to verify a password that is hashed as it has to be, takes a second of the processor.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import bcrypt

from packyard.auth import users
from packyard.auth.principal import Role
from packyard.auth.users import User
from tests.migrated import open_migrated

ADMIN_PASSWORD = "live-admin-password"
READER, READER_PASSWORD = "reader", "live-reader-password"
_SOURCES = Path(__file__).parent.parent / "src"
_PROGRAM = (sys.executable, "-m", "packyard")


@dataclass
class Live:
    """A running server. `url` has the scheme, `host` is host:port, `root` holds its data."""

    url: str
    host: str
    root: Path
    config: Path
    environment: dict[str, str]
    tls: ssl.SSLContext | None = None
    program: Sequence[str | Path] = _PROGRAM
    admin_password: str = ADMIN_PASSWORD
    reader: str = READER
    reader_password: str = READER_PASSWORD
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def authorization(self) -> str:
        """The value of an `Authorization` header for the admin."""
        return basic("admin", self.admin_password)

    def run(self) -> None:
        """Start the process, also again after `stop` or `kill`, and wait until it is ready."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program, "serve", self.config],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment,
            )
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def wait_ready(self, seconds: float = 90) -> None:
        """Return when `/ready` answers 200; raise with all that was printed if it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self._answers("/ready"):
                return
            time.sleep(0.02)
        raise AssertionError(f"the server did not get ready:\n{self.log()}")

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def workers(self) -> list[int]:
        """The ids of the children of the main process, the background process among them."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return [int(word) for word in children.read_text().split()] if children.exists() else []

    def stop(self, seconds: float = 60) -> int:
        """End as an operator does, by SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop:\n{self.log()}") from None

    def end_workers(self, seconds: float = 60) -> None:
        """SIGKILL of all children; returns when others answer in their place."""
        dead = self.workers()
        for pid in dead:
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + seconds
        while set(dead) & set(self.workers()) or len(self.workers()) < len(dead):
            assert time.monotonic() < deadline, f"workers were not replaced:\n{self.log()}"
            time.sleep(0.02)
        self.wait_ready()

    def kill(self) -> None:
        """SIGKILL of the main process and of the children that it has now."""
        for pid in [self.process.pid, *self.workers()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.stop()

    @property
    def _log(self) -> Path:
        return self.config.with_suffix(".log")

    def _answers(self, path: str) -> bool:
        host, _, port = self.host.rpartition(":")
        connection = (
            http.client.HTTPSConnection(host, int(port), timeout=5, context=self.tls)
            if self.tls
            else http.client.HTTPConnection(host, int(port), timeout=5)
        )
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def start(
    tmp_path: Path,
    *,
    config: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    workers: int = 1,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    program: Sequence[str | Path] = _PROGRAM,
    fresh: bool = False,
) -> Live:
    """A ready server with its data in `tmp_path/data`; call again on it to start another there.

    `config` is laid over the defaults below, section by section; `None` takes a key away.
    Without starter packs, garbage collection only by hand, anonymous access off. `tls` is the
    context by which readiness is asked when the configuration switches TLS on. Without `port` a
    free one is taken. `program` is what to run in place of the source tree's own. A `fresh` server
    makes everything at its first start, as does one of another program or initial password.
    """
    port = port or free_port()
    htpasswd = tmp_path / "htpasswd"
    if not htpasswd.exists():
        htpasswd.write_text(htpasswd_line(READER, READER_PASSWORD))
    defaults: dict[str, Any] = {
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "data")}},
        "http": {"addr": f"127.0.0.1:{port}", "workers": workers},
        "auth": {"htpasswd": {"realm": "live", "path": str(htpasswd)}},
        "gc": {"enabled": False},
        "starterpacks": {"enabled": False},
    }
    laid = _laid_over(defaults, config or {})
    path = tmp_path / "config.yml"
    path.write_text(json.dumps(laid, indent=1))
    own = program is not _PROGRAM or "PACKYARD_ADMIN_PASSWORD" in (env or {})
    if not (fresh or own or "filesystem" not in laid["storage"]):
        _prepare(Path(laid["storage"]["filesystem"]["rootdirectory"]))
    environment = {
        **os.environ,
        "PYTHONPATH": str(_SOURCES),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(tmp_path),  # what a killed server leaves goes with the folder of the test
        "PACKYARD_ADMIN_PASSWORD": ADMIN_PASSWORD,
        **(env or {}),
    }
    scheme = "https" if tls else "http"
    host = f"127.0.0.1:{port}"
    live = Live(f"{scheme}://{host}", host, tmp_path / "data", path, environment, tls, program)
    live.run()
    return live


def _prepare(root: Path) -> None:
    """Lay down what the first start would have made, but for the password's cost."""
    if root.exists():
        return
    store = open_migrated(root)
    with store.write() as tx:
        admin = User(name=users.ADMIN, password_hash=_cheap_hash(ADMIN_PASSWORD), role=Role.ADMIN)
        users.add(tx, admin)
    store.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def htpasswd_line(name: str, password: str) -> str:
    """A line of an htpasswd file, cheap to verify."""
    return f"{name}:{_cheap_hash(password)}\n"


def _cheap_hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(below)
    for key, value in above.items():
        under = laid.get(key)
        if value is None:
            laid.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(under, Mapping):
            laid[key] = _laid_over(under, value)
        else:
            laid[key] = value
    return laid
