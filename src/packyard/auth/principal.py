"""Who asks, and what they may do (design.md, "People"). Pure: rights follow from these values.

A project is named by its uid; "" stands for the tenant, which is the built-in registry too. What
the tenant holds is read in every project, so who has a role anywhere may read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from packyard.errors import ParameterInvalid

PATTERN_LIMIT = 255  # characters


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


ALL_ACTIONS = frozenset(Action)
_ALLOWED = {
    Role.VIEWER: frozenset({Action.PULL}),
    Role.EDITOR: frozenset({Action.PULL, Action.PUSH}),
    Role.ADMIN: ALL_ACTIONS,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What an API key leaves of its owner's rights; empty texts leave all.

    `repositories` is a pattern (`reaches`); a key that has one is for the registry alone. A key
    with a `project` acts in that one, and reads what all projects share.
    """

    actions: frozenset[Action] = ALL_ACTIONS
    repositories: str = ""
    project: str = ""


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class Principal:
    """`role` is tenant-wide, `projects` the roles in single projects by their uids.

    An empty name is somebody who did not sign in. `uid` is that of a row in the users' table;
    people of an htpasswd file have none, and of those the writers may delete.
    """

    name: str
    role: Role | None
    deletes: bool = False
    uid: str = ""
    projects: Mapping[str, Role] = field(default_factory=dict)
    limits: Limits = UNLIMITED
    key: str = ""  # the name of the API key that was used
    session: str = ""  # the uid of the session that was used

    @property
    def anonymous(self) -> bool:
        return not self.name

    def __str__(self) -> str:
        """As the audit names them."""
        return f"{self.name} with the API key {self.key}" if self.key else self.name

    def may(self, action: Action, project: str = "") -> bool:
        """Whether the roles, and the key if one was used, allow it there."""
        if action not in self.limits.actions or not self._acts_in(project, action):
            return False
        if self.deletes and action is Action.DELETE:
            return True
        if not project and action is Action.PULL:
            return self.role is not None or bool(self.projects)
        return any(action in _ALLOWED[role] for role in self._roles(project))

    def role_in(self, project: str = "") -> Role | None:
        """The strongest role of which everything is allowed there: less than was given to the
        person where a key with limits is used."""
        strongest = (role for role in reversed(Role) if all(self._each(role, project)))
        return next(strongest, None)

    def reaches(self, repository: str) -> bool:
        """Whether the key, if one was used, is for this repository."""
        pattern = self.limits.repositories
        return not pattern or matches(pattern, repository)

    def _each(self, role: Role, project: str) -> Iterator[bool]:
        return (self.may(action, project) for action in _ALLOWED[role])

    def _acts_in(self, project: str, action: Action) -> bool:
        only = self.limits.project
        return not only or project == only or (not project and action is Action.PULL)

    def _roles(self, project: str) -> list[Role]:
        held = (self.role, self.projects.get(project) if project else None)
        return [role for role in held if role]


ANONYMOUS = Principal("", Role.VIEWER)


def parse_pattern(text: str) -> str:
    """A pattern of repositories: `*` stands for any text within a segment, `**` for any at all.

    Raises `ParameterInvalid`.
    """
    if len(text) > PATTERN_LIMIT or not re.fullmatch(r"[a-z0-9._/*-]+", text):
        raise ParameterInvalid(
            f"{text[:PATTERN_LIMIT]!r} is no pattern of repositories: 1 to {PATTERN_LIMIT} "
            "characters as names of repositories have them, * for any text within a segment, ** "
            "for any at all, such as team/**."
        )
    return text


@lru_cache(4096)
def matches(pattern: str, repository: str) -> bool:
    """Whether the name is of that pattern, in time proportional to both at worst."""
    words = re.findall(r"\*\*+|.", pattern)

    def onwards(place: int) -> set[int]:
        """Places of the pattern that can come next, wildcards being empty."""
        found = {place}
        while place < len(words) and words[place][0] == "*":
            place += 1
            found.add(place)
        return found

    places = onwards(0)
    for letter in repository:
        following: set[int] = set()
        for place in places:
            word = words[place] if place < len(words) else ""
            if word == letter:
                following |= onwards(place + 1)
            elif word.startswith("**") or (word == "*" and letter != "/"):
                following |= onwards(place)
        places = following
    return len(words) in places
