"""Pulling, pushing and deleting manifests, on both backends."""

from __future__ import annotations

import pytest

from packyard.digests import digest_of
from packyard.findings import Finding, Severity
from packyard.server.edge import Edge
from packyard.server.oci.manifests import warnings
from tests.server.asgi import ADMIN, Turn, call
from tests.server.conftest import Made
from tests.server.content import IMAGE, image, put


def test_a_manifest_is_served_byte_for_byte_with_its_type_and_digest(edge: Edge) -> None:
    body = image(edge, "a", b"layer") + b"\n"
    assert put(edge, "a/manifests/v1", body).status == 201
    for reference in ("v1", digest_of(body)):
        reply = call(edge, "GET", f"/v2/a/manifests/{reference}")
        assert (reply.status, reply.body) == (200, body)
        assert reply["content-type"] == IMAGE
        assert reply["docker-content-digest"] == digest_of(body)
        assert reply["etag"] == f'"{digest_of(body)}"'


def test_a_moved_tag_is_seen_by_the_next_pull(edge: Edge) -> None:
    """The answers that are kept ready do not outlive a commit."""
    bodies = [image(edge, "a", layer) for layer in (b"1", b"2")]
    for turn in range(6):
        assert put(edge, "a/manifests/v1", bodies[turn % 2]).status == 201
        for _ in range(3):
            assert call(edge, "GET", "/v2/a/manifests/v1").body == bodies[turn % 2]


def test_a_manifest_deleted_is_gone_from_the_kept_answers(edge: Edge) -> None:
    body = image(edge, "a", b"layer")
    put(edge, "a/manifests/v1", body)
    assert call(edge, "GET", "/v2/a/manifests/v1").status == 200
    assert call(edge, "DELETE", "/v2/a/manifests/v1").status == 202
    assert call(edge, "GET", "/v2/a/manifests/v1").codes == ["MANIFEST_UNKNOWN"]
    assert call(edge, "GET", f"/v2/a/manifests/{digest_of(body)}").status == 200
    assert call(edge, "DELETE", f"/v2/a/manifests/{digest_of(body)}").status == 202
    assert call(edge, "GET", f"/v2/a/manifests/{digest_of(body)}").status == 404


def test_no_more_answers_are_kept_than_set(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packyard.server.oci.kept.LIMIT", 2)
    body = image(edge, "a", b"layer")
    tags = "&".join(f"tag=t{number}" for number in range(5))
    assert put(edge, f"a/manifests/{digest_of(body)}?{tags}", body).status == 201
    for number in (0, 1, 2, 3, 4, 0, 4):
        assert call(edge, "GET", f"/v2/a/manifests/t{number}").body == body


def test_a_client_that_has_the_manifest_is_not_sent_it_again(edge: Edge) -> None:
    body = image(edge, "a", b"layer")
    put(edge, "a/manifests/v1", body)
    headers = {**ADMIN, "if-none-match": f'"{digest_of(body)}"'}
    reply = call(edge, "GET", "/v2/a/manifests/v1", headers=headers)
    assert (reply.status, reply.body) == (304, b"")
    assert reply["docker-content-digest"] == digest_of(body)
    assert "content-length" not in reply


def test_tags_come_along_with_a_push_by_digest(edge: Edge) -> None:
    body = image(edge, "a", b"layer")
    digest = digest_of(body, "sha512")
    reply = put(edge, f"a/manifests/{digest}?tag=1.2&tag=1&tag=1.2", body)
    assert reply.status == 201
    assert reply["oci-tag"] == "1.2, 1, 1.2"
    assert reply["docker-content-digest"] == digest
    assert reply["location"] == f"/v2/a/manifests/{digest}"
    assert call(edge, "GET", "/v2/a/manifests/1").body == body


def test_a_subject_is_acknowledged(edge: Edge) -> None:
    subject = {"mediaType": IMAGE, "digest": digest_of(b"subject"), "size": 7}
    reply = put(edge, "a/manifests/v1", image(edge, "a", b"layer", subject=subject))
    assert reply["oci-subject"] == subject["digest"]


def test_a_push_may_ask_that_the_tag_is_new(edge: Edge) -> None:
    first, second = image(edge, "a", b"1"), image(edge, "a", b"2")
    assert put(edge, "a/manifests/v1", first, **{"if-none-match": "*"}).status == 201
    assert put(edge, "a/manifests/v1", second, **{"if-none-match": "*"}).status == 412
    assert call(edge, "GET", "/v2/a/manifests/v1").body == first


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', "{}"])
def test_a_push_may_ask_that_the_tag_has_not_moved(edge: Edge, form: str) -> None:
    bodies = [image(edge, "a", layer) for layer in (b"1", b"2", b"3")]
    put(edge, "a/manifests/v1", bodies[0])
    match = {"if-match": form.format(digest_of(bodies[0]))}
    assert put(edge, "a/manifests/v1", bodies[1], **match).status == 201
    assert put(edge, "a/manifests/v1", bodies[2], **match).status == 412
    assert call(edge, "GET", "/v2/a/manifests/v1").body == bodies[1]


@pytest.mark.parametrize(
    "headers",
    [{"if-match": "*"}, {"if-match": '"sha256:1", "x"'}, {"if-match": "x"}, {"if-none-match": "x"}],
)
def test_other_conditions_are_refused(edge: Edge, headers: dict[str, str]) -> None:
    reply = put(edge, "a/manifests/v1", image(edge, "a", b"layer"), **headers)
    assert reply.status == 400


def test_an_announced_manifest_over_the_limit_is_refused_unread(make: Made) -> None:
    edge = make(max_manifest=1000)
    pieces: list[bytes | Turn] = [b"x", Turn.SILENT]
    headers = {**ADMIN, "content-type": IMAGE, "content-length": "1001", "expect": "100-continue"}
    reply = call(edge, "PUT", "/v2/a/manifests/v1", pieces, headers)
    assert (reply.status, reply.codes) == (413, ["SIZE_INVALID"])


def test_one_without_a_length_is_refused_where_it_passes_the_limit(make: Made) -> None:
    edge = make(max_manifest=1000, idle=5)
    headers = {**ADMIN, "content-type": IMAGE, "expect": "100-continue"}
    pieces: list[bytes | Turn] = [b"x" * 1024 * 1024, Turn.SILENT]
    reply = call(edge, "PUT", "/v2/a/manifests/v1", pieces, headers)
    assert reply.status == 413


def test_warnings_have_the_form_of_the_specification_and_its_limit() -> None:
    finding = Finding(rule="r", severity=Severity.WARNING, message='Say "ü"\n' + "x" * 1000)
    sent = list(warnings([finding] * 10))
    assert len(sent) == 3
    for name, value in sent:
        assert name == b"warning"
        assert value.startswith(b"299 - \"warning: Say '?' xxx")
        assert value.count(b'"') == 2
    assert sum(len(value) for _, value in sent) <= 4096
