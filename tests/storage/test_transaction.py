"""What a transaction of the store writes, and how it sees itself."""

from __future__ import annotations

import pytest

from packyard.digests import Digest, digest_of
from packyard.errors import (
    BlobUnknown,
    DigestInvalid,
    ManifestUnknown,
    RepositoryUnknown,
    Unavailable,
)
from packyard.references import parse_tag
from packyard.storage.content import Manifest
from packyard.storage.store import Store
from packyard.storage.transaction import MANIFEST_LIMIT
from tests.storage.examples import (
    IMAGE,
    LARGE,
    LATEST,
    NOWHERE,
    OTHER,
    REPO,
    SMALL,
    UNKNOWN,
    commit,
    manifest,
    push,
)


class Refusal(Exception):
    """Raised inside a block to end its transaction."""


def test_everything_of_a_block_is_visible_or_nothing(store: Store) -> None:
    with pytest.raises(Refusal), store.write() as transaction:  # noqa: PT012
        digest = manifest(b"{}").digest
        transaction.put_manifest(REPO, manifest(b"{}"), [UNKNOWN])
        transaction.set_tag(REPO, LATEST, digest)
        assert transaction.tag_digest(REPO, LATEST) == digest
        with pytest.raises(RepositoryUnknown):
            store.tags(REPO)
        raise Refusal
    with pytest.raises(RepositoryUnknown):
        store.manifest(REPO, LATEST)
    with store.write() as transaction:
        assert transaction.tag_digest(REPO, LATEST) is None


def test_a_block_after_a_refused_one_works(store: Store) -> None:
    with pytest.raises(Refusal), store.write():
        raise Refusal
    commit(store, b"{}", tag=LATEST)
    assert store.tags(REPO) == [LATEST]


def test_rows_of_others_are_in_the_same_transaction(store: Store) -> None:
    insert = "INSERT INTO sources (uid, kind, name) VALUES ('1', 'kind', 'name')"
    with pytest.raises(Refusal), store.write() as transaction:  # noqa: PT012
        transaction.connection.exec_driver_sql(insert)
        raise Refusal
    with store.write() as transaction:
        transaction.connection.exec_driver_sql(insert)
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sources").scalar() == 1


def test_missing_tells_what_the_repository_does_not_hold(store: Store) -> None:
    small, large, child = push(store, SMALL), push(store, LARGE), commit(store, b"a child")
    wanted = [UNKNOWN, large, child, digest_of(b"x"), small, UNKNOWN]
    with store.write() as transaction:
        assert transaction.missing(REPO, wanted) == [UNKNOWN, digest_of(b"x")]
        assert transaction.missing(NOWHERE, [small, small]) == [small]
        assert transaction.missing(REPO, []) == []
        assert transaction.holds_blob(REPO, small)
        assert not transaction.holds_blob(REPO, child), "a manifest is no blob"
        assert not transaction.holds_blob(OTHER, small)


def test_a_manifest_of_another_digest_is_refused(store: Store) -> None:
    with pytest.raises(DigestInvalid), store.write() as transaction:
        transaction.put_manifest(REPO, Manifest(UNKNOWN, IMAGE, b"{}"), [])
    with pytest.raises(RepositoryUnknown):
        store.manifest(REPO, UNKNOWN)


def test_a_tag_leads_where_it_was_set_last(store: Store) -> None:
    first, second = commit(store, b"1", tag=LATEST), commit(store, b"2", tag=LATEST)
    assert store.manifest(REPO, LATEST).digest == second
    with store.write() as transaction:
        assert transaction.tag_digest(REPO, LATEST) == second
        assert transaction.tags_of(REPO, second) == [LATEST]
        assert transaction.tags_of(REPO, first) == []
        assert transaction.tag_digest(NOWHERE, LATEST) is None
        assert transaction.tags_of(NOWHERE, second) == []


def test_a_tag_leads_only_to_a_manifest_of_its_repository(store: Store) -> None:
    digest = commit(store, b"{}")
    with pytest.raises(ManifestUnknown), store.write() as transaction:
        transaction.set_tag(REPO, LATEST, UNKNOWN)
    with pytest.raises(RepositoryUnknown), store.write() as transaction:
        transaction.set_tag(OTHER, LATEST, digest)


def test_deleting_a_tag_leaves_the_manifest(store: Store) -> None:
    digest = commit(store, b"{}", tag=LATEST)
    with store.write() as transaction:
        transaction.delete_tag(REPO, LATEST)
    assert store.tags(REPO) == []
    assert store.manifest(REPO, digest)
    with pytest.raises(ManifestUnknown, match="latest"), store.write() as transaction:
        transaction.delete_tag(REPO, LATEST)


@pytest.mark.parametrize("size", [2, MANIFEST_LIMIT + 1])
def test_deleting_a_manifest_takes_its_tags_with_it(store: Store, size: int) -> None:
    digest = commit(store, b"m" * size, tag=parse_tag("b"))
    commit(store, b"m" * size, tag=parse_tag("a"))
    commit(store, b"other", tag=parse_tag("c"))
    with store.write() as transaction:
        assert transaction.delete_manifest(REPO, digest) == ["a", "b"]
    assert store.tags(REPO) == ["c"]
    for reference in (digest, parse_tag("a")):
        with pytest.raises(ManifestUnknown):
            store.manifest(REPO, reference)


def test_deleting_what_is_not_there_is_an_error(store: Store) -> None:
    commit(store, b"{}")
    with pytest.raises(ManifestUnknown), store.write() as transaction:
        transaction.delete_manifest(REPO, UNKNOWN)
    with pytest.raises(RepositoryUnknown), store.write() as transaction:
        transaction.delete_manifest(NOWHERE, UNKNOWN)
    with pytest.raises(BlobUnknown), store.write() as transaction:
        transaction.unlink_blob(REPO, UNKNOWN)


def test_a_row_of_a_large_blob_is_refused_without_its_body(store: Store) -> None:
    with pytest.raises(Unavailable, match="push it again"), store.write() as transaction:
        transaction.put_blob(REPO, UNKNOWN, 1 << 20)
    with pytest.raises(RepositoryUnknown):
        store.blob(REPO, UNKNOWN)


def test_references_from_elsewhere_are_held_once(store: Store) -> None:
    def owners(digest: Digest) -> int:
        with store.read() as connection:
            query = "SELECT count(*) FROM refs WHERE digest = ?"
            return int(connection.exec_driver_sql(query, (digest,)).scalar_one())

    with store.write() as transaction:
        for owner in ("a", "a", "b"):
            transaction.hold(UNKNOWN, owner)
    assert owners(UNKNOWN) == 2
    with store.write() as transaction:
        transaction.release(UNKNOWN, "a")
        transaction.release(UNKNOWN, "nobody")
    assert owners(UNKNOWN) == 1
