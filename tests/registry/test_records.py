"""Every change of the registry leaves its row of the audit, in the transaction that makes it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from packyard.digests import Digest, digest_of
from packyard.errors import ContentRefused, ManifestUnknown
from packyard.packs.artifact import repository
from packyard.references import Tag, parse_repo
from packyard.registry.registry import Push, Registry
from packyard.storage.audit import ORIGIN, Origin
from packyard.storage.gc import collect
from packyard.storage.tables import audits
from tests.registry.conftest import pack_files, push

REPO = repository("demo")


def recorded(registry: Registry) -> list[tuple[str, str, str]]:
    """Action, kind and message, oldest first."""
    with registry.store.read() as connection:
        rows = connection.execute(select(audits).order_by(audits.c.uid))
        return [(row.action, row.kind, row.message) for row in rows]


def put(registry: Registry, name: str, content: str, *tags: str) -> Digest:
    """Push an image of one layer."""
    repo = parse_repo(name)
    descriptors = []
    for media_type, data in (("config", b"{}"), ("layer", content.encode())):
        registry.store.put_blob(repo, digest_of(data), data)
        media = f"application/vnd.example.{media_type}"
        descriptors.append({"mediaType": media, "digest": digest_of(data), "size": len(data)})
    body = json.dumps(
        {"schemaVersion": 2, "config": descriptors[0], "layers": descriptors[1:]}
    ).encode()
    digest = digest_of(body)
    registry.commit(Push(repo=repo, body=body, digest=digest, tags=tuple(map(Tag, tags))))
    return digest


def test_pushes_are_told_apart_by_what_they_change(registry: Registry) -> None:
    first = put(registry, "app", "one", "1", "latest")
    put(registry, "app", "one", "1")
    second = put(registry, "app", "two", "latest")
    third = put(registry, "app", "three")
    put(registry, "app", "three")
    assert recorded(registry) == [
        ("create", "artifact", "Pushed app:1"),
        ("create", "artifact", "Pushed app:latest"),
        ("update", "artifact", f"Pushed app:latest in place of {first}"),
        ("create", "artifact", f"Pushed app@{third}"),
    ]
    with registry.store.read() as connection:
        resources = connection.scalars(select(audits.c.resource).order_by(audits.c.uid)).all()
    assert resources == [first, first, second, third]


def test_packs_have_their_version_and_why_it_was_replaced(registry: Registry) -> None:
    before = push(registry, pack_files()).digest
    push(registry, pack_files(displayName="Other"), "1.0.0", "stable")
    registry.untag(REPO, Tag("stable"))
    registry.untag(REPO, Tag("1.0.0"))
    kinds = {kind for _, kind, _ in recorded(registry)}
    assert kinds == {"pack"}
    told = [message for _, _, message in recorded(registry)]
    assert told[:2] == [f"Pushed {REPO}:1.0.0", f"Pushed {REPO}:1.0.0 in place of {before}"]
    assert told[2] == f"Pushed {REPO}:stable"
    assert told[3].startswith(f"Took away the tag {REPO}:stable, which led to sha256:")
    assert len(told) == 5


def test_deletes_name_what_went_along(registry: Registry) -> None:
    digest = put(registry, "app", "one", "1", "2")
    registry.delete(parse_repo("app"), digest)
    registry.store.delete_blob(parse_repo("app"), digest_of(b"one"))
    assert recorded(registry)[2:] == [
        ("delete", "artifact", f"Deleted app@{digest} with its tags 1, 2"),
        ("delete", "blob", f"Deleted the blob app@{digest_of(b'one')}"),
    ]


def test_what_is_refused_leaves_no_row(registry: Registry) -> None:
    with pytest.raises(ContentRefused):
        push(registry, pack_files(version="1.0.0"), "stable")
    with pytest.raises(ManifestUnknown):
        registry.delete(REPO, digest_of(b"none"))
    assert recorded(registry) == []


def test_collections_are_recorded_where_they_took_something(registry: Registry) -> None:
    digest = put(registry, "app", "one", "1")
    collect(registry.store, grace=timedelta(), untagged=True)
    assert len(recorded(registry)) == 1
    registry.untag(parse_repo("app"), Tag("1"))
    collect(registry.store, grace=timedelta(), untagged=True, dry_run=True)
    assert len(recorded(registry)) == 2
    collect(registry.store, grace=timedelta(), untagged=True)
    told = [message for action, kind, message in recorded(registry) if kind == "store"]
    assert told == [
        "Removed manifests that no tag led to: 1",
        "Moved blobs to the trash that nothing refers to: 2, of 5 bytes",
    ]
    assert digest


def test_rows_say_who_asked_and_from_where(registry: Registry) -> None:
    origin = Origin(actor="ann", uid="1" * 24, address="192.0.2.7", via="oci", request="id-7")
    token = ORIGIN.set(origin)
    put(registry, "app", "one", "1")
    ORIGIN.reset(token)
    put(registry, "app", "two", "2")
    with registry.store.read() as connection:
        first, second = connection.execute(select(audits).order_by(audits.c.uid)).all()
    said = (first.actor, first.actor_uid, first.address, first.via, first.request)
    assert said == ("ann", "1" * 24, "192.0.2.7", "oci", "id-7")
    assert (second.actor, second.via, second.address) == ("packyard", "server", "")
