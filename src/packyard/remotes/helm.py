"""A Helm repository as its client: `index.yaml`, and the archives of charts that it names.

The index is JSON or YAML. An entry that cannot be used (no name, no version, no address) is left
out, as Helm leaves it out: one broken chart does not hide the others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from packyard.digests import digest_of
from packyard.errors import ChartUnknown, RemoteFailed
from packyard.packs.values import Document
from packyard.packs.version import Version
from packyard.packs.yaml.reader import Limits
from packyard.packs.yaml.scalars import Value
from packyard.remotes.client import Client

INDEX = "index.yaml"
INDEX_LIMIT = 64 * 1024 * 1024
"""Bytes of an index that is read."""
CHART_LIMIT = 64 * 1024 * 1024
"""Bytes of a chart's archive."""
_YAML_LIMITS = Limits(max_length=INDEX_LIMIT, max_nodes=4_000_000)
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartVersion:
    """An entry of the index; `sha256` of the archive in hex, "" where the index does not say."""

    name: str
    version: str
    url: str
    sha256: str = ""


class HelmRepository:
    """The repository at `path` of a server; `path` has no index.yaml at its end."""

    def __init__(self, client: Client, path: str) -> None:
        self.client = client
        self._base = "/" + f"{path.strip('/')}/".lstrip("/")

    def __str__(self) -> str:
        return f"{self.client.host}{self._base}"

    def versions(self, name: str) -> list[ChartVersion]:
        """Those of one chart, the newest first; raise `ChartUnknown` where there is none."""
        entries = self._entries().get(name)
        rows = entries if isinstance(entries, list) else []
        found = [version for row in rows if (version := _chart_version(row, name))]
        if not found:
            raise ChartUnknown(f"{self} holds no chart {name!r}.")
        return sorted(found, key=_order, reverse=True)

    def choose(self, name: str, version: str) -> ChartVersion:
        """The version of that text; for "" the newest that is no pre-release, if there is one."""
        there = self.versions(name)
        if not version:
            stable = (chart for chart in there if _order(chart)[0])
            return next(stable, there[0])
        for chart in there:
            if chart.version.removeprefix("v") == version.removeprefix("v"):
                return chart
        some = ", ".join(chart.version for chart in there[:10])
        raise ChartUnknown(f"{self} holds no version {version} of {name!r}; it has {some}.")

    def pull(self, chart: ChartVersion) -> bytes:
        """The chart's archive; raise `RemoteFailed` where it is not the one of the index."""
        url = chart.url if "://" in chart.url else f"{self._base}{chart.url}"
        data = self.client.request("GET", url, limit=CHART_LIMIT).body
        if chart.sha256 and hashlib.sha256(data).hexdigest() != chart.sha256:
            raise RemoteFailed(
                f"{self} sent {chart.name} {chart.version} with the digest {digest_of(data)}; its "
                f"index says sha256:{chart.sha256}."
            )
        return data

    def _entries(self) -> Mapping[str, Value]:
        answer = self.client.request("GET", f"{self._base}{INDEX}", limit=INDEX_LIMIT)
        index = _parsed(answer.body)
        entries = index.get("entries") if index else None
        if not isinstance(entries, dict):
            raise RemoteFailed(f"{self}{INDEX} is not the index of a Helm repository.")
        return entries


def _parsed(body: bytes) -> Mapping[str, Value] | None:
    if body.lstrip()[:1] == b"{":
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return None
        return data if isinstance(data, dict) else None
    document, _ = Document.parse(body, INDEX, _YAML_LIMITS)
    return document.data if document else None


def _chart_version(row: Value, name: str) -> ChartVersion | None:
    if not isinstance(row, dict):
        return None
    version, urls, digest = row.get("version"), row.get("urls"), row.get("digest")
    url = urls[0] if isinstance(urls, list) and urls else None
    if not isinstance(version, str) or not isinstance(url, str):
        return None
    sha256 = _SHA256.fullmatch(digest) if isinstance(digest, str) else None
    return ChartVersion(
        name=name,
        version=version,
        url=url,
        sha256=sha256[1] if sha256 else "",
    )


def _order(chart: ChartVersion) -> tuple[bool, Version | None, str]:
    """Stable versions above pre-releases, those above what is no version."""
    version = Version.parse(chart.version)
    stable = version is not None and not version.prerelease
    return stable, version or Version.parse("0-0"), chart.version
