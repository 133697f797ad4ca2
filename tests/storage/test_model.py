"""The store against a plain model of it, in any order of operations (hypothesis).

The model is dicts and sets; collection in it is the definition of what may go: what no manifest
refers to, at once (grace 0).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from packyard.digests import Digest, digest_of
from packyard.errors import NotFound
from packyard.references import RepoName, Tag, parse_repo, parse_tag
from packyard.storage.content import Manifest
from packyard.storage.gc import collect
from packyard.storage.store import INLINE_LIMIT
from packyard.storage.transaction import MANIFEST_LIMIT
from tests.migrated import open_migrated

REPOS = [parse_repo(name) for name in ("a", "a/b", "c")]
TAGS = [parse_tag(name) for name in ("1", "2", "latest")]
BODIES = [f"blob {number}".encode() * (1, INLINE_LIMIT)[number % 2] for number in range(6)]
BLOBS = {digest_of(data): data for data in BODIES}
TEXTS = [f"manifest {number}".encode() * (1, MANIFEST_LIMIT)[number == 0] for number in range(5)]
MANIFESTS = {digest_of(text): text for text in TEXTS}

repos = st.sampled_from(REPOS)
tags = st.sampled_from(TAGS)
blobs = st.sampled_from(sorted(BLOBS))
texts = st.sampled_from(sorted(MANIFESTS))
refs = st.sets(st.sampled_from(sorted(BLOBS) + sorted(MANIFESTS)), max_size=3)


@dataclass
class Image:
    refers_to: set[Digest]
    subject: Digest | None


@dataclass
class Model:
    blobs: set[Digest] = field(default_factory=set)
    links: dict[RepoName, set[Digest]] = field(default_factory=lambda: defaultdict(set))
    images: dict[RepoName, dict[Digest, Image]] = field(default_factory=lambda: defaultdict(dict))
    tags: dict[RepoName, dict[Tag, Digest]] = field(default_factory=lambda: defaultdict(dict))

    def delete(self, repo: RepoName, digest: Digest) -> None:
        self.images[repo].pop(digest, None)
        self.tags[repo] = {tag: to for tag, to in self.tags[repo].items() if to != digest}

    def collect(self, *, untagged: bool) -> None:
        if untagged:
            for repo in REPOS:
                for digest in set(self.images[repo]) - self.alive(repo):
                    self.delete(repo, digest)
        referred = {
            to for repo in REPOS for image in self.images[repo].values() for to in image.refers_to
        }
        self.blobs &= referred
        for repo in REPOS:
            self.links[repo] &= self.blobs

    def alive(self, repo: RepoName) -> set[Digest]:
        found: set[Digest] = set()
        new = set(self.tags[repo].values())
        while new:
            found |= new
            children = {to for digest in new for to in self.images[repo][digest].refers_to}
            referrers = {
                digest for digest, image in self.images[repo].items() if image.subject in new
            }
            new = ((children & set(self.images[repo])) | referrers) - found
        return found


class StoreMachine(RuleBasedStateMachine):
    root: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    @initialize()
    def open(self) -> None:
        self.store = open_migrated(self.root)

    @rule(repo=repos, digest=blobs)
    def put_blob(self, repo: RepoName, digest: Digest) -> None:
        self.store.put_blob(repo, digest, BLOBS[digest])
        self.model.blobs.add(digest)
        self.model.links[repo].add(digest)

    @rule(repo=repos, digest=blobs, at=st.integers(0, 100))
    def upload(self, repo: RepoName, digest: Digest, at: int) -> None:
        upload = self.store.uploads.begin(repo)
        for part in (BLOBS[digest][:at], BLOBS[digest][at:]):
            with self.store.uploads.append(repo, upload) as writer:
                writer.write(part)
        self.store.uploads.finish(repo, upload, digest)
        self.model.blobs.add(digest)
        self.model.links[repo].add(digest)

    @rule(repo=repos, digest=blobs, source=st.none() | repos)
    def mount(self, repo: RepoName, digest: Digest, source: RepoName | None) -> None:
        held = self.model.blobs if source is None else self.model.links[source]
        assert self.store.mount(repo, digest, source) == (digest in held)
        if digest in held:
            self.model.links[repo].add(digest)

    @rule(repo=repos, digest=blobs)
    def delete_blob(self, repo: RepoName, digest: Digest) -> None:
        if digest in self.model.links[repo]:
            self.store.delete_blob(repo, digest)
            self.model.links[repo].remove(digest)
        else:
            with pytest.raises(NotFound):
                self.store.delete_blob(repo, digest)

    @rule(repo=repos, digest=texts, wanted=refs, subject=st.none() | texts, tag=st.none() | tags)
    def push(
        self,
        repo: RepoName,
        digest: Digest,
        wanted: set[Digest],
        subject: Digest | None,
        tag: Tag | None,
    ) -> None:
        """As a registry does: what is not there is not referred to."""
        manifest = Manifest(digest, "text/plain", MANIFESTS[digest], subject=subject)
        with self.store.write() as transaction:
            present = wanted - set(transaction.missing(repo, wanted))
            assert present == wanted & (self.model.links[repo] | set(self.model.images[repo]))
            created = transaction.put_manifest(repo, manifest, present)
            if tag is not None:
                transaction.set_tag(repo, tag, digest)
        assert created == (digest not in self.model.images[repo])
        self.model.images[repo][digest] = Image(present, subject)
        if tag is not None:
            self.model.tags[repo][tag] = digest

    @rule(repo=repos, digest=texts)
    def delete_manifest(self, repo: RepoName, digest: Digest) -> None:
        expected = sorted(tag for tag, to in self.model.tags[repo].items() if to == digest)
        try:
            with self.store.write() as transaction:
                assert transaction.delete_manifest(repo, digest) == expected
            assert digest in self.model.images[repo]
        except NotFound:
            assert digest not in self.model.images[repo]
        self.model.delete(repo, digest)

    @rule(repo=repos, tag=tags)
    def delete_tag(self, repo: RepoName, tag: Tag) -> None:
        try:
            with self.store.write() as transaction:
                transaction.delete_tag(repo, tag)
            del self.model.tags[repo][tag]
        except NotFound:
            assert tag not in self.model.tags[repo]

    @rule(untagged=st.booleans(), trash=st.sampled_from([timedelta(0), timedelta(hours=1)]))
    def collect(self, untagged: bool, trash: timedelta) -> None:
        promised = collect(
            self.store, dry_run=True, grace=timedelta(0), untagged=untagged, trash_age=trash
        )
        done = collect(self.store, grace=timedelta(0), untagged=untagged, trash_age=trash)
        assert (done.manifests, done.blobs) == (promised.manifests, promised.blobs)
        assert done.orphans == 0
        self.model.collect(untagged=untagged)

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        if not hasattr(self, "store"):
            return
        for repo in REPOS:
            assert {digest for digest in BLOBS if self._has(repo, digest)} == self.model.links[repo]
            for digest, image in self.model.images[repo].items():
                manifest = self.store.manifest(repo, digest)
                assert (manifest.content, manifest.subject) == (MANIFESTS[digest], image.subject)
            for tag, digest in self.model.tags[repo].items():
                assert self.store.manifest(repo, tag).digest == digest
            if self.model.images[repo]:
                assert self.store.tags(repo) == sorted(self.model.tags[repo])
            for digest in MANIFESTS:
                referrers = {found.digest for found in self.store.referrers(repo, digest)}
                images = self.model.images[repo].items()
                assert referrers == {each for each, image in images if image.subject == digest}
        assert self.store.repositories() == [repo for repo in REPOS if self.model.images[repo]]

    def _has(self, repo: RepoName, digest: Digest) -> bool:
        try:
            assert self.store.blob(repo, digest).size == len(BLOBS[digest])
        except NotFound:
            return False
        with self.store.open_blob(digest) as body:
            assert body.read() == BLOBS[digest]
        return True

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()


class DiskMachine(StoreMachine):
    @initialize()
    def open(self) -> None:
        self.folder = TemporaryDirectory()
        self.root = Path(self.folder.name)
        super().open()

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


few = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    phases=set(Phase) - {Phase.shrink},  # steps touch the disk: shrinking would take minutes
    suppress_health_check=[HealthCheck.too_slow],
)
TestInMemory = StoreMachine.TestCase
TestInMemory.settings = few
TestOnDisk = DiskMachine.TestCase
TestOnDisk.settings = few
