"""Packs, charts and images put into a registry as its clients put them, and requests counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from packyard.digests import digest_of
from packyard.packs import artifact, lint
from packyard.packs.chart_artifact import ARCHIVE_TYPE, CONFIG_TYPE, tag_of
from packyard.packs.files import Files
from packyard.references import parse_repo, parse_tag
from packyard.remotes.client import Client
from packyard.remotes.oci import Repository
from packyard.remotes.pack import add_tag, prepare, push
from packyard.remotes.source import Broken, Listing, Marks, Offer
from packyard.remotes.transfer import push_blob
from tests.packs import samples


def push_pack(client: Client, files: Files, *more: str, base: str = "") -> None:
    """Under its version's tag, and `more` tags."""
    pack, _ = lint.check(files)
    assert pack is not None
    repository = Repository(client, artifact.repository(pack.name, base))
    push(repository, prepare(pack, files), watch=lambda _: None)
    for tag in more:
        add_tag(repository, pack.label, parse_tag(tag))


def push_chart(client: Client, name: str, version: str, *, base: str = "charts") -> bytes:
    """As `helm push` does, below `base`; its archive."""
    archive = samples.chart(name, version)
    config = {"name": name, "version": version, "description": f"Chart {name}.", "appVersion": "7"}
    push_artifact(
        client, f"{base}/{name}", tag_of(version), json.dumps(config).encode(), CONFIG_TYPE,
        archive, ARCHIVE_TYPE,
    )  # fmt: skip
    return archive


def push_image(client: Client, name: str, tag: str) -> None:
    kind = "application/vnd.oci.image"
    push_artifact(
        client, name, tag, tag.encode(), f"{kind}.config.v1+json", b"x", f"{kind}.layer.v1.tar"
    )


def push_artifact(
    client: Client,
    name: str,
    tag: str,
    config: bytes,
    config_type: str,
    layer: bytes,
    layer_type: str,
) -> None:
    repository = Repository(client, parse_repo(name))
    for blob in (config, layer):
        push_blob(repository, digest_of(blob), blob, lambda _: None)
    rows = [
        {"mediaType": kind, "digest": digest_of(data), "size": len(data)}
        for data, kind in ((config, config_type), (layer, layer_type))
    ]
    manifest = {"schemaVersion": 2, "mediaType": artifact.MANIFEST_TYPE, "config": rows[0]}
    body = json.dumps({**manifest, "layers": rows[1:]}).encode()
    repository.put_manifest(parse_tag(tag), body, artifact.MANIFEST_TYPE)


def taken(listing: Listing | None) -> tuple[list[Offer], list[Broken], Marks]:
    """All of a listing, by name and tag."""
    assert listing is not None
    pages = list(listing.pages)
    offers = [offer for page in pages for offer in page.offers]
    broken = [broken for page in pages for broken in page.broken]
    return sorted(offers, key=lambda offer: (offer.name, offer.tag)), broken, listing.marks


@contextmanager
def counted(client: Client) -> Iterator[list[str]]:
    """Every request of the client while the block runs, as `METHOD path`."""
    seen: list[str] = []
    hooks = client._http.event_hooks

    def see(request: httpx.Request) -> None:
        seen.append(f"{request.method} {request.url.path}")

    client._http.event_hooks = {"request": [see]}
    try:
        yield seen
    finally:
        client._http.event_hooks = hooks


def names_and_tags(offers: Sequence[Offer]) -> list[tuple[str, str]]:
    return [(offer.name, offer.tag) for offer in offers]
