"""A random history of pushes, tags and deletes leaves what a plain model says, in every view."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from packyard.catalog import entries
from packyard.digests import Digest
from packyard.errors import Conflict, ContentRefused
from packyard.packs.artifact import repository
from packyard.references import Tag
from packyard.registry.registry import Registry
from packyard.storage.gc import collect
from tests.migrated import open_migrated
from tests.registry.conftest import pack_files, push, tags_of

REPO = repository("demo")
VERSIONS = st.sampled_from(["1.0.0", "1.0.1", "1.0.10", "1.1.0", "2.0.0", "2.0.0-rc.1", "0.9"])
FACES = st.sampled_from(["One", "Two"])
EXTRA = st.sampled_from(["stable", "edge", "1.0.0-beta"])


def order(version: str) -> tuple[tuple[int, ...], bool]:
    numbers, _, pre = version.partition("-")
    return tuple(int(part) for part in numbers.split(".")), not pre


def parents(versions: dict[str, Digest]) -> dict[str, Digest]:
    """Each parent tag and where it leads, said plainly."""
    found: dict[str, Digest] = {}
    for version in sorted(versions, key=order):
        parts = [*version.partition("-")[0].split("."), "0"][:3]
        for length in range(1, len(parts)):
            found[".".join(parts[:length]) + ".x"] = versions[version]
    return found


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        store = open_migrated(Path(self.folder.name), grace=timedelta(0))
        self.registry = Registry(store)
        self.versions: dict[str, Digest] = {}
        self.extra: dict[str, Digest] = {}
        self.manifests: dict[tuple[str, str], Digest] = {}

    def teardown(self) -> None:
        self.registry.store.close()
        self.folder.cleanup()

    @rule(version=VERSIONS, face=FACES)
    def push(self, version: str, face: str) -> None:
        committed = push(self.registry, pack_files(version=version, displayName=face))
        self.versions[version] = self.manifests[version, face] = committed.digest

    @rule(version=VERSIONS, face=FACES, tag=EXTRA)
    def tag(self, version: str, face: str, tag: str) -> None:
        files = pack_files(version=version, displayName=face)
        try:
            committed = push(self.registry, files, tag)
        except ContentRefused:
            assert (version, face) not in self.manifests
            return
        assert (version, face) in self.manifests
        self.extra[tag] = committed.digest

    @precondition(lambda self: bool(self.versions or self.extra))
    @rule(data=st.data())
    def untag(self, data: st.DataObject) -> None:
        tag = data.draw(st.sampled_from(sorted(self.versions | self.extra)))
        self.registry.untag(REPO, Tag(tag))
        self.versions.pop(tag, None)
        self.extra.pop(tag, None)

    @precondition(lambda self: bool(self.versions))
    @rule(data=st.data())
    def untag_parent(self, data: st.DataObject) -> None:
        tag = data.draw(st.sampled_from(sorted(parents(self.versions))))
        try:
            self.registry.untag(REPO, Tag(tag))
        except Conflict:
            return
        raise AssertionError(f"{tag} was deleted by hand")

    @precondition(lambda self: bool(self.manifests))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        digest = data.draw(st.sampled_from(sorted(set(self.manifests.values()))))
        self.registry.delete(REPO, digest)
        for held in (self.versions, self.extra, self.manifests):
            for key in [key for key, value in held.items() if value == digest]:
                del held[key]  # type: ignore[arg-type]

    @rule()
    def collect(self) -> None:
        collect(self.registry.store)

    @invariant()
    def every_view_agrees(self) -> None:
        expected = {**self.extra, **self.versions, **parents(self.versions)}
        assert tags_of(self.registry) == expected
        with self.registry.store.read() as connection:
            source = self.registry.source
            found = entries.versions(connection, source, "demo")
            tags = entries.tags(connection, source, "demo")
            names = entries.names(connection, source)
        assert {entry.label: entry.digest for entry in found} == self.versions
        assert names == (["demo"] if self.versions else [])
        digests = {entry.uid: entry.digest for entry in found}
        assert {tag: digests[uid] for tag, (uid, _) in tags.items()} == {
            tag: digest for tag, digest in expected.items() if digest in self.versions.values()
        }
        assert {tag for tag, (_, parent) in tags.items() if parent} == set(parents(self.versions))

    @invariant()
    def every_archive_is_there(self) -> None:
        with self.registry.store.read() as connection:
            found = entries.versions(connection, self.registry.source, "demo")
        for entry in found:
            with self.registry.store.open_blob(entry.archive_digest) as stream:
                assert len(stream.read()) == entry.size


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
