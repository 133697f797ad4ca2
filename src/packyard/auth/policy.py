"""Who sends this request, and may they do that: what every face asks.

Verifying a password takes a good part of a second by design, so a proof is remembered: for
`REMEMBERED` seconds, under a digest keyed by this process, together with the account whose hash it
opened. The account is looked up again on every request and has to be that same one, so a changed
password, role or file ends what was remembered: one of the users' table within `_RECHECK`, since
it is asked again only after somebody committed to the store; one of the htpasswd file in a second.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from packyard.auth import passwords, users
from packyard.auth.htpasswd import Htpasswd
from packyard.auth.principal import ANONYMOUS, Action, Principal, Role
from packyard.auth.users import User
from packyard.errors import Denied, Unauthenticated, Unsupported
from packyard.storage.store import Store

_log = logging.getLogger(__name__)

REMEMBERED = 60.0  # seconds
_RECHECK = 0.01  # seconds between two looks at whether somebody committed
_REMEMBERED_LIMIT = 4096  # proofs, and accounts
_HEADER_LIMIT = 4096  # bytes of an Authorization header; longer ones are not looked at


@dataclass(frozen=True, slots=True)
class Account:
    principal: Principal
    password_hash: str


@dataclass(frozen=True, slots=True)
class _Proof:
    account: Account
    until: float


class Policy:
    """`writers` of the htpasswd file push and delete, its other users pull.

    `deletes=False` switches deletion off for everybody, `read_only=True` pushes too.
    """

    def __init__(
        self,
        store: Store,
        htpasswd: Htpasswd | None = None,
        *,
        realm: str = "Packyard",
        writers: Collection[str] = ("admin",),
        anonymous_pull: bool = False,
        deletes: bool = True,
        read_only: bool = False,
    ) -> None:
        self.realm = realm
        self._store = store
        self._htpasswd = htpasswd
        self._writers = frozenset(writers)
        self._anonymous_pull = anonymous_pull
        self._off = {Action.DELETE} if not deletes else set()
        if read_only:
            self._off |= {Action.PUSH, Action.DELETE}
        self._key = secrets.token_bytes(32)
        self._proofs: dict[bytes, _Proof] = {}
        self._listed: dict[str, Account | None] = {}  # what the users' table says
        self._generation = -1
        self._next_look = 0.0
        # What the htpasswd file says; one value, so that threads see both halves change together.
        self._filed: tuple[Mapping[str, str], dict[str, Account]] = ({}, {})
        self._overshadowed: set[str] = set()
        self._verifying = threading.Lock()

    def recall(self, authorization: bytes | None) -> Principal | None:
        """Who that is, where no work is needed to know: a password verified lately, or nobody
        where everybody may pull. Microseconds, from any thread."""
        if authorization is None:
            return ANONYMOUS if self._anonymous_pull else None
        proof = self._proofs.get(self._digest(authorization))
        if proof is None or proof.until < time.monotonic():
            return None
        if self._account(proof.account.principal.name) != proof.account:
            return None
        return proof.account.principal

    def verify(self, authorization: bytes | None) -> Principal:
        """Whose password that is; raises `Unauthenticated`. Blocks for as long as bcrypt takes.

        One verification at a time in a process, so that a flood of wrong passwords leaves the
        other cores to those who are signed in; who waited for the same password has it verified.
        Faces give it threads of its own, or those who wait would take all threads there are.
        """
        if authorization is None:
            if self._anonymous_pull:
                return ANONYMOUS
            raise _refused()
        name, password = _credentials(authorization)
        with self._verifying:
            known = self.recall(authorization)
            if known:
                return known
            account = self._account(name)
            if account is None:
                passwords.pretend(self._usual_cost())
                raise _refused()
            if not passwords.opens(password, account.password_hash):
                raise _refused()
            self._remember(authorization, account)
        return account.principal

    def check(self, principal: Principal, action: Action, repository: str = "") -> None:
        """Raise unless the principal may do that in the registry, to that repository if one is
        named: `Unauthenticated` for somebody who should sign in first, `Denied` for everybody
        else, `Unsupported` where it is switched off."""
        if not principal.may(action):
            raise _denied(principal, f"may not {action}")
        if repository and not principal.reaches(repository):
            raise Denied(
                f"This API key is for {principal.limits.repositories}, not for {repository}."
            )
        if action in self._off:
            raise Unsupported(f"This registry does not take a {action}: its configuration says so.")

    def check_project(self, principal: Principal, action: Action, project: str) -> None:
        """Raise unless the principal may do that in the hub, in the project of that uid or, for
        "", in the tenant: `Unauthenticated`, or `Denied`."""
        if principal.anonymous:
            raise _refused()
        if not principal.uid:
            raise Denied(
                f"{principal.name} is a user of the registry alone, from its htpasswd file: sign "
                "in as one of the users' table."
            )
        if principal.limits.repositories:
            raise Denied(f"This API key is for {principal.limits.repositories} alone.")
        if not principal.may(action, project):
            raise _denied(principal, f"may not {action} {'in this project' if project else 'here'}")

    def _account(self, name: str) -> Account | None:
        listed, filed = self._from_table(name), self._from_file(name)
        if listed and filed:
            self._warn_of_two(name)
        return listed or filed

    def _from_table(self, name: str) -> Account | None:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _RECHECK
            generation = self._store.generation()
            if generation != self._generation or len(self._listed) > _REMEMBERED_LIMIT:
                self._listed, self._generation = {}, generation
        listed = self._listed  # by now another thread may have begun a new one
        if name not in listed:
            with self._store.read() as connection:
                user = users.find(connection, name)
            listed[name] = (
                Account(_principal(user), user.password_hash)
                if user and user.password_hash and not user.disabled
                else None
            )
        return listed[name]

    def _from_file(self, name: str) -> Account | None:
        if self._htpasswd is None:
            return None
        hashes = self._htpasswd.users()
        known, filed = self._filed
        if known is not hashes:
            filed = {}
            self._filed = hashes, filed
        if name not in filed and name in hashes:
            writer = name in self._writers
            role = Role.EDITOR if writer else Role.VIEWER
            filed[name] = Account(Principal(name, role, deletes=writer), hashes[name])
        return filed.get(name)

    def _warn_of_two(self, name: str) -> None:
        if name not in self._overshadowed:
            self._overshadowed.add(name)
            _log.warning(
                "%s is in the users' table and in the htpasswd file: the table counts", name
            )

    def _usual_cost(self) -> int:
        """The cost that a name of the htpasswd file has, so that names cannot be told by time."""
        filed = self._htpasswd.users() if self._htpasswd else {}
        return next(map(passwords.cost_of, filed.values()), passwords.COST)

    def _remember(self, authorization: bytes, account: Account) -> None:
        while len(self._proofs) >= _REMEMBERED_LIMIT:
            del self._proofs[next(iter(self._proofs))]
        digest = self._digest(authorization)
        self._proofs.pop(digest, None)  # so that the order stays the order of age
        self._proofs[digest] = _Proof(account, time.monotonic() + REMEMBERED)

    def _digest(self, authorization: bytes) -> bytes:
        return hashlib.blake2b(authorization, digest_size=16, key=self._key).digest()


def _credentials(authorization: bytes) -> tuple[str, bytes]:
    """Name and password of an `Authorization: Basic` header (RFC 7617)."""
    scheme, _, encoded = authorization.partition(b" ")
    if len(authorization) > _HEADER_LIMIT or scheme.lower() != b"basic":
        raise _refused()
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
        name, colon, password = decoded.partition(b":")
        if not colon:
            raise _refused()
        return name.decode(), password
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _refused() from error


def _principal(user: User) -> Principal:
    return Principal(user.name, user.role, uid=user.uid, projects=user.projects)


def _denied(principal: Principal, what: str) -> Denied | Unauthenticated:
    if principal.anonymous:
        return _refused()
    return Denied(f"{principal.name} {what}: ask an administrator for the right.")


def _refused() -> Unauthenticated:
    return Unauthenticated("Sign in with the name and password of a user of this registry.")
