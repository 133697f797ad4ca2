"""The OCI form of a pack: an image manifest with one layer, the archive (packs.md, "OCI form").

Shared by all who write or read that form: the registry, its clients, the loading of starter packs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from packyard.digests import Digest, digest_of
from packyard.packs.model import Pack
from packyard.references import RepoName, parse_repo

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.unknown.config.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
TAR_TYPE = "application/vnd.oci.image.layer.v1.tar"
TAR_GZIP_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_TYPES = frozenset({TAR_TYPE, TAR_GZIP_TYPE})
CONFIG_TYPES = frozenset({CONFIG_TYPE, EMPTY_TYPE})

EMPTY_CONFIG = b"{}"
EMPTY_CONFIG_DIGEST = digest_of(EMPTY_CONFIG)

TITLE = "org.opencontainers.image.title"
CONTENT_DIGEST = "dev.packyard.content-digest"
MESSAGE = "dev.packyard.message"
ALLOW_MISSING = "dev.packyard.allow-missing"

_ARCHIVE = "spectro-packs/archive/"


def repository(name: str, base: str = "") -> RepoName:
    """The repository of a pack, below `base` where a registry keeps its packs under one."""
    return parse_repo("/".join(part for part in (base.strip("/"), _ARCHIVE + name) if part))


def pack_of_repository(repo: str, base: str = "") -> str:
    """The name of the pack that a repository holds; empty where it is no repository of packs."""
    prefix = f"{base.strip('/')}/{_ARCHIVE}" if base.strip("/") else _ARCHIVE
    name = repo.removeprefix(prefix)
    return name if name != repo and "/" not in name else ""


def build_manifest(
    pack: Pack, archive: Digest, size: int, content_digest: Digest, annotations: Mapping[str, str]
) -> bytes:
    """The manifest's bytes for an archive of `size` bytes; its config blob is `EMPTY_CONFIG`."""
    title = f"{pack.name}-{pack.version}.tar.gz"
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": CONFIG_TYPE,
            "digest": EMPTY_CONFIG_DIGEST,
            "size": len(EMPTY_CONFIG),
        },
        "layers": [
            {
                "mediaType": TAR_GZIP_TYPE,
                "digest": archive,
                "size": size,
                "annotations": {TITLE: title},
            }
        ],
        "annotations": {CONTENT_DIGEST: content_digest, **annotations},
    }
    return json.dumps(manifest, separators=(",", ":"), sort_keys=True).encode()
