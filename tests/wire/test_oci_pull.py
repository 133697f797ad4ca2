"""OCI distribution 1.1, "Pull": manifests, blobs, and whether they exist (end-1, end-2, end-3)."""

from __future__ import annotations

import httpx
import pytest

from tests.wire.oci import (
    DOCKER_CONFIG,
    DOCKER_IMAGE,
    DOCKER_LAYER,
    IMAGE,
    INDEX,
    Repo,
    digest,
    random_bytes,
    refused,
    unique,
)

ABSENT = "sha256:" + "0" * 64


def test_the_base_answers_that_the_specification_is_implemented(admin: httpx.Client) -> None:
    answer = admin.get("/v2/")
    assert answer.status_code == 200
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("by", ["tag", "sha256"])
def test_a_manifest_is_pulled_by_tag_and_by_digest(repo: Repo, method: str, by: str) -> None:
    content = repo.store(repo.image(), "v1")
    answer = repo.get("v1" if by == "tag" else content.digest(), method)
    assert answer.status_code == 200
    assert answer.headers["docker-content-digest"] == content.digest()
    assert answer.headers["content-type"] == IMAGE
    assert answer.headers["content-length"] == str(len(content.body))
    assert answer.content == (content.body if method == "GET" else b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_a_blob_is_pulled_by_its_digest(repo: Repo, method: str, algorithm: str, size: int) -> None:
    data = random_bytes(size)
    of = repo.push(data, algorithm)
    answer = repo.blob(of, method)
    assert answer.status_code == 200
    assert answer.headers["docker-content-digest"] == of
    assert answer.headers["content-length"] == str(size)
    assert answer.content == (data if method == "GET" else b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_manifest_pushed_by_sha512_is_pulled_by_it(repo: Repo, method: str) -> None:
    content = repo.image(algorithm="sha512")
    assert repo.put(content.digest("sha512"), content).status_code == 201
    answer = repo.get(content.digest("sha512"), method)
    assert answer.status_code == 200
    assert answer.headers["docker-content-digest"] == content.digest("sha512")
    assert answer.content == (content.body if method == "GET" else b"")


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        IMAGE,
        f"{INDEX}, {IMAGE}",
        f"{DOCKER_IMAGE}, {IMAGE};q=0.5",
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
    ],
)
def test_a_manifest_is_served_as_it_was_pushed_whatever_else_is_accepted(
    repo: Repo, accept: str | None
) -> None:
    content = repo.store(repo.image(), "v1")
    headers = {} if accept is None else {"accept": accept}
    answer = repo.get("v1", **headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == IMAGE
    assert answer.content == content.body


def test_a_docker_image_keeps_its_media_type(repo: Repo) -> None:
    content = repo.store(repo.image(media_types=(DOCKER_IMAGE, DOCKER_CONFIG, DOCKER_LAYER)), "v2")
    answer = repo.get("v2")
    assert answer.headers["content-type"] == DOCKER_IMAGE
    assert answer.content == content.body


MISSING = [
    ("a tag", "manifests/none", {"MANIFEST_UNKNOWN"}),
    ("a manifest's digest", f"manifests/{ABSENT}", {"MANIFEST_UNKNOWN"}),
    ("a blob's digest", f"blobs/{ABSENT}", {"BLOB_UNKNOWN"}),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("what", "rest", "allowed"), MISSING, ids=[row[0] for row in MISSING])
def test_what_a_repository_lacks_is_not_found(
    repo: Repo, method: str, what: str, rest: str, allowed: set[str]
) -> None:
    repo.store(repo.image(), "v1")
    answer = repo.call(method, rest)
    assert answer.status_code == 404, what
    if method == "GET":
        refused(answer, 404, sorted(allowed))
    else:
        assert answer.content == b""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("what", "rest", "allowed"), MISSING, ids=[row[0] for row in MISSING])
def test_in_an_unknown_repository_nothing_is_found(
    repo: Repo, method: str, what: str, rest: str, allowed: set[str]
) -> None:
    answer = repo.call(method, rest)
    assert answer.status_code == 404, what
    if method == "GET":
        refused(answer, 404, sorted({"NAME_UNKNOWN", *allowed}))


def test_a_blob_of_one_repository_is_not_served_from_another(repo: Repo, other: Repo) -> None:
    of = repo.push(random_bytes(50))
    other.push(random_bytes(50))
    assert other.blob(of).status_code == 404
    assert other.blob(of, "HEAD").status_code == 404


def test_a_manifest_of_one_repository_is_not_served_from_another(repo: Repo, other: Repo) -> None:
    content = repo.store(repo.image(), "v1")
    other.store(other.image(), "v2")
    assert other.get(content.digest()).status_code == 404
    assert other.get("v1").status_code == 404


def test_a_manifest_is_no_blob_and_a_blob_no_manifest(repo: Repo) -> None:
    data = random_bytes(50)
    content = repo.store(repo.image(data), "v1")
    assert repo.get(digest(data)).status_code == 404
    assert repo.get(content.digest()).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a/b/c/d/e/f",
        "a.b_c__d-e---f/0",
        "v2/manifests",
        "blobs/uploads",
        "tags/list",
        "x" * 200,
    ],
)
def test_every_legal_name_works_also_one_that_reads_like_an_end_point(
    admin: httpx.Client, name: str
) -> None:
    repo = Repo(admin, f"{unique('names')}/{name}" if len(name) < 200 else name)
    data = random_bytes(20)
    content = repo.store(repo.image(data), "latest")
    assert repo.get("latest").content == content.body
    assert repo.blob(digest(data)).content == data
    assert repo.tags() == ["latest"]


@pytest.mark.parametrize("tag", ["a", "_", "0", "A.b-C_d", "latest", "x" * 128])
def test_every_legal_tag_works(repo: Repo, tag: str) -> None:
    content = repo.store(repo.image(), tag)
    assert repo.get(tag).content == content.body


def test_a_tag_and_its_other_case_are_two(repo: Repo) -> None:
    lower = repo.store(repo.image(), "rc1")
    upper = repo.store(repo.image(), "RC1")
    assert repo.get("rc1").content == lower.body
    assert repo.get("RC1").content == upper.body
