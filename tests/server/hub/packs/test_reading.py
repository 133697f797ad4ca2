from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from packyard.errors import NotFound, PackyardError, Unavailable
from packyard.hub import packs
from packyard.server.hub.packs import reading
from tests.hub.syncing import Charts, Hub
from tests.migrated import open_migrated
from tests.remotes.scripted import answering


def test_of_several_versions_those_that_come_later_have_no_values() -> None:
    charts = Charts()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        charts.put("web", version)
    store = open_migrated(None)
    hub = Hub(store)
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
    late, gone, _ = (hub.held(registry)["web", f"1.{number}.0"].uid for number in range(3))
    faults: dict[str, PackyardError] = {
        late: Unavailable("Look again.", later=True),
        gone: NotFound("It is gone."),
    }
    parts: Any = SimpleNamespace(store=store)
    with store.read() as connection:
        every = packs.versions(connection, "web", registry.uid)
        one = packs.version(connection, late)
    told = reading.told(parts, every, faults)
    assert [row.version for row in told.tags][-3:] == ["1.0.0", "1.1.0", "1.2.0"]
    assert [(row.pack_uid == gone, row.fault) for row in told.pack_values] == [
        (True, "It is gone."),
        (False, ""),
    ]
    (row,) = reading.told(parts, one, faults).pack_values
    assert (row.pack_uid, row.fault) == (late, "Look again.")
    store.close()
