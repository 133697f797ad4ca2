"""Clients that push, tag and delete, and know what the server owes them at every moment.

A client owns its repository and works in steps. Each step takes the repository from one `State` to
another in one request. Where the request was answered, the state is known; where the connection
broke, it is one of the two, wholly: anything between them is a promise broken.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.live import Live
from tests.wire import packs
from tests.wire.oci import IMAGE, Content, Repo, digest, random_bytes

SHARED = [random_bytes(size, f"shared {size}") for size in (10, 5_000, 80_000, 300_000)]
"""Layers that several repositories have: a blob is stored once and wanted by many."""

TAGS = [f"t{number}" for number in range(6)]
VERSIONS = ["1.0.0", "1.0.1", "1.1.0", "1.1.7", "2.0.0", "2.3.4"]


@dataclass(frozen=True, slots=True)
class State:
    """Tags with the digest each points at, and manifests by digest."""

    tags: dict[str, str] = field(default_factory=dict)
    manifests: frozenset[str] = frozenset()

    def put(self, of: str, *tags: str) -> State:
        return State({**self.tags, **dict.fromkeys(tags, of)}, self.manifests | {of})

    def untag(self, tag: str) -> State:
        return State({name: of for name, of in self.tags.items() if name != tag}, self.manifests)

    def drop(self, of: str) -> State:
        return State(
            {name: other for name, other in self.tags.items() if other != of},
            self.manifests - {of},
        )


class Client(threading.Thread):
    """Pushes images until told to stop. `broken` lists every promise that was not kept."""

    def __init__(self, live: Live, name: str, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.live = live
        self.repository = f"crash/{name}"
        self.chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self.known = State()
        self.next: State | None = None
        self.contents: dict[str, Content] = {}
        self.blobs: dict[str, bytes] = {}
        self.fresh: dict[str, float] = {}
        self.stopping = threading.Event()
        self.steps = 0
        self.broken: list[str] = []

    def run(self) -> None:
        with self.open() as http:
            repo = Repo(http, self.repository)
            while not self.stopping.is_set():
                try:
                    if self.next is not None:
                        self.settle(repo)
                    self.chance.choice(self.choices())(repo)
                    self.steps += 1
                except httpx.TransportError:
                    time.sleep(0.02)
                except AssertionError as error:
                    self.broken.append(str(error))
                    return

    def open(self) -> httpx.Client:
        auth = ("admin", self.live.admin_password)
        hooks = {"response": [_not_ready]}
        return httpx.Client(base_url=self.live.url, auth=auth, timeout=30, event_hooks=hooks)

    # Steps

    def choices(self) -> list[Callable[[Repo], None]]:
        steps: list[Callable[[Repo], None]] = [self.leave_an_upload]
        steps += [self.push] * 6
        if self.known.tags:
            steps += [self.retag, self.delete_tag, self.delete_manifest]
        return steps

    def push(self, repo: Repo) -> None:
        """An image of shared and own layers, by tag, or by digest with several tags."""
        size = self.chance.choice([0, 100, 70_000, 200_000])
        layers = [self.chance.choice(SHARED), random_bytes(size)]
        config = json.dumps({"serial": self.chance.random()}).encode()
        for data in (config, *layers):
            self.push_blob(repo, data)
        content = _image(config, layers)
        of = content.digest()
        self.contents[of] = content
        if self.chance.random() < 0.5:
            tag = self.chance.choice(TAGS)
            self.step(self.known.put(of, tag), 201, lambda: repo.put(tag, content))
        else:
            tags = self.chance.sample(TAGS, self.chance.randrange(4))
            self.step(self.known.put(of, *tags), 201, lambda: repo.put(of, content, tags))

    def push_blob(self, repo: Repo, data: bytes) -> None:
        of = digest(data)
        if data in SHARED and self.chance.random() < 0.5:
            answer = repo.begin(mount=of)
            if answer.status_code == 202:
                answer = repo.close(answer.headers["location"], of, data)
        elif self.chance.random() < 0.3:
            answer = repo.call("POST", "blobs/uploads/", params={"digest": of}, content=data)
        else:
            begun = repo.begin()
            assert begun.status_code == 202, _told(begun)
            location = begun.headers["location"]
            half = len(data) // 2
            if half:
                chunk = repo.patch(location, data[:half], f"0-{half - 1}")
                assert chunk.status_code == 202, _told(chunk)
                location = chunk.headers["location"]
            answer = repo.close(location, of, data[half:])
        assert answer.status_code == 201, _told(answer)
        self.blobs[of] = data
        self.fresh[of] = time.monotonic()

    def leave_an_upload(self, repo: Repo) -> None:
        begun = repo.begin()
        assert begun.status_code == 202, _told(begun)
        repo.patch(begun.headers["location"], random_bytes(1000))

    def retag(self, repo: Repo) -> None:
        of = self.chance.choice(sorted(self.known.tags.values()))
        tag = self.chance.choice(TAGS)
        self.step(self.known.put(of, tag), 201, lambda: repo.put(tag, self.contents[of]))

    def delete_tag(self, repo: Repo) -> None:
        tag = self.chance.choice(sorted(self.known.tags))
        self.step(self.known.untag(tag), 202, lambda: repo.delete(tag))

    def delete_manifest(self, repo: Repo) -> None:
        of = self.chance.choice(sorted(self.known.manifests))
        self.step(self.known.drop(of), 202, lambda: repo.delete(of))

    def step(self, after: State, status: int, send: Callable[[], httpx.Response]) -> None:
        self.next = after
        answer = send()
        assert answer.status_code == status, _told(answer)
        self.known, self.next = after, None

    # What is owed

    def settle(self, repo: Repo) -> None:
        """See which state the server is in: the last one, or wholly the next."""
        seen = self.look(repo)
        allowed = [state for state in (self.known, self.next) if state is not None]
        assert seen in allowed, (
            f"{self.name}: the server shows {seen}\nwhere {allowed[0]}\nor {allowed[-1]} was due"
        )
        self.known, self.next = seen, None
        for of, when in list(self.fresh.items()):
            if time.monotonic() - when < 2:
                assert repo.blob(of, "HEAD").status_code == 200, f"{self.name} lost blob {of}"

    def look(self, repo: Repo) -> State:
        listed = repo.call("GET", "tags/list")
        assert listed.status_code in (200, 404), _told(listed)
        names = listed.json()["tags"] if listed.status_code == 200 else []
        tags = {}
        for name in names:
            head = repo.get(name, "HEAD")
            assert head.status_code == 200, f"{name} is listed and not there: {head.status_code}"
            tags[name] = head.headers["docker-content-digest"]
        there = set()
        for of in {*self.known.manifests, *(self.next.manifests if self.next else ())}:
            head = repo.get(of, "HEAD")
            assert head.status_code in (200, 404), f"{of}: {head.status_code}"
            if head.status_code == 200:
                there.add(of)
        return State(tags, frozenset(there))

    def audit(self, grace: float) -> None:
        """Demand, of a server at rest, all that this client was promised, byte by byte."""
        with self.open() as http:
            repo = Repo(http, self.repository)
            self.settle(repo)
            for of in self.known.manifests:
                got = repo.get(of)
                assert got.status_code == 200, f"{self.name} {of}: {_told(got)}"
                assert got.content == self.contents[of].body
                for blob in _blobs(self.contents[of]):
                    self.whole(repo, blob)
            for blob, when in self.fresh.items():
                if time.monotonic() - when < grace / 2:
                    self.whole(repo, blob)
            self.fresh.clear()

    def whole(self, repo: Repo, of: str) -> None:
        got = repo.blob(of)
        assert got.status_code == 200, f"{self.name} blob {of}: {_told(got)}"
        assert got.content == self.blobs[of], f"{self.name} blob {of} has other bytes"

    def garbage(self) -> set[str]:
        """Blobs of this client alone that nothing refers to any more."""
        used = {blob for of in self.known.manifests for blob in _blobs(self.contents[of])}
        others = {digest(data) for data in (*SHARED, b"", b"{}")}  # nothing is everybody's, too
        return set(self.blobs) - used - others


class PackClient(Client):
    """Pushes packs, whose parent tags the server moves in the same transaction."""

    def __init__(self, live: Live, name: str, seed: int) -> None:
        super().__init__(live, name, seed)
        self.repository = f"{packs.HOME}/{name}"

    def choices(self) -> list[Callable[[Repo], None]]:
        steps: list[Callable[[Repo], None]] = []
        steps += [self.push] * 4
        if self.known.tags:
            steps += [self.delete_tag, self.delete_manifest]
        return steps

    def push(self, repo: Repo) -> None:
        version = self.chance.choice(VERSIONS)
        made = packs.files(self.name, version, displayName=f"Pack {self.chance.random()}")
        layer = packs.archive(made)
        for data in (b"{}", layer):
            self.push_blob(repo, data)
        content = packs.described(layer, self.name, version)
        of = content.digest()
        self.contents[of] = content
        after = self.with_parents(self.known.put(of, version))
        self.step(after, 201, lambda: repo.put(version, content))

    def delete_tag(self, repo: Repo) -> None:
        tag = self.chance.choice([tag for tag in self.known.tags if tag in VERSIONS])
        after = self.with_parents(self.known.untag(tag))
        self.step(after, 202, lambda: repo.delete(tag))

    def delete_manifest(self, repo: Repo) -> None:
        of = self.chance.choice(sorted(self.known.manifests))
        after = self.with_parents(self.known.drop(of))
        self.step(after, 202, lambda: repo.delete(of))

    def with_parents(self, state: State) -> State:
        """The tags of versions, and with them the parent tags that must be there."""
        own = {tag: of for tag, of in state.tags.items() if tag in VERSIONS}
        tags = dict(own)
        for version in sorted(own, key=lambda text: [int(part) for part in text.split(".")]):
            major, minor, _ = version.split(".")
            tags[f"{major}.{minor}.x"] = tags[f"{major}.x"] = own[version]
        return State(tags, state.manifests)

    def audit(self, grace: float) -> None:
        super().audit(grace)
        with self.open() as http:
            listed = self.name in packs.catalog(http)
        assert listed == bool(self.known.tags), "the catalog and the tags tell different stories"


def _not_ready(answer: httpx.Response) -> None:
    """A worker that is not ready yet says so with 503: as good as no connection."""
    if answer.status_code == 503:
        raise httpx.RemoteProtocolError("not ready")


def _image(config: bytes, layers: list[bytes]) -> Content:
    fields = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(config),
            "size": len(config),
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest(data),
                "size": len(data),
            }
            for data in layers
        ],
    }
    return Content(json.dumps(fields).encode())


def _blobs(content: Content) -> set[str]:
    return set(re.findall(r"sha256:[0-9a-f]{64}", content.body.decode()))


def _told(answer: httpx.Response) -> str:
    request = answer.request
    return f"{request.method} {request.url}: {answer.status_code} {answer.text[:500]}"
