"""What went wrong at a remote, as our errors: sentences that name the host, never a secret.

Broken connections become `RemoteFailed`; refusals become the class that fits the status and the
code of the distribution specification ("Error Codes"), with everything that the server listed.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping

import httpx

from packyard import errors
from packyard.errors import ContentRefused, PackyardError, RemoteFailed
from packyard.findings import Finding, Severity

_BY_CODE: Mapping[str, type[PackyardError]] = {
    "NAME_UNKNOWN": errors.RepositoryUnknown,
    "MANIFEST_UNKNOWN": errors.ManifestUnknown,
    "BLOB_UNKNOWN": errors.BlobUnknown,
    "BLOB_UPLOAD_UNKNOWN": errors.UploadUnknown,
    "MANIFEST_BLOB_UNKNOWN": errors.ManifestBlobUnknown,
    "UNSUPPORTED": errors.Unsupported,
}
_BY_STATUS: Mapping[int, type[PackyardError]] = {
    401: errors.Unauthenticated,
    403: errors.Denied,
    404: errors.PathUnknown,
    405: errors.Unsupported,
    409: errors.Conflict,
    412: errors.PreconditionFailed,
    413: errors.TooLarge,
    416: errors.RangeInvalid,
    429: errors.TooManyRequests,
    507: errors.StorageFull,
}
_SHOWN = 2000
"""Characters of one text of a server that are repeated to a person."""


def refused(host: str, status: int, reason: str, body: bytes) -> PackyardError:
    """The error for an answer of status 400 or above; `body` may be cut off or not ours."""
    entries = list(_entries(body))
    findings = [finding for entry in entries for finding in _findings(entry)]
    if findings:
        return ContentRefused(f"{host} refuses the pack.", findings)
    said = dict.fromkeys(filter(None, map(_said, entries)))
    message = f"{host}: {'; '.join(said) or f'{status} {reason}'}."
    by_code = (_BY_CODE[code] for entry in entries if (code := str(entry.get("code"))) in _BY_CODE)
    kind = _BY_STATUS.get(status, RemoteFailed)
    if kind not in (errors.Unauthenticated, errors.Denied):
        kind = next(by_code, kind)
    return kind(message, host=host, status=status)


def broken(host: str, error: httpx.RequestError) -> RemoteFailed:
    """The sentence for a request that got no answer, or not a whole one."""
    return RemoteFailed(_sentence(host, error), host=host)


def certificate_fault(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The reason why a server's certificate was not accepted, where that is what happened."""
    return next((c for c in _causes(error) if isinstance(c, ssl.SSLCertVerificationError)), None)


def never_sent(error: httpx.RequestError) -> bool:
    """Whether the request cannot have reached the server, and another try may fare better."""
    return isinstance(error, httpx.ConnectError) and not any(
        isinstance(cause, ssl.SSLError)
        or (isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN)
        for cause in _causes(error)
    )


def _sentence(host: str, error: httpx.RequestError) -> str:
    fault = certificate_fault(error)
    if fault is not None:
        return (
            f"The TLS certificate of {host} is not trusted: {fault.verify_message}. Put the "
            f"certificate of its authority at /etc/packyard/certs.d/{host}/ca.crt, or log in with "
            "--insecure to go without the check."
        )
    if isinstance(error, httpx.ConnectTimeout):
        return f"{host} did not answer when called; is its address right, and a firewall open?"
    if isinstance(error, httpx.TimeoutException):
        return f"{host} stopped answering."
    if isinstance(error, httpx.ProxyError):
        return f"The proxy in the way to {host} refused: {error}."
    if isinstance(error, httpx.TooManyRedirects):
        return f"{host} sends requests round in circles (too many redirects)."
    causes = list(_causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return f"{host} refuses connections; is the server running, and is that its port?"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"{host} cannot be found: its name does not resolve."
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return (
            f"{host} does not speak TLS here: log in with --insecure, or write http://{host}, "
            "to use it without encryption."
        )
    if isinstance(error, httpx.LocalProtocolError):  # its text may hold a header with a token
        return f"The request to {host} could not be put into HTTP."
    return f"The connection to {host} broke: {str(error) or type(error).__name__}."


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _entries(body: bytes) -> Iterator[Mapping[str, object]]:
    """The errors in the specification's JSON, or the one of a `{code, message}` answer."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(data, dict):
        return
    listed = data.get("errors")
    for entry in listed if isinstance(listed, list) else [data]:
        if isinstance(entry, dict):
            yield entry


def _said(entry: Mapping[str, object]) -> str:
    message, code = entry.get("message"), entry.get("code")
    text = message if isinstance(message, str) and message else str(code or "")
    return text[:_SHOWN].rstrip(".")


def _findings(entry: Mapping[str, object]) -> Iterator[Finding]:
    """Findings in an error's detail, one or a list of them, where the server is one of ours."""
    detail = entry.get("detail") or entry.get("details")
    rows = detail.get("findings", [detail]) if isinstance(detail, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("rule"), str):
            yield _finding(row)


def _finding(row: Mapping[str, object]) -> Finding:
    def text(key: str) -> str:
        value = row.get(key)
        return value[:_SHOWN] if isinstance(value, str) else ""

    def number(key: str) -> int:
        value = row.get(key)
        return value if isinstance(value, int) else 0

    severity = text("severity")
    return Finding(
        rule=text("rule"),
        severity=Severity(severity) if severity in list(Severity) else Severity.REFUSE,
        message=text("message"),
        mend=text("mend"),
        file=text("file"),
        path=text("path"),
        line=number("line"),
        column=number("column"),
    )
