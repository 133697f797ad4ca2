"""Random histories of a repository: after each synchronization the catalog is what a plain model
says, whatever was put, changed, dropped, broken, or failed in between."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from packyard.packs.charts import read_chart
from tests.hub.syncing import Charts, Hub
from tests.migrated import open_migrated
from tests.remotes.scripted import Reply, Request, answering

NAMES, VERSIONS = ("web", "db"), ("1.0.0", "1.1.0", "2.0.0-rc.1")
KEYS = st.tuples(st.sampled_from(NAMES), st.sampled_from(VERSIONS))
ACTS = st.sampled_from(["put", "change", "drop", "break", "fail", "archives fail", "sync", "force"])
HISTORIES = st.lists(st.tuples(ACTS, KEYS), min_size=1, max_size=25)

Key = tuple[str, str]


class World:
    """A repository, and what the catalog should have of it: by name and version the number of the
    content that is there."""

    def __init__(self) -> None:
        self.charts = Charts()
        self.there: dict[Key, int] = {}
        self.broken: set[Key] = set()
        self.model: dict[Key, int] = {}
        self.seen: set[Key] = set()
        self.fails = False
        self.count = 0

    def act(self, act: str, key: Key) -> None:
        name, version = key
        if act == "put" and key not in self.there:
            self._put(key)
        elif act == "change" and key in self.there:
            self.charts.drop(name, version)
            self._put(key)
        elif act == "drop" and key in self.there:
            self.charts.drop(name, version)
            del self.there[key]
            self.broken.discard(key)
        elif act == "break" and key in self.there:
            row = next(row for row in self.charts.rows[name] if row["version"] == version)
            row.pop("urls", None)
            self.broken.add(key)
        elif act == "fail":
            self.fails = not self.fails
        elif act == "archives fail":
            failing = self.charts.archives_reply is None
            self.charts.archives_reply = Reply(500) if failing else None

    def _put(self, key: Key) -> None:
        self.count += 1
        self.charts.put(*key, description=f"number {self.count}", created=f"{self.count}")
        self.there[key] = self.count
        self.broken.discard(key)

    def synchronized(self) -> None:
        """What a synchronization makes of it: what is broken stays as it was."""
        if self.fails:
            return
        stays = {key: self.model[key] for key in self.broken if key in self.model}
        sound = {key: n for key, n in self.there.items() if key not in self.broken}
        self.seen |= set(self.model)
        self.model = {**stays, **sound}

    def __call__(self, request: Request) -> Reply:
        return Reply(500) if self.fails else self.charts(request)


@settings(max_examples=15, deadline=None)
@given(HISTORIES)
def test_the_catalog_is_what_a_model_says(history: Sequence[tuple[str, Key]]) -> None:
    store = open_migrated(None)
    hub, world = Hub(store), World()
    with answering(world) as server:
        registry = hub.add(f"http://{server.host}")
        for act, key in [*history, ("sync", ("", ""))]:
            if act not in ("sync", "force"):
                world.act(act, key)
                continue
            hub.sync(registry, forced=act == "force")
            world.synchronized()
            held = hub.held(registry)
            numbers = {k: int(e.annotations["description"].split()[1]) for k, e in held.items()}
            assert numbers == world.model
            gone = set(hub.held(registry, gone=True))
            assert gone == world.seen - set(world.model)
            for name in NAMES:
                versions = {version for known, version in world.model if known == name}
                tags = hub.tags(registry, name)
                assert {tag for tag in tags if not tag.endswith("x")} == versions
    store.close()


def test_the_samples_are_charts() -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    chart, findings = read_chart(charts.archives["web", "1.0.0"])
    assert chart is not None, findings
