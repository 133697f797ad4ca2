"""Over HTTP, too, each answer equals the plain model of the rights (`tests.auth.test_rights`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, seed, settings

from packyard.auth.principal import ALL_ACTIONS, UNLIMITED, Action
from tests.auth.test_rights import PROJECTS, REPOSITORIES, Holder, people
from tests.rounds import rounds
from tests.server.hub.conftest import Caller
from tests.server.hub.test_projects import make, profile


@dataclass(frozen=True)
class Attempt:
    """`place` is a project of the model, "" the tenant; `done` the status where it is allowed."""

    method: str
    path: str
    action: Action
    place: str
    done: int
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()
    hidden: bool = True  # who may not read there is told that it does not exist

    def expected(self, holder: Holder) -> int:
        if not holder.good or holder.user.disabled:
            return 401
        if holder.limits.repositories:
            return 403
        if self.hidden and not holder.may(Action.PULL, self.place, ""):
            return 404
        return self.done if holder.may(self.action, self.place, "") else 403


@dataclass(frozen=True)
class World:
    uids: dict[str, str]  # of the projects of the model
    attempts: list[Attempt]


@pytest.fixture(scope="module")
def world(admin: Caller) -> World:
    uids = {name: make(admin, f"Project {name[0]}") for name in PROJECTS}
    tenant = admin("GET", "/v1/users/info").json()["tenantUid"]
    return World(uids, list(attempts(admin, {"": "", **uids}, tenant)))


def attempts(admin: Caller, uids: dict[str, str], tenant: str) -> Iterator[Attempt]:
    none: dict[str, list[str]] = {"macros": []}
    for place, uid in uids.items():
        scope = {"ProjectUid": uid} if uid else {}
        made = admin("POST", "/v1/clusterprofiles", profile(f"of {uid or 'all'}"), headers=scope)
        path = f"/v1/clusterprofiles/{made.json()['uid']}"
        yield Attempt("GET", path, Action.PULL, place, 200)
        yield Attempt("GET", path, Action.PULL, place, 200, headers=tuple(scope.items()))
        yield Attempt("PUT", f"{path}/variables", Action.PUSH, place, 204, {"variables": None})
        owner = f"/v1/projects/{uid}" if uid else f"/v1/tenants/{tenant}"
        hidden = bool(uid)
        macros = f"{owner}/macros"
        yield Attempt("GET", macros, Action.PULL, place, 200, hidden=hidden)
        yield Attempt("PUT", macros, Action.PUSH, place, 204, none, hidden=hidden)
        yield Attempt("DELETE", macros, Action.PUSH, place, 204, none, hidden=hidden)
        wrong = {"metadata": {"name": " "}}  # so that nothing comes of it
        profiles, headers = "/v1/clusterprofiles", tuple(scope.items())
        yield Attempt("POST", profiles, Action.PUSH, place, 422, wrong, headers, hidden)
        if uid:
            named = {"metadata": {"name": f"Project {place[0]}"}}
            yield Attempt("GET", owner, Action.PULL, place, 200)
            yield Attempt("PUT", owner, Action.ADMIN, place, 204, named)
        else:
            yield Attempt("POST", "/v1/projects", Action.ADMIN, place, 400, wrong, hidden=False)


def test_each_answer_equals_the_model(admin: Caller, world: World) -> None:
    @settings(max_examples=3)
    @given(people())
    def attempt(holders: list[Holder]) -> None:
        compare(admin, world, holders)

    attempt()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_each_answer_equals_the_model_for_long(admin: Caller, world: World) -> None:
    for number in rounds(minutes=8):

        @seed(number)
        @settings(max_examples=5, derandomize=False, database=None)
        @given(people())
        def attempt(holders: list[Holder]) -> None:
            compare(admin, world, holders)

        attempt()


def compare(admin: Caller, world: World, holders: list[Holder]) -> None:
    made: dict[str, str] = {}
    try:
        people = enter(admin, world, holders, made)
        for holder, caller in people:
            for attempt in world.attempts:
                answer = caller(attempt.method, attempt.path, attempt.body, dict(attempt.headers))
                wanted = attempt.expected(holder)
                assert answer.status_code == wanted, (holder, attempt, answer.text)
            compare_lists(world, holder, caller)
    finally:
        for uid in made.values():
            assert admin("DELETE", f"/v1/users/{uid}").status_code == 204


def compare_lists(world: World, holder: Holder, caller: Caller) -> None:
    listed = caller("GET", "/v1/dashboard/projects/metadata")
    if listed.status_code != 200:
        assert not holder.good or holder.user.disabled or holder.limits.repositories
        return
    seen = {item["metadata"]["uid"] for item in listed.json()["items"]} & set(world.uids.values())
    readable = {uid for name, uid in world.uids.items() if holder.may(Action.PULL, name, "")}
    assert seen == readable, holder
    users = caller("GET", "/v1/users").status_code
    whole = holder.limits == UNLIMITED and holder.may(Action.ADMIN, "", "")
    assert users == (200 if whole else 403), holder
    for repository in REPOSITORIES:
        tags = caller("GET", f"/v2/{repository}/tags/list").status_code
        assert tags == (404 if holder.may(Action.PULL, "", repository) else 403), holder


def enter(
    admin: Caller, world: World, holders: list[Holder], made: dict[str, str]
) -> list[tuple[Holder, Caller]]:
    """The people of the model with a key each; the uids of users are put into `made`."""
    found = []
    for number, holder in enumerate(holders):
        user, limits = holder.user, holder.limits
        if user.name not in made:
            roles = [
                {"projectUid": world.uids[name], "role": role}
                for name, role in user.projects.items()
            ]
            spec = {"role": user.role, "projectRoles": roles}
            answer = admin("POST", "/v1/users", {"metadata": {"name": user.name}, "spec": spec})
            made[user.name] = answer.json()["uid"]
        narrowed = {
            "userUid": made[user.name],
            "actions": [] if limits.actions == ALL_ACTIONS else sorted(limits.actions),
            "repositories": limits.repositories,
            "projectUid": world.uids.get(limits.project, ""),
        }
        key = admin(
            "POST", "/v1/apiKeys", {"metadata": {"name": f"key {number}"}, "spec": narrowed}
        )
        assert key.status_code == 201, key.text
        if not holder.good:
            path = f"/v1/apiKeys/{key.json()['uid']}/state"
            assert admin("PUT", path, {"isActive": False}).status_code == 204
        found.append((holder, Caller(admin.server, key.json()["apiKey"])))
    for holder in holders:
        if holder.user.disabled:
            path = f"/v1/users/{made[holder.user.name]}/status"
            assert admin("PATCH", path, {"isActive": False}).status_code == 204
    return found
