"""Counters of all processes, as Prometheus reads them at `/metrics`.

A request adds to numbers in its process's memory, which takes a microsecond; the counters of the
client library, shared between processes, took seven. A quarter of a second later, once for all
requests until then, the process writes its numbers into a file of its own in the folder that all
share. A scrape adds the files up, whichever process answers it. What a dead process counted is
added to a common file (`bury`), so that counters never fall and files do not pile up.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

_DELAY = 0.25  # seconds
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 60)
_BOUNDS = (*map(str, _SECONDS), "+Inf")
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})
_BURIED = "buried.json"

Kind = tuple[str, str, str]  # method, route, status
Sizes = Callable[[], Mapping[str, int]]


@dataclass(slots=True)
class Requests:
    """Of one kind. `within[i]` took as long as the i-th of `_SECONDS` at most, the last longer."""

    count: int = 0
    seconds: float = 0.0
    received: int = 0
    sent: int = 0
    within: list[int] = field(default_factory=lambda: [0] * len(_BOUNDS))

    def add(self, other: Requests) -> None:
        self.count += other.count
        self.seconds += other.seconds
        self.received += other.received
        self.sent += other.sent
        self.within = [mine + more for mine, more in zip(self.within, other.within, strict=True)]


@dataclass(slots=True)
class Counts:
    """All that is counted, by one process or added up; `uploads` are in progress now."""

    requests: dict[Kind, Requests] = field(default_factory=lambda: defaultdict(Requests))
    collections: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by result
    freed_blobs: int = 0
    freed_bytes: int = 0
    uploads: int = 0

    def add(self, other: Counts) -> None:
        for kind, requests in other.requests.items():
            self.requests[kind].add(requests)
        for result, count in other.collections.items():
            self.collections[result] += count
        self.freed_blobs += other.freed_blobs
        self.freed_bytes += other.freed_bytes
        self.uploads += other.uploads

    def dump(self) -> bytes:
        rows = [
            [kind, [row.count, row.seconds, row.received, row.sent, row.within]]
            for kind, row in list(self.requests.items())
        ]
        rest = [dict(self.collections), self.freed_blobs, self.freed_bytes, self.uploads]
        return json.dumps([rows, *rest]).encode()

    @classmethod
    def load(cls, data: bytes) -> Counts:
        rows, *rest = json.loads(data)
        counts = cls({}, *rest)
        counts.requests = {tuple(kind): Requests(*row) for kind, row in rows}
        return counts


class InProgress:
    """How many are in the block of `track_inprogress` now."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def track_inprogress(self) -> Iterator[None]:
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


