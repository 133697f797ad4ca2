"""OCI distribution 1.1, "Content Management": tags, manifests, blobs (end-9, end-10)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live import start
from tests.wire.oci import Repo, digest, errors, index, random_bytes, refused

ABSENT = "sha256:" + "0" * 64


def test_a_tag_is_deleted_and_nothing_else(repo: Repo) -> None:
    content = repo.store(repo.image(), "old")
    repo.store(content, "kept")
    assert repo.delete("old").status_code == 202
    assert repo.get("old").status_code == 404
    assert repo.get("kept").content == content.body
    assert repo.get(content.digest()).content == content.body
    assert repo.tags() == ["kept"]


def test_the_last_tag_leaves_the_manifest(repo: Repo) -> None:
    content = repo.store(repo.image(), "only")
    assert repo.delete("only").status_code == 202
    assert repo.tags() == []
    assert repo.get(content.digest()).content == content.body


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_manifest_is_deleted_with_all_its_tags(repo: Repo, algorithm: str) -> None:
    content = repo.image(algorithm=algorithm)
    of = content.digest(algorithm)
    assert repo.put(of, content, ["a", "b"]).status_code == 201
    kept = repo.store(repo.image(), "c")
    assert repo.delete(of).status_code == 202
    for reference in (of, "a", "b"):
        refused(repo.get(reference), 404, "MANIFEST_UNKNOWN")
        assert repo.get(reference, "HEAD").status_code == 404
    assert repo.tags() == ["c"]
    assert repo.get("c").content == kept.body


def test_the_blobs_of_a_deleted_manifest_stay_for_others(repo: Repo) -> None:
    data = random_bytes(100)
    first = repo.store(repo.image(data), "first")
    second = repo.store(repo.image(data, random_bytes(10)), "second")
    assert repo.delete(first.digest()).status_code == 202
    assert repo.get("second").content == second.body
    assert repo.blob(digest(data)).content == data


def test_an_index_is_deleted_without_what_it_lists(repo: Repo) -> None:
    child = repo.store(repo.image())
    content = repo.store(index([child.descriptor()]), "index")
    assert repo.delete(content.digest()).status_code == 202
    assert repo.get(child.digest()).content == child.body


def test_a_deleted_manifest_can_be_pushed_again(repo: Repo) -> None:
    content = repo.store(repo.image(), "v1")
    assert repo.delete(content.digest()).status_code == 202
    repo.store(content, "v1")
    assert repo.get("v1").content == content.body


def test_a_manifest_of_the_same_bytes_elsewhere_stays(repo: Repo, other: Repo) -> None:
    data = random_bytes(100)
    content = repo.store(repo.image(data), "v1")
    assert other.image(data).body == content.body
    other.store(content, "v1")
    assert repo.delete(content.digest()).status_code == 202
    assert other.get("v1").content == content.body


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_blob_is_deleted(repo: Repo, algorithm: str) -> None:
    of = repo.push(random_bytes(100), algorithm)
    answer = repo.call("DELETE", f"blobs/{of}")
    assert answer.status_code == 202
    refused(repo.blob(of), 404, "BLOB_UNKNOWN")
    assert repo.blob(of, "HEAD").status_code == 404
    refused(repo.call("DELETE", f"blobs/{of}"), 404, "BLOB_UNKNOWN")


def test_a_deleted_blob_stays_where_another_repository_has_it(repo: Repo, other: Repo) -> None:
    data = random_bytes(100)
    of = repo.push(data)
    other.push(data)
    assert repo.call("DELETE", f"blobs/{of}").status_code == 202
    assert repo.blob(of).status_code == 404
    assert other.blob(of).content == data


def test_a_deleted_blob_can_be_pushed_again(repo: Repo) -> None:
    data = random_bytes(100)
    of = repo.push(data)
    assert repo.call("DELETE", f"blobs/{of}").status_code == 202
    assert repo.push(data) == of
    assert repo.blob(of).content == data


MISSING = [
    ("a tag", "manifests/none", "MANIFEST_UNKNOWN"),
    ("a manifest", f"manifests/{ABSENT}", "MANIFEST_UNKNOWN"),
    ("a blob", f"blobs/{ABSENT}", "BLOB_UNKNOWN"),
]


@pytest.mark.parametrize(("what", "rest", "code"), MISSING, ids=[row[0] for row in MISSING])
def test_what_is_not_there_cannot_be_deleted(repo: Repo, what: str, rest: str, code: str) -> None:
    repo.store(repo.image(), "v1")
    refused(repo.call("DELETE", rest), 404, code)
    assert repo.tags() == ["v1"], what


@pytest.mark.parametrize(("what", "rest", "code"), MISSING, ids=[row[0] for row in MISSING])
def test_in_an_unknown_repository_nothing_is_deleted(
    repo: Repo, what: str, rest: str, code: str
) -> None:
    refused(repo.call("DELETE", rest), 404, ("NAME_UNKNOWN", code))


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server that does not delete."""
    live = start(
        tmp_path_factory.mktemp("keeping"), config={"storage": {"delete": {"enabled": False}}}
    )
    try:
        with httpx.Client(base_url=live.url, auth=("admin", live.admin_password)) as client:
            yield client
    finally:
        live.stop()


@pytest.mark.parametrize("what", ["tag", "manifest", "blob"])
def test_where_deletes_are_switched_off_everything_stays(keeping: httpx.Client, what: str) -> None:
    repo = Repo(keeping)
    data = random_bytes(100)
    content = repo.store(repo.image(data), "v1")
    rest = {
        "tag": "manifests/v1",
        "manifest": f"manifests/{content.digest()}",
        "blob": f"blobs/{digest(data)}",
    }[what]
    answer = repo.call("DELETE", rest)
    assert answer.status_code in (400, 405)
    assert [error["code"] for error in errors(answer)] == ["UNSUPPORTED"]
    assert repo.get("v1").content == content.body
    assert repo.blob(digest(data)).content == data


def test_an_upload_may_be_cancelled_also_where_deletes_are_off(keeping: httpx.Client) -> None:
    repo = Repo(keeping)
    assert keeping.delete(repo.location()).status_code == 204
