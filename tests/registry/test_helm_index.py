"""The index is always what the rows say, however it came about, and its forms say the same."""

from __future__ import annotations

import gzip
import json
import random
import zlib

import pytest

from packyard.digests import digest_of
from packyard.references import RepoName, Tag
from packyard.registry.helm_index import Edition, HelmIndex, Pieces
from packyard.registry.registry import Registry
from tests.registry.charts import archive, index, push

NAMES = [f"chart-{number:02}" for number in range(20)]


def read(edition: Edition) -> dict[str, object]:
    """The index of an edition, whose compressed form must say the same to every reader."""
    text = b"".join(edition.text("/helm"))
    if edition.zipped is not None:
        zipped = b"".join(edition.gzip("/helm"))
        assert gzip.decompress(zipped) == text
        single = zlib.decompressobj(zlib.MAX_WBITS | 16)
        assert single.decompress(zipped) == text
        assert single.eof
        assert not single.unused_data
    parsed: dict[str, object] = json.loads(text)
    return parsed


def test_an_empty_index_is_one(registry: Registry) -> None:
    edition = HelmIndex(registry.store, registry.source).current(gzip=True)
    assert read(edition) == {
        "apiVersion": "v1",
        "entries": {},
        "generated": "1970-01-01T00:00:00Z",
        "serverInfo": {"contextPath": "/helm"},
    }
    assert edition.page(0, None) == b"{}"


def test_after_any_history_the_index_is_that_of_a_process_that_starts_now(
    registry: Registry,
) -> None:
    chance = random.Random(7)  # noqa: S311
    old = HelmIndex(registry.store, registry.source)
    for step in range(60):
        name = chance.choice(NAMES)
        repo = RepoName(f"charts/{name}")
        if chance.random() < 0.3:
            tags = _tags(registry, repo)
            if tags:
                registry.untag(repo, chance.choice(tags))
        else:
            push(registry, archive(name, f"1.{chance.randrange(3)}.0", str(step)), repo)
        if chance.random() < 0.5:
            continue  # several changes at once
        zipped = chance.random() < 0.5
        edition = old.current(gzip=zipped)
        assert read(edition)["entries"] == index(registry)
        new = HelmIndex(registry.store, registry.source).current(gzip=zipped)
        assert (edition.number, edition.entries) == (new.number, new.entries)
        assert list(edition.entries.names) == sorted(edition.entries.names)


def _tags(registry: Registry, repo: RepoName) -> list[Tag]:
    with registry.store.write() as tx:
        return sorted(tx.tags(repo))


def test_it_is_kept_until_somebody_commits(registry: Registry) -> None:
    kept = HelmIndex(registry.store, registry.source)
    assert kept.kept() is None
    first = kept.current()
    assert kept.kept() is first
    assert kept.kept(gzip=True) is None
    zipped = kept.current(gzip=True)
    assert kept.kept(gzip=True) is kept.kept() is zipped
    registry.store.put_blob(RepoName("any"), digest_of(b"blob"), b"blob")
    assert kept.kept() is None
    assert kept.current(gzip=True) is zipped, "nothing that the index says has changed"
    push(registry, archive())
    assert kept.current().etag("/helm", gzip=False) != first.etag("/helm", gzip=False)


def test_entity_tags_tell_forms_and_places_apart(registry: Registry) -> None:
    edition = HelmIndex(registry.store, registry.source).current()
    places = [(path, zipped) for path in ("/helm", "/x/helm") for zipped in (True, False)]
    assert len({edition.etag(path, gzip=zipped) for path, zipped in places}) == 4


def test_pages_are_of_names(registry: Registry) -> None:
    for name in ("b", "a", "c"):
        push(registry, archive(name), f"charts/{name}")
    edition = HelmIndex(registry.store, registry.source).current()
    pages = [edition.page(0, None), edition.page(0, 1), edition.page(1, 5), edition.page(3, 1)]
    assert [list(json.loads(page)) for page in pages] == [["a", "b", "c"], ["a"], ["b", "c"], []]


@pytest.mark.parametrize("separator", [b",", b"\0\0"])
def test_pieces_are_replaced_added_and_taken_out(separator: bytes) -> None:
    chance = random.Random(3)  # noqa: S311
    pieces, model = Pieces(separator), dict[str, bytes]()
    for _ in range(200):
        changed = {
            chance.choice("abcdefgh"): chance.randbytes(chance.choice([0, 1, 5]))
            for _ in range(chance.randrange(5))
        }
        pieces = pieces.replaced(changed)
        model = {name: text for name, text in (model | changed).items() if text}
        assert pieces.joined == separator.join(model[name] for name in sorted(model))
        assert dict(pieces.texts([*model, "x"])) == model | {"x": b""}
