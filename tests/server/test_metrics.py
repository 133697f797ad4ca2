from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from packyard.server import metrics
from packyard.server.metrics import Metrics
from tests.live import Live, start

# Two processes count, one is buried, its successor scrapes.
TOGETHER = """
import os, sys
from pathlib import Path
from packyard.server import metrics

folder = Path(sys.argv[1])
metrics.share(folder)
for _ in range(2):
    child = os.fork()
    if child == 0:
        counted = metrics.Metrics()
        for _ in range(3):
            counted.answered("GET", "/v2", 200, 0.01, received=1, sent=10)
        counted.uploads.inc()
        os._exit(0)
    os.waitpid(child, 0)
metrics.bury(folder, child)
metrics.bury(folder, child)
print(metrics.Metrics().exposition(dict).decode())
print(sorted(path.name for path in folder.iterdir()))
"""


def sample(page: str, name: str) -> float:
    """The value of a sample, by its name with labels."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    assert found, f"{name} is not in:\n{page}"
    return float(found[1])


def test_requests_are_counted_by_kind_and_not_by_their_text() -> None:
    counted = Metrics()
    for status in (200, 200, 404):
        counted.answered("GET", "/v2/{repo}", status, 0.02, received=0, sent=7)
    counted.answered("BREW", "none", 405, 0.02, received=3, sent=0)
    page = counted.exposition(lambda: {"blobs": 5}).decode()
    requests = "packyard_http_requests_total"
    assert sample(page, requests + '{method="GET",route="/v2/{repo}",status="200"}') == 2
    assert sample(page, requests + '{method="GET",route="/v2/{repo}",status="404"}') == 1
    assert sample(page, requests + '{method="other",route="none",status="405"}') == 1
    assert "BREW" not in page
    seconds = "packyard_http_request_duration_seconds"
    assert sample(page, seconds + '_count{method="GET",route="/v2/{repo}"}') == 3
    assert sample(page, seconds + '_bucket{le="0.01",method="GET",route="/v2/{repo}"}') == 0
    assert sample(page, seconds + '_bucket{le="0.025",method="GET",route="/v2/{repo}"}') == 3
    assert sample(page, 'packyard_http_sent_bytes_total{route="/v2/{repo}"}') == 21
    assert sample(page, 'packyard_http_received_bytes_total{route="none"}') == 3
    assert sample(page, "packyard_store_blobs") == 5


def test_collections_are_counted() -> None:
    counted = Metrics()
    counted.collected(blobs=2, freed=100)
    counted.collected(blobs=1, freed=50)
    counted.collection_failed()
    page = counted.exposition(dict).decode()
    assert sample(page, 'packyard_gc_runs_total{result="done"}') == 2
    assert sample(page, 'packyard_gc_runs_total{result="failed"}') == 1
    assert sample(page, "packyard_gc_freed_blobs_total") == 3
    assert sample(page, "packyard_gc_freed_bytes_total") == 150


def test_processes_are_added_up_and_the_dead_are_kept_once(tmp_path: Path) -> None:
    source = Path(metrics.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", TOGETHER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    page = done.stdout
    assert sample(page, 'packyard_http_requests_total{method="GET",route="/v2",status="200"}') == 6
    assert sample(page, 'packyard_http_sent_bytes_total{route="/v2"}') == 60
    assert (
        sample(page, 'packyard_http_request_duration_seconds_sum{method="GET",route="/v2"}')
        > 0.0599
    )
    assert sample(page, "packyard_uploads_in_progress") == 1
    assert "'counter_buried.db', 'histogram_buried.db'" in page or "counter_buried" in page


def test_what_a_process_was_killed_before_it_began_to_write_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics._FOLDER, str(tmp_path))
    for kind in ("counter", "histogram", "gauge_livesum"):
        (tmp_path / f"{kind}_4194304.db").touch()
    assert b"packyard_store_blobs 5.0" in Metrics().exposition(lambda: {"blobs": 5})
    metrics.bury(tmp_path, 4194304)
    assert not list(tmp_path.glob("*_4194304.db"))
    assert b"packyard_store_blobs 5.0" in Metrics().exposition(lambda: {"blobs": 5})


def scrape(live: Live) -> str:
    answer = httpx.get(f"{live.url}/metrics", headers={"authorization": live.authorization})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def test_a_scrape_adds_up_the_workers_and_those_that_died(tmp_path: Path) -> None:
    with start(tmp_path, workers=2) as live:
        for _ in range(20):  # a connection each, so that both workers are asked
            httpx.get(f"{live.url}/health")
        name = 'packyard_http_requests_total{method="GET",route="/health",status="200"}'
        assert sample(scrape(live), name) == 20
        live.end_workers()
        for _ in range(5):
            httpx.get(f"{live.url}/health")
        assert sample(scrape(live), name) == 25
        assert sample(scrape(live), "packyard_store_blobs") == 0


def test_the_page_is_for_those_who_sign_in_unless_it_is_opened(tmp_path: Path) -> None:
    with start(tmp_path) as live:
        assert httpx.get(f"{live.url}/metrics").status_code == 401
        reader = (live.reader, live.reader_password)
        assert httpx.get(f"{live.url}/metrics", auth=reader).status_code == 200
        assert httpx.post(f"{live.url}/metrics", auth=reader).status_code == 405
        wrong = {"emailId": live.reader, "password": "wrong"}
        assert httpx.post(f"{live.url}/v1/auth/authenticate", json=wrong).status_code == 401
        assert httpx.get(f"{live.url}/v2/", headers={"apikey": "wrong"}).status_code == 401
        for way in ("password", "key"):
            assert sample(scrape(live), f'packyard_sign_ins_failed_total{{by="{way}"}}') == 1
    config = {"http": {"metrics": {"anonymous": True}}}
    with start(tmp_path, config=config) as live:
        assert httpx.get(f"{live.url}/metrics").status_code == 200
