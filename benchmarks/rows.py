"""What is measured: one row per kind of work, with its unit and what is to be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import content, drivers
from benchmarks.client import Client
from benchmarks.servers import Server

Measure = Callable[[Server, float], float]
"""Of a running, filled server, in so many seconds, in the row's unit."""


@dataclass(frozen=True, slots=True)
class Row:
    """`files` rows are measured against plain files, too."""

    name: str
    unit: str
    target: float
    measure: Measure
    less_is_better: bool = False
    files: bool = False

    def reached(self, value: float) -> bool:
        return value <= self.target if self.less_is_better else value >= self.target

    def ratio(self, value: float, other: float) -> float:
        """How many times better `value` is than `other`."""
        return other / value if self.less_is_better else value / other


def fill(server: Server) -> None:
    """What the rows of reads ask for."""
    with Client(server.port, server.push_authorization) as client:
        for blob in (content.config(), content.small(), content.large()):
            client.push_blob(content.REPOSITORY, blob)
        client.push_manifest(content.REPOSITORY, content.TAG, content.image())
        client.push_blob(content.TAGS_REPOSITORY, content.config())
        client.push_blob(content.TAGS_REPOSITORY, content.small())
        manifest = content.manifest(content.config(), [content.small()])
        for number in range(content.TAG_COUNT):
            client.push_manifest(content.TAGS_REPOSITORY, f"1.{number}.0", manifest)


def manifest_by_tag(server: Server, seconds: float) -> float:
    target = f"/v2/{content.REPOSITORY}/manifests/{content.TAG}"
    return drivers.read(server, target, connections=32, seconds=seconds).requests_per_second


def small_blob(server: Server, seconds: float) -> float:
    target = f"/v2/{content.REPOSITORY}/blobs/{content.small().digest}"
    load = drivers.read(server, target, connections=32, seconds=seconds)
    return load.bytes_per_second / content.MB


def large_blob(server: Server, seconds: float) -> float:
    target = f"/v2/{content.REPOSITORY}/blobs/{content.large().digest}"
    load = drivers.read(server, target, connections=4, seconds=seconds)
    return load.bytes_per_second / content.MB


def thousand_tags(server: Server, seconds: float) -> float:
    target = f"/v2/{content.TAGS_REPOSITORY}/tags/list"
    return drivers.read(server, target, connections=32, seconds=seconds).requests_per_second


def put_large(server: Server, _seconds: float) -> float:
    return drivers.put_large(server)


def push_artifacts(server: Server, seconds: float) -> float:
    return drivers.push_artifacts(server, clients=4, seconds=seconds)


def memory(server: Server, _seconds: float) -> float:
    return server.memory() / content.MB


ROWS = [
    Row("manifest GET by tag, 32 connections", "/s", 20_000, manifest_by_tag, files=True),
    Row("blob GET 1 MB, 32 connections", "MB/s", 1_710, small_blob, files=True),
    Row("blob GET 100 MB, 4 connections", "MB/s", 1_880, large_blob, files=True),
    Row("tags/list of 1,000 tags, 32 connections", "/s", 8_000, thousand_tags),
    Row("blob PUT 100 MB, durable", "s", 0.2, put_large, less_is_better=True),
    Row("whole small artifact pushed, 4 clients, durable", "/s", 250, push_artifacts),
    Row("memory after all that", "MB", 250, memory, less_is_better=True),
]
