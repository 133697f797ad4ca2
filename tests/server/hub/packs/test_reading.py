from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from packyard.catalog import foreign
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
    head = reading.heading(parts, every)
    assert [row.version for row in head.tags][-3:] == ["1.0.0", "1.1.0", "1.2.0"]
    rows = list(reading.values(parts, every.entries, faults))
    assert [(row.pack_uid == gone, row.fault) for row in rows] == [
        (True, "It is gone."),
        (False, ""),
    ]
    (row,) = reading.values(parts, one.entries, faults)
    assert (row.pack_uid, row.fault) == (late, "Look again.")
    text = "".join(reading.written(head, iter(rows)))
    head.pack_values = rows
    assert json.loads(text) == head.model_dump(by_alias=True)
    with store.write() as tx:
        foreign.remove_source(tx.connection, registry.uid)
    assert list(reading.values(parts, every.entries, {})) == []
    store.close()
