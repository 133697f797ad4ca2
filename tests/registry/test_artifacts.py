"""Manifests as they arrive: what is taken, and that every fault is named at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from packyard.digests import digest_of
from packyard.errors import ManifestInvalid
from packyard.packs.artifact import CONFIG_TYPE, MANIFEST_TYPE, TAR_TYPE
from packyard.registry.artifacts import (
    ARTIFACT_TYPE,
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    parse_manifest,
)

A, B, C = (digest_of(text) for text in (b"a", b"b", b"c"))


def descriptor(digest: str = A, media_type: str = "text/plain", size: int = 1) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def image(**changes: Any) -> dict[str, Any]:
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(A, CONFIG_TYPE),
        "layers": [descriptor(B, TAR_TYPE)],
    }
    document.update(changes)
    return {key: value for key, value in document.items() if value is not ...}


def encode(document: object) -> bytes:
    return json.dumps(document).encode()


def test_an_image_refers_to_its_config_and_layers() -> None:
    artifact = parse_manifest(encode(image()), MANIFEST_TYPE)
    assert artifact.blobs == (A, B)
    assert artifact.references == (A, B)
    assert artifact.artifact_type == CONFIG_TYPE


def test_an_index_refers_to_children_that_may_be_absent() -> None:
    document = {"schemaVersion": 2, "manifests": [descriptor(C, MANIFEST_TYPE)]}
    artifact = parse_manifest(encode(document), INDEX_TYPE)
    assert artifact.blobs == ()
    assert artifact.references == (C,)
    assert artifact.artifact_type == ""


def test_an_artifact_manifest_lists_blobs_and_a_subject() -> None:
    document = {
        "mediaType": ARTIFACT_TYPE,
        "artifactType": "example/sbom",
        "blobs": [descriptor(B)],
        "subject": descriptor(C, MANIFEST_TYPE),
    }
    artifact = parse_manifest(encode(document), ARTIFACT_TYPE)
    assert (artifact.blobs, artifact.subject) == ((B,), C)
    assert artifact.artifact_type == "example/sbom"


@pytest.mark.parametrize("word", ["nondistributable", "foreign"])
def test_layers_kept_elsewhere_need_not_be_held(word: str) -> None:
    layers = [descriptor(B, f"application/vnd.example.layer.{word}.tar"), descriptor(C, TAR_TYPE)]
    assert parse_manifest(encode(image(layers=layers)), "").blobs == (A, C)


@pytest.mark.parametrize(
    ("document", "sent_as", "read_as"),
    [
        (image(mediaType=...), "", MANIFEST_TYPE),
        (image(mediaType=...), "application/json", MANIFEST_TYPE),
        (image(mediaType=...), f"{MANIFEST_TYPE}; charset=utf-8", MANIFEST_TYPE),
        (image(mediaType=DOCKER_MANIFEST_TYPE), DOCKER_MANIFEST_TYPE, DOCKER_MANIFEST_TYPE),
        ({"schemaVersion": 2, "manifests": []}, "", INDEX_TYPE),
        ({"schemaVersion": 2, "manifests": None}, DOCKER_LIST_TYPE, DOCKER_LIST_TYPE),
    ],
)
def test_the_media_type_is_what_the_manifest_or_its_sender_says(
    document: dict[str, Any], sent_as: str, read_as: str
) -> None:
    assert parse_manifest(encode(document), sent_as).media_type == read_as


@pytest.mark.parametrize(
    ("body", "sent_as", "says"),
    [
        (b"{", MANIFEST_TYPE, "not JSON"),
        (b"[" * 100_000, MANIFEST_TYPE, "not JSON"),
        (
            b'{"schemaVersion": 2, "schemaVersion": 2}',
            MANIFEST_TYPE,
            "'schemaVersion' several times",
        ),
        (b'{"layers": [{"a": 1, "b": 2, "a": 3, "b": 4}]}', MANIFEST_TYPE, "'a', 'b' several"),
        (encode(image()).decode().encode("utf-16"), MANIFEST_TYPE, "not JSON"),
        (b"\xef\xbb\xbf" + encode(image()), MANIFEST_TYPE, "not JSON"),
        (encode(image(more=float("nan"))), MANIFEST_TYPE, "NaN is no number"),
        (encode(image(artifactType="\ud800")), MANIFEST_TYPE, "not JSON"),
        (encode(image(annotations={"\udfff": "a"})), MANIFEST_TYPE, "not JSON"),
        (b"[]", MANIFEST_TYPE, "not a JSON object"),
        (encode(image()), INDEX_TYPE, "it was sent as"),
        (encode(image(mediaType="text/html")), "text/html", "not taken"),
        (encode(image(config=...)), MANIFEST_TYPE, "config is missing"),
        (encode(image(layers=...)), MANIFEST_TYPE, "layers must be a list"),
        (encode(image(schemaVersion=1)), MANIFEST_TYPE, "schemaVersion must be 2"),
        (encode(image(annotations={"a": 1})), MANIFEST_TYPE, "annotations must be"),
        (encode(image(annotations=[])), MANIFEST_TYPE, "annotations must be"),
        (encode(image(layers=[descriptor("sha256:12")])), MANIFEST_TYPE, "layers[0].digest"),
        (encode(image(layers=[descriptor(size=-1)])), MANIFEST_TYPE, "layers[0].size"),
        (encode(image(layers=[descriptor(size=2**63)])), MANIFEST_TYPE, "layers[0].size"),
        (encode(image(layers=["x"])), MANIFEST_TYPE, "layers[0] must be an object"),
        (encode(image(subject=7)), MANIFEST_TYPE, "subject must be an object"),
    ],
)
def test_a_malformed_manifest_is_refused_with_its_fault(
    body: bytes, sent_as: str, says: str
) -> None:
    with pytest.raises(ManifestInvalid) as refusal:
        parse_manifest(body, sent_as)
    assert says in refusal.value.message


def test_every_fault_is_named_at_once() -> None:
    broken = image(config=..., schemaVersion=3, layers=[descriptor(size=-1), 5])
    with pytest.raises(ManifestInvalid) as refusal:
        parse_manifest(encode(broken), MANIFEST_TYPE)
    for fault in ("config is missing", "schemaVersion", "layers[0].size", "layers[1]"):
        assert fault in refusal.value.message


def test_very_many_faults_are_counted() -> None:
    with pytest.raises(ManifestInvalid) as refusal:
        parse_manifest(encode(image(layers=[1] * 100_000)), MANIFEST_TYPE)
    assert refusal.value.message.endswith("layers[49] must be an object; and 99950 more.")


@pytest.mark.parametrize(
    ("changes", "is_pack"),
    [
        ({}, True),
        ({"config": descriptor(A, "application/vnd.oci.empty.v1+json")}, True),
        ({"artifactType": "application/vnd.unknown.artifact.v1"}, True),
        ({"config": descriptor(A, "application/vnd.oci.image.config.v1+json")}, False),
        ({"layers": [descriptor(B, TAR_TYPE), descriptor(C, TAR_TYPE)]}, False),
        ({"layers": []}, False),
        ({"subject": descriptor(C, MANIFEST_TYPE)}, False),
    ],
)
def test_the_form_of_a_pack_is_one_archive_and_an_empty_config(
    changes: dict[str, Any], is_pack: bool
) -> None:
    assert bool(parse_manifest(encode(image(**changes)), "").pack_layer()) is is_pack
