"""What refers to a manifest, as an index."""

from __future__ import annotations

from typing import Any

from packyard.digests import digest_of
from packyard.server.edge import Edge
from tests.server.asgi import call
from tests.server.content import CONFIG, IMAGE, image, put

SUBJECT = digest_of(b"subject")
DESCRIPTOR = {"mediaType": IMAGE, "digest": SUBJECT, "size": 7}


def referrers(edge: Edge, query: str = "") -> Any:
    reply = call(edge, "GET", f"/v2/a/referrers/{SUBJECT}{query}")
    assert reply.status == 200
    assert reply["content-type"] == "application/vnd.oci.image.index.v1+json"
    index = reply.json()
    assert (index["schemaVersion"], index["mediaType"]) == (2, reply["content-type"])
    applied = [value for name, value in reply.headers if name == "oci-filters-applied"]
    assert applied == (["artifactType"] if query else [])
    return index["manifests"]


def test_a_referrer_is_described_in_full(edge: Edge) -> None:
    notes = {"org.example": "ü"}
    body = image(
        edge, "a", b"x", subject=DESCRIPTOR, annotations=notes, artifactType="application/x"
    )
    put(edge, f"a/manifests/{digest_of(body)}", body)
    assert referrers(edge) == [
        {
            "mediaType": IMAGE,
            "digest": digest_of(body),
            "size": len(body),
            "artifactType": "application/x",
            "annotations": notes,
        }
    ]


def test_the_list_is_filtered_by_artifact_type(edge: Edge) -> None:
    plain = image(edge, "a", b"x", subject=DESCRIPTOR)
    typed = image(edge, "a", b"x", subject=DESCRIPTOR, artifactType="application/x")
    for body in (plain, typed):
        put(edge, f"a/manifests/{digest_of(body)}", body)
    assert len(referrers(edge)) == 2
    for kind, body in ((CONFIG, plain), ("application/x", typed)):
        assert [row["digest"] for row in referrers(edge, f"?artifactType={kind}")] == [
            digest_of(body)
        ]
    assert referrers(edge, "?artifactType=application/none") == []


def test_where_nothing_refers_the_list_is_empty(edge: Edge) -> None:
    assert referrers(edge) == []


def test_a_malformed_digest_is_refused(edge: Edge) -> None:
    assert call(edge, "GET", "/v2/a/referrers/latest").codes == ["DIGEST_INVALID"]
