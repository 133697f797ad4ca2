"""Requests made at random from our own OpenAPI document, by people of every role.

Whatever they ask, the server does not fail, answers as the documents say (`checker`), lets nobody
change what they may not, which the audit tells, and tells nobody inside a project of another one.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import openapi
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from tests import live
from tests.live import Live
from tests.rounds import rounds
from tests.server.hub import checker
from tests.server.hub.conftest import Caller, make_user
from tests.server.hub.test_audits import listed
from tests.server.hub.test_projects import make

MARK = "hidden from others"
PLACE = "http://127.0.0.1:9"  # where nothing listens
_OWN = {"apikey", "session"}  # kinds of things that everybody has of their own
_SLOW = {"POST /v1/auth/authenticate", "PATCH /v1/users/me/password"}  # as bcrypt is


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    config = {"hub": {"timeouts": {"connect": "300ms", "read": "300ms", "whole": "1s"}}}
    with live.start(tmp_path_factory.mktemp("server"), workers=2, config=config) as running:
        yield running


@dataclass
class World:
    """Who asks, what there is to ask for, and the answers that came."""

    people: Mapping[str, Caller]
    uids: Mapping[str, list[str]]  # by the first word of the paths that lead to them
    projects: list[str]
    document: dict[str, Any]
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: dict[str, list[str]] = field(default_factory=dict)  # by operation


@pytest.fixture(scope="module")
def world(admin: Caller, editor: Caller, viewer: Caller) -> World:
    a, b = make(admin, "A"), make(admin, "B", labels={"note": MARK})
    roles = [{"projectUid": a, "role": "editor"}]
    inside = make_user(admin, "inside", None, projectRoles=roles)
    victim = make_user(admin, "victim", "viewer")
    profiles = []
    for project in (a, b):
        text = {"name": f"m{project[:4]}", "value": MARK if project == b else "seen"}
        made = admin("POST", f"/v1/projects/{project}/macros", {"macros": [text]})
        assert made.status_code == 204
        for name in ("web", "database", "queue"):
            body = {
                "metadata": {"name": name, "annotations": {"description": text["value"]}},
                "spec": {"version": "1.0.0", "template": {"type": "add-on", "packs": []}},
            }
            made = admin("POST", "/v1/clusterprofiles", body, headers={"ProjectUid": project})
            profiles.append(made.json()["uid"])
    registries = admin("GET", "/v1/registries/metadata").json()["items"]
    uids = {
        "audits": [item["metadata"]["uid"] for item in listed(admin)],
        "clusterprofiles": profiles,
        "dashboard": profiles,
        "projects": [a, b],
        "registries": [item["uid"] for item in registries],
        "tenants": [admin("GET", "/v1/users/info").json()["tenantUid"]],
        "users": [victim.uid],
    }
    document = checker.ours(admin.server.url, admin.http)
    people = {"viewer": viewer, "inside": inside, "editor": editor, "admin": admin}
    return World(people, uids, [a, b], document)


def test_a_few_of_any_request(world: World) -> None:
    try_all(world, examples=2, number=7)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_of_any_request(world: World) -> None:
    for number in rounds(minutes=12):
        try_all(world, examples=5, number=number)
        print(f"{world.statuses.total()} answers")  # noqa: T201 - shown by pytest


def try_all(world: World, examples: int, number: int) -> None:
    """Of all operations; the same number draws the same requests."""
    chance = random.Random(number)  # noqa: S311 - not for secrets
    before = len(audit(world))
    schema = openapi.from_dict(world.document)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        for mode in GenerationMode:
            if mode.is_positive or operation.body:
                try_one(world, chance, operation, mode, examples)
    found = [f"{label}: {faults[0]}" for label, faults in world.faults.items() if faults]
    assert not found, "\n\n".join(found)
    assert {status for _, status in world.statuses} >= {200, 204, 400, 403, 404}
    rows = audit(world)[before:]
    require_rights(world, rows)


def try_one(
    world: World, chance: random.Random, operation: Any, mode: GenerationMode, examples: int
) -> None:
    """Requests of one operation, as the document says they are, or other than that."""

    @seed(chance.getrandbits(64))
    @settings(
        max_examples=1 if operation.label in _SLOW else examples,
        deadline=None,
        derandomize=False,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def attempt(case: Any) -> None:
        ask(world, chance, operation.label, case)

    with suppress(Unsatisfiable):  # where nothing can be other than that
        attempt()


def ask(world: World, chance: random.Random, label: str, case: Any) -> None:
    """The same request by everybody, the strongest last."""
    known = world.uids.get((case.path.split("/") + [""] * 2)[2], [])
    if known and "uid" in (case.path_parameters or {}) and chance.random() < 0.8:
        case.path_parameters["uid"] = chance.choice(known)
    if isinstance(case.body, dict | list):
        case.body = led_nowhere(case.body)
    sent = case.as_transport_kwargs(base_url=world.people["admin"].server.url)
    sent["headers"].pop("ProjectUid", None)
    if chance.random() < 0.5:
        sent["headers"]["ProjectUid"] = chance.choice(world.projects)
    try:
        prepared: Any = requests.Request(**sent).prepare()
        headers = httpx.Headers(dict(prepared.headers))
    except (UnicodeError, ValueError, requests.RequestException):
        return  # what no client could send
    for name in ("apikey", "authorization", "cookie"):
        headers.pop(name, None)
    for who, person in world.people.items():
        headers["ApiKey"] = person.key
        try:
            answer = person.http.request(
                prepared.method, prepared.url, headers=headers, content=prepared.body
            )
        except (httpx.InvalidURL, httpx.LocalProtocolError):
            return
        world.statuses[who, answer.status_code] += 1
        world.faults.setdefault(label, [])
        try:
            checker.check(person.server.url, answer, person.http)
        except AssertionError as fault:
            world.faults[label].append(f"as {who}: {fault}")
        if who == "inside" and MARK in answer.text:
            world.faults[label].append(f"{answer.url} tells somebody inside of another project")


def led_nowhere(body: Any) -> Any:
    """The same with addresses at which nothing is reached."""
    if isinstance(body, dict):
        return {
            name: PLACE if name == "endpoint" else led_nowhere(value)
            for name, value in body.items()
        }
    return [led_nowhere(item) for item in body] if isinstance(body, list) else body


def audit(world: World) -> list[dict[str, Any]]:
    exported = world.people["admin"]("GET", "/v1/audits/export")
    return [json.loads(line) for line in exported.text.splitlines()]


def require_rights(world: World, rows: list[dict[str, Any]]) -> None:
    """Raise where somebody changed what is not theirs to change."""
    names = {person.uid: who for who, person in world.people.items()}
    for row in rows:
        spec = row["spec"]
        who = names.get(spec["actor"].get("user", {}).get("uid", ""), "")
        kind, project = spec["resource"]["kind"], spec["actor"].get("project", {}).get("uid", "")
        if who == "viewer":
            assert kind in _OWN, row
        if who == "inside":
            assert kind in _OWN or project == world.projects[0], row
        if who == "editor":
            assert kind not in {"user", "project"}, row
            assert spec["actionType"] != "delete" or kind in {*_OWN, "macro", "clusterprofile"}, row
