"""Content and names that the tests of the store share."""

from __future__ import annotations

from collections.abc import Iterable

from packyard.digests import Digest, digest_of
from packyard.references import Tag, parse_repo, parse_tag
from packyard.storage.content import Manifest
from packyard.storage.store import INLINE_LIMIT, Store

REPO = parse_repo("spectro-packs/archive/ubuntu")
OTHER = parse_repo("charts/redis")
NOWHERE = parse_repo("no/such/repository")
LATEST = parse_tag("latest")

SMALL = b"a small blob, kept in its row"
LARGE = b"a large blob, kept as a file. " * INLINE_LIMIT
UNKNOWN = digest_of(b"content that nobody ever pushes")

IMAGE = "application/vnd.oci.image.manifest.v1+json"


def push(store: Store, data: bytes, algorithm: str = "sha256") -> Digest:
    """Make it a blob of REPO."""
    return store.put_blob(REPO, digest_of(data, algorithm), data).digest


def manifest(content: bytes, *, subject: Digest | None = None, artifact_type: str = "") -> Manifest:
    return Manifest(digest_of(content), IMAGE, content, artifact_type, subject, {"of": "a test"})


def commit(
    store: Store, content: bytes, *, refers_to: Iterable[Digest] = (), tag: Tag | None = None
) -> Digest:
    """Make it a manifest of REPO, and lead a tag to it."""
    made = manifest(content)
    with store.write() as transaction:
        transaction.put_manifest(REPO, made, refers_to)
        if tag is not None:
            transaction.set_tag(REPO, tag, made.digest)
    return made.digest


def read(store: Store, digest: Digest) -> bytes:
    with store.open_blob(digest) as body:
        return body.read()
