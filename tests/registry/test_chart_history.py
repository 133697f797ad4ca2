"""After any history the index, the OCI side and the packs agree with a model that is plain data.

What happens is drawn from a seed: pushes of both kinds, forced ones, moved and added tags, deletes,
provenance files, packs that carry charts, garbage collection without grace. The model knows where
things stand and when they came there, and works out from that alone what every view has to say.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from packyard.catalog import charts as rows
from packyard.catalog import entries
from packyard.digests import Digest, digest_of
from packyard.errors import (
    ChartUnknown,
    Conflict,
    PackyardError,
)
from packyard.packs.artifact import repository
from packyard.packs.files import File, Files
from packyard.references import RepoName, Tag
from packyard.registry.chart_pushes import delete_chart, push_chart, push_provenance
from packyard.registry.helm_index import HelmIndex
from packyard.registry.registry import Registry
from packyard.storage.gc import collect
from packyard.storage.store import Store
from tests.migrated import open_migrated
from tests.registry.charts import archive, manifest, provenance, push, put
from tests.registry.conftest import pack_files
from tests.registry.conftest import push as push_pack

PACK = repository("demo")
REPOS = ["charts/web", "team/web", "charts/db", "mirror/other"]
NAMES = ["web", "db"]
VERSIONS = ["1.0.0", "1.1.0", "2.0.0-rc.1", "1.0.0+b.1"]
CONTENTS = ["", "a", "b"]
LABELS = ["1.0.0", "1.1.0", "3.0.0"]


@dataclass(frozen=True, slots=True)
class Chart:
    name: str
    version: str
    content: str
    signed: bool = False

    @property
    def data(self) -> bytes:
        return archive(self.name, self.version, self.content)

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def tag(self) -> str:
        return self.version.replace("+", "_")

    @property
    def provenance(self) -> bytes | None:
        return provenance(self.data, self.name, self.version) if self.signed else None


@dataclass(frozen=True, slots=True)
class Stood:
    """A chart at a place, and at which step it came there."""

    chart: Chart
    since: int


@dataclass
class Model:
    """`held` has what each manifest of a repository is: the charts in it, none for other things.

    `stood` has a row for each place as the catalog should: repository, tag, path inside a pack.
    """

    held: dict[str, dict[Digest, tuple[Chart, ...]]] = field(default_factory=dict)
    tags: dict[tuple[str, str], Digest] = field(default_factory=dict)
    stood: dict[tuple[str, str, str], Stood] = field(default_factory=dict)
    step: int = 0

    def commit(self, repo: str, digest: Digest, charts: tuple[Chart, ...], *tags: str) -> None:
        self.held.setdefault(repo, {})[digest] = charts
        for tag in tags:
            self.tags[repo, tag] = digest
            self._settle(repo, tag)

    def untag(self, repo: str, tag: str) -> None:
        del self.tags[repo, tag]
        self._settle(repo, tag)

    def delete(self, repo: str, digest: Digest) -> None:
        del self.held[repo][digest]
        for place, leads in list(self.tags.items()):
            if place[0] == repo and leads == digest:
                self.untag(*place)

    def collect(self) -> None:
        """Manifests without a tag go."""
        for repo, held in self.held.items():
            alive = {digest for (of, _), digest in self.tags.items() if of == repo}
            for digest in held.keys() - alive:
                del held[digest]

    def _settle(self, repo: str, tag: str) -> None:
        digest = self.tags.get((repo, tag))
        charts = self.held[repo][digest] if digest else ()
        wanted: dict[str, Chart] = {}
        if repo == PACK:
            is_version = tag in LABELS
            wanted = {f"charts/{n}.tgz": c for n, c in enumerate(charts)} if is_version else {}
        elif charts and repo.rpartition("/")[2] == charts[0].name and tag == charts[0].tag:
            wanted = {"": charts[0]}
        for place in [place for place in self.stood if place[:2] == (repo, tag)]:
            if wanted.get(place[2]) != self.stood[place].chart:
                del self.stood[place]
        for path, chart in wanted.items():
            self.stood.setdefault((repo, tag, path), Stood(chart, self.step))

    def files(self) -> dict[str, list[tuple[str, str, str]]]:
        """The places of each file that the index may list, the one that it lists first.

        Of a name that stands below charts/, only those there.
        """
        homed = {stood.chart.name for place, stood in self.stood.items() if self.is_home(place)}
        found: dict[str, list[tuple[str, str, str]]] = {}
        for place, stood in self.stood.items():
            if stood.chart.name not in homed or self.is_home(place):
                found.setdefault(stood.chart.file, []).append(place)
        for places in found.values():
            places.sort(key=lambda place: (bool(place[2]), -self.stood[place].since, place))
        return found

    def is_home(self, place: tuple[str, str, str]) -> bool:
        return place[0] == f"charts/{self.stood[place].chart.name}"

    def listed(self, chart: Chart) -> tuple[str, str, str] | None:
        return next(iter(self.files().get(chart.file, [])), None)


class History:
    """One registry and its model; every method is a step."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self.registry = registry
        self.model = Model()
        self.chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self.index = HelmIndex(registry.store, registry.source)
        self.steps: list[Callable[[], None]] = [
            *[self.push] * 5,
            *[self.upload] * 5,
            *[self.pack] * 3,
            *[self.untag] * 3,
            self.push_elsewhere,
            self.something_else,
            self.move,
            self.sign,
            self.delete_listed,
            self.delete_manifest,
            self.name_pack,
            self.collect,
        ]

    def run(self, steps: int) -> None:
        for self.model.step in range(1, steps + 1):
            step = self.chance.choice(self.steps)
            try:
                step()
                self.check()
            except Exception as error:
                error.add_note(f"at step {self.model.step}, {step.__name__}")
                raise

    # Steps

    def push(self) -> None:
        chart = self.draw()
        self._push(chart, self.chance.choice(REPOS), chart.tag)

    def push_elsewhere(self) -> None:
        tag = self.chance.choice(["latest", "1.0.0", "stable"])
        self._push(self.draw(), self.chance.choice(REPOS), tag)

    def upload(self) -> None:
        chart, force = self.draw(), self.chance.random() < 0.5
        place = f"charts/{chart.name}", chart.tag
        stood = self.model.stood.get((*place, ""))
        with _refused(Conflict, place in self.model.tags and not force):
            data, signed = chart.data, chart.provenance
            committed = push_chart(self.registry, data, signed, actor="ann", force=force)
            same = stood and stood.chart.content == chart.content
            if stood and same and (stood.chart.signed or not chart.signed):
                assert committed.digest == self.model.tags[place]
            else:
                self.model.commit(place[0], committed.digest, (chart,), place[1])

    def pack(self) -> None:
        charts = tuple(self.draw(signed=False) for _ in range(self.chance.randrange(4)))
        label = self.chance.choice(LABELS)
        committed = push_pack(self.registry, _pack(label, charts))
        self.model.commit(PACK, committed.digest, charts, label)

    def name_pack(self) -> None:
        """A second tag for a pack brings no second place of its charts."""
        places = [place for place in self.model.tags if place[0] == PACK and place[1] in LABELS]
        if places:
            body = self._body(*self.chance.choice(places))
            put(self.registry, body, PACK, "stable")
            self.model.commit(PACK, digest_of(body), self._charts(PACK, body), "stable")

    def move(self) -> None:
        """A tag comes to lead to another manifest that the repository has."""
        repo = self.chance.choice(REPOS)
        held = sorted(self.model.held.get(repo, {}))
        if held:
            body = self.registry.store.manifest(RepoName(repo), self.chance.choice(held)).content
            tag = self.chance.choice(VERSIONS).replace("+", "_")
            put(self.registry, body, repo, tag)
            self.model.commit(repo, digest_of(body), self._charts(repo, body), tag)

    def something_else(self) -> None:
        """A tag comes to lead to what is no chart."""
        repo, tag = self.chance.choice(REPOS), self.chance.choice(VERSIONS).replace("+", "_")
        body = manifest(self.registry, repo, ("text/plain", b"x"), config="text/plain")
        put(self.registry, body, repo, tag)
        self.model.commit(repo, digest_of(body), (), tag)

    def sign(self) -> None:
        chart = self.draw(signed=True)
        place = self.model.listed(chart)
        stood = self.model.stood[place].chart if place else None
        signed = chart.provenance
        assert signed is not None
        if place is None or stood is None:
            refusal: type[PackyardError] | None = ChartUnknown
        elif place[2]:
            refusal = Conflict
        elif stood.content != chart.content:
            refusal = PackyardError
        else:
            refusal = Conflict if stood.signed else None
        with _refused(refusal or PackyardError, refusal is not None):
            committed = push_provenance(self.registry, signed, actor="ann")
            assert place is not None
            self.model.commit(place[0], committed.digest, (chart,), place[1])

    def untag(self) -> None:
        if self.model.tags:
            repo, tag = self.chance.choice(sorted(self.model.tags))
            self.registry.untag(RepoName(repo), Tag(tag))
            self.model.untag(repo, tag)

    def delete_manifest(self) -> None:
        repo = self.chance.choice([*REPOS, PACK])
        if held := sorted(self.model.held.get(repo, {})):
            digest = self.chance.choice(held)
            self.registry.delete(RepoName(repo), digest)
            self.model.delete(repo, digest)

    def delete_listed(self) -> None:
        chart = self.draw()
        place = self.model.listed(chart)
        refusal = ChartUnknown if place is None else Conflict
        with _refused(refusal, place is None or bool(place[2])):
            delete_chart(self.registry, chart.name, chart.version)
            assert place is not None
            digest = self.model.tags[place[:2]]
            self.model.untag(*place[:2])
            if digest not in [d for (of, _), d in self.model.tags.items() if of == place[0]]:
                self.model.delete(place[0], digest)

    def collect(self) -> None:
        untagged = self.chance.random() < 0.5
        collect(self.registry.store, untagged=untagged)
        if untagged:
            self.model.collect()

    # What every view says

    def check(self) -> None:
        self.check_rows()
        self.check_index()
        self.check_artifacts()
        self.check_packs()

    def check_rows(self) -> None:
        with self.registry.store.read() as connection:
            found = rows.places(connection, self.registry.source)
            clashes = rows.clashes(connection, self.registry.source)
        files = self.model.files()
        assert {(row.repository, row.tag, row.path): (row.file, row.digest) for row in found} == {
            place: (stood.chart.file, digest_of(stood.chart.data))
            for place, stood in self.model.stood.items()
        }
        assert {(row.repository, row.tag, row.path) for row in found if row.listed} == {
            places[0] for places in files.values()
        }
        contents: dict[str, set[str]] = {}
        for stood in self.model.stood.values():
            contents.setdefault(stood.chart.file, set()).add(stood.chart.content)
        several = {file for file in files if len(contents[file]) > 1}
        assert {clash.listed.file for clash in clashes} == several

    def check_index(self) -> None:
        """Also what a worker says that was there all the time, and that every file is there."""
        text = b"".join(self.index.current().text("/helm"))
        said = {
            entry["urls"][0]: (entry["digest"], entry.get("annotations"))
            for found in json.loads(text)["entries"].values()
            for entry in found
        }
        expected: dict[str, object] = {}
        for file, places in self.model.files().items():
            repo, tag, path = places[0]
            chart = self.model.stood[places[0]].chart
            annotations = {"dev.packyard.pack": f"demo:{tag}"} if path else None
            digest = digest_of(chart.data)
            expected[f"charts/{file}.tgz"] = digest.removeprefix("sha256:"), annotations
            assert self._blob(repo, digest) == chart.data
            if chart.provenance:
                assert self._blob(repo, digest_of(chart.provenance)) == chart.provenance
        assert said == expected

    def check_artifacts(self) -> None:
        for repo in REPOS:
            tags = {tag: d for (of, tag), d in self.model.tags.items() if of == repo}
            with self.registry.store.write() as tx:
                assert tx.tags(RepoName(repo)) == tags
            for digest, charts in self.model.held.get(repo, {}).items():
                held = self.registry.store.manifest(RepoName(repo), digest)
                layers = {layer["digest"] for layer in json.loads(held.content)["layers"]}
                for chart in charts:
                    assert digest_of(chart.data) in layers
                    assert (len(layers) == 2) == chart.signed

    def check_packs(self) -> None:
        with self.registry.store.read() as connection:
            found = entries.versions(connection, self.registry.source, "demo")
        versions = {tag: d for (of, tag), d in self.model.tags.items() if of == PACK}
        versions.pop("stable", None)
        assert {entry.label: entry.digest for entry in found} == versions
        for charts in self.model.held.get(PACK, {}).values():
            for chart in charts:
                assert self._blob(PACK, digest_of(chart.data)) == chart.data

    # What the steps rest on

    def draw(self, *, signed: bool | None = None) -> Chart:
        choice = self.chance.choice
        wanted = self.chance.random() < 0.3 if signed is None else signed
        return Chart(choice(NAMES), choice(VERSIONS), choice(CONTENTS), wanted)

    def _push(self, chart: Chart, repo: str, tag: str) -> None:
        committed = push(self.registry, chart.data, repo, tag, signed=chart.provenance)
        self.model.commit(repo, committed.digest, (chart,), tag)

    def _body(self, repo: str, tag: str) -> bytes:
        return self.registry.store.manifest(RepoName(repo), Tag(tag)).content

    def _charts(self, repo: str, body: bytes) -> tuple[Chart, ...]:
        return self.model.held[repo][digest_of(body)]

    def _blob(self, repo: str, digest: Digest) -> bytes:
        self.registry.store.blob(RepoName(repo), digest)
        with self.registry.store.open_blob(digest) as stream:
            return stream.read()


def _pack(label: str, charts: tuple[Chart, ...]) -> Files:
    files = {f"charts/{number}.tgz": File(chart.data) for number, chart in enumerate(charts)}
    return {**pack_files(version=label, charts=list(files)), **files}


@contextmanager
def _refused(refusal: type[PackyardError], expected: bool) -> Iterator[None]:
    """Whether what follows is refused is as expected."""
    try:
        yield
    except refusal:
        assert expected, "it was refused"
    else:
        assert not expected, "it was not refused"


def live(store: Store, seed: int, steps: int) -> None:
    try:
        History(Registry(store), seed).run(steps)
    except BaseException as error:
        error.add_note(f"in the history of the seed {seed}")
        raise
    finally:
        store.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_every_view_agrees_after_each_step(seed: int) -> None:
    live(open_migrated(None, grace=timedelta(0)), seed, 150)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_every_view_agrees_after_two_thousand_steps(tmp_path: Path) -> None:
    live(open_migrated(tmp_path, grace=timedelta(0)), int(time.time()), 2000)
