"""What the store holds, as values: blobs, manifests, referrers, and times.

Times are microseconds since 1970, within the years 1 to 9999: what is kept can be written down.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from packyard.digests import Digest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Blob:
    """`size` in bytes; `path` is None where there is no file to send: read `Store.open_blob`.

    `touched_at` is when the blob was last pushed, mounted or renewed, in µs since 1970.
    """

    digest: Digest
    size: int
    path: Path | None
    touched_at: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """`content` is the manifest byte for byte; the fields behind it repeat what it says.

    `artifact_type` is what a referrers list shows ("" for none), `subject` what it refers to.
    """

    digest: Digest
    media_type: str
    content: bytes
    artifact_type: str = ""
    subject: Digest | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Referrer:
    """One manifest that names another as its subject: the fields of its descriptor."""

    digest: Digest
    media_type: str
    size: int
    artifact_type: str
    annotations: Mapping[str, str]


def now() -> int:
    return time.time_ns() // 1000


def microseconds(moment: datetime) -> int:
    """Of a time with a zone; raises `OverflowError` where it has no year 1 to 9999 in UTC."""
    return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """That time in UTC; what is beyond the years 1 to 9999 is the first or last of them."""
    return _EPOCH + min(max(microseconds, _FIRST), _LAST) * _MICROSECOND
