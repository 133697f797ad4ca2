"""Sessions: somebody who signed in, in a browser (cookie) or as a program (token).

A session is a row, so it can be listed and ended from anywhere, and what was given out for it ends
with it. The cookie is its uid and a secret, of which the row has the hash. Of the tokens of a
session only the last one can be renewed: a token renewed twice was stolen by one of the two, and
the session ends for both.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from packyard.auth.tables import sessions, users
from packyard.errors import SessionUnknown
from packyard.storage.audit import Act
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

KIND = "session"  # in the audit
IDLE = timedelta(hours=12)
LIFE = timedelta(days=7)
_SECRET_BYTES = 32
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`number` is that of the token which can be renewed; times in µs since 1970."""

    uid: str
    user_uid: str
    hash: str = field(repr=False)
    number: int
    created_at: int
    used_at: int
    expires_at: int
    address: str
    agent: str

    @property
    def ends_at(self) -> int:
        """When it ends if nobody uses it any more."""
        return min(self.expires_at, self.used_at + IDLE // _MICROSECOND)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_of(cookie: str) -> str:
    """What a page of ours sends along with the cookie, and no other site's page can know."""
    digest = hmac.digest(cookie.encode(), b"packyard csrf", "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def split(cookie: str) -> tuple[str, str]:
    """The session's uid and the secret."""
    uid, _, secret = cookie.partition(".")
    return uid, secret


# Reading


def find(connection: Connection, uid: str) -> Session | None:
    """None for one that ended, by itself or by somebody."""
    row = connection.execute(select(sessions).where(sessions.c.uid == uid)).one_or_none()
    session = _session(row) if row else None
    return session if session and now() < session.ends_at else None


def of_user(connection: Connection, user_uid: str) -> list[Session]:
    """The newest first."""
    rows = connection.execute(
        select(sessions).where(sessions.c.user_uid == user_uid).order_by(-sessions.c.created_at)
    )
    return [session for session in map(_session, rows) if now() < session.ends_at]


# Changing


def begin(tx: Transaction, user_uid: str, address: str, agent: str) -> tuple[Session, str]:
    """A new session and its cookie; those that ended are swept away."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    time = now()
    session = Session(
        uid=secrets.token_hex(12),
        user_uid=user_uid,
        hash=hash_of(secret),
        number=1,
        created_at=time,
        used_at=time,
        expires_at=time + LIFE // _MICROSECOND,
        address=address,
        agent="".join(filter(str.isprintable, agent))[:255],
    )
    unused = sessions.c.used_at < time - IDLE // _MICROSECOND
    tx.connection.execute(delete(sessions).where(or_(sessions.c.expires_at < time, unused)))
    tx.connection.execute(insert(sessions).values({name: getattr(session, name) for name in _ALL}))
    tx.connection.execute(update(users).where(users.c.uid == user_uid).values(signed_in_at=time))
    tx.record(Act.ACTION, KIND, session.uid, "session", "Signed in")
    return session, f"{session.uid}.{secret}"


def renew(tx: Transaction, uid: str, number: int) -> Session | None:
    """The session with its next token's number; None, and ended, where `number` is used up."""
    standing = find(tx.connection, uid)
    if standing is None:
        return None
    if standing.number != number:
        tx.connection.execute(delete(sessions).where(sessions.c.uid == uid))
        message = "Ended a session whose token was renewed twice: somebody has a copy of it"
        tx.record(Act.ACTION, KIND, uid, "session", message)
        return None
    tx.connection.execute(
        update(sessions).where(sessions.c.uid == uid).values(number=number + 1, used_at=now())
    )
    return find(tx.connection, uid)


def end(store: Store, user_uid: str, uid: str) -> None:
    """End one session of a user. Raises `SessionUnknown`, also for another one's."""
    with store.write() as tx:
        mine = (sessions.c.uid == uid) & (sessions.c.user_uid == user_uid)
        if not tx.connection.execute(delete(sessions).where(mine)).rowcount:
            raise SessionUnknown(f"There is no session with the uid {uid[:255]}.")
        tx.record(Act.ACTION, KIND, uid, "session", "Signed out")


def end_all(store: Store, user_uid: str) -> int:
    """Sign a user out everywhere; how many sessions that were."""
    with store.write() as tx:
        ended = delete(sessions).where(sessions.c.user_uid == user_uid)
        count = tx.connection.execute(ended).rowcount
        message = f"Signed out everywhere, of {count} sessions"
        tx.record(Act.ACTION, KIND, user_uid, "sessions", message)
    return count


def touch(store: Store, uid: str) -> None:
    """Remember that it was used now."""
    with store.write() as tx:
        tx.connection.execute(update(sessions).where(sessions.c.uid == uid).values(used_at=now()))


def _session(row: Row[Any]) -> Session:
    return Session(**row._mapping)  # noqa: SLF001 - what SQLAlchemy calls it


_ALL = tuple(sessions.c.keys())
