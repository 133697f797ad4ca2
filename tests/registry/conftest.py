"""A registry on each backend, and packs to push into it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from packyard.digests import Digest, digest_of
from packyard.packs.archive import content_digest, write_archive
from packyard.packs.artifact import EMPTY_CONFIG, EMPTY_CONFIG_DIGEST, build_manifest, repository
from packyard.packs.files import File, Files
from packyard.packs.lint import check
from packyard.references import Tag
from packyard.registry.registry import Committed, Push, Registry
from tests.migrated import open_migrated


@pytest.fixture(params=["disk", "memory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    root = tmp_path / "data" if request.param == "disk" else None
    store = open_migrated(root, grace=timedelta(0))
    yield Registry(store)
    store.close()


def pack_files(name: str = "demo", version: str = "1.0.0", **pack_json: object) -> Files:
    document = {
        "name": name,
        "displayName": name.title(),
        "version": version,
        "layer": "addon",
        "addonType": "system app",
        "cloudTypes": ["all"],
        **pack_json,
    }
    return {
        "pack.json": File(json.dumps(document).encode(), executable=False),
        "values.yaml": File(b"pack:\n  namespace: demo\n", executable=False),
        "README.md": File(b"# A demonstration\n", executable=False),
    }


def archive_of(files: Files) -> bytes:
    buffer = io.BytesIO()
    write_archive(files, "top", buffer)
    return buffer.getvalue()


def manifest_of(registry: Registry, files: Files, **notes: str) -> bytes:
    """Put the blobs of a pack into its repository and make the manifest; commits nothing."""
    pack, _ = check(files, allow_missing=True)
    assert pack is not None
    archive = archive_of(files)
    repo = repository(pack.name)
    registry.store.put_blob(repo, EMPTY_CONFIG_DIGEST, EMPTY_CONFIG)
    registry.store.put_blob(repo, digest_of(archive), archive)
    return build_manifest(pack, digest_of(archive), len(archive), content_digest(files), notes)


def push(registry: Registry, files: Files, *tags: str, **conditions: object) -> Committed:
    """Push a pack as a client does; without `tags`, under its version."""
    pack, _ = check(files, allow_missing=True)
    assert pack is not None
    body = manifest_of(registry, files)
    return registry.commit(
        Push(
            repo=repository(pack.name),
            body=body,
            digest=digest_of(body),
            tags=tuple(Tag(tag) for tag in tags) or (pack.label,),
            **conditions,  # type: ignore[arg-type]
        )
    )


def tags_of(registry: Registry, name: str = "demo") -> dict[Tag, Digest]:
    with registry.store.write() as tx:
        return tx.tags(repository(name))
