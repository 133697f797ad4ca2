"""The processes of a running server: how they start, end, and replace each other."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from packyard.auth import passwords
from tests.live import ADMIN_PASSWORD, Live, basic, free_port, start

SOURCES = Path(passwords.__file__).parents[2]


def refused(tmp_path: Path, config: Mapping[str, Any], **environ: str) -> str:
    """What `serve` says on standard error; it must not start, and say nothing else."""
    file = tmp_path / "config.yml"
    file.write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-m", "packyard", "serve", str(file)],
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def begin_upload(live: Live, repo: str = "a") -> str:
    answer = httpx.post(
        f"{live.url}/v2/{repo}/blobs/uploads/", headers={"authorization": live.authorization}
    )
    assert answer.status_code == 202
    return str(httpx.URL(live.url).join(answer.headers["location"]))


class SlowUpload(threading.Thread):
    """PATCHes `parts` of 1,000 bytes with a pause before each; `status` when it is answered."""

    def __init__(self, live: Live, parts: int, pause: float) -> None:
        super().__init__(daemon=True)
        url = httpx.URL(begin_upload(live))
        self.status = 0
        self.error = ""
        self.sent = threading.Event()
        self._parts, self._pause = parts, pause
        self._connection = http.client.HTTPConnection(live.host, timeout=30)
        self._connection.putrequest("PATCH", url.raw_path.decode())
        self._connection.putheader("authorization", live.authorization)
        self._connection.putheader("content-type", "application/octet-stream")
        self._connection.putheader("content-length", str(parts * 1000))
        self._connection.endheaders()

    def run(self) -> None:
        try:
            for _ in range(self._parts):
                self._connection.send(b"x" * 1000)
                self.sent.set()
                time.sleep(self._pause)
            self.status = self._connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            self.error = str(error)


# Starting


def test_without_auth_an_admin_is_made_and_its_password_shown_once(tmp_path: Path) -> None:
    live = start(tmp_path, config={"auth": None}, env={"PACKYARD_ADMIN_PASSWORD": ""})
    live.stop()
    live.run()
    with live:
        (password,) = re.findall(r"with the password (\S+)", live.log())
        assert len(re.findall("listens on", live.log())) == 2
        assert f"packyard user reset-password admin --config {live.config}" in live.log()
        assert httpx.get(f"{live.url}/v2/").status_code == 401
        assert httpx.get(f"{live.url}/v2/", auth=("admin", password)).status_code == 200


def test_a_given_initial_password_is_not_shown(tmp_path: Path) -> None:
    with start(tmp_path, config={"auth": None}, fresh=True) as live:
        assert "password" not in live.log()
        assert ADMIN_PASSWORD not in live.log()
        answer = httpx.get(f"{live.url}/v2/", headers={"authorization": live.authorization})
        assert answer.status_code == 200


def test_with_an_htpasswd_file_no_admin_is_made(tmp_path: Path) -> None:
    with start(tmp_path, env={"PACKYARD_ADMIN_PASSWORD": ""}) as live:
        assert "password" not in live.log()
        reader = (live.reader, live.reader_password)
        assert httpx.get(f"{live.url}/v2/", auth=reader).status_code == 200


def test_whoever_started_it_is_told_when_it_answers_and_can_reload_it_from_the_beginning(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(f"\0packyard-{os.getpid()}")
        told.settimeout(0.05)
        live = start(tmp_path, env={"NOTIFY_SOCKET": f"@packyard-{os.getpid()}"})
        with live:
            assert told.recv(99) == b"READY=1"
            live.stop()
            again = [*live.program, "serve", live.config]
            live.process = subprocess.Popen(again, env=live.environment, stderr=subprocess.DEVNULL)
            status = Path(f"/proc/{live.process.pid}/status")
            deadline, said = time.monotonic() + 60, b""
            while not said and live.process.poll() is None and time.monotonic() < deadline:
                (ignored,) = re.findall(r"SigIgn:\s(\w+)", status.read_text())
                if int(ignored, 16) & 1 << signal.SIGHUP - 1:
                    live.process.send_signal(signal.SIGHUP)
                with suppress(TimeoutError):
                    said = told.recv(99)
            assert said == b"READY=1"
            assert httpx.get(f"{live.url}/ready").status_code == 200


def test_port_0_takes_a_free_port_and_says_which(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text(
        json.dumps(
            {
                "http": {"addr": "127.0.0.1:0"},
                "storage": "inmemory",
                "starterpacks": {"enabled": False},
            }
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "packyard", "serve", str(file)],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert not url.endswith(":0")
        wait_for(lambda: _healthy(url))
    finally:
        process.terminate()
        process.wait(60)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


# What keeps it from starting


def test_a_misspelt_key_is_named_with_its_line(tmp_path: Path) -> None:
    said = refused(tmp_path, {"storage": {"filesytem": {"rootdirectory": "/x"}}})
    assert "storage.filesytem: unknown key, line 1; did you mean storage.filesystem?" in said


def test_a_port_in_use_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused(tmp_path, {"http": {"addr": place}})
    assert f"http.addr: {place} is in use" in said
    assert "choose another port" in said


def test_another_server_of_ours_on_the_port_is_noticed_too(tmp_path: Path) -> None:
    with start(tmp_path) as live:
        (tmp_path / "other").mkdir()
        said = refused(tmp_path / "other", {"http": {"addr": live.host}, "storage": "inmemory"})
    assert "is in use" in said


def test_an_address_of_another_machine_is_said(tmp_path: Path) -> None:
    said = refused(tmp_path, {"http": {"addr": "192.0.2.1:5000"}})
    assert "http.addr: 192.0.2.1:5000 is not an address of this machine" in said


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    place = f"127.0.0.1:{free_port()}"
    said = refused(
        tmp_path,
        {"http": {"addr": place}, "storage": {"filesystem": {"rootdirectory": str(folder)}}},
    )
    assert str(folder) in said
    assert "storage.filesystem.rootdirectory" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_without_rights_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o500)
    said = refused(tmp_path, {"storage": {"filesystem": {"rootdirectory": str(folder)}}})
    assert f"{folder} may not be written by the user" in said


def test_all_that_is_named_and_missing_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused(
            tmp_path,
            {
                "http": {
                    "addr": place,
                    "tls": {"certificate": "/none/c.pem", "key": "/none/k.pem"},
                },
                "auth": {"htpasswd": {"path": "/none/htpasswd"}},
            },
        )
    assert "is in use" in said
    assert "http.tls.certificate: /none/c.pem cannot be read: No such file or directory" in said
    assert "http.tls.key: /none/k.pem cannot be read" in said
    assert "auth.htpasswd.path: /none/htpasswd cannot be read" in said
    assert "htpasswd -Bc /none/htpasswd admin" in said


# Ending


def test_told_to_end_it_lets_an_upload_finish(tmp_path: Path) -> None:
    live = start(tmp_path, workers=2)
    upload = SlowUpload(live, parts=20, pause=0.1)
    upload.start()
    assert upload.sent.wait(60)
    assert live.stop() == 0
    upload.join(60)
    assert upload.status == 202, upload.error
    assert "Traceback" not in live.log()


def test_told_to_end_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    live = start(tmp_path, config={"http": {"draintimeout": "1s"}})
    upload = SlowUpload(live, parts=200, pause=0.1)
    upload.start()
    assert upload.sent.wait(60)
    began = time.monotonic()
    assert live.stop() == 0
    assert time.monotonic() - began < 15
    assert upload.status == 0


def test_idle_connections_do_not_delay_the_end(tmp_path: Path) -> None:
    live = start(tmp_path)
    with httpx.Client() as client:
        client.get(f"{live.url}/health")
        began = time.monotonic()
        assert live.stop() == 0
        assert time.monotonic() - began < 15


# Dying


def test_killed_workers_are_replaced_however_often(tmp_path: Path) -> None:
    with start(tmp_path, workers=2) as live:
        for _ in range(3):
            live.end_workers()
        upload = begin_upload(live)
        assert httpx.get(upload, headers={"authorization": live.authorization}).status_code == 204


def test_a_killed_main_process_leaves_nobody_behind(tmp_path: Path) -> None:
    live = start(tmp_path, workers=2)
    children = live.workers()
    assert len(children) >= 2
    live.process.send_signal(signal.SIGKILL)
    live.process.wait(60)
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
    live.run()
    with live:
        assert httpx.get(f"{live.url}/health").json() == {"status": "UP"}


def test_workers_that_cannot_start_end_the_server(tmp_path: Path) -> None:
    live = start(tmp_path)
    for path in live.root.glob("packyard.db*"):
        path.unlink()
    (live.root / "packyard.db").write_bytes(b"no database" * 1000)
    for pid in live.workers():
        os.kill(pid, signal.SIGKILL)
    assert live.process.wait(60) == 1
    assert "workers fail as soon as they start, so the server ends" in live.log()


# Working


def test_a_hangup_brings_new_workers_without_a_failed_request(tmp_path: Path) -> None:
    with start(tmp_path, workers=2) as live:
        before = set(live.workers())
        live.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while len(before & set(live.workers())) > 1:  # the background process stays
            assert httpx.get(f"{live.url}/health").status_code == 200
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_in_memory_one_worker_does_everything(tmp_path: Path) -> None:
    config: dict[str, Any] = {"storage": {"filesystem": None, "inmemory": {}}, "auth": None}
    live = start(tmp_path, config=config, workers=2, env={"PACKYARD_ADMIN_PASSWORD": ""})
    with live:
        (password,) = re.findall(r"with the password (\S+)", live.log())
        headers = {"authorization": basic("admin", password)}
        content = b"content"
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        answer = httpx.post(
            f"{live.url}/v2/a/blobs/uploads/?digest={digest}", content=content, headers=headers
        )
        assert answer.status_code == 201
        assert len(live.workers()) == 1
        assert httpx.get(f"{live.url}/v2/a/blobs/{digest}", headers=headers).content == content
        live.end_workers()
        assert httpx.get(f"{live.url}/v2/", headers=headers).status_code == 200
    assert not (tmp_path / "data").exists()


def test_abandoned_uploads_and_unreferenced_blobs_go_in_the_background(tmp_path: Path) -> None:
    config = {
        "storage": {"maintenance": {"uploadpurging": {"age": "1s", "interval": "1s"}}},
        "gc": {"enabled": True, "grace": "1s", "interval": "1s"},
    }
    with start(tmp_path, config=config) as live:
        headers = {"authorization": live.authorization}
        content = os.urandom(200_000)
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        blob = f"{live.url}/v2/a/blobs/{digest}"
        begun = httpx.post(
            f"{live.url}/v2/a/blobs/uploads/?digest={digest}", content=content, headers=headers
        )
        assert begun.status_code == 201
        upload = begin_upload(live)
        time.sleep(1)
        wait_for(lambda: httpx.get(upload, headers=headers).status_code == 404)
        time.sleep(2)
        wait_for(lambda: httpx.get(blob, headers=headers).status_code == 404)
        page = httpx.get(f"{live.url}/metrics", headers=headers).text
        assert re.search(r'^packyard_gc_runs_total\{result="done"\} [1-9]', page, re.MULTILINE)
        assert "packyard_gc_freed_bytes_total 200000.0" in page


def test_every_answer_has_the_configured_headers(tmp_path: Path) -> None:
    config = {
        "http": {
            "headers": {"X-Frame-Options": ["SAMEORIGIN"], "X-More": ["a"], "Referrer-Policy": []}
        }
    }
    with start(tmp_path, config=config) as live:
        for path in ("/health", "/v2/", "/nothing", "/v1/_catalog", "/metrics"):
            headers = httpx.get(f"{live.url}{path}").headers
            assert headers["x-frame-options"] == "SAMEORIGIN"
            assert headers["x-more"] == "a"
            assert headers["x-content-type-options"] == "nosniff"
            assert "referrer-policy" not in headers
            assert "strict-transport-security" not in headers
            assert "default-src 'none'" in headers["content-security-policy"]


def test_the_password_file_is_read_again_while_running(tmp_path: Path) -> None:
    with start(tmp_path) as live:
        reader = (live.reader, live.reader_password)
        assert httpx.get(f"{live.url}/v2/", auth=reader).status_code == 200
        (tmp_path / "htpasswd").write_text("")
        wait_for(lambda: httpx.get(f"{live.url}/v2/", auth=reader).status_code == 401)


def test_warnings_of_the_configuration_are_logged(tmp_path: Path) -> None:
    with start(
        tmp_path, config={"http": {"secret": "x"}}, env={"REGISTRY_PORT": "tcp://a"}
    ) as live:
        assert "http.secret has no effect here" in live.log()
        assert "REGISTRY_PORT" in live.log()


def test_a_flood_of_wrong_passwords_does_not_hold_up_who_is_signed_in(tmp_path: Path) -> None:
    with start(tmp_path, fresh=True) as live, httpx.Client(timeout=60) as client:
        headers = {"authorization": live.authorization}
        client.get(f"{live.url}/v2/", headers=headers)
        stop = threading.Event()

        def flood(number: int) -> None:
            with (
                httpx.Client(auth=("admin", f"wrong-{number}"), timeout=60) as attacker,
                suppress(httpx.TransportError),
            ):
                while not stop.is_set():
                    assert attacker.get(f"{live.url}/v2/").status_code in {401, 429}

        floods = [threading.Thread(target=flood, args=(number,)) for number in range(48)]
        for thread in floods:
            thread.start()
        time.sleep(1)
        began = time.monotonic()
        for _ in range(5):  # each begins an upload, which takes a thread
            answer = client.post(f"{live.url}/v2/a/blobs/uploads/", headers=headers)
            assert answer.status_code == 202
        took = time.monotonic() - began
        stop.set()
        live.kill()  # the queue of the flood need not be waited for
        for thread in floods:
            thread.join(60)
    assert took < 20, "each of them waited for all passwords of the flood"


def test_behind_a_trusted_proxy_the_client_is_who_the_proxy_says(tmp_path: Path) -> None:
    port = free_port()
    config = {"http": {"addr": f":{port}", "trustedproxies": ["127.0.0.0/8"]}}
    told = {
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "packs.example.com",
        "x-request-id": "proxied",
    }
    with start(tmp_path, config=config, port=port) as live:
        answer = httpx.post(
            f"{live.url}/v2/a/blobs/uploads/", headers={"authorization": live.authorization, **told}
        )
        assert answer.headers["location"].startswith("https://packs.example.com/v2/a/blobs/")
    (line,) = [line for line in live.log().splitlines() if "request=proxied" in line]
    assert "remote=203.0.113.7" in line
