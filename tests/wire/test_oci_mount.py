"""OCI distribution 1.1, "Mounting a blob from another repository" (end-11)."""

from __future__ import annotations

import pytest

from tests.wire.oci import Repo, digest, random_bytes, refused


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_blob_is_mounted_from_the_repository_that_holds_it(
    repo: Repo, other: Repo, algorithm: str
) -> None:
    data = random_bytes(500)
    of = other.push(data, algorithm)
    answer = repo.begin(mount=of, **{"from": other.name})
    assert answer.status_code == 201
    assert answer.headers["docker-content-digest"] == of
    assert repo.client.get(answer.headers["location"]).content == data
    assert repo.blob(of).content == data


def test_a_blob_is_mounted_without_naming_its_repository(repo: Repo, other: Repo) -> None:
    data = random_bytes(500)
    of = other.push(data)
    answer = repo.begin(mount=of)
    assert answer.status_code == 201
    assert answer.headers["docker-content-digest"] == of
    assert repo.blob(of).content == data


@pytest.mark.parametrize("source", ["the other", "an unknown one", "none"])
def test_a_blob_that_is_nowhere_begins_an_upload(repo: Repo, other: Repo, source: str) -> None:
    other.push(random_bytes(10))
    data = random_bytes(500)
    parameters = {"mount": digest(data)}
    if source != "none":
        parameters["from"] = other.name if source == "the other" else "wire/nobody"
    answer = repo.begin(**parameters)
    assert answer.status_code == 202
    assert repo.close(answer.headers["location"], digest(data), data).status_code == 201
    assert repo.blob(digest(data)).content == data


def test_a_wrong_source_never_answers_that_another_blob_was_mounted(
    repo: Repo, other: Repo
) -> None:
    of = other.push(random_bytes(500))
    answer = repo.begin(mount=of, **{"from": "wire/nobody"})
    assert answer.status_code in (201, 202)
    assert (repo.blob(of).status_code == 200) == (answer.status_code == 201)


def test_what_was_mounted_stays_when_the_source_deletes_it(repo: Repo, other: Repo) -> None:
    data = random_bytes(500)
    of = other.push(data)
    assert repo.begin(mount=of, **{"from": other.name}).status_code == 201
    assert other.call("DELETE", f"blobs/{of}").status_code == 202
    assert other.blob(of).status_code == 404
    assert repo.blob(of).content == data


def test_mounting_what_the_repository_has_already_changes_nothing(repo: Repo) -> None:
    data = random_bytes(500)
    of = repo.push(data)
    assert repo.begin(mount=of, **{"from": repo.name}).status_code == 201
    assert repo.blob(of).content == data


def test_a_mounted_blob_makes_a_manifest_complete(repo: Repo, other: Repo) -> None:
    layer, config = random_bytes(500), b"{}"
    content = other.image(layer, config=config)
    for data in (layer, config):
        assert repo.begin(mount=digest(data), **{"from": other.name}).status_code == 201
    assert repo.put("v1", content).status_code == 201


@pytest.mark.parametrize(
    "of", ["sha256:1234", "sha256:" + "G" * 64, "md5:" + "0" * 32, "nonsense", ""]
)
def test_a_malformed_digest_is_refused(repo: Repo, other: Repo, of: str) -> None:
    answer = repo.begin(mount=of, **{"from": other.name})
    if of == "":
        assert answer.status_code in (202, 400)
    else:
        refused(answer, 400, "DIGEST_INVALID")


def test_a_malformed_source_is_refused_or_leads_to_an_upload(repo: Repo) -> None:
    answer = repo.begin(mount="sha256:" + "0" * 64, **{"from": "Not/A/Name"})
    assert answer.status_code in (202, 400)
