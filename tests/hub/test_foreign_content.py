"""What others write into their indexes, manifests and charts that no row, no text and no clock can
hold: the fault of one version, or left out, and never the end of a synchronization."""

from __future__ import annotations

import pytest

from tests.hub.syncing import Charts, Hub
from tests.remotes.scripted import answering


@pytest.mark.parametrize(
    ("created", "time"),
    [
        ("2026-02-03T04:05:06.7+02:00", 1_770_084_306_700_000),
        ("9999-12-31T23:59:59-12:00", 0),
        ("0001-01-01T00:00:00+12:00", 0),
        ("2026-02-03T04:05:06", 0),
        ("yesterday", 0),
    ],
)
def test_an_odd_time_is_none(hub: Hub, created: str, time: int) -> None:
    charts = Charts()
    charts.put("web", "1.0.0", created=created)
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        assert hub.sync(registry).status == "Completed"
    assert hub.held(registry)["web", "1.0.0"].pushed_at == time
