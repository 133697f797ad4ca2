"""Refusals in the form of the `/v1` API: `{code, message, details, ref}`, one row for each class.

`ref` is the request's id, under which the log tells more. A test demands a row for every class.
"""

from __future__ import annotations

from packyard import errors

STATUS_AND_CODE: dict[type[errors.PackyardError], tuple[int, str]] = {
    errors.RepositoryUnknown: (404, "ResourceNotFound"),
    errors.BlobUnknown: (404, "ResourceNotFound"),
    errors.ManifestUnknown: (404, "ResourceNotFound"),
    errors.UploadUnknown: (404, "ResourceNotFound"),
    errors.PackUnknown: (404, "ResourceNotFound"),
    errors.FileUnknown: (404, "ResourceNotFound"),
    errors.UserUnknown: (404, "ResourceNotFound"),
    errors.PathUnknown: (404, "ResourceNotFound"),
    errors.NameInvalid: (400, "InvalidName"),
    errors.TagInvalid: (400, "InvalidTag"),
    errors.DigestInvalid: (400, "InvalidDigest"),
    errors.SizeInvalid: (400, "InvalidSize"),
    errors.ManifestInvalid: (400, "InvalidManifest"),
    errors.ManifestBlobUnknown: (400, "InvalidManifest"),
    errors.RangeInvalid: (416, "InvalidRange"),
    errors.ParameterInvalid: (400, "InvalidParameter"),
    errors.ContentRefused: (422, "InvalidPack"),
    errors.Unauthenticated: (401, "Unauthorized"),
    errors.Denied: (403, "OperationForbidden"),
    errors.Unsupported: (405, "UnsupportedOperation"),
    errors.MethodNotAllowed: (405, "MethodNotAllowed"),
    errors.Conflict: (409, "Conflict"),
    errors.PreconditionFailed: (412, "PreconditionFailed"),
    errors.TooLarge: (413, "RequestTooLarge"),
    errors.RangeUnsatisfiable: (416, "InvalidRange"),
    errors.ClientStalled: (408, "RequestTimeout"),
    errors.ClientGone: (400, "ClientGone"),
    errors.TooManyRequests: (429, "TooManyRequests"),
    errors.StorageFull: (507, "StorageFull"),
    errors.Unavailable: (503, "ServiceUnavailable"),
    errors.RemoteFailed: (502, "RemoteFailed"),
    errors.ConfigurationInvalid: (500, "ConfigurationInvalid"),
}


def status_of(error: errors.PackyardError) -> int:
    return STATUS_AND_CODE[type(error)][0]


def body_of(error: errors.PackyardError, ref: str) -> dict[str, object]:
    """JSON values; a refused pack lists every finding under `details.findings`."""
    details = dict(error.detail)
    if isinstance(error, errors.ContentRefused):
        details["findings"] = [finding.as_json() for finding in error.findings]
    code = STATUS_AND_CODE[type(error)][1]
    return {"code": code, "message": error.message, "details": details, "ref": ref}
