"""What went wrong at a remote, as our errors: sentences that name the host, never a secret.

Broken connections become `RemoteFailed`; refusals become the class that fits the status and the
code of the distribution specification ("Error Codes"), with everything that the server listed.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpcore
import httpx

from packyard import errors
from packyard.errors import ContentRefused, PackyardError, RemoteFailed
from packyard.findings import Finding, Severity
from packyard.remotes.chart_fields import cleaned

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
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
_SHOWN = 2000
"""Characters of one text of a server that are repeated to a person."""


class TooSlow(httpcore.ReadTimeout):
    """An answer whose pieces come, but too few of them."""


class NotHttp(httpcore.RemoteProtocolError):
    """An answer of another protocol; the message shows how it begins."""


# The first kind that is the error or among its causes tells what happened.
_BY_CAUSE: tuple[tuple[type[BaseException], str], ...] = (
    (
        httpx.ConnectTimeout,
        "{host} did not answer when called; is its address right, and a firewall open?",
    ),
    (NotHttp, "{host} does not speak HTTP here: it answers {error}."),
    (TooSlow, "{host} answers so slowly that it was given up."),
    (
        httpx.PoolTimeout,
        "{host} is asked for so much at once that this request found no place.",
    ),
    (httpx.TimeoutException, "{host} stopped answering."),
    (httpx.ProxyError, "The proxy in the way to {host} refused: {error}."),
    (
        httpx.TooManyRedirects,
        "{host} sends requests round in circles (too many redirects).",
    ),
    (httpx.UnsupportedProtocol, "{host} leads to an address that is neither http nor https."),
    (httpx.DecodingError, "{host} answered with something that cannot be unpacked."),
    (
        ConnectionRefusedError,
        "{host} refuses connections; is the server running, and is that its port?",
    ),
    (socket.gaierror, "{host} cannot be found: its name does not resolve."),
    (ssl.SSLError, "{host} does not speak TLS here: {mend}"),
    # Its text may hold a header with a token.
    (httpx.LocalProtocolError, "The request to {host} could not be put into HTTP."),
)


@dataclass(frozen=True, slots=True)
class Mends:
    """What a person can do about a server's TLS, where they named it; `{host}` is filled in."""

    certificate: str
    plain: str


COMMAND_LINE = Mends(
    certificate="Put the certificate of its authority at /etc/packyard/certs.d/{host}/ca.crt, or "
    "log in with --insecure to go without the check.",
    plain="log in with --insecure, or write http://{host}, to use it without encryption.",
)


def refused(
    host: str, status: int, reason: str, body: bytes, *, retry_after: float = 0.0
) -> PackyardError:
    """The error for an answer of status 400 or above; `body` may be cut off or not ours.

    `retry_after` is how many seconds the server asks to wait, 0 where it does not.
    """
    entries = list(_entries(body))
    findings = [finding for entry in entries for finding in _findings(entry)]
    if findings:
        told = next((_said(one) for one in entries if isinstance(one.get("details"), dict)), "")
        message = f"{host}: {told}." if told else f"{host} refuses what was pushed."
        return ContentRefused(message, findings)
    said = dict.fromkeys(filter(None, map(_said, entries)))
    whole = "; ".join(said) or f"{status} {reason}".strip()
    message = f"{host}: {whole}{'' if whole.endswith('?') else '.'}"
    waiting: dict[str, object] = {}
    if retry_after:
        message += f" It asks to come again in {retry_after:.0f} seconds."
        waiting = {"retry_after": retry_after}
    by_code = (_BY_CODE[code] for entry in entries if (code := str(entry.get("code"))) in _BY_CODE)
    kind = _BY_STATUS.get(status, RemoteFailed)
    code = next((str(entry["code"]) for entry in entries if entry.get("code")), "")
    if kind not in (errors.Unauthenticated, errors.Denied):
        kind = next(by_code, kind)
    return kind(message, host=host, status=status, code=code, **waiting)


def broken(
    host: str, error: httpx.RequestError, mends: Mends = COMMAND_LINE, presented: str = ""
) -> RemoteFailed:
    """The sentence for a request that got no answer, or not a whole one: `detail["broken"]`.

    `presented` describes the certificate that the server showed, where that is known.
    """
    fault = certificate_fault(error)
    if fault is None:
        return RemoteFailed(_sentence(host, error, mends), host=host, broken=True)
    reason = fault.verify_message.rstrip(".")
    shown = f" It shows {presented}." if presented else ""
    mend = mends.certificate.format(host=host)
    return RemoteFailed(
        f"The TLS certificate of {host} is not trusted: {reason}.{shown} {mend}",
        host=host,
        broken=True,
    )


def certificate_fault(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The reason why a server's certificate was not accepted, where that is what happened."""
    return next((c for c in _causes(error) if isinstance(c, ssl.SSLCertVerificationError)), None)


def is_not_http(error: BaseException) -> bool:
    """Whether another protocol is spoken there, now and later."""
    return any(isinstance(cause, NotHttp) for cause in _causes(error))


def never_sent(error: httpx.RequestError) -> bool:
    """Whether the request cannot have reached the server, and another try may fare better."""
    return isinstance(error, httpx.ConnectError) and not any(
        isinstance(cause, ssl.SSLError)
        or (isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN)
        for cause in _causes(error)
    )


def _sentence(host: str, error: httpx.RequestError, mends: Mends) -> str:
    causes = list(_causes(error))
    for kind, sentence in _BY_CAUSE:
        if any(isinstance(cause, kind) for cause in causes):
            mend = mends.plain.format(host=host)
            return sentence.format(host=host, error=str(error)[:_SHOWN], mend=mend)
    said = _ERRNO.sub("", str(error)[:_SHOWN]).rstrip(".")
    if isinstance(error, httpx.RemoteProtocolError) and "illegal" in said:
        return f"{host} does not speak HTTP here ({said})."
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError)]
    for number in _NO_WAY.intersection(filter(None, numbers)):
        return f"There is no way to {host} in the network: {os.strerror(number)}."
    return f"The connection to {host} broke: {said or type(error).__name__}."


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _entries(body: bytes) -> Iterator[Mapping[str, object]]:
    """The errors in the specification's JSON, or the one of a `{code, message}` answer, or of
    ChartMuseum's `{error}`."""
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
    message, code = entry.get("message") or entry.get("error"), entry.get("code")
    text = message if isinstance(message, str) and message else str(code or "")
    return cleaned(text)[:_SHOWN].rstrip(".")


def _findings(entry: Mapping[str, object]) -> Iterator[Finding]:
    """Findings in an error's detail, one or a list of them, where the server is one of ours."""
    detail = entry.get("detail") or entry.get("details") or entry
    rows = detail.get("findings", [detail]) if isinstance(detail, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("rule"), str):
            yield finding_of(row)


def finding_of(row: Mapping[str, object]) -> Finding:
    """A finding as our servers tell it."""

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
        layer=text("layer"),
        file=text("file"),
        path=text("path"),
        line=number("line"),
        column=number("column"),
    )
