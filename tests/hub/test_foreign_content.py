"""What others write into their indexes, manifests and charts that no row, no text and no clock can
hold: the fault of one version, or left out, and never the end of a synchronization."""

from __future__ import annotations

import json

import pytest

from packyard.digests import digest_of
from tests.hub.syncing import Charts, Hub
from tests.packs import samples
from tests.remotes.scripted import Reply, answering

HALF = "\ud801"
WEB = ("web", "1.0.0")


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
    assert hub.held(registry)[WEB].pushed_at == time


def test_texts_and_numbers_that_no_row_holds_are_left_out(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    charts = Charts()
    odd = {"description": f"a{HALF}b\0", "annotations": {f"k{HALF}": f"v{HALF}"}, "icon": 10**30}
    charts.put("web", "1.0.0", appVersion=1e300, keywords=[HALF, 7], **odd)
    charts.rows[f"x{HALF}"] = [{"name": "x", "version": f"1{HALF}", "urls": [f"x{HALF}"]}]
    charts.rows["far"] = [{"version": "1.0.0", "urls": ["x" * 5000]}]
    charts.put("schemed", "1.0.0")
    schema = {"properties": {"a": {"type": "string", "enum": ["v", HALF], "description": HALF}}}
    chart = {
        "schemed/Chart.yaml": "apiVersion: v2\nname: schemed\nversion: 1.0.0\n",
        "schemed/values.yaml": "a: v\n",
        "schemed/values.schema.json": json.dumps(schema),
    }
    charts.archives["schemed", "1.0.0"] = samples.tarball(chart)
    digest = digest_of(charts.archives["schemed", "1.0.0"]).removeprefix("sha256:")
    charts.rows["schemed"][0]["digest"] = digest
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        status = hub.sync(registry)
        assert status.status == "Completed", status.message
    held = hub.held(registry)
    assert sorted(held) == [("schemed", "1.0.0"), WEB]
    assert held[WEB].annotations["description"] == "ab"
    assert hub.contents(held["schemed", "1.0.0"]).schema == ""
    assert [(fault.name, fault.tag) for fault in hub.faults(registry)] == [
        ("far", "1.0.0"),
        ("x", "1"),
    ]
    assert not [record for record in caplog.records if record.exc_info]


def test_what_a_registry_says_of_its_failure_can_be_told(hub: Hub) -> None:
    said = json.dumps({"errors": [{"code": "DENIED", "message": f"Not{HALF} you.\0"}]}).encode()
    with answering(lambda _: Reply(403, body=said)) as server:
        registry = hub.add(f"http://{server.host}")
        status = hub.sync(registry)
    assert status.status == "Failed"
    assert "Not you" in status.message
