"""The packs of all sources as candidates for a layer, as of the last commit."""

from __future__ import annotations

from packyard.hub.offers import Offers, candidates
from packyard.profiles.options import Packs
from packyard.registry.registry import Registry
from tests.hub.syncing import Charts, Hub
from tests.registry.conftest import pack_files, push
from tests.remotes.scripted import answering

NEEDS = {"dependencies": [{"packName": "x", "layer": "addon", "type": "required"}]}


def shown(packs: Packs) -> list[list[str]]:
    return [[f"{one.name} {one.version}" for one in versions] for versions in packs]


def test_candidates_are_those_of_the_last_commit(hub: Hub) -> None:
    registry, offers = Registry(hub.store), Offers(hub.store)
    assert offers.packs("addon") == []
    for files in (pack_files("web", "1.9.0"), pack_files("web", "1.10.0")):
        push(registry, files)
    push(registry, pack_files("other", constraints=NEEDS))
    first = offers.packs("addon")
    assert shown(first) == [["other 1.0.0"], ["web 1.10.0", "web 1.9.0"]]
    assert [one.pack_name for one in first[0][0].dependencies] == ["x"]
    assert offers.packs("addon") is first
    assert offers.packs("cni") == []

    charts = Charts()
    charts.put("web", "1.9.0")
    charts.put("other", "0.1.0")
    with answering(charts) as server:
        source = hub.add(f"http://{server.host}")
        hub.sync(source)
        ours, former, theirs = offers.packs("addon")[-1]
        assert ours is first[1][0]  # made once
        assert (former.version, former.registry) == (theirs.version, ours.registry)
        assert theirs.registry == source.uid
        charts.drop("web", "1.9.0")
        hub.sync(source)
    assert offers.packs("addon")[-1] == first[-1]
    with hub.store.read() as connection:
        asked = candidates(connection, [former.uid, theirs.uid, "none", ours.uid])
    assert asked == [former, ours]

    with hub.store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE packs SET system_state = 'deprecated'")
    assert {one.state for versions in offers.packs("addon") for one in versions} == {"deprecated"}
