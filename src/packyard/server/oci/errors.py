"""Refusals in the form of the OCI specification ("Error Codes"), one row for each class.

The codes of the specification, and for 5xx those of Docker's registry that it came from. A test
demands a row for every class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from packyard import errors
from packyard.server.send import Answer, Header, as_json

STATUS_AND_CODE: dict[type[errors.PackyardError], tuple[int, str]] = {
    errors.RepositoryUnknown: (404, "NAME_UNKNOWN"),
    errors.BlobUnknown: (404, "BLOB_UNKNOWN"),
    errors.ManifestUnknown: (404, "MANIFEST_UNKNOWN"),
    errors.UploadUnknown: (404, "BLOB_UPLOAD_UNKNOWN"),
    errors.PackUnknown: (404, "NAME_UNKNOWN"),
    errors.ChartUnknown: (404, "NAME_UNKNOWN"),
    errors.FileUnknown: (404, "BLOB_UNKNOWN"),
    errors.UserUnknown: (404, "NAME_UNKNOWN"),
    errors.ProjectUnknown: (404, "NAME_UNKNOWN"),
    errors.ProfileUnknown: (404, "NAME_UNKNOWN"),
    errors.KeyUnknown: (404, "NAME_UNKNOWN"),
    errors.TenantUnknown: (404, "NAME_UNKNOWN"),
    errors.MacroUnknown: (404, "NAME_UNKNOWN"),
    errors.AuditUnknown: (404, "NAME_UNKNOWN"),
    errors.SessionUnknown: (404, "NAME_UNKNOWN"),
    errors.RegistryUnknown: (404, "NAME_UNKNOWN"),
    errors.PathUnknown: (404, "NAME_UNKNOWN"),
    errors.NameInvalid: (400, "NAME_INVALID"),
    errors.TagInvalid: (400, "MANIFEST_INVALID"),
    errors.DigestInvalid: (400, "DIGEST_INVALID"),
    errors.SizeInvalid: (400, "SIZE_INVALID"),
    errors.ManifestInvalid: (400, "MANIFEST_INVALID"),
    errors.ManifestBlobUnknown: (400, "MANIFEST_BLOB_UNKNOWN"),
    errors.RangeInvalid: (416, "BLOB_UPLOAD_INVALID"),
    errors.ParameterInvalid: (400, "UNSUPPORTED"),
    errors.MacrosInvalid: (400, "UNSUPPORTED"),
    errors.RegistryInvalid: (400, "UNSUPPORTED"),
    errors.ContentRefused: (400, "MANIFEST_INVALID"),
    errors.ProfileRefused: (400, "MANIFEST_INVALID"),
    errors.Unauthenticated: (401, "UNAUTHORIZED"),
    errors.Denied: (403, "DENIED"),
    errors.Unsupported: (405, "UNSUPPORTED"),
    errors.MethodNotAllowed: (405, "UNSUPPORTED"),
    errors.Conflict: (409, "DENIED"),
    errors.ProfileTaken: (409, "DENIED"),
    errors.InUse: (409, "DENIED"),
    errors.PreconditionFailed: (412, "DENIED"),
    errors.TooLarge: (413, "SIZE_INVALID"),
    errors.RangeUnsatisfiable: (416, "SIZE_INVALID"),
    errors.ClientStalled: (408, "BLOB_UPLOAD_INVALID"),
    errors.ClientGone: (400, "BLOB_UPLOAD_INVALID"),
    errors.TooManyRequests: (429, "TOOMANYREQUESTS"),
    errors.StorageFull: (507, "UNAVAILABLE"),
    errors.Unavailable: (503, "UNAVAILABLE"),
    errors.RemoteFailed: (502, "UNAVAILABLE"),
    errors.ConfigurationInvalid: (500, "UNKNOWN"),
}


def refusal(error: errors.PackyardError, realm: str) -> Answer:
    """Everything wrong at once: an entry for each finding, and for each missing blob."""
    status, code = STATUS_AND_CODE[type(error)]
    entries = [{"code": code, **entry} for entry in _entries(error)]
    return as_json(status, {"errors": entries}, headers(error, realm))


def failure(request_id: str) -> Answer:
    """What went wrong on our side is told to the log, not to the client."""
    message = f"The server failed; its log tells more about request {request_id}."
    return as_json(500, {"errors": [{"code": "UNKNOWN", "message": message}]})


def _entries(error: errors.PackyardError) -> Iterator[dict[str, object]]:
    if isinstance(error, errors.ContentRefused) and error.findings:
        for finding in error.findings:
            yield {"message": str(finding), "detail": finding.as_json()}
    elif isinstance(error, errors.ManifestBlobUnknown):
        for digest in cast(list[str], error.detail["digests"]):
            message = f"The repository does not hold {digest}: push or mount it first."
            yield {"message": message, "detail": {"digest": digest}}
    elif error.detail:
        yield {"message": error.message, "detail": error.detail}
    else:
        yield {"message": error.message}


def headers(error: errors.PackyardError, realm: str) -> Iterator[Header]:
    """What goes with a refusal, whatever its body's form."""
    detail = error.detail
    match error:
        case errors.Unauthenticated():
            quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
            yield b"www-authenticate", f'Basic realm="{quoted}", charset="UTF-8"'.encode()
        case errors.MethodNotAllowed():
            yield b"allow", str(detail["allow"]).encode()
        case errors.RangeUnsatisfiable():
            yield b"content-range", f"bytes */{detail['size']}".encode()
        case errors.TooManyRequests():
            yield b"retry-after", str(detail["retry_after"]).encode()
        case errors.RangeInvalid() if "location" in detail:
            yield b"location", str(detail["location"]).encode()
            yield b"range", str(detail["range"]).encode()
