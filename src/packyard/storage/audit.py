"""What was changed, by whom and from where: a row beside every change, in its own transaction.

Whoever opens a door (a face, a command) says once in `ORIGIN` who is asking; whoever changes
something says in `Transaction.record` what. So nobody has to hand the caller down through every
layer, and a change that has no caller is the server's own (decision 0004). Rows hold no secrets:
`record` is given names and uids, never values.
"""

from __future__ import annotations

import secrets
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

_TIME_DIGITS = 14  # of the 24 hex digits of a uid; the rest is random


class Act(StrEnum):
    """What can be done to a thing, in the words of the published API."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    PUBLISH = "publish"
    ACTION = "action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asks, and through which door; `uid` is that of a row in the users' table, or empty.

    `via` is `oci`, `api`, `cli` or `server`; `request` the id under which the log tells more.
    `rows` gets the uids of what is recorded.
    """

    actor: str
    uid: str = ""
    address: str = ""
    via: str
    request: str = ""
    rows: deque[str] = field(default_factory=lambda: deque(maxlen=1), compare=False)


SERVER = Origin(actor="packyard", via="server")
ORIGIN: ContextVar[Origin] = ContextVar("origin", default=SERVER)


def audit_uid(time: int) -> str:
    """A new uid, greater than that of any row made before `time` (microseconds since 1970)."""
    return f"{earliest(time)}{secrets.token_hex((24 - _TIME_DIGITS) // 2)}"


def earliest(time: int) -> str:
    """What the uid of a row made at that time begins with."""
    return f"{min(max(time, 0), 16**_TIME_DIGITS - 1):0{_TIME_DIGITS}x}"
