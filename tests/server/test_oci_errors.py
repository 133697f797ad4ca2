"""Every refusal has a row, and the form of the specification."""

from __future__ import annotations

import json
import re

import pytest

from packyard import errors
from packyard.digests import digest_of
from packyard.findings import Finding, Severity
from packyard.server.oci.errors import STATUS_AND_CODE, failure, refusal


@pytest.mark.parametrize("kind", errors.concrete(), ids=lambda kind: kind.__name__)
def test_every_class_of_error_has_a_status_and_a_code(kind: type[errors.PackyardError]) -> None:
    status, code = STATUS_AND_CODE[kind]
    assert 400 <= status < 600
    assert re.fullmatch("[A-Z_]+", code)


def test_nothing_else_has_a_row() -> None:
    assert set(STATUS_AND_CODE) == set(errors.concrete())


def test_a_refusal_is_one_entry_with_its_sentence_and_detail() -> None:
    answer = refusal(errors.SizeInvalid("Too short.", missing=3), "x")
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "errors": [{"code": "SIZE_INVALID", "message": "Too short.", "detail": {"missing": 3}}]
    }
    assert dict(answer.headers)[b"content-length"] == str(len(answer.body)).encode()


def test_refused_content_is_one_entry_for_each_finding() -> None:
    findings = [
        Finding(rule=rule, severity=Severity.REFUSE, message=f"Wrong {rule}.", file="pack.json")
        for rule in ("a", "b")
    ]
    answer = refusal(errors.ContentRefused("The pack is refused.", findings), "x")
    assert json.loads(answer.body)["errors"] == [
        {"code": "MANIFEST_INVALID", "message": str(finding), "detail": finding.as_json()}
        for finding in findings
    ]


def test_missing_blobs_are_one_entry_each() -> None:
    digests = [digest_of(b"a"), digest_of(b"b", "sha512")]
    answer = refusal(errors.ManifestBlobUnknown("Missing.", digests=digests), "x")
    entries = json.loads(answer.body)["errors"]
    assert [entry["detail"] for entry in entries] == [{"digest": digest} for digest in digests]
    assert {entry["code"] for entry in entries} == {"MANIFEST_BLOB_UNKNOWN"}
    for digest, entry in zip(digests, entries, strict=True):
        assert [named for named in digests if named in entry["message"]] == [digest]


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (
            errors.Unauthenticated("x"),
            b"www-authenticate",
            b'Basic realm="a \\"b\\"", charset="UTF-8"',
        ),
        (errors.MethodNotAllowed("x", allow="GET, HEAD"), b"allow", b"GET, HEAD"),
        (errors.RangeUnsatisfiable("x", size=7), b"content-range", b"bytes */7"),
        (errors.TooManyRequests("x", retry_after=9), b"retry-after", b"9"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_headers_that_a_status_asks_for(
    error: errors.PackyardError, header: bytes, value: bytes
) -> None:
    assert dict(refusal(error, 'a "b"').headers)[header] == value


def test_a_failure_of_ours_tells_the_request_and_nothing_else() -> None:
    answer = failure("id-1")
    assert answer.status == 500
    (entry,) = json.loads(answer.body)["errors"]
    assert entry["code"] == "UNKNOWN"
    assert "id-1" in entry["message"]
