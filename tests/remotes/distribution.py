"""A foreign registry for tests: the CNCF distribution program, on a free port, in memory.

Its name is `registry` where it was installed by its authors' means, `docker-registry` in Debian.
"""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt

from tests.conftest import absent
from tests.live import free_port

USER, PASSWORD = "pusher", "a:pass word"
PROGRAMS = ("registry", "docker-registry")


def program(*names: str) -> str:
    """The first of these, or of any, that is installed."""
    wanted = names or PROGRAMS
    found = next(filter(None, map(shutil.which, wanted)), None)
    if found is None:
        absent(*wanted)
    return str(found)


@contextmanager
def running(
    folder: Path,
    *,
    login: bool | tuple[str, str] = False,
    settings: dict[str, str] | None = None,
    name: str = "",
) -> Iterator[str]:
    """Start it, with `USER`, or the given user and password, as the only one who may come in where
    `login`; its `host:port`. `name` is that of the program, where it matters which."""
    port = free_port()
    config = folder / "distribution.yml"
    config.write_text(
        "version: 0.1\nstorage: {inmemory: {}, delete: {enabled: true}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\n"
    )
    environment = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none", **(settings or {})}
    if login:
        user, password = login if isinstance(login, tuple) else (USER, PASSWORD)
        users = folder / "users"
        users.write_text(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
        environment |= {
            "REGISTRY_AUTH": "htpasswd",
            "REGISTRY_AUTH_HTPASSWD_REALM": "tests",
            "REGISTRY_AUTH_HTPASSWD_PATH": str(users),
        }
    with (folder / "distribution.log").open("wb") as log:
        process = subprocess.Popen(
            [program(*filter(None, [name])), "serve", str(config)],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(port, folder / "distribution.log", process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def _wait(port: int, log: Path, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/v2/")
            if connection.getresponse().status in (200, 401):
                return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.02)
        finally:
            connection.close()
    raise AssertionError(f"the registry did not start:\n{log.read_text(errors='replace')}")
