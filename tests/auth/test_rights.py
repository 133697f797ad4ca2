"""Each answer of the policy equals a plain model of the rights, over random people and keys."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from packyard.auth import keys, sessions, tables, users
from packyard.auth.keys import Key
from packyard.auth.policy import Policy
from packyard.auth.principal import ALL_ACTIONS, UNLIMITED, Action, Limits, Role, matches
from packyard.auth.tokens import Tokens
from packyard.auth.users import User
from packyard.errors import Denied, TooManyRequests, Unauthenticated
from packyard.hub.tables import projects
from packyard.storage.store import Store
from tests.auth.people import basic, make_policy, make_tokens
from tests.migrated import open_migrated
from tests.rounds import rounds

PROJECTS = ("a" * 24, "b" * 24)
REPOSITORIES = ("team/app", "team/deep/app", "other/app", "spectro-packs/archive/nginx")
# Pattern, and the repositories of those above that it is for, written out by hand.
PATTERNS = {
    "": set(REPOSITORIES),
    "team/*": {"team/app"},
    "team/**": {"team/app", "team/deep/app"},
    "**/app": {"team/app", "team/deep/app", "other/app"},
    "spectro-packs/archive/n*": {"spectro-packs/archive/nginx"},
    "none": set(),
}
VIEWER, EDITOR, ADMIN = {Action.PULL}, {Action.PULL, Action.PUSH}, set(Action)
RIGHTS = {None: set(), Role.VIEWER: VIEWER, Role.EDITOR: EDITOR, Role.ADMIN: ADMIN}

roles = st.sampled_from([None, *Role])


@dataclass
class Holder:
    """Somebody of the model with what they hold: their password, or a key with its limits."""

    user: User
    limits: Limits = UNLIMITED
    good: bool = True

    def may(self, action: Action, project: str, repository: str) -> bool:
        """The rights in words: the key allows the action, the place and the repository; and a role
        there allows the action, or it is reading what everybody with any role may read."""
        if self.user.disabled or not self.good:
            return False
        if action not in self.limits.actions:
            return False
        if repository and repository not in PATTERNS[self.limits.repositories]:
            return False
        beyond = self.limits.project and project != self.limits.project
        if beyond and (project or action is not Action.PULL):
            return False
        held = RIGHTS[self.user.role] | RIGHTS[self.user.projects.get(project)]
        anywhere = bool(self.user.role or self.user.projects)
        return action in held or (action is Action.PULL and not project and anywhere)


@st.composite
def people(draw: st.DrawFn) -> list[Holder]:
    """Some users, each with some keys; a few of both are of no use."""
    holders = []
    for number in range(draw(st.integers(1, 3))):
        inside = {project: draw(roles) for project in PROJECTS}
        user = User(
            name=f"user-{number}",
            role=draw(roles),
            projects={project: role for project, role in inside.items() if role},
            disabled=draw(st.integers(0, 4)) == 0,
        )
        holders.append(Holder(user))
        for _ in range(draw(st.integers(0, 2))):
            some = draw(st.frozensets(st.sampled_from(Action), min_size=1))
            limits = Limits(
                draw(st.sampled_from([some, ALL_ACTIONS])),
                draw(st.sampled_from(list(PATTERNS))),
                draw(st.sampled_from(["", *PROJECTS])),
            )
            holders.append(Holder(user, limits, good=draw(st.integers(0, 4)) > 0))
    return holders


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Tokens]]:
    store = open_migrated(tmp_path_factory.mktemp("rights") / "data")
    with store.write() as tx:
        for uid in PROJECTS:
            texts = {"labels": {}, "annotations": {}, "created_at": 0, "changed_at": 0}
            tx.connection.execute(insert(projects).values(uid=uid, name=uid, **texts))
    yield store, make_tokens(store)
    store.close()


def enter(store: Store, tokens: Tokens, holders: list[Holder]) -> list[tuple[Holder, bytes]]:
    """Put the people of the model into the tables; with each credential who holds it."""
    found: list[tuple[Holder, bytes]] = []
    made: dict[str, User] = {}
    for number, holder in enumerate(holders):
        name = holder.user.name
        if name not in made:
            made[name] = users.create(store, replace(holder.user, disabled=False), "a secret")
        uid = made[name].uid
        if holder.limits is UNLIMITED:
            with store.write() as tx:
                session, cookie = sessions.begin(tx, uid, "", "")
            found.append((holder, basic(name, "a secret")))
            found.append((holder, b"Cookie " + cookie.encode()))
            found.append((holder, tokens.issue(uid, session.uid, 1).encode()))
        else:
            key = Key(name=f"key {number}", user_uid=uid, limits=holder.limits)
            found.append((holder, b"ApiKey " + keys.create(store, key).encode()))
            if not holder.good:
                keys.change(store, key.uid, lambda key: replace(key, active=False))
    users.create(store, User(name="root", role=Role.ADMIN))
    for holder in holders:
        if holder.user.disabled:
            users.change(
                store, made[holder.user.name].uid, lambda user: replace(user, disabled=True)
            )
    return found


def answers(policy: Policy, credential: bytes, action: Action, project: str, repo: str) -> bool:
    try:
        principal = policy.recall(credential) or policy.verify(credential)
        if repo:
            policy.check(principal, action, repo)
        else:
            policy.check_project(principal, action, project)
    except (Denied, Unauthenticated, TooManyRequests):
        return False
    return True


def compare(asked: tuple[Store, Tokens], holders: list[Holder]) -> None:
    store, tokens = asked
    with store.write() as tx:
        tx.connection.execute(tables.users.delete())
        tx.connection.execute(tables.tries.delete())
    policy = make_policy(store, tokens=tokens)
    for holder, credential in enter(store, tokens, holders):
        for action in Action:
            for repository in REPOSITORIES:
                expected = holder.may(action, "", repository)
                assert answers(policy, credential, action, "", repository) == expected
            for project in ("", *PROJECTS):
                narrowed = bool(holder.limits.repositories)
                expected = not narrowed and holder.may(action, project, "")
                assert answers(policy, credential, action, project, "") == expected


@settings(max_examples=25)
@given(people())
def test_each_answer_is_that_of_the_model(
    asked: tuple[Store, Tokens], holders: list[Holder]
) -> None:
    compare(asked, holders)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_each_answer_is_that_of_the_model_at_length(asked: tuple[Store, Tokens]) -> None:
    for number in rounds(minutes=5):

        @seed(number)
        @settings(max_examples=20, derandomize=False, database=None)
        @given(people())
        def attempt(holders: list[Holder]) -> None:
            compare(asked, holders)

        attempt()


@given(
    st.lists(st.sampled_from(["*", "**", "a", "b", "/", "ab", "a/b"]), min_size=1).map("".join),
    st.lists(st.sampled_from(["a", "b", "/", "ab"]), min_size=1).map("".join),
)
def test_patterns_match_as_their_expressions_do(pattern: str, name: str) -> None:
    words = re.findall(r"\*\*+|.", pattern)
    meanings = {"*": "[^/]*"}
    said = "".join(meanings.get(w, ".*" if w[0] == "*" else re.escape(w)) for w in words)
    assert matches(pattern, name) == (re.fullmatch(said, name) is not None)


def test_a_pattern_made_to_take_for_ever_does_not() -> None:
    began = time.process_time()
    assert not matches("*a" * 120 + "b", "a" * 255)
    assert time.process_time() - began < 1
