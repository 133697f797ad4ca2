"""Users: everybody's own, all of them for administrators; one's own path is ours, `/v1/users/me`.

The published API knows users by uid roles; here a role is a word, for the tenant and per project.
"""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request
from pydantic import Field

from packyard.auth import sessions, users
from packyard.auth.credentials import Password
from packyard.auth.principal import ALL_ACTIONS, UNLIMITED, Action, Role
from packyard.auth.users import User
from packyard.errors import ParameterInvalid
from packyard.hub import projects
from packyard.server.forwarded import remote
from packyard.server.hub.forms import (
    Admin,
    Form,
    Meta,
    Named,
    Owner,
    Person,
    Uid,
    private_router,
)
from packyard.server.pack_models import timestamp
from packyard.server.packs import Wired
from packyard.server.parts import Parts

router = private_router("/v1/users", "users")


class ProjectRole(Form):
    project_uid: str
    role: Role


class UserSpec(Form):
    email_id: str
    first_name: str
    last_name: str
    role: Role | None = Field(description="In the whole tenant; null for none.")
    project_roles: list[ProjectRole]


class KeyInUse(Form):
    name: str
    actions: list[Action] = Field(description="That it leaves of its owner's; empty for all.")
    project_uid: str = Field(description="The only project it acts in; empty for all.")


class UserStatus(Form):
    is_active: bool
    has_password: bool = Field(description="Whether they can sign in here, not only elsewhere.")
    last_sign_in: str | None = None


class UserModel(Form):
    metadata: Meta
    spec: UserSpec
    status: UserStatus

    @classmethod
    def of(cls, user: User) -> UserModel:
        return cls(
            metadata=Meta(
                uid=user.uid,
                name=user.name,
                creation_timestamp=timestamp(user.created_at),
                last_modified_timestamp=timestamp(user.changed_at),
            ),
            spec=UserSpec(
                email_id=user.email,
                first_name=user.first_name,
                last_name=user.last_name,
                role=user.role,
                project_roles=[
                    ProjectRole(project_uid=uid, role=role)
                    for uid, role in sorted(user.projects.items())
                ],
            ),
            status=UserStatus(
                is_active=not user.disabled,
                has_password=bool(user.password_hash),
                last_sign_in=timestamp(user.signed_in_at or 0) or None,
            ),
        )


class OwnStatus(UserStatus):
    api_key: KeyInUse | None = Field(description="By which this was asked; null for none.")


class OwnModel(UserModel):
    status: OwnStatus


class Users(Form):
    items: list[UserModel]


class UserInfo(Form):
    org_name: str
    tenant_uid: str
    user_uid: str


class UserTexts(Form):
    email_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class NewUserSpec(UserTexts):
    role: Role | None = None
    project_roles: list[ProjectRole] | None = None
    password: str | None = Field(default=None, description="Absent for who signs in elsewhere.")


class NewUser(Form):
    metadata: Named
    spec: NewUserSpec | None = None


class ChangedUser(Form):
    metadata: Named | None = None
    spec: UserTexts | None = None


class Roles(Form):
    role: Role | None = None
    project_roles: list[ProjectRole] | None = None


class UserState(Form):
    is_active: bool


class NewPassword(Form):
    password: str = Field(description="8 characters at least, 72 bytes at most.")


class OwnPassword(Form):
    current_password: str
    new_password: str = Field(description="8 characters at least, 72 bytes at most.")


@router.get("/info")
def info(parts: Wired, person: Person) -> UserInfo:
    """Which tenant this is, and who asks."""
    with parts.store.read() as connection:
        tenant = projects.tenant(connection)
    return UserInfo(org_name=tenant.name, tenant_uid=tenant.uid, user_uid=person.uid)


@router.get("/me")
def me(parts: Wired, person: Person) -> OwnModel:
    """Who asks, with their roles; by an API key with limits, with what it leaves of these."""
    found, limits = _find(parts, person.uid), person.limits
    if limits != UNLIMITED:
        inside = [limits.project] if limits.project else list(found.projects)
        held = {uid: role for uid in inside if (role := person.role_in(uid))}
        found = replace(found, role=person.role_in() if found.role else None, projects=held)
    actions = [] if limits.actions == ALL_ACTIONS else sorted(limits.actions)
    key = KeyInUse(name=person.key, actions=actions, project_uid=limits.project)
    told = UserModel.of(found)
    status = OwnStatus(**dict(told.status), api_key=key if person.key else None)
    return OwnModel(metadata=told.metadata, spec=told.spec, status=status)


