"""API keys: each person's own, and everybody's for administrators."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field
from sqlalchemy import Connection

from packyard.auth import keys, users
from packyard.auth.keys import Key
from packyard.auth.principal import ALL_ACTIONS, Action, Limits, Principal
from packyard.auth.users import User
from packyard.errors import Denied, KeyUnknown
from packyard.server.hub.forms import (
    Form,
    Meta,
    Named,
    Owner,
    private_router,
    read_time,
)
from packyard.server.pack_models import timestamp
from packyard.server.packs import Wired
from packyard.server.parts import Parts

router = private_router("/v1/apiKeys", "API keys")


class KeyUser(Form):
    uid: str
    first_name: str
    last_name: str


class KeySpec(Form):
    user: KeyUser
    expiry: str | None = None
    actions: list[str] = Field(description="Of pull, push, delete, admin; empty for all.")
    repositories: str = Field(description="A pattern; empty for all.")
    project_uid: str = Field(description="The only project it acts in; empty for all.")


class KeyStatus(Form):
    is_active: bool
    last_used: str | None = None


class KeyModel(Form):
    metadata: Meta
    spec: KeySpec
    status: KeyStatus

    @classmethod
    def of(cls, key: Key, owner: User) -> KeyModel:
        limits = key.limits
        actions = [] if limits.actions == ALL_ACTIONS else sorted(limits.actions)
        return cls(
            metadata=Meta(
                uid=key.uid,
                name=key.name,
                creation_timestamp=timestamp(key.created_at),
                last_modified_timestamp=timestamp(key.changed_at),
            ),
            spec=KeySpec(
                user=KeyUser(uid=owner.uid, first_name=owner.first_name, last_name=owner.last_name),
                expiry=timestamp(key.expires_at or 0) or None,
                actions=list(actions),
                repositories=limits.repositories,
                project_uid=limits.project,
            ),
            status=KeyStatus(is_active=key.active, last_used=timestamp(key.used_at or 0) or None),
        )


class Keys(Form):
    items: list[KeyModel]


class NewKeySpec(Form):
    expiry: str | None = None
    user_uid: str | None = None
    actions: list[str] | None = None
    repositories: str | None = None
    project_uid: str | None = None


class NewKey(Form):
    metadata: Named | None = None
    spec: NewKeySpec | None = None


class MadeKey(Form):
    api_key: str = Field(description="Shown now and never again.")
    uid: str


class ChangedKeySpec(Form):
    expiry: str | None = None


class ChangedKey(Form):
    metadata: Named | None = None
    spec: ChangedKeySpec | None = None


class KeyState(Form):
    is_active: bool | None = None


@router.get("", response_model_exclude_none=True)
def list_keys(parts: Wired, owner: Owner) -> Keys:
    """Own keys, oldest first; for administrators everybody's."""
    with parts.store.read() as connection:
        whose = None if owner.may(Action.ADMIN) else owner.uid
        found = keys.of_user(connection, whose)
        owners = {user.uid: user for user in users.everybody(connection)}
    return Keys(items=[KeyModel.of(key, owners[key.user_uid]) for key in found])


@router.post("", status_code=201)
def create_key(parts: Wired, owner: Owner, new: NewKey) -> MadeKey:
    """Make a key; administrators may make one for somebody else."""
    spec = new.spec or NewKeySpec()
    whose = spec.user_uid or owner.uid
    if whose != owner.uid and not owner.may(Action.ADMIN):
        raise Denied("Only an administrator makes API keys for others.")
    key = Key(
        name=(new.metadata.name if new.metadata else None) or "",
        user_uid=whose,
        limits=Limits(
            keys.parse_actions(spec.actions or []),
            spec.repositories or "",
            spec.project_uid or "",
        ),
        expires_at=read_time(spec.expiry, "spec.expiry"),
    )
    return MadeKey(api_key=keys.create(parts.store, key), uid=key.uid)


@router.get("/{uid}", response_model_exclude_none=True)
def get_key(parts: Wired, owner: Owner, uid: str) -> KeyModel:
    with parts.store.read() as connection:
        key = _own(connection, owner, uid)
        return KeyModel.of(key, users.by_uid(connection, key.user_uid))


@router.put("/{uid}", status_code=204)
def change_key(parts: Wired, owner: Owner, uid: str, new: ChangedKey) -> None:
    """Another name or expiry; what is absent stays. A key without end has the zero date, or ""."""
    name = new.metadata.name if new.metadata else None
    expiry = new.spec.expiry if new.spec else None
    expires_at = read_time(expiry, "spec.expiry")

    def changed(key: Key) -> Key:
        until = key.expires_at if expiry is None else expires_at
        return replace(key, name=name or key.name, expires_at=until)

    keys.change(parts.store, _found(parts, owner, uid).uid, changed)


@router.delete("/{uid}", status_code=204)
def delete_key(parts: Wired, owner: Owner, uid: str) -> None:
    """Revoke a key for good."""
    keys.remove(parts.store, _found(parts, owner, uid).uid)


@router.patch("/{uid}", status_code=204)
@router.put("/{uid}/state", status_code=204)
def set_state(parts: Wired, owner: Owner, uid: str, state: KeyState) -> None:
    """Activate a key, or let it rest."""
    key, active = _found(parts, owner, uid), state.is_active
    if active is not None:
        keys.change(parts.store, key.uid, lambda key: replace(key, active=active))


def _found(parts: Parts, person: Principal, uid: str) -> Key:
    with parts.store.read() as connection:
        return _own(connection, person, uid)


def _own(connection: Connection, person: Principal, uid: str) -> Key:
    """Raises `KeyUnknown` for another one's key, too, unless an administrator asks."""
    key = keys.by_uid(connection, uid)
    if key.user_uid != person.uid and not person.may(Action.ADMIN):
        raise KeyUnknown(f"There is no API key with the uid {uid[:255]}.")
    return key
