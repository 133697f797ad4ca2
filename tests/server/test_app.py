from __future__ import annotations

import inspect
import threading
from collections import Counter
from pathlib import Path

import pytest

from packyard.config import load
from packyard.server import serve
from tests.server.asgi import call


def test_the_first_request_waits_for_no_work_that_could_be_done_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yml"
    root = f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'data'}}}}}"
    file.write_text(f"version: 0.1\n{root}\nstarterpacks: {{enabled: false}}\n")
    config = load(file, {"PACKYARD_ADMIN_PASSWORD": "password of admin"})
    serve.prepare_folder(config)
    before = set(threading.enumerate())
    app = serve.load_worker(config)
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
    read, signature = Counter[object](), inspect.signature

    def counted(function: object, **more: object) -> inspect.Signature:
        read[function] += 1
        return signature(function, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(inspect, "signature", counted)
    assert call(app, "GET", "/v1/packs", headers={}).status == 401
    assert read.total() < 20, "FastAPI reads each function of each route, which takes long"
