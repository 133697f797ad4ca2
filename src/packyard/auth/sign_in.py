"""Signing in: a password or an identity becomes a session, with its token and cookie.

People of an OpenID provider become users at their first sign-in, if their groups or the default
give them a role; one whom nobody gave a role is not let in, so that strangers of a public provider
leave no rows. Where groups are mapped to roles the provider decides: at each sign-in the roles are
those of the groups, and others end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, exists, insert, select

from packyard.auth import sessions, users
from packyard.auth.accounts import Account
from packyard.auth.credentials import Password, refused
from packyard.auth.oidc import Identity
from packyard.auth.policy import Policy
from packyard.auth.principal import Role
from packyard.auth.refusals import Way
from packyard.auth.sessions import Session
from packyard.auth.tables import identities
from packyard.auth.tokens import Tokens
from packyard.auth.users import User
from packyard.errors import Conflict, Denied, Unauthenticated
from packyard.storage.audit import ORIGIN, Act
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

_LONGEST = 1024  # bytes of a password; longer ones are not looked at


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` and `cookie` are for whoever signed in alone; a renewed session keeps its cookie."""

    user: User
    session: Session
    token: str = field(repr=False)
    cookie: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Roles by groups of the provider: in the tenant, and in projects by their names.

    `default` is for everybody who signs in there.
    """

    tenant: Mapping[str, Role] = field(default_factory=dict)
    projects: Mapping[str, Mapping[str, Role]] = field(default_factory=dict)
    default: Role | None = None

    @property
    def decide(self) -> bool:
        """Whether roles follow the groups at each sign-in."""
        return bool(self.tenant or self.projects)

    def of(self, groups: frozenset[str]) -> tuple[Role | None, dict[str, Role]]:
        """The strongest role in the tenant, and in each project by its name."""
        held = [self.default, *(self.tenant.get(group) for group in groups)]
        inside: dict[str, Role] = {}
        for group in groups:
            for project, role in self.projects.get(group, {}).items():
                strongest = _strongest([inside.get(project), role])
                inside |= {project: strongest} if strongest else {}
        return _strongest(held), inside


class SignIn:
    def __init__(self, store: Store, policy: Policy, tokens: Tokens) -> None:
        self._store = store
        self._policy = policy
        self._tokens = tokens

    def by_password(self, name: str, password: str, address: str, agent: str = "") -> SignedIn:
        """By name or e-mail address. Blocks as `Policy.opens`; raises as that, and `Denied` for
        people of an htpasswd file, who are users of the registry alone."""
        given = password.encode(errors="replace")
        if not 0 < len(given) <= _LONGEST:
            reason = f"the password has {len(given)} bytes"
            self._policy.refusals.tell(Way.PASSWORD, reason, name=name, address=address)
            raise refused()
        account = self._policy.opens(Password(name, given), address)
        uid = account.principal.uid
        if not uid:
            raise Denied(
                f"{account.principal.name} is a user of the registry alone, from its htpasswd file."
            )
        with self._store.write() as tx:
            user = _still(tx.connection, account)
            session, cookie = _begin(tx, user, address, agent)
        return self._signed_in(user, session, cookie)

    def by_identity(
        self, identity: Identity, grants: Grants, address: str, agent: str = ""
    ) -> SignedIn:
        """Raises `Denied` for somebody without any role and for who is disabled, `Conflict` where
        another user has the name."""
        cookie = ""
        with self._store.write() as tx:
            user = _enter(tx, identity, grants, self._policy)
            if user and not user.disabled and (user.role or user.projects):
                session, cookie = _begin(tx, user, address, agent)
        if user is None or user.disabled or not (user.role or user.projects):
            reason = "the user is disabled" if user and user.disabled else "nobody gave them a role"
            self._policy.refusals.tell(Way.OPENID, reason, name=identity.name, address=address)
        if user is None or not (user.role or user.projects):
            raise Denied(
                f"{identity.name} has no role here: none of the groups that the OpenID provider "
                "tells is named in auth.oidc, and no administrator gave one."
            )
        if user.disabled:
            raise Denied(f"{user.name} is disabled here: ask an administrator.")
        return self._signed_in(user, session, cookie)

    def renew(self, token: str) -> SignedIn:
        """Another token for the session of this one, which is then used up.

        Raises `Unauthenticated`; also, and ends the session, for a token that was renewed before.
        """
        claims = self._tokens.read(token)
        with self._store.write() as tx:
            session = sessions.renew(tx, claims.session, claims.number)
            user = users.by_uid(tx.connection, session.user_uid) if session else None
        if session is None or user is None or user.disabled or user.uid != claims.user_uid:
            raise Unauthenticated("This session was ended: sign in again.")
        return self._signed_in(user, session)

    def _signed_in(self, user: User, session: Session, cookie: str = "") -> SignedIn:
        token = self._tokens.issue(user.uid, session.uid, session.number)
        return SignedIn(user, session, token, cookie)


def _begin(tx: Transaction, user: User, address: str, agent: str) -> tuple[Session, str]:
    """As `sessions.begin`, in the audit put down to the user, whom it is known to be from here."""
    origin = ORIGIN.set(replace(ORIGIN.get(), actor=user.name, uid=user.uid))
    try:
        return sessions.begin(tx, user.uid, address, agent)
    finally:
        ORIGIN.reset(origin)


def _still(connection: Connection, account: Account) -> User:
    """The user, unless disabled, gone or with another password since that one was verified."""
    user = users.find(connection, account.principal.name)
    if user is None or user.disabled or user.password_hash != account.hash:
        raise refused()
    return user


def _enter(tx: Transaction, identity: Identity, grants: Grants, policy: Policy) -> User | None:
    """The user of this identity, as the provider tells now; a new one only with a role."""
    role, inside = grants.of(identity.groups)
    found = {users.project_uid(tx.connection, name): held for name, held in inside.items()}
    projects = {uid: held for uid, held in found.items() if uid}
    standing = _known(tx, identity)
    if standing is None:
        if not (role or projects):
            return None
        if policy.is_filed(_name(identity)):
            raise _taken(f"There is a user {_name(identity)} in the htpasswd file.")
        return _add(tx, identity, role, projects)
    user = replace(
        standing,
        email=_free_email(tx.connection, identity) or standing.email,
        first_name=identity.first_name or standing.first_name,
        last_name=identity.last_name or standing.last_name,
    )
    if grants.decide:
        user = replace(user, role=role, projects=projects)
    users.put(tx, user)
    return user


def _known(tx: Transaction, identity: Identity) -> User | None:
    """The user that has this identity; else one without password and identity, made beforehand
    with the address that the provider verified, who has it from now on."""
    mine = (identities.c.issuer == identity.issuer) & (identities.c.subject == identity.subject)
    uid = tx.connection.scalar(select(identities.c.user_uid).where(mine))
    if uid:
        return users.by_uid(tx.connection, uid)
    waiting = users.find(tx.connection, identity.email) if identity.email else None
    if waiting is None or waiting.password_hash or waiting.email != users.address(identity.email):
        return None
    if tx.connection.scalar(select(exists().where(identities.c.user_uid == waiting.uid))):
        return None
    _link(tx, identity, waiting)
    return waiting


def _add(
    tx: Transaction, identity: Identity, role: Role | None, projects: Mapping[str, Role]
) -> User:
    user = User(
        name=_name(identity),
        email=_free_email(tx.connection, identity),
        first_name=identity.first_name,
        last_name=identity.last_name,
        role=role,
        projects=projects,
    )
    try:
        users.add(tx, user)
    except Conflict as error:
        raise _taken(error.message) from None
    _link(tx, identity, user)
    return user


def _name(identity: Identity) -> str:
    return identity.name.replace(":", "-")


def _taken(reason: str) -> Conflict:
    return Conflict(
        f"{reason} If that is the same person, an administrator can replace it by a user without "
        "password that has the e-mail address which the provider tells."
    )


def _link(tx: Transaction, identity: Identity, user: User) -> None:
    values = {"issuer": identity.issuer, "subject": identity.subject, "user_uid": user.uid}
    tx.connection.execute(insert(identities).values(values))
    message = f"{user.name} signed in at {identity.issuer} for the first time"
    tx.record(Act.ACTION, users.KIND, user.uid, user.name, message)


def _free_email(connection: Connection, identity: Identity) -> str:
    """The address that the provider verified, unless somebody has it already."""
    taken = identity.email and users.find(connection, identity.email)
    return "" if taken else identity.email


def _strongest(roles: list[Role | None]) -> Role | None:
    return max((role for role in roles if role), key=list(Role).index, default=None)
