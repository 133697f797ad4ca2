"""Who sends this request, and may they do that: what every face asks.

Verifying a password takes a good part of a second by design, so a proof is remembered: for
`REMEMBERED` seconds, under a digest keyed by this process, together with the account that it
opened. The account is looked up again on every request and has to be that same one, so a changed
password, role or key, a session that was ended or another file ends what was remembered.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from packyard.auth import credentials, keys, passwords, sessions, tries
from packyard.auth.accounts import Account, Accounts
from packyard.auth.credentials import ApiKey, Cookie, Password, Token, refused
from packyard.auth.principal import ANONYMOUS, UNLIMITED, Action, Principal
from packyard.auth.refusals import Refusals, Way
from packyard.auth.tokens import Tokens
from packyard.errors import Denied, PackyardError, TooManyRequests, Unauthenticated, Unsupported
from packyard.storage.content import now
from packyard.storage.store import Store

_log = logging.getLogger(__name__)

REMEMBERED = 60.0  # seconds
_REMEMBERED_LIMIT = 4096  # proofs
_NOTED = 600_000_000  # µs: how exactly it is noted when a key or session was last used


@dataclass(frozen=True, slots=True)
class _Proof:
    """`find` gives the account as it is now."""

    account: Account
    find: Callable[[], Account | None]
    until: float


class Policy:
    """`deletes=False` switches deletion off for everybody, `read_only=True` pushes too."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        tokens: Tokens,
        *,
        realm: str = "Packyard",
        anonymous_pull: bool = False,
        deletes: bool = True,
        read_only: bool = False,
        refusals: Refusals | None = None,
    ) -> None:
        self.realm = realm
        self.refusals = refusals or Refusals()
        self._store = store
        self._accounts = accounts
        self._tokens = tokens
        self._anonymous_pull = anonymous_pull
        self._off = {Action.DELETE} if not deletes else set()
        if read_only:
            self._off |= {Action.PUSH, Action.DELETE}
        self._key = secrets.token_bytes(32)
        self._proofs: dict[bytes, _Proof] = {}
        self._verifying = threading.RLock()

    def recall(self, credential: bytes | None) -> Principal | None:
        """Who that is, where no work is needed to know: what was verified lately, or nobody where
        everybody may pull. Microseconds, from any thread."""
        if credential is None:
            return ANONYMOUS if self._anonymous_pull else None
        proof = self._proofs.get(self._digest(credential))
        if proof is None or proof.until < time.monotonic():
            return None
        try:
            account = proof.find()
        except Unauthenticated:
            return None
        if account is None or account != proof.account or account.ended():
            return None
        return account.principal

    def verify(self, credential: bytes | None, address: str = "") -> Principal:
        """Whose it is (its forms: `auth.credentials`), sent from that address.

        Raises `Unauthenticated`, and `TooManyRequests` for passwords after too many wrong ones.
        Blocks: for a password (`credentials.is_slow`) as long as bcrypt takes, one at a time in a
        process, so that a flood of wrong passwords leaves the other cores to those who are signed
        in; who waited for the same password has it verified. Faces give these threads of their
        own, or those who wait would take all threads there are.
        """
        if credential is None:
            if self._anonymous_pull:
                return ANONYMOUS
            raise refused()
        match credentials.parse(credential):
            case Password() as given:
                return self._verify_password(credential, given, address)
            case ApiKey(secret):
                return self._verify_key(credential, secret, address)
            case Token(text):
                return self._verify_token(credential, text)
            case Cookie(text):
                return self._verify_cookie(credential, text)

    def opens(self, given: Password, address: str) -> Account:
        """The account of somebody's password; raises and blocks as `verify`.

        Whoever is refused waits as long, whether or not there is somebody of that name.
        """
        with self._verifying:
            try:
                tries.check(self._store, given.name, address)
            except TooManyRequests:
                reason = "too many tries before"
                self.refusals.tell(Way.LIMIT, reason, name=given.name, address=address)
                raise
            account = self._accounts.named(given.name)
            if account and account.hash and passwords.opens(given.password, account.hash):
                self._note(account, lambda: tries.succeeded(self._store, given.name, address))
                return account
            spent = passwords.cost_of(account.hash) if account and account.hash else 0
            filed = map(passwords.cost_of, self._accounts.filed_hashes())
            usual = max([passwords.COST, *filed])
            if spent < usual:
                passwords.pretend(usual)
            reason = _no_entry(account)
            self.refusals.tell(Way.PASSWORD, reason, name=given.name, address=address)
            tries.failed(self._store, given.name, address)
        raise refused()

    def is_filed(self, name: str) -> bool:
        """Whether there is somebody of that name in the htpasswd file."""
        return self._accounts.is_filed(name)

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

    def check_person(self, principal: Principal) -> None:
        """Raise unless it is somebody of the users' table, with nothing that is for the registry
        alone: `Unauthenticated`, or `Denied`."""
        if principal.anonymous:
            raise refused()
        if not principal.uid:
            raise Denied(
                f"{principal.name} is a user of the registry alone, from its htpasswd file: sign "
                "in as one of the users' table."
            )
        if principal.limits.repositories:
            raise Denied(f"This API key is for {principal.limits.repositories} alone.")

    def check_whole(self, principal: Principal) -> None:
        """Raise as `check_person`, and `Denied` for an API key with limits: by one nobody can make
        another without, nor change a password."""
        self.check_person(principal)
        if principal.limits != UNLIMITED:
            raise Denied("An API key with limits changes no keys, users and sessions.")

    def check_project(self, principal: Principal, action: Action, project: str) -> None:
        """Raise unless the principal may do that in the hub, in the project of that uid or, for
        "", in the tenant: `Unauthenticated`, or `Denied`."""
        self.check_person(principal)
        if not principal.may(action, project):
            where = "in this project" if project else "here"
            raise _denied(principal, f"{_REFUSED[action]} {where}")

    def _verify_password(self, credential: bytes, given: Password, address: str) -> Principal:
        with self._verifying:
            known = self.recall(credential)
            if known:
                return known
            account = self.opens(given, address)
            self._remember(credential, account, lambda: self._accounts.named(given.name))
        return account.principal

    def _verify_key(self, credential: bytes, secret: str, address: str) -> Principal:
        hashed = keys.hash_of(secret)
        try:
            account = self._accounts.keyed(hashed)
        except Unauthenticated as error:
            self.refusals.tell(Way.KEY, error.message, address=address)
            raise
        if account is None or account.ended():
            reason = "there is no such API key, or its owner is disabled"
            self.refusals.tell(Way.KEY, reason, address=address)
            raise refused()
        self._touch(account, keys.touch)
        self._remember(credential, account, lambda: self._accounts.keyed(hashed))
        return account.principal

    def _verify_token(self, credential: bytes, text: str) -> Principal:
        claims = self._tokens.read(text)
        account = self._accounts.signed_in(claims.session)
        if account is None or account.principal.uid != claims.user_uid or account.ended():
            raise Unauthenticated("This session was ended: sign in again.")
        self._touch(account, sessions.touch)
        left = claims.expires - time.time()
        self._remember(credential, account, lambda: self._accounts.signed_in(claims.session), left)
        return account.principal

    def _verify_cookie(self, credential: bytes, text: str) -> Principal:
        uid, secret = sessions.split(text)
        account = self._accounts.signed_in(uid)
        if account is None or account.ended():
            raise Unauthenticated("This session was ended: sign in again.")
        if not hmac.compare_digest(account.hash, sessions.hash_of(secret)):
            raise refused()
        self._touch(account, sessions.touch)
        self._remember(credential, account, lambda: self._accounts.signed_in(uid))
        return account.principal

    def _touch(self, account: Account, touch: Callable[[Store, str], None]) -> None:
        """Note that a key or session is being used."""
        if account.used_at is None or now() - account.used_at >= _NOTED:
            self._note(account, lambda: touch(self._store, account.uid))

    def _note(self, account: Account, write: Callable[[], None]) -> None:
        """Nobody is kept out where it cannot be written that they were here."""
        try:
            write()
        except PackyardError as error:
            _log.warning("when %s was here is not noted: %s", account.principal, error.message)

    def _remember(
        self,
        credential: bytes,
        account: Account,
        find: Callable[[], Account | None],
        seconds: float = REMEMBERED,
    ) -> None:
        while len(self._proofs) >= _REMEMBERED_LIMIT:
            del self._proofs[next(iter(self._proofs))]
        digest = self._digest(credential)
        self._proofs.pop(digest, None)  # so that the order stays the order of age
        until = time.monotonic() + min(seconds, REMEMBERED)
        self._proofs[digest] = _Proof(account, find, until)

    def _digest(self, credential: bytes) -> bytes:
        return hashlib.blake2b(credential, digest_size=16, key=self._key).digest()


def _no_entry(account: Account | None) -> str:
    """Why the password of somebody did not let them in, for the log alone."""
    if account is None:
        return "there is nobody of that name"
    return "the password is wrong" if account.hash else "the user is disabled or has no password"


_REFUSED = {
    Action.PULL: "may not read",
    Action.PUSH: "may not change anything",
    Action.DELETE: "may not delete anything",
    Action.ADMIN: "is no administrator",
}


def _denied(principal: Principal, what: str) -> Denied | Unauthenticated:
    if principal.anonymous:
        return refused()
    return Denied(f"{principal.name} {what}: ask an administrator for the right.")
