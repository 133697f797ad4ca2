"""Counters of all processes, as Prometheus reads them at `/metrics`.

Each process counts in files of its own below one folder (`share`, before any `Metrics` is made);
a scrape adds them up, whichever process answers it. What a dead process counted is added to a
common file (`bury`), so that counters never fall and files do not pile up. Without `share` a
process counts for itself alone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE_LATEST", "Metrics", "bury", "share"]

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks for the folder
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 60)
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})

Sizes = Callable[[], Mapping[str, int]]


class Metrics:
    """What this process counts. Label values come from short lists, never from a request's text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "packyard_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "packyard_http_request_duration_seconds",
            "From a request's head to the last byte of its answer.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._received = Counter(
            "packyard_http_received_bytes",
            "Bytes of request bodies.",
            ["route"],
            registry=self.registry,
        )
        self._sent = Counter(
            "packyard_http_sent_bytes",
            "Bytes of answers' bodies.",
            ["route"],
            registry=self.registry,
        )
        self.uploads = Gauge(
            "packyard_uploads_in_progress",
            "Requests that are writing to an upload.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._collections = Counter(
            "packyard_gc_runs",
            "Garbage collections, by how they ended.",
            ["result"],
            registry=self.registry,
        )
        self._freed_blobs = Counter(
            "packyard_gc_freed_blobs", "Blobs removed.", registry=self.registry
        )
        self._freed_bytes = Counter(
            "packyard_gc_freed_bytes", "Bytes of blobs removed.", registry=self.registry
        )
        self._refused = Counter(
            "packyard_sign_ins_failed",
            "Tries to sign in that failed.",
            ["by"],
            registry=self.registry,
        )
        self._rows: dict[tuple[str, str, int], _Row] = {}

    def answered(
        self, method: str, route: str, status: int, seconds: float, *, received: int, sent: int
    ) -> None:
        """Count one request. `route` names the kind of resource, as the routes do."""
        row = self._rows.get((method, route, status)) or self._row(method, route, status)
        row.requests.inc()
        row.seconds.observe(seconds)
        if received:
            row.received.inc(received)
        if sent:
            row.sent.inc(sent)

    def collected(self, *, blobs: int, freed: int) -> None:
        """Count one garbage collection that removed so many blobs and bytes."""
        self._collections.labels("done").inc()
        self._freed_blobs.inc(blobs)
        self._freed_bytes.inc(freed)

    def collection_failed(self) -> None:
        self._collections.labels("failed").inc()

    def refused(self, way: str) -> None:
        """Count a try to sign in, by what was to prove it. Not why it failed: who may read this
        page is not told who is known here."""
        self._refused.labels(way).inc()

    def exposition(self, sizes: Sizes) -> bytes:
        """All processes' counters and the store's sizes, of type `CONTENT_TYPE_LATEST`. Blocks."""
        folder = os.environ.get(_FOLDER)
        if folder is None:
            return generate_latest(self.registry) + _of_store(sizes)
        with _locked(Path(folder), fcntl.LOCK_SH):
            together = CollectorRegistry()
            together.register(_Together(Path(folder)))
            return generate_latest(together) + _of_store(sizes)

    def _row(self, method: str, route: str, status: int) -> _Row:
        named = method if method in _METHODS else "other"
        row = _Row(
            self._requests.labels(named, route, str(status)),
            self._seconds.labels(named, route),
            self._received.labels(route),
            self._sent.labels(route),
        )
        if named == method:
            self._rows[method, route, status] = row
        return row


@dataclass(frozen=True, slots=True)
class _Row:
    """The counters of one kind of request, found once."""

    requests: Counter
    seconds: Histogram
    received: Counter
    sent: Counter


def share(folder: Path) -> None:
    """From here on, count in files below `folder`, together with the processes forked later."""
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def bury(folder: Path, pid: int) -> None:
    """Keep what a dead process counted, take its files away."""
    with _locked(folder, fcntl.LOCK_EX):
        for kind in ("counter", "histogram"):
            dead = folder / f"{kind}_{pid}.db"
            if _holds_values(dead):
                _add(dead, folder / f"{kind}_buried.db")
            dead.unlink(missing_ok=True)
        mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _holds_values(file: Path) -> bool:
    """A process that begins one, or was killed just then, leaves it empty for a moment."""
    return file.exists() and file.stat().st_size > 0


def _add(dead: Path, total: Path) -> None:
    sums = MmapedDict(str(total))  # type: ignore[no-untyped-call]
    for key, value, stamp, _ in MmapedDict.read_all_values_from_file(str(dead)):  # type: ignore[no-untyped-call]
        before, _ = sums.read_value(key)  # type: ignore[no-untyped-call]
        sums.write_value(key, before + value, stamp)  # type: ignore[no-untyped-call]
    sums.close()  # type: ignore[no-untyped-call]


class _Together(Collector):
    """The counters of all processes, added up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in self._folder.glob("*.db") if _holds_values(file)]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files, accumulate=True)  # type: ignore[no-untyped-call]
        return merged


class _Store(Collector):
    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for name, value in self._sizes().items():
            yield GaugeMetricFamily(f"packyard_store_{name}", f"The store's {name}.", value=value)


def _of_store(sizes: Sizes) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Store(sizes))
    return generate_latest(registry)


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    """Scrapes share the lock; a burial holds it alone, so that nothing is added up twice."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, kind)
        yield
    finally:
        os.close(fd)
