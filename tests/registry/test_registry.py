"""The one door: what is taken changes every view at once; what is refused changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from packyard.catalog import entries
from packyard.digests import digest_of
from packyard.errors import (
    Conflict,
    ContentRefused,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    PackUnknown,
    PreconditionFailed,
)
from packyard.packs.artifact import MANIFEST_TYPE, repository
from packyard.packs.files import File
from packyard.references import Tag, parse_repo
from packyard.registry.registry import Push, Registry
from tests.registry.conftest import archive_of, manifest_of, pack_files, push, tags_of

REPO = repository("demo")


def names(registry: Registry) -> list[str]:
    with registry.store.read() as connection:
        return entries.names(connection, registry.source)


def find(registry: Registry, tag: str, name: str = "demo") -> entries.Entry:
    with registry.store.read() as connection:
        return entries.find(connection, registry.source, name, tag)


def test_a_pushed_pack_is_in_the_catalog_under_its_version(registry: Registry) -> None:
    committed = push(registry, pack_files(version="1.2.3"))
    entry = find(registry, "1.2.3")
    assert entry.digest == committed.digest
    assert (entry.display_name, entry.layer, entry.clouds) == ("Demo", "addon", ("all",))
    assert names(registry) == ["demo"]
    assert registry.store.manifest(REPO, Tag("1.2.3")).digest == committed.digest


def test_contents_are_kept_for_reading(registry: Registry) -> None:
    push(registry, pack_files())
    with registry.store.read() as connection:
        contents = entries.contents(connection, find(registry, "1.0.0").uid)
    assert contents.values == "pack:\n  namespace: demo\n"
    assert contents.readme == "# A demonstration\n"
    assert [info.path for info in contents.files] == ["README.md", "pack.json", "values.yaml"]


def test_the_uid_stays_when_a_version_is_pushed_again(registry: Registry) -> None:
    push(registry, pack_files())
    before = find(registry, "1.0.0")
    push(registry, pack_files(displayName="Other"))
    after = find(registry, "1.0.0")
    assert before.uid == after.uid
    assert before.digest != after.digest
    assert after.display_name == "Other"


def test_the_same_push_again_changes_nothing(registry: Registry) -> None:
    push(registry, pack_files())
    before = find(registry, "1.0.0")
    push(registry, pack_files())
    assert find(registry, "1.0.0") == before


def test_parent_tags_follow_the_highest_version(registry: Registry) -> None:
    digests = {
        v: push(registry, pack_files(version=v)).digest for v in ("1.2.9", "1.2.10", "1.1.7")
    }
    tags = tags_of(registry)
    assert tags[Tag("1.2.x")] == tags[Tag("1.x")] == digests["1.2.10"]
    assert tags[Tag("1.1.x")] == digests["1.1.7"]


def test_parent_tags_of_a_group_keep_the_group(registry: Registry) -> None:
    committed = push(registry, pack_files(version="22.04.4", group="LTS"))
    assert set(tags_of(registry)) == {"LTS__22.04.4", "LTS__22.4.x", "LTS__22.x"}
    assert find(registry, "LTS__22.x").digest == committed.digest


def test_parent_tags_go_with_the_last_version_below(registry: Registry) -> None:
    first = push(registry, pack_files(version="1.2.3")).digest
    push(registry, pack_files(version="1.3.0"))
    registry.untag(REPO, Tag("1.3.0"))
    assert tags_of(registry) == {"1.2.3": first, "1.2.x": first, "1.x": first}
    registry.untag(REPO, Tag("1.2.3"))
    assert tags_of(registry) == {}
    assert names(registry) == []


def test_a_deleted_manifest_takes_its_pack_along(registry: Registry) -> None:
    digest = push(registry, pack_files(version="1.2.3")).digest
    older = push(registry, pack_files(version="1.2.2")).digest
    registry.delete(REPO, digest)
    assert tags_of(registry) == {"1.2.2": older, "1.2.x": older, "1.x": older}
    with pytest.raises(PackUnknown):
        find(registry, "1.2.3")
    with pytest.raises(ManifestUnknown):
        registry.delete(REPO, digest)


def test_a_parent_tag_is_not_deleted_nor_put_elsewhere(registry: Registry) -> None:
    push(registry, pack_files(version="1.2.3"))
    older = pack_files(version="1.1.0")
    push(registry, older)
    before = tags_of(registry)
    with pytest.raises(Conflict, match="moves it by itself"):
        registry.untag(REPO, Tag("1.x"))
    with pytest.raises(Conflict, match="moves it by itself"):
        push(registry, older, "1.x")
    assert tags_of(registry) == before


def test_a_parent_tag_may_be_put_where_it_already_is(registry: Registry) -> None:
    newest = pack_files(version="1.2.3")
    push(registry, newest)
    before = tags_of(registry)
    push(registry, newest, "1.x")
    assert tags_of(registry) == before


def test_the_first_tag_is_the_version(registry: Registry) -> None:
    with pytest.raises(ContentRefused) as refusal:
        push(registry, pack_files(), "stable")
    assert [finding.rule for finding in refusal.value.findings] == ["push.first-tag"]
    assert tags_of(registry) == {}


def test_more_tags_may_follow_the_version_or_come_with_it(registry: Registry) -> None:
    push(registry, pack_files(), "1.0.0", "stable")
    push(registry, pack_files(), "1.0.0-beta")
    assert find(registry, "stable") == find(registry, "1.0.0-beta") == find(registry, "1.0.0")
    registry.untag(REPO, Tag("stable"))
    with pytest.raises(PackUnknown):
        find(registry, "stable")
    assert names(registry) == ["demo"]


def test_a_tag_cannot_hide_another_version(registry: Registry) -> None:
    push(registry, pack_files(version="1.0.0"))
    other = pack_files(version="2.0.0")
    push(registry, other)
    with pytest.raises(Conflict, match="another version"):
        push(registry, other, "1.0.0")


def test_the_repository_carries_the_name_of_the_pack(registry: Registry) -> None:
    body = manifest_of(registry, pack_files(name="demo"))
    other = repository("other")
    for digest in json.loads(body)["layers"] + [json.loads(body)["config"]]:
        registry.store.mount(other, digest["digest"], REPO)
    with pytest.raises(ContentRefused) as refusal:
        registry.commit(Push(repo=other, body=body, digest=digest_of(body), tags=(Tag("1.0.0"),)))
    assert [finding.rule for finding in refusal.value.findings] == ["push.repository-name"]


def test_a_broken_pack_is_refused_with_everything_wrong(registry: Registry) -> None:
    files = dict(pack_files(layer="attic", charts=["charts/gone.tgz"], displayName=5))
    files["values.yaml"] = File(b"a: 1\na: 2\n", executable=False)
    good = pack_files()
    body = json.loads(manifest_of(registry, good))
    archive = archive_of(files)
    registry.store.put_blob(REPO, digest_of(archive), archive)
    body["layers"][0] |= {"digest": digest_of(archive), "size": len(archive)}
    encoded = json.dumps(body).encode()
    with pytest.raises(ContentRefused) as refusal:
        registry.commit(
            Push(repo=REPO, body=encoded, digest=digest_of(encoded), tags=(Tag("1.0.0"),))
        )
    files_named = {finding.file for finding in refusal.value.findings}
    assert {"pack.json", "values.yaml"} <= files_named
    assert len(refusal.value.findings) >= 3
    assert names(registry) == []


def test_preconditions_guard_against_a_race(registry: Registry) -> None:
    first = push(registry, pack_files(), if_none_match=True).digest
    other = pack_files(displayName="Other")
    with pytest.raises(PreconditionFailed) as refusal:
        push(registry, other, if_none_match=True)
    assert refusal.value.detail["digest"] == first
    with pytest.raises(PreconditionFailed):
        push(registry, other, if_match=digest_of(b"elsewhere"))
    assert find(registry, "1.0.0").digest == first
    push(registry, other, if_match=first)
    assert find(registry, "1.0.0").digest != first


def image(*layers: bytes) -> dict[str, Any]:
    def descriptor(data: bytes) -> dict[str, Any]:
        return {"mediaType": "text/plain", "digest": digest_of(data), "size": len(data)}

    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(b"config"),
        "layers": [descriptor(layer) for layer in layers],
    }


@pytest.mark.parametrize(
    ("held", "taken"),
    [
        ([b"config", b"one", b"two"], True),
        ([b"config", b"one"], True),
        ([b"config"], False),
        ([b"one", b"two"], False),
        ([], False),
    ],
)
def test_an_image_may_be_sparse_but_not_hollow(
    registry: Registry, held: list[bytes], taken: bool
) -> None:
    repo = parse_repo("team/image")
    for data in held:
        registry.store.put_blob(repo, digest_of(data), data)
    body = json.dumps(image(b"one", b"two")).encode()
    request = Push(repo=repo, body=body, digest=digest_of(body), tags=(Tag("latest"),))
    if taken:
        assert registry.commit(request).tags == ("latest",)
        return
    with pytest.raises(ManifestBlobUnknown) as refusal:
        registry.commit(request)
    absent = {digest_of(data) for data in (b"config", b"one", b"two") if data not in held}
    assert set(refusal.value.detail["digests"]) == absent  # type: ignore[call-overload]


def test_a_strict_registry_refuses_a_sparse_image(registry: Registry) -> None:
    strict = Registry(registry.store, sparse=False)
    repo = parse_repo("team/image")
    for data in (b"config", b"one"):
        registry.store.put_blob(repo, digest_of(data), data)
    body = json.dumps(image(b"one", b"two")).encode()
    with pytest.raises(ManifestBlobUnknown):
        strict.commit(Push(repo=repo, body=body, digest=digest_of(body), tags=(Tag("a"),)))


def test_what_is_no_pack_is_refused_under_a_plain_tag_of_a_pack_repository(
    registry: Registry,
) -> None:
    for data in (b"config", b"one"):
        registry.store.put_blob(REPO, digest_of(data), data)
    body = json.dumps(image(b"one")).encode()

    def commit(tag: str) -> None:
        registry.commit(Push(repo=REPO, body=body, digest=digest_of(body), tags=(Tag(tag),)))

    with pytest.raises(ManifestInvalid, match="holds packs"):
        commit("1.0.0")
    commit(f"sha256-{'a' * 64}.sig")
    assert names(registry) == []


def test_a_missing_chart_is_refused_unless_the_push_allows_it(registry: Registry) -> None:
    files = pack_files(charts=["charts/gone.tgz"])
    with pytest.raises(ContentRefused, match="refused"):
        push(registry, files)
    body = manifest_of(registry, files, **{"dev.packyard.allow-missing": "true"})
    registry.commit(Push(repo=REPO, body=body, digest=digest_of(body), tags=(Tag("1.0.0"),)))
    assert names(registry) == ["demo"]


def test_a_size_that_is_not_that_of_the_blob_is_refused(registry: Registry) -> None:
    body = json.loads(manifest_of(registry, pack_files()))
    repo, layer = repository("demo"), body["layers"][0]
    right, layer["size"] = layer["size"], 7
    data = json.dumps(body).encode()
    push = Push(repo=repo, body=data, digest=digest_of(data), tags=(Tag("1.0.0"),))
    with pytest.raises(ManifestInvalid, match=f"has {right} bytes, and not 7"):
        registry.commit(push)
    body["layers"].append(layer | {"digest": digest_of(b"absent")})
    layer["size"] = right
    data = json.dumps(body).encode()
    assert registry.commit(Push(repo=repo, body=data, digest=digest_of(data))).digest