class Metrics(Collector):
    """What this process counts. Labels come from short lists, never from a request's text.

    `folder` is shared with the other processes; without it this one counts for itself.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.uploads = InProgress()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)
        self._counts = Counts()
        self._folder = folder
        self._writing = threading.Lock()
        self._due = False

    def answered(
        self, method: str, route: str, status: int, seconds: float, *, received: int, sent: int
    ) -> None:
        """Count one request. `route` names the kind of resource, as the routes do."""
        kind = (method if method in _METHODS else "other", route, str(status))
        row = self._counts.requests[kind]
        row.count += 1
        row.seconds += seconds
        row.received += received
        row.sent += sent
        row.within[bisect_left(_SECONDS, seconds)] += 1
        self._write_soon()

    def collected(self, *, blobs: int, freed: int) -> None:
        """Count one garbage collection that removed so many blobs and bytes."""
        self._counts.collections["done"] += 1
        self._counts.freed_blobs += blobs
        self._counts.freed_bytes += freed
        self._write_soon()

    def collection_failed(self) -> None:
        self._counts.collections["failed"] += 1
        self._write_soon()

    def collect(self) -> Iterable[Metric]:
        """What this process alone counted."""
        self._counts.uploads = self.uploads.count
        return _families(self._counts)

    def exposition(self, sizes: Sizes) -> bytes:
        """The counters of all processes and the store's sizes, in Prometheus's text. Blocks."""
        if self._folder is None:
            page = generate_latest(self.registry)
        else:
            self._write()
            page = generate_latest(_collected(_families(_together(self._folder))))
        return page + generate_latest(_collected(_store(sizes())))

    def _write_soon(self) -> None:
        if self._due or self._folder is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
            return
        self._due = True
        loop.call_later(_DELAY, self._write)

    def _write(self) -> None:
        if self._folder is None:
            return
        with self._writing:
            self._due = False
            self._counts.uploads = self.uploads.count
            _replace(self._folder / f"{os.getpid()}.json", self._counts)


def bury(folder: Path, pid: int) -> None:
    """Keep what a dead process counted, take its file away."""
    dead = folder / f"{pid}.json"
    with _locked(folder, fcntl.LOCK_EX):
        if dead.exists():
            counts = Counts.load(dead.read_bytes())
            counts.uploads = 0
            total = _sum([path for path in [folder / _BURIED] if path.exists()])
            total.add(counts)
            _replace(folder / _BURIED, total)
            dead.unlink()


def _together(folder: Path) -> Counts:
    with _locked(folder, fcntl.LOCK_SH):
        return _sum(folder.glob("*.json"))


def _sum(paths: Iterable[Path]) -> Counts:
    total = Counts()
    for path in paths:
        total.add(Counts.load(path.read_bytes()))
    return total


def _replace(path: Path, counts: Counts) -> None:
    """So that whoever reads it finds the old numbers or the new ones, whole."""
    beside = path.with_suffix(".new")
    beside.write_bytes(counts.dump())
    beside.replace(path)


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    """Scrapes share the lock; a burial holds it alone, so that nothing is added up twice."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, kind)
        yield
    finally:
        os.close(fd)


def _families(counts: Counts) -> list[Metric]:
    """The numbers under their names, as `docs/operations.md` lists them."""
    labels = ["method", "route"]
    requests = CounterMetricFamily(
        "packyard_http_requests", "Requests answered.", labels=[*labels, "status"]
    )
    durations = HistogramMetricFamily(
        "packyard_http_request_duration_seconds",
        "From a request's head to the last byte of its answer.",
        labels=labels,
    )
    received = CounterMetricFamily(
        "packyard_http_received_bytes", "Bytes of request bodies.", labels=["route"]
    )
    sent = CounterMetricFamily(
        "packyard_http_sent_bytes", "Bytes of answers' bodies.", labels=["route"]
    )
    by_method: dict[tuple[str, str], Requests] = defaultdict(Requests)
    by_route: dict[str, Requests] = defaultdict(Requests)
    for (method, route, status), row in list(counts.requests.items()):
        requests.add_metric([method, route, status], row.count)
        by_method[method, route].add(row)
        by_route[route].add(row)
    for place, row in by_method.items():
        buckets = list(zip(_BOUNDS, accumulate(row.within), strict=True))
        durations.add_metric(place, buckets, row.seconds)
    for route, row in by_route.items():
        received.add_metric([route], row.received)
        sent.add_metric([route], row.sent)
    return [requests, durations, received, sent, *_of_store(counts)]


def _of_store(counts: Counts) -> list[Metric]:
    collections = CounterMetricFamily(
        "packyard_gc_runs", "Garbage collections, by how they ended.", labels=["result"]
    )
    for result, count in counts.collections.items():
        collections.add_metric([result], count)
    uploads = "Requests that are writing to an upload."
    return [
        collections,
        CounterMetricFamily("packyard_gc_freed_blobs", "Blobs removed.", counts.freed_blobs),
        CounterMetricFamily(
            "packyard_gc_freed_bytes", "Bytes of blobs removed.", counts.freed_bytes
        ),
        GaugeMetricFamily("packyard_uploads_in_progress", uploads, counts.uploads),
    ]


def _store(sizes: Mapping[str, int]) -> list[Metric]:
    return [
        GaugeMetricFamily(f"packyard_store_{name}", f"The store's {name}.", value)
        for name, value in sizes.items()
    ]


def _collected(families: list[Metric]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families))
    return registry


@dataclass(frozen=True, slots=True)
class _Given(Collector):
    families: list[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families
