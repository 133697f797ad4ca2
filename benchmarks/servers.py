"""Starting what is measured: Packyard with two workers, distribution 3, nginx with plain files.

A server runs in a session of its own, so that ending it ends its workers and nothing else.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt

from benchmarks import content
from packyard import __version__

PASSWORD = "benchmark-password"  # of a server that lives for seconds, on the loopback
AUTHORIZATION = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
START_SECONDS = 60.0
GO_FOLDERS = [
    os.environ.get("PACKYARD_CLIENTS", "~/.cache/packyard/clients"),
    os.environ.get("GOBIN", "~/go/bin"),
]


@dataclass(frozen=True, slots=True)
class Server:
    """`authorization` is what readers send, empty where they need not; pushers always sign in."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    authorization: str
    push_authorization: str

    def memory(self) -> int:
        """Bytes of all its processes, pages that they share counted once (PSS)."""
        return sum(_pss(pid) for pid in _family(self.process.pid))


@dataclass(frozen=True, slots=True)
class Kind:
    """A server that can be measured. `program` is empty where it is not installed."""

    name: str
    program: str
    version: str
    remedy: str = ""

    @property
    def holds_files_only(self) -> bool:
        return self.name == "nginx"


def kinds() -> list[Kind]:
    nginx = find("nginx")
    version = _version(nginx, "-v").rpartition("/")[2] if nginx else ""
    return [
        Kind("packyard", sys.executable, __version__),
        _distribution(),
        Kind("nginx", nginx, version, "install the package nginx"),
    ]


@contextmanager
def running(kind: Kind, folder: Path, *, signed_in: bool) -> Iterator[Server]:
    """The server with the store in `folder`, which may be new; ended at the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = os.environ | {"PACKYARD_ADMIN_PASSWORD": PASSWORD}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(kind, folder, port, signed_in=signed_in),
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        wait(port, process, folder / "log")
        reading = AUTHORIZATION if signed_in else ""
        pushing = AUTHORIZATION if signed_in or kind.name == "packyard" else ""
        yield Server(kind.name, port, process, reading, pushing)
    finally:
        _end(process)


def _command(kind: Kind, folder: Path, port: int, *, signed_in: bool) -> list[str]:
    configuration = folder / "configuration"
    match kind.name:
        case "packyard":
            configuration.write_text(json.dumps(_packyard(folder, port, signed_in=signed_in)))
            return [kind.program, "-m", "packyard", "serve", str(configuration)]
        case "distribution":
            configuration.write_text(json.dumps(_distributed(folder, port, signed_in=signed_in)))
            return [kind.program, "serve", str(configuration)]
        case _:
            configuration.write_text(_static(folder, port))
            return [kind.program, "-p", str(folder), "-c", str(configuration)]


def _packyard(folder: Path, port: int, *, signed_in: bool) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}", "workers": 2},
        "auth": {"anonymous": "none" if signed_in else "pull"},
        "starterpacks": {"enabled": False},
    }


def _distributed(folder: Path, port: int, *, signed_in: bool) -> dict[str, object]:
    users = folder / "htpasswd"
    users.write_bytes(b"admin:" + bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)) + b"\n")
    configuration: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "benchmark"},
    }
    if signed_in:
        configuration["auth"] = {"htpasswd": {"realm": "benchmark", "path": str(users)}}
    return configuration


def _static(folder: Path, port: int) -> str:
    """nginx with the answers of the read rows as files at the same addresses."""
    base = folder / "files" / "v2" / content.REPOSITORY
    for part in ("manifests", "blobs"):
        (base / part).mkdir(parents=True)
    (base / "manifests" / content.TAG).write_bytes(content.image())
    for blob in (content.small(), content.large()):
        (base / "blobs" / blob.digest).write_bytes(blob.data)
    return f"""
        daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/errors;
        {"user root;" if os.geteuid() == 0 else ""}
        events {{ worker_connections 1024; }}
        http {{
          access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
          default_type {content.MANIFEST_TYPE};
          server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
        }}
    """


def find(program: str) -> str:
    """Its path; empty where it is not installed."""
    folders = [str(Path(folder).expanduser()) for folder in GO_FOLDERS]
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", *folders])
    return shutil.which(program, path=path) or ""


def _distribution() -> Kind:
    """Distribution 3 only: others are called `registry`, too."""
    program = find("registry")
    version = _version(program, "--version") if program else ""
    _, is_third, number = version.partition("distribution/v3 ")
    remedy = "go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2"
    return Kind("distribution", program if is_third else "", number, remedy)


def _version(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return (done.stdout + done.stderr).strip().partition("\n")[0]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until something answers, whatever it says."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/v2/")
            if connection.getresponse().status < 500:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"the server does not answer; its log ends:\n{log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _family(pid: int) -> list[int]:
    """The process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
