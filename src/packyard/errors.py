"""Requests that Packyard refuses, as exceptions that know no protocol.

Every class is one reason. The message is a sentence for a person: what is wrong, where, and how to
mend it. Each face (OCI, pack API, command line) has one table from these classes to its own form,
and a test demands a row there for every class of this module. What is wrong with *content* is not
an exception but a list of findings (`packyard.findings`); `ContentRefused` carries them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from packyard.findings import Finding

_NAMED = 50


class PackyardError(Exception):
    """A refused request. `detail` holds JSON values that a client may read, never a secret."""

    abstract: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        cls.abstract = "abstract" in cls.__dict__ and cls.abstract

    def __init__(self, message: str, **detail: object) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


def several(texts: Sequence[str], joint: str = ", ") -> str:
    """The texts as one, and only their number where they are too many for a sentence."""
    more = len(texts) - _NAMED
    return joint.join(texts[:_NAMED]) + (f"{joint}and {more} more" if more > 0 else "")


# What was asked for is not there.


class NotFound(PackyardError):
    """Something named in the request does not exist."""

    abstract = True


class RepositoryUnknown(NotFound):
    """No repository of that name."""


class BlobUnknown(NotFound):
    """The repository holds no blob of that digest."""


class ManifestUnknown(NotFound):
    """The repository holds no manifest of that tag or digest."""


class UploadUnknown(NotFound):
    """No upload session of that id: never begun, ended, cancelled or expired."""


class PackUnknown(NotFound):
    """No pack of that name or tag."""


class ChartUnknown(NotFound):
    """No Helm chart of that name or version."""


class FileUnknown(NotFound):
    """The pack holds no file of that path."""


class UserUnknown(NotFound):
    """No user of that name."""


class ProjectUnknown(NotFound):
    """No project of that uid or name."""


class TenantUnknown(NotFound):
    """No tenant of that uid; there is one."""


class MacroUnknown(NotFound):
    """No macro of that name in the project or the tenant."""


class AuditUnknown(NotFound):
    """No row of the audit of that uid, or none for whoever asks."""


class KeyUnknown(NotFound):
    """No API key of that uid or name."""


class SessionUnknown(NotFound):
    """No session of that uid: ended, or another user's."""


class RegistryUnknown(NotFound):
    """No registry of that uid or name among those that the hub reads."""


class ProfileUnknown(NotFound):
    """No cluster profile of that uid, or none of its layers, manifests or variables."""


class PathUnknown(NotFound):
    """The server has nothing at that address."""


# What was asked is malformed.


class Invalid(PackyardError):
    """The request contradicts itself or its grammar."""

    abstract = True


class NameInvalid(Invalid):
    """Not a repository name."""


class TagInvalid(Invalid):
    """Not a tag."""


class DigestInvalid(Invalid):
    """Not a digest, of an unknown algorithm, or not the digest of the bytes that came."""


class SizeInvalid(Invalid):
    """More or fewer bytes than announced."""


class ManifestInvalid(Invalid):
    """Not a manifest: not JSON, or not of the form its media type asks for."""


class ManifestBlobUnknown(Invalid):
    """A manifest refers to content that the repository does not hold; `detail["digests"]`."""


class RangeInvalid(Invalid):
    """A chunk that does not start where the upload stands: at `detail["offset"]`."""


class ParameterInvalid(Invalid):
    """A parameter or header of another form than documented."""


class RegistryInvalid(Invalid):
    """What was given for a registry has faults, or does not lead to one; the message says why."""


class MacrosInvalid(Invalid):
    """Macros that cannot be as they were given; the message says all that is wrong."""


class ContentRefused(Invalid):
    """Content with at least one finding of severity `refuse`; all of its findings come along."""

    def __init__(self, message: str, findings: Sequence[Finding]) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class ProfileRefused(ContentRefused):
    """A cluster profile that cannot be stored, or not be published; all findings come along."""


# What was asked cannot be granted.


class Unauthenticated(PackyardError):
    """No credentials, or wrong ones; the message does not tell which."""


class Denied(PackyardError):
    """Known, but not allowed."""


class Unsupported(PackyardError):
    """Switched off, or not a thing this server does."""


class MethodNotAllowed(PackyardError):
    """The address exists, the method there does not."""


class Conflict(PackyardError):
    """The state of the store forbids it: a tag that holds other content, a parent tag."""


class ProfileTaken(Conflict):
    """Another cluster profile has that name and version in that scope."""


class InUse(Conflict):
    """Somebody would miss what was to be deleted; the message names them."""


class PreconditionFailed(PackyardError):
    """`If-Match` or `If-None-Match` of the request does not hold."""


class TooLarge(PackyardError):
    """Over a size limit."""


class RangeUnsatisfiable(PackyardError):
    """A `Range` outside the content; `detail["size"]` says its size."""


class ClientStalled(PackyardError):
    """The client sent nothing for the idle time; an upload can be resumed."""


class ClientGone(PackyardError):
    """The client went away in the middle of a request."""


class TooManyRequests(PackyardError):
    """A rate limit; `detail["retry_after"]` in seconds."""


class StorageFull(PackyardError):
    """No room left on the store's device."""


class Unavailable(PackyardError):
    """Not now: the store cannot be reached, or is not ready, or too many ask; perhaps
    `detail["retry_after"]` in seconds."""


class RemoteFailed(PackyardError):
    """A registry that we talk to as a client failed or refused; the message names it and why."""


class ConfigurationInvalid(PackyardError):
    """The configuration cannot be used; the message holds every fault with its line."""


def concrete() -> list[type[PackyardError]]:
    """Every class that is raised, for the tables of the faces and their tests."""
    found: list[type[PackyardError]] = []
    pending: list[type[PackyardError]] = [PackyardError]
    while pending:
        for child in pending.pop().__subclasses__():
            pending.append(child)
            if not child.abstract:
                found.append(child)
    return sorted(found, key=lambda cls: cls.__name__)