@router.patch("/me/password", status_code=204)
async def change_own_password(
    request: Request, parts: Wired, owner: Owner, new: OwnPassword
) -> None:
    """One's own password, with the one so far; ends all of one's sessions."""
    address = remote(request.scope, parts.settings)

    def change() -> None:
        given = Password(owner.name, new.current_password.encode(errors="replace"))
        parts.policy.opens(given, address)
        users.set_password(parts.store, owner.uid, new.new_password)

    await parts.verifying.take(address, (owner.uid, new.current_password), change)


@router.get("")
def list_users(parts: Wired, _admin: Admin) -> Users:
    """By name."""
    with parts.store.read() as connection:
        return Users(items=[UserModel.of(user) for user in users.everybody(connection)])


@router.post("", status_code=201)
def create_user(parts: Wired, _admin: Admin, new: NewUser) -> Uid:
    spec = new.spec or NewUserSpec()
    user = User(
        name=new.metadata.name or "",
        email=spec.email_id or "",
        first_name=spec.first_name or "",
        last_name=spec.last_name or "",
        role=spec.role,
        projects=_by_project(spec.project_roles),
    )
    users.create(parts.store, user, spec.password or None)
    return Uid(uid=user.uid)


@router.get("/{uid}")
def get_user(parts: Wired, _admin: Admin, uid: str) -> UserModel:
    return UserModel.of(_find(parts, uid))


@router.put("/{uid}", status_code=204)
def change_user(parts: Wired, _admin: Admin, uid: str, new: ChangedUser) -> None:
    """Name, address and the like; what is absent stays."""
    spec, name = new.spec or UserTexts(), new.metadata.name if new.metadata else None

    def changed(user: User) -> User:
        return replace(
            user,
            name=name or user.name,
            email=user.email if spec.email_id is None else spec.email_id,
            first_name=user.first_name if spec.first_name is None else spec.first_name,
            last_name=user.last_name if spec.last_name is None else spec.last_name,
        )

    users.change(parts.store, uid, changed)


@router.put("/{uid}/roles", status_code=204)
def set_roles(parts: Wired, _admin: Admin, uid: str, roles: Roles) -> None:
    """All roles of a user, in the tenant and in projects."""
    projects = _by_project(roles.project_roles)
    users.change(parts.store, uid, lambda user: replace(user, role=roles.role, projects=projects))


@router.patch("/{uid}/status", status_code=204)
def set_status(parts: Wired, _admin: Admin, uid: str, state: UserState) -> None:
    """Let nothing of a user open anything, or let them in again."""
    users.change(parts.store, uid, lambda user: replace(user, disabled=not state.is_active))


@router.patch("/{uid}/password", status_code=204)
def set_password(parts: Wired, _admin: Admin, uid: str, new: NewPassword) -> None:
    """Another password for a user; ends all of the user's sessions."""
    users.set_password(parts.store, uid, new.password)


@router.delete("/{uid}/sessions", status_code=204)
def end_sessions(parts: Wired, _admin: Admin, uid: str) -> None:
    """Sign a user out everywhere."""
    sessions.end_all(parts.store, _find(parts, uid).uid)


@router.delete("/{uid}", status_code=204)
def delete_user(parts: Wired, _admin: Admin, uid: str) -> None:
    """Take a user away, with roles, API keys and sessions."""
    users.remove(parts.store, uid)


def _find(parts: Parts, uid: str) -> User:
    with parts.store.read() as connection:
        return users.by_uid(connection, uid)


def _by_project(roles: list[ProjectRole] | None) -> dict[str, Role]:
    """Raises `ParameterInvalid` where a project is named twice."""
    given = roles or []
    found = {item.project_uid: item.role for item in given}
    if len(found) < len(given):
        raise ParameterInvalid("projectRoles names a project twice.")
    return found
