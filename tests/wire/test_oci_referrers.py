"""OCI distribution 1.1, "Listing Referrers" and "Pushing Manifests with Subject" (end-12)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.oci import (
    CONFIG,
    EMPTY,
    IMAGE,
    INDEX,
    Content,
    Repo,
    index,
    random_bytes,
    refused,
)

SBOM = "application/vnd.example.sbom.v1"
SIGNATURE = "application/vnd.example.signature.v1"


def listed(repo: Repo, of: str, **parameters: str) -> list[dict[str, Any]]:
    """The descriptors that refer to `of`, after proving the form of the answer."""
    answer = repo.referrers(of, **parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == INDEX
    body = answer.json()
    assert body["schemaVersion"] == 2
    assert body["mediaType"] == INDEX
    return sorted(body["manifests"], key=lambda row: str(row["digest"]))


def attached(repo: Repo, subject: dict[str, Any], kind: str | None, **more: Any) -> Content:
    """An artifact that refers to `subject`, not pushed itself."""
    if kind is not None:
        more["artifactType"] = kind
    types = (IMAGE, EMPTY, "application/vnd.example.data")
    return repo.image(random_bytes(30), config=b"{}", media_types=types, subject=subject, **more)


def test_a_referrer_is_listed_with_type_size_and_annotations(repo: Repo) -> None:
    subject = repo.store(repo.image(), "v1")
    notes = {"org.example.format": "json", "org.opencontainers.image.created": "2026-01-01"}
    content = attached(repo, subject.descriptor(), SBOM, annotations=notes)
    answer = repo.put(content.digest(), content)
    assert answer.status_code == 201
    assert answer.headers["oci-subject"] == subject.digest()
    assert listed(repo, subject.digest()) == [
        {
            "mediaType": IMAGE,
            "digest": content.digest(),
            "size": len(content.body),
            "artifactType": SBOM,
            "annotations": notes,
        }
    ]


@pytest.mark.parametrize("kind", [None, ""])
def test_without_artifact_type_the_configs_media_type_stands(repo: Repo, kind: str | None) -> None:
    subject = repo.store(repo.image(), "v1")
    more: dict[str, Any] = {} if kind is None else {"artifactType": kind}
    content = repo.store(repo.image(subject=subject.descriptor(), **more))
    (row,) = listed(repo, subject.digest())
    assert row["digest"] == content.digest()
    assert row["artifactType"] == CONFIG


def test_an_index_refers_too(repo: Repo) -> None:
    subject = repo.store(repo.image(), "v1")
    child = repo.store(repo.image())
    typed = index(
        [child.descriptor()],
        artifactType=SBOM,
        subject=subject.descriptor(),
        annotations={"a": "b"},
    )
    answer = repo.put("typed", typed)
    assert answer.headers["oci-subject"] == subject.digest()
    plain = repo.store(index([child.descriptor()], subject=subject.descriptor()))
    rows = {row["digest"]: row for row in listed(repo, subject.digest())}
    assert set(rows) == {typed.digest(), plain.digest()}
    assert rows[typed.digest()]["mediaType"] == INDEX
    assert rows[typed.digest()]["artifactType"] == SBOM
    assert rows[typed.digest()]["annotations"] == {"a": "b"}
    assert "artifactType" not in rows[plain.digest()], "an index has no config to take it from"


def test_an_index_may_be_the_subject(repo: Repo) -> None:
    subject = repo.store(index([repo.store(repo.image()).descriptor()]), "index")
    content = repo.store(attached(repo, subject.descriptor(), SIGNATURE))
    assert [row["digest"] for row in listed(repo, subject.digest())] == [content.digest()]


def test_the_list_is_filtered_by_artifact_type(repo: Repo) -> None:
    subject = repo.store(repo.image(), "v1").descriptor()
    sboms = [repo.store(attached(repo, subject, SBOM)) for _ in range(2)]
    signature = repo.store(attached(repo, subject, SIGNATURE))
    of = subject["digest"]
    assert len(listed(repo, of)) == 3
    assert "oci-filters-applied" not in repo.referrers(of).headers
    answer = repo.referrers(of, artifactType=SBOM)
    assert answer.headers["oci-filters-applied"] == "artifactType"
    found = {row["digest"] for row in listed(repo, of, artifactType=SBOM)}
    assert found == {content.digest() for content in sboms}
    (only,) = listed(repo, of, artifactType=SIGNATURE)
    assert only["digest"] == signature.digest()
    nothing = repo.referrers(of, artifactType="application/vnd.example.none")
    assert nothing.json()["manifests"] == []
    assert nothing.headers["oci-filters-applied"] == "artifactType"


def test_the_filter_also_finds_by_the_configs_media_type(repo: Repo) -> None:
    subject = repo.store(repo.image(), "v1").descriptor()
    content = repo.store(repo.image(subject=subject))
    (row,) = listed(repo, subject["digest"], artifactType=CONFIG)
    assert row["digest"] == content.digest()


def test_a_subject_may_come_after_its_referrers(repo: Repo) -> None:
    subject = repo.image()
    content = repo.store(attached(repo, subject.descriptor(), SBOM))
    assert [row["digest"] for row in listed(repo, subject.digest())] == [content.digest()]
    repo.store(subject, "late")
    assert [row["digest"] for row in listed(repo, subject.digest())] == [content.digest()]


def test_a_subject_by_sha512(repo: Repo) -> None:
    subject = repo.image(algorithm="sha512")
    assert repo.put(subject.digest("sha512"), subject).status_code == 201
    content = attached(repo, subject.descriptor("sha512"), SBOM)
    answer = repo.put(content.digest(), content)
    assert answer.headers["oci-subject"] == subject.digest("sha512")
    (row,) = listed(repo, subject.digest("sha512"))
    assert row["digest"] == content.digest()


def test_a_deleted_referrer_is_no_longer_listed(repo: Repo) -> None:
    subject = repo.store(repo.image(), "v1").descriptor()
    gone = repo.store(attached(repo, subject, SBOM))
    kept = repo.store(attached(repo, subject, SBOM))
    assert repo.delete(gone.digest()).status_code == 202
    assert [row["digest"] for row in listed(repo, subject["digest"])] == [kept.digest()]


def test_a_referrer_whose_tag_is_deleted_stays(repo: Repo) -> None:
    subject = repo.store(repo.image(), "v1").descriptor()
    content = repo.store(attached(repo, subject, SBOM), "signature")
    assert repo.delete("signature").status_code == 202
    assert [row["digest"] for row in listed(repo, subject["digest"])] == [content.digest()]


def test_referrers_pushed_twice_are_listed_once(repo: Repo) -> None:
    subject = repo.store(repo.image(), "v1").descriptor()
    content = attached(repo, subject, SBOM)
    for _ in range(2):
        repo.store(content)
    repo.store(content, "tagged")
    assert len(listed(repo, subject["digest"])) == 1


def test_referrers_of_another_repository_are_not_listed(repo: Repo, other: Repo) -> None:
    subject = repo.store(repo.image(), "v1").descriptor()
    other.store(attached(other, subject, SBOM))
    assert listed(repo, subject["digest"]) == []
    assert len(listed(other, subject["digest"])) == 1


@pytest.mark.parametrize("state", ["nothing refers", "no such manifest", "no such repository"])
def test_where_nothing_refers_the_list_is_empty_never_404(repo: Repo, state: str) -> None:
    of = "sha256:" + "1" * 64
    if state != "no such repository":
        of_held = repo.store(repo.image(), "v1").digest()
        of = of_held if state == "nothing refers" else of
    assert listed(repo, of) == []


@pytest.mark.parametrize("of", ["sha256:zz", "latest", "md5:" + "0" * 32, "sha256:" + "0" * 63])
def test_a_malformed_digest_is_400(repo: Repo, of: str) -> None:
    repo.store(repo.image(), "v1")
    refused(repo.referrers(of), 400, "DIGEST_INVALID")


def test_a_push_without_subject_names_none(repo: Repo) -> None:
    assert "oci-subject" not in repo.put("v1", repo.image()).headers


def test_many_referrers_are_all_listed(repo: Repo) -> None:
    subject = repo.store(repo.image(), "v1").descriptor()
    pushed = {repo.store(attached(repo, subject, SBOM)).digest() for _ in range(60)}
    found: set[str] = set()
    url: str | None = repo.path(f"referrers/{subject['digest']}")
    while url is not None:
        answer = repo.client.get(url)
        found |= {row["digest"] for row in answer.json()["manifests"]}
        url = answer.links.get("next", {}).get("url")
    assert found == pushed
