"""Who asks, and what they may do (design.md, "People")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"
    ADMIN = "admin"


class Role(StrEnum):
    """A viewer pulls, an editor pushes and tags too, an admin may do everything."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


_ALLOWED = {
    Role.VIEWER: frozenset({Action.PULL}),
    Role.EDITOR: frozenset({Action.PULL, Action.PUSH}),
    Role.ADMIN: frozenset(Action),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """An empty name is somebody who did not sign in. Writers of an htpasswd file may delete."""

    name: str
    role: Role
    deletes: bool = False

    @property
    def anonymous(self) -> bool:
        return not self.name

    def may(self, action: Action) -> bool:
        return action in _ALLOWED[self.role] or (self.deletes and action is Action.DELETE)


ANONYMOUS = Principal("", Role.VIEWER)
