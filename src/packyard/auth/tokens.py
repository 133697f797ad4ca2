"""Tokens of sessions: JSON Web Tokens, signed by keys that are kept among the secrets.

One algorithm is signed and read, HS256, so there is nothing to confuse it with. A token says whose
session it is and its number, never what somebody may do: that is looked up. What is signed for
another purpose, such as a sign-in under way, has another audience and opens nothing.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OctKey
from sqlalchemy import Connection

from packyard.auth.secrets import Secrets
from packyard.errors import Unauthenticated
from packyard.storage.audit import audit_uid, earliest
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

LIFE = timedelta(minutes=15)
ISSUER = "packyard"
_SESSION = "session"
_ALGORITHM = "HS256"
_OWNER = "signing-key/"
_REGISTRY = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER}, aud={"essential": True}, exp={"essential": True}
)
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Claims:
    """Whose session, which of its tokens, and until when (seconds since 1970)."""

    user_uid: str
    session: str
    number: int
    expires: int


def is_token(text: str) -> bool:
    """Whether it has the form of a token, ours or not."""
    return _FORM.fullmatch(text) is not None


class Tokens:
    """Several threads may sign and read at once."""

    def __init__(self, store: Store, secrets: Secrets) -> None:
        self._store = store
        self._secrets = secrets
        self._keys: dict[str, OctKey] = {}
        self._generation = -1
        self._making = threading.Lock()

    def issue(self, user_uid: str, session: str, number: int) -> str:
        claims = {"sub": user_uid, "sid": session, "number": number}
        return self.sign(_SESSION, claims, LIFE)

    def read(self, text: str) -> Claims:
        """Raises `Unauthenticated` for whatever is not a token of a session as issued here."""
        claims = self.verify(_SESSION, text)
        user_uid, session = claims.get("sub"), claims.get("sid")
        number, expires = claims.get("number"), claims.get("exp")
        if not (isinstance(user_uid, str) and isinstance(session, str)):
            raise _refused()
        if not (isinstance(number, int) and isinstance(expires, int)):
            raise _refused()
        return Claims(user_uid, session, number, expires)

    def sign(self, purpose: str, claims: Mapping[str, object], life: timedelta) -> str:
        """A token for that purpose, good for so long."""
        key_id, key = self._signing_key()
        begun = int(time.time())
        until = begun + round(life.total_seconds())
        whole = {**claims, "iss": ISSUER, "aud": purpose, "iat": begun, "exp": until}
        return jwt.encode({"alg": _ALGORITHM, "kid": key_id}, whole, key, algorithms=[_ALGORITHM])

    def verify(self, purpose: str, text: str) -> dict[str, Any]:
        """The claims of a token for that purpose; raises `Unauthenticated`."""
        if not is_token(text):
            raise _refused()
        try:
            token = jwt.decode(text, self._key_for, algorithms=[_ALGORITHM])
            _REGISTRY.validate(token.claims)
        except (JoseError, ValueError, TypeError, KeyError):
            raise _refused() from None
        if token.claims["aud"] != purpose:
            raise _refused()
        return token.claims

    def renew_key(self) -> None:
        """Sign by another key from now on; the former is good for as long as its tokens live."""
        with self._store.write() as tx:
            for owner in self._secrets.owners(tx.connection, _OWNER)[:-1]:
                self._secrets.forget(tx, owner)
            self._make_key(tx)

    def _signing_key(self) -> tuple[str, OctKey]:
        keys = self._known()
        if not keys:
            with self._making, self._store.write() as tx:
                if not self._secrets.owners(tx.connection, _OWNER):
                    self._make_key(tx)
            keys = self._known()
        newest = max(keys)
        return newest, keys[newest]

    def _key_for(self, token: GuestProtocol) -> OctKey:
        """The key that a token names, where it is the newest or was until lately."""
        keys = self._known()
        named = token.headers().get("kid")
        later = min((key_id for key_id in keys if key_id > str(named)), default="")
        if later and later < earliest(now() - LIFE // timedelta(microseconds=1)):
            raise KeyError(named)
        return keys[str(named)]

    def _known(self) -> dict[str, OctKey]:
        """By id; read again after somebody committed."""
        generation = self._store.generation()
        if generation != self._generation:
            found: dict[str, OctKey] = {}
            with self._store.read() as connection:
                for owner in self._secrets.owners(connection, _OWNER):
                    key_id = owner.removeprefix(_OWNER)
                    key = self._keys.get(key_id) or self._opened(connection, owner)
                    if key:
                        found[key_id] = key
            self._keys, self._generation = found, generation
        return self._keys

    def _opened(self, connection: Connection, owner: str) -> OctKey | None:
        value = self._secrets.get(connection, owner)
        return OctKey.import_key(value) if value else None

    def _make_key(self, tx: Transaction) -> None:
        """Its id tells when it was made, as uids of the audit do."""
        self._secrets.put(tx, _OWNER + audit_uid(now()), secrets.token_bytes(32))


def _refused() -> Unauthenticated:
    return Unauthenticated("This token is not good, or not any more: sign in again.")
