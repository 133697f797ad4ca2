"""OCI distribution 1.1, "Pushing Manifests" (end-7a, end-7b), and the forms of the image spec."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import Live, start
from tests.wire.oci import (
    CONFIG,
    DOCKER_CONFIG,
    DOCKER_IMAGE,
    DOCKER_LAYER,
    DOCKER_LIST,
    EMPTY,
    IMAGE,
    INDEX,
    LAYER,
    Content,
    Repo,
    codes,
    descriptor,
    digest,
    errors,
    index,
    manifest,
    missing,
    random_bytes,
    refused,
)

LIMIT = 4 * 1024 * 1024


def test_a_manifest_is_pushed_by_tag(repo: Repo) -> None:
    content = repo.image()
    answer = repo.put("v1", content)
    assert answer.status_code == 201
    assert answer.headers["docker-content-digest"] == content.digest()
    assert repo.client.get(answer.headers["location"]).content == content.body


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_manifest_is_pushed_by_digest(repo: Repo, algorithm: str) -> None:
    content = repo.image(algorithm=algorithm)
    answer = repo.put(content.digest(algorithm), content)
    assert answer.status_code == 201
    assert answer.headers["docker-content-digest"] == content.digest(algorithm)
    assert repo.client.get(answer.headers["location"]).content == content.body
    assert repo.tags() == []


def test_the_exact_bytes_are_kept(repo: Repo) -> None:
    spelled = repo.image().body.replace(b'"layers"', b'\t"lay\\u0065rs"') + b"\n\n"
    content = Content(spelled)
    repo.store(content, "v1")
    assert repo.get("v1").content == spelled
    assert repo.get(content.digest()).content == spelled


def test_parameters_of_the_content_type_are_ignored(repo: Repo) -> None:
    content = repo.image()
    answer = repo.put("v1", content, **{"content-type": f"{IMAGE}; charset=utf-8"})
    assert answer.status_code == 201
    assert repo.get("v1").headers["content-type"] == IMAGE


def test_a_manifest_without_media_type_field_has_the_type_it_was_sent_with(repo: Repo) -> None:
    fields = json.loads(repo.image().body)
    del fields["mediaType"]
    content = repo.store(Content(json.dumps(fields).encode()), "v1")
    assert repo.get("v1").headers["content-type"] == IMAGE
    assert repo.get("v1").content == content.body


def test_a_tag_moves_to_what_was_pushed_last(repo: Repo) -> None:
    first = repo.store(repo.image(), "v1")
    second = repo.store(repo.image(), "v1")
    assert repo.get("v1").content == second.body
    assert repo.get(first.digest()).content == first.body, "the former content stays by digest"
    assert repo.tags() == ["v1"]


def test_pushing_the_same_again_is_accepted(repo: Repo) -> None:
    content = repo.store(repo.image(), "v1")
    assert repo.put("v1", content).status_code == 201
    assert repo.put(content.digest(), content).status_code == 201


def test_two_tags_for_one_manifest(repo: Repo) -> None:
    content = repo.store(repo.image(), "a")
    repo.store(content, "b")
    assert repo.tags() == ["a", "b"]
    assert repo.get("a").content == repo.get("b").content == content.body


# Tags as parameters of a push by digest


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("number", [1, 4, 10, 50])
def test_tags_are_parameters_of_a_push_by_digest(repo: Repo, algorithm: str, number: int) -> None:
    content = repo.image(algorithm=algorithm)
    names = [f"t{position:02}" for position in range(number)]
    answer = repo.put(content.digest(algorithm), content, names)
    assert answer.status_code == 201, answer.text
    told = ",".join(answer.headers.get_list("oci-tag")).split(",")
    assert sorted(tag.strip() for tag in told) == names
    assert repo.tags() == names
    for name in names:
        got = repo.get(name)
        assert got.content == content.body
        assert got.headers["docker-content-digest"] == content.digest(algorithm)


@pytest.mark.parametrize("bad", ["-x", ".x", "a/b", "a:b", "", "x" * 129, "ä"])
def test_one_illegal_tag_among_them_stores_nothing(repo: Repo, bad: str) -> None:
    content = repo.image()
    answer = repo.put(content.digest(), content, ["good", bad])
    assert answer.status_code == 400, answer.text
    errors(answer)
    assert repo.get(content.digest()).status_code == 404
    assert repo.get("good").status_code == 404


# Kinds of manifests


def test_a_nested_index(repo: Repo) -> None:
    children = [repo.store(repo.image()) for _ in range(2)]
    inner = repo.store(index(child.descriptor() for child in children))
    outer = repo.store(index([inner.descriptor(), children[0].descriptor()]), "nested")
    assert repo.get("nested").headers["content-type"] == INDEX
    assert repo.get("nested").content == outer.body


def test_a_sparse_index(repo: Repo) -> None:
    """Platforms that nobody copied here may be missing."""
    child = repo.store(repo.image())
    absent = missing(IMAGE)
    content = index([child.descriptor(), absent])
    repo.store(content, "sparse")
    assert repo.get("sparse").content == content.body
    assert repo.get(child.digest()).status_code == 200
    assert repo.get(absent["digest"]).status_code == 404


def test_a_sparse_image(repo: Repo) -> None:
    """Some layers may be missing, not all (docs/decisions/0002)."""
    fields = json.loads(repo.image(b"held").body)
    absent = random_bytes(64)
    fields["layers"].append(descriptor(LAYER, absent))
    content = repo.store(manifest(fields), "sparse")
    assert repo.get("sparse").content == content.body
    assert repo.blob(digest(absent)).status_code == 404
    repo.push(absent)
    assert repo.blob(digest(absent)).content == absent


def test_where_no_image_may_be_sparse_every_missing_blob_is_refused(
    tmp_path: Path,
) -> None:
    config = {"validation": {"manifests": {"sparse": False}}}
    with start(tmp_path, config=config) as live:
        auth = ("admin", live.admin_password)
        with httpx.Client(base_url=live.url, auth=auth, timeout=30) as client:
            repo = Repo(client)
            fields = json.loads(repo.image(b"held").body)
            repo.store(manifest(fields), "whole")
            absent = missing()
            fields["layers"].append(absent)
            answer = repo.put("sparse", manifest(fields))
            refused(answer, (400, 404), "MANIFEST_BLOB_UNKNOWN")
            assert absent["digest"] in answer.text
            assert repo.get("sparse").status_code == 404


def test_an_empty_index(repo: Repo) -> None:
    content = repo.store(index([]), "none")
    assert repo.get("none").content == content.body


def test_an_image_without_layers(repo: Repo) -> None:
    repo.push(b"{}")
    content = repo.store(manifest({"config": descriptor(CONFIG, b"{}"), "layers": []}), "empty")
    assert repo.get("empty").content == content.body


def test_an_artifact_with_an_empty_config(repo: Repo) -> None:
    content = repo.image(
        b"payload",
        config=b"{}",
        media_types=(IMAGE, EMPTY, "application/vnd.example.payload"),
        artifactType="application/vnd.example.artifact",
    )
    repo.store(content, "artifact")
    assert repo.get("artifact").content == content.body


def test_an_artifact_whose_layer_is_its_config(repo: Repo) -> None:
    repo.push(b"{}")
    fields = {
        "artifactType": "application/vnd.example.artifact",
        "config": descriptor(EMPTY, b"{}"),
        "layers": [descriptor(EMPTY, b"{}")],
    }
    repo.store(manifest(fields), "bare")


def test_layers_that_are_not_distributed_need_not_be_here(repo: Repo) -> None:
    repo.push(b"{}")
    foreign = [
        missing("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
        missing("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
    ]
    for layer in foreign:
        layer["urls"] = [f"https://store.example.com/{layer['digest']}"]
    content = manifest({"config": descriptor(CONFIG, b"{}"), "layers": foreign})
    repo.store(content, "foreign")
    assert repo.get("foreign").content == content.body


def test_fields_that_the_specification_does_not_know_are_kept(repo: Repo) -> None:
    fields = json.loads(repo.image().body)
    fields["org.example.custom"] = {"deep": [1, 2.5, None, "ü"]}
    content = repo.store(Content(json.dumps(fields, ensure_ascii=False).encode()), "custom")
    assert repo.get("custom").content == content.body


def test_data_in_a_descriptor_is_kept(repo: Repo) -> None:
    repo.push(b"{}")
    fields = {
        "config": descriptor(CONFIG, b"{}", data="e30="),
        "layers": [descriptor(LAYER, b"{}", data="e30=")],
    }
    content = repo.store(manifest(fields), "data")
    assert repo.get("data").content == content.body


def test_docker_schema_2_image_and_list(repo: Repo) -> None:
    child = repo.store(repo.image(media_types=(DOCKER_IMAGE, DOCKER_CONFIG, DOCKER_LAYER)))
    platform = {"architecture": "amd64", "os": "linux"}
    content = index([child.descriptor(platform=platform)], DOCKER_LIST)
    repo.store(content, "list")
    answer = repo.get("list")
    assert answer.headers["content-type"] == DOCKER_LIST
    assert answer.content == content.body


def test_a_manifest_may_come_before_the_subject_it_names(repo: Repo) -> None:
    subject = missing(IMAGE)
    answer = repo.put("v1", repo.image(subject=subject))
    assert answer.status_code == 201
    assert answer.headers["oci-subject"] == subject["digest"]


# What is refused


def test_a_digest_that_is_not_the_bodys_is_refused(repo: Repo) -> None:
    content = repo.image()
    wrong = digest(content.body + b" ")
    refused(repo.put(wrong, content), 400, "DIGEST_INVALID")
    assert repo.get(wrong).status_code == 404
    assert repo.get(content.digest()).status_code == 404


@pytest.mark.parametrize(
    "reference", ["sha256:baddigeststring", "sha256:" + "A" * 64, "md5:" + "0" * 32]
)
def test_a_malformed_digest_is_refused(repo: Repo, reference: str) -> None:
    refused(repo.put(reference, repo.image()), 400, "DIGEST_INVALID")


@pytest.mark.parametrize("which", ["config", "layers", "both"])
def test_blobs_that_are_missing_are_all_named(repo: Repo, which: str) -> None:
    """An image without its config or without any of its layers is of no use to anybody."""
    fields = json.loads(repo.image(b"held").body)
    absent = [missing(), missing()]
    expected = set()
    if which in ("config", "both"):
        fields["config"] = missing(CONFIG)
        expected.add(fields["config"]["digest"])
    if which in ("layers", "both"):
        fields["layers"] = absent
        expected |= {layer["digest"] for layer in absent}
    content = manifest(fields)
    answer = repo.put("v1", content)
    refused(answer, (400, 404), "MANIFEST_BLOB_UNKNOWN")
    assert all(of in answer.text for of in expected), answer.text
    assert digest(b"held") not in answer.text, "what is there is not missing"
    assert repo.get("v1").status_code == 404
    assert repo.get(content.digest()).status_code == 404


def test_very_many_missing_blobs_are_told_in_proportion(repo: Repo) -> None:
    absent = [missing() for _ in range(500)]
    fields = json.loads(repo.image().body)
    answer = repo.put("v1", manifest({**fields, "config": absent[0], "layers": absent}))
    assert codes(answer) == ["MANIFEST_BLOB_UNKNOWN"] * len(absent)
    assert len(answer.content) < 500 * len(absent)


def test_a_blob_of_another_repository_is_missing_here(repo: Repo, other: Repo) -> None:
    content = other.image()
    repo.push(b"so that the repository exists")
    refused(repo.put("v1", content), (400, 404), "MANIFEST_BLOB_UNKNOWN")


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda fields: fields.pop(name)


def _set(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda fields: fields.update({name: value})


def _layer(**changed: object) -> Callable[[dict[str, Any]], object]:
    return lambda fields: fields["layers"][0].update(changed)


MALFORMED: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("no schemaVersion", _without("schemaVersion")),
    ("schemaVersion 1", _set("schemaVersion", 1)),
    ("schemaVersion as text", _set("schemaVersion", "2")),
    ("no config", _without("config")),
    ("config is null", _set("config", None)),
    ("config is text", _set("config", "sha256:00")),
    ("no layers", _without("layers")),
    ("layers is an object", _set("layers", {})),
    ("a layer is text", _set("layers", ["x"])),
    ("a layer without digest", lambda fields: fields["layers"][0].pop("digest")),
    ("a layer without size", lambda fields: fields["layers"][0].pop("size")),
    ("a layer of a bad digest", _layer(digest="sha256:zz")),
    ("a layer of an unknown algorithm", _layer(digest="md5:" + "0" * 32)),
    ("a digest that is a number", _layer(digest=5)),
    ("a negative size", _layer(size=-1)),
    ("a size as text", _layer(size="10")),
    ("a size with a fraction", _layer(size=1.5)),
    ("a media type that is a number", _layer(mediaType=7)),
    ("another mediaType than sent", _set("mediaType", INDEX)),
    ("mediaType is a number", _set("mediaType", 2)),
    ("annotations is a list", _set("annotations", [])),
    ("an annotation is a number", _set("annotations", {"a": 1})),
    ("subject is text", _set("subject", "sha256:00")),
    ("subject of a bad digest", _set("subject", {"mediaType": IMAGE, "digest": "x", "size": 1})),
    ("artifactType is a number", _set("artifactType", 1)),
]


@pytest.mark.parametrize(("what", "change"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_an_image_manifest_of_another_form_is_refused(
    repo: Repo, what: str, change: Callable[[dict[str, Any]], object]
) -> None:
    fields = json.loads(repo.image(b"held").body)
    change(fields)
    content = Content(json.dumps(fields).encode())
    answer = repo.put("v1", content)
    refused(answer, 400, ("MANIFEST_INVALID", "DIGEST_INVALID"))
    assert repo.get("v1").status_code == 404, what
    assert repo.get(content.digest()).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"schemaVersion": 2, "mediaType": INDEX},
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": {}},
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": ["x"]},
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": "x"}]},
        {"schemaVersion": 1, "mediaType": INDEX, "manifests": []},
        {"schemaVersion": 2, "mediaType": IMAGE, "manifests": []},
    ],
    ids=["none", "an object", "of text", "bad digest", "schemaVersion 1", "another type"],
)
def test_an_index_of_another_form_is_refused(repo: Repo, fields: Mapping[str, object]) -> None:
    content = Content(json.dumps(fields).encode(), INDEX)
    refused(repo.put("v1", content), 400, ("MANIFEST_INVALID", "DIGEST_INVALID"))
    assert repo.get("v1").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"{",
        b'{"schemaVersion": 2',
        b"[]",
        b"null",
        b"5",
        b'"text"',
        b"\xff\xfe{}",
        b'{"schemaVersion": 2, "layers": [\xff]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{}{}",
    ],
    ids=range(13),
)
@pytest.mark.parametrize("media_type", [IMAGE, INDEX])
def test_what_is_not_json_is_refused(repo: Repo, body: bytes, media_type: str) -> None:
    repo.push(b"so that the repository exists")
    refused(repo.put("v1", Content(body, media_type)), 400, "MANIFEST_INVALID")
    assert repo.get("v1").status_code == 404


def test_everything_wrong_is_told_at_once(repo: Repo) -> None:
    fields = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": {"mediaType": CONFIG, "digest": "sha256:zz", "size": 2},
        "layers": [{"mediaType": LAYER, "digest": digest(b"x"), "size": -5}, "text"],
    }
    answer = repo.put("v1", Content(json.dumps(fields).encode()))
    assert answer.status_code == 400
    assert {"MANIFEST_INVALID", "DIGEST_INVALID"} & set(codes(answer))
    for word in ("config", "layers"):
        assert word in answer.text, answer.text


# Size


def _sized(repo: Repo, size: int) -> Content:
    fields = json.loads(repo.image().body)
    bare = len(json.dumps({**fields, "annotations": {"pad": ""}}))
    content = Content(json.dumps({**fields, "annotations": {"pad": "x" * (size - bare)}}).encode())
    assert len(content.body) == size
    return content


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 1_000_000, LIMIT])
def test_a_manifest_may_have_four_mebibytes(repo: Repo, size: int) -> None:
    content = _sized(repo, size)
    assert repo.put("big", content).status_code == 201
    answer = repo.get("big")
    assert answer.content == content.body
    assert answer.headers["content-length"] == str(size)
    head = repo.get(content.digest(), "HEAD")
    assert head.headers["content-length"] == str(size)


@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT])
@pytest.mark.parametrize("announced", [True, False])
def test_a_larger_one_is_413(repo: Repo, size: int, announced: bool) -> None:
    content = _sized(repo, size)
    if announced:
        answer = repo.put("big", content)
    else:
        pieces = (content.body[at : at + 100_000] for at in range(0, size, 100_000))
        answer = repo.call(
            "PUT", "manifests/big", content=pieces, headers={"content-type": content.media_type}
        )
    assert answer.status_code == 413
    errors(answer)
    assert repo.get("big").status_code == 404
    assert repo.get(content.digest()).status_code == 404


# Two at once


def test_two_pushes_of_one_tag_leave_one_of_the_two_whole(server: Live, repo: Repo) -> None:
    auth = ("admin", server.admin_password)
    for round_ in range(15):
        contents = [repo.image(), _sized(repo, 200_000)]
        together = threading.Barrier(2)
        answers: list[httpx.Response] = []

        def push(content: Content, barrier: threading.Barrier, into: list[httpx.Response]) -> None:
            with httpx.Client(base_url=server.url, auth=auth, timeout=30) as client:
                barrier.wait()
                into.append(Repo(client, repo.name).put("contested", content))

        threads = [
            threading.Thread(target=push, args=(content, together, answers)) for content in contents
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [201, 201], round_
        got = repo.get("contested")
        assert got.content in [content.body for content in contents]
        assert got.headers["docker-content-digest"] == digest(got.content)
        for content in contents:
            assert repo.get(content.digest()).content == content.body


def test_a_tag_read_while_it_moves_is_always_whole(server: Live, repo: Repo) -> None:
    contents = [repo.store(repo.image()) for _ in range(2)]
    repo.store(contents[0], "moving")
    done = threading.Event()

    def move() -> None:
        auth = ("admin", server.admin_password)
        with httpx.Client(base_url=server.url, auth=auth, timeout=30) as client:
            for turn in range(40):
                Repo(client, repo.name).store(contents[turn % 2], "moving")
        done.set()

    thread = threading.Thread(target=move)
    thread.start()
    reads = 0
    while not done.is_set() or reads < 10:
        got = repo.get("moving")
        assert got.status_code == 200
        assert got.headers["docker-content-digest"] == digest(got.content)
        assert got.headers["content-length"] == str(len(got.content))
        reads += 1
    thread.join()
