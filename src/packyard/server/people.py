"""Work on people and secrets of a server's store from the command line (see `upkeep`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from sqlalchemy import select

from packyard.auth import passwords, users
from packyard.auth.principal import Role
from packyard.auth.tokens import Tokens
from packyard.auth.users import User
from packyard.config import load
from packyard.errors import ProjectUnknown
from packyard.hub.tables import projects
from packyard.server.folder import open_secrets
from packyard.server.pack_models import timestamp
from packyard.server.upkeep import own_store
from packyard.storage.store import Store


class Row(TypedDict):
    """A user as JSON: `projects` are roles by names of projects; "" is what there is not."""

    name: str
    uid: str
    email: str
    role: str
    projects: dict[str, str]
    disabled: bool
    signedInAt: str


def list_users(config_path: Path | None, environ: Mapping[str, str]) -> list[Row]:
    """By name."""
    with own_store(load(config_path, environ)) as store, store.read() as connection:
        known = connection.execute(select(projects.c.uid, projects.c.name))
        named = {row.uid: row.name for row in known}
        return [_row(user, named) for user in users.everybody(connection)]


def add_user(
    config_path: Path | None,
    environ: Mapping[str, str],
    name: str,
    *,
    email: str = "",
    role: str = "",
    password: str | None = None,
    with_password: bool = True,
) -> str | None:
    """The password, if it was made here. `role` is one of `Role`, or "" for none. Raises
    `Conflict` and `ParameterInvalid`."""
    made = passwords.generate() if with_password and password is None else None
    with own_store(load(config_path, environ)) as store:
        users.create(store, User(name=name, email=email, role=_role(role)), password or made)
    return made


def set_role(
    config_path: Path | None, environ: Mapping[str, str], name: str, role: str, project: str = ""
) -> None:
    """The role in the whole tenant, or in the project of that name. Raises `UserUnknown`,
    `ProjectUnknown`, and `Conflict` where no administrator would be left."""
    with own_store(load(config_path, environ)) as store:
        place, given = _project(store, project) if project else "", _role(role)

        def changed(user: User) -> User:
            if not place:
                return replace(user, role=given)
            others = {other: held for other, held in user.projects.items() if other != place}
            return replace(user, projects=others | ({place: given} if given else {}))

        users.change(store, _find(store, name).uid, changed)


def set_disabled(
    config_path: Path | None, environ: Mapping[str, str], name: str, *, disabled: bool
) -> None:
    with own_store(load(config_path, environ)) as store:
        user = _find(store, name)
        users.change(store, user.uid, lambda user: replace(user, disabled=disabled))


def remove_user(config_path: Path | None, environ: Mapping[str, str], name: str) -> None:
    with own_store(load(config_path, environ)) as store:
        users.remove(store, _find(store, name).uid)


def reset_password(
    config_path: Path | None, environ: Mapping[str, str], name: str, password: str | None = None
) -> str:
    """A new password for a user; the admin is made where there is none. See `auth.users`."""
    with own_store(load(config_path, environ)) as store:
        return users.reset_password(store, name, password)


def rotate_secrets(config_path: Path | None, environ: Mapping[str, str]) -> int:
    """Seal all secrets with another key, and sign with another one; how many secrets."""
    config = load(config_path, environ)
    with own_store(config) as store:
        secrets = open_secrets(config)
        count = secrets.rotate(store)
        Tokens(store, secrets).renew_key()
    return count


def reset_secrets(config_path: Path | None, environ: Mapping[str, str]) -> int:
    """Forget all secrets, because their key is lost; how many there were."""
    config = load(config_path, environ)
    with own_store(config) as store:
        return open_secrets(config).start_anew(store)


def _find(store: Store, name: str) -> User:
    with store.read() as connection:
        return users.by_name(connection, name)


def _project(store: Store, name: str) -> str:
    with store.read() as connection:
        uid = users.project_uid(connection, name)
    if uid is None:
        raise ProjectUnknown(f"There is no project {name}.")
    return uid


def _role(word: str) -> Role | None:
    return Role(word) if word else None


def _row(user: User, named: Mapping[str, str]) -> Row:
    roles = {named.get(uid, uid): role.value for uid, role in user.projects.items()}
    signed_in = user.signed_in_at
    return {
        "name": user.name,
        "uid": user.uid,
        "email": user.email,
        "role": user.role.value if user.role else "",
        "projects": roles,
        "disabled": user.disabled,
        "signedInAt": timestamp(signed_in) if signed_in else "",
    }
