"""Charts for tests of the registry, pushed as `helm push` does."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from typing import Any

from packyard.catalog import charts as rows
from packyard.digests import digest_of
from packyard.packs import chart_artifact
from packyard.packs.charts import read_chart
from packyard.packs.files import File, Files
from packyard.references import RepoName, Tag
from packyard.registry.registry import Committed, Push, Registry
from tests.packs.samples import raw_tar
from tests.registry.conftest import pack_files


def archive(name: str = "web", version: str = "1.2.0", content: str = "") -> bytes:
    """The same bytes for the same arguments."""
    chart_yaml = f"apiVersion: v2\nname: {name}\nversion: {version}\ndescription: A chart\n"
    files = {f"{name}/Chart.yaml": chart_yaml, f"{name}/values.yaml": content}
    members: list[tuple[tarfile.TarInfo, bytes | str]] = [
        (tarfile.TarInfo(path), text) for path, text in files.items()
    ]
    return gzip.compress(raw_tar(members), mtime=0)


def carrying(*charts: bytes, version: str = "1.0.0") -> Files:
    """A pack with these charts, in charts/0.tgz and so on."""
    paths = {f"charts/{number}.tgz": File(chart) for number, chart in enumerate(charts)}
    return {**pack_files(version=version, charts=list(paths)), **paths}


def provenance(data: bytes, name: str = "web", version: str = "1.2.0") -> bytes:
    """What a signer would write, with a signature that nobody verifies here."""
    sums = f"files:\n  {name}-{version}.tgz: sha256:{hashlib.sha256(data).hexdigest()}\n"
    return (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: {name}\nversion: {version}\n\n"
        f"...\n{sums}-----BEGIN PGP SIGNATURE-----\n\nwsC5\n-----END PGP SIGNATURE-----\n"
    ).encode()


def push(
    registry: Registry,
    data: bytes,
    repo: str = "charts/web",
    *tags: str,
    signed: bytes | None = None,
) -> Committed:
    """Push an archive as `helm push` does; without `tags`, under its version."""
    chart, _ = read_chart(data)
    assert chart is not None
    written = chart_artifact.write(chart, data, signed, "2024-01-01T00:00:00Z")
    for digest, blob in written.blobs.items():
        registry.store.put_blob(RepoName(repo), digest, blob)
    named = tags or (chart_artifact.tag_of(chart.version),)
    return put(registry, written.manifest, repo, *named)


def put(registry: Registry, body: bytes, repo: str, *tags: str) -> Committed:
    return registry.commit(
        Push(
            repo=RepoName(repo),
            body=body,
            digest=digest_of(body),
            tags=tuple(Tag(tag) for tag in tags),
        )
    )


def manifest(registry: Registry, repo: str, *layers: tuple[str, bytes], config: str = "") -> bytes:
    """An image manifest over these layers, whose blobs are put."""
    blobs = [(config or chart_artifact.CONFIG_TYPE, b"{}"), *layers]
    described = []
    for media_type, data in blobs:
        registry.store.put_blob(RepoName(repo), digest_of(data), data)
        described.append({"mediaType": media_type, "digest": digest_of(data), "size": len(data)})
    return json.dumps(
        {"schemaVersion": 2, "config": described[0], "layers": described[1:]}
    ).encode()


def index(registry: Registry) -> dict[str, list[dict[str, Any]]]:
    """What the index lists, by name, as its texts say it."""
    with registry.store.read() as connection:
        names = rows.names(connection, registry.source)
        texts = rows.index_texts(connection, registry.source, names)
    return {name: [json.loads(text) for text in found] for name, found in texts.items()}


def listed(registry: Registry) -> dict[str, str]:
    """The digests of the listed archives by the names of their files."""
    return {
        entry["urls"][0].removeprefix("charts/"): f"sha256:{entry['digest']}"
        for entries in index(registry).values()
        for entry in entries
    }
