"""How a command's failure is said, and the exit code that it ends with.

Every class of `packyard.errors` has its row here; a test demands it. A fault of our own is said in
a sentence too: the trace is shown only where PACKYARD_DEBUG is set.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable

from packyard import errors
from packyard.cli import screen
from packyard.errors import ContentRefused, PackyardError, Unauthenticated
from packyard.findings import Finding

FAILED = 1
USAGE = 2

EXIT_CODES: dict[type[PackyardError], int] = {
    errors.RepositoryUnknown: FAILED,
    errors.BlobUnknown: FAILED,
    errors.ManifestUnknown: FAILED,
    errors.UploadUnknown: FAILED,
    errors.PackUnknown: FAILED,
    errors.ChartUnknown: FAILED,
    errors.FileUnknown: FAILED,
    errors.UserUnknown: FAILED,
    errors.ProjectUnknown: FAILED,
    errors.KeyUnknown: FAILED,
    errors.TenantUnknown: FAILED,
    errors.MacroUnknown: FAILED,
    errors.AuditUnknown: FAILED,
    errors.SessionUnknown: FAILED,
    errors.RegistryUnknown: FAILED,
    errors.ProfileUnknown: FAILED,
    errors.PathUnknown: FAILED,
    errors.NameInvalid: USAGE,
    errors.TagInvalid: USAGE,
    errors.DigestInvalid: USAGE,
    errors.SizeInvalid: FAILED,
    errors.ManifestInvalid: FAILED,
    errors.ManifestBlobUnknown: FAILED,
    errors.RangeInvalid: FAILED,
    errors.ParameterInvalid: USAGE,
    errors.MacrosInvalid: FAILED,
    errors.RegistryInvalid: FAILED,
    errors.ContentRefused: FAILED,
    errors.ProfileRefused: FAILED,
    errors.Unauthenticated: FAILED,
    errors.Denied: FAILED,
    errors.Unsupported: FAILED,
    errors.MethodNotAllowed: FAILED,
    errors.Conflict: FAILED,
    errors.ProfileTaken: FAILED,
    errors.InUse: FAILED,
    errors.PreconditionFailed: FAILED,
    errors.TooLarge: FAILED,
    errors.RangeUnsatisfiable: FAILED,
    errors.ClientStalled: FAILED,
    errors.ClientGone: FAILED,
    errors.TooManyRequests: FAILED,
    errors.StorageFull: FAILED,
    errors.Unavailable: FAILED,
    errors.RemoteFailed: FAILED,
    errors.ConfigurationInvalid: FAILED,
}


def report(error: Exception) -> int:
    """Say on standard error what went wrong; the exit code."""
    if os.environ.get("PACKYARD_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    screen.error(sentence(error))
    if isinstance(error, ContentRefused):
        for line in finding_lines(error.findings):
            screen.message(f"  {line}")
    return EXIT_CODES[type(error)] if isinstance(error, PackyardError) else FAILED


def sentence(error: Exception) -> str:
    """What went wrong, for a person."""
    if isinstance(error, Unauthenticated) and "host" in error.detail:
        return f"{error.message} Log in with: packyard registry login {error.detail['host']}"
    if isinstance(error, PackyardError):
        return error.message
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    return (
        f"This is a fault of Packyard: {type(error).__name__}: {error}. "
        "Set PACKYARD_DEBUG=1 to see where it happened."
    )


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """One line for each finding, as compilers print them."""
    return [screen.plain(str(finding)) for finding in findings]
