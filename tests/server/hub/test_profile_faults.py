"""Wrong profiles over HTTP: everything that is wrong is told at once; what refuses leaves nothing,
what blocks is kept as a draft and not published (issue 7, "Bad input")."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from packyard.packs.files import File, Files
from tests.live import Live
from tests.registry.conftest import pack_files
from tests.server.hub.conftest import Caller, make_user
from tests.server.hub.profile_calls import PATH, body, create, done, pack, push_pack
from tests.server.hub.test_projects import make

SCHEMA = b"""\
token:
  schema: '{{ required | format "${password:/[a-z]{8,}/}" }}'
size:
  schema: '{{ format "${number:[1-3]}" }}'
"""


@pytest.fixture(scope="module", autouse=True)
def packs(server: Live) -> None:
    clash = {"packName": "demo", "layer": "addon", "minVersion": "2.0.0", "type": "required"}
    strict: Files = {**pack_files("strict"), "schema.yaml": File(SCHEMA)}
    for files in (
        pack_files("demo", "1.0.0"),
        pack_files("system", "1.0.0", layer="os"),
        pack_files("another", "1.0.0", layer="os"),
        pack_files("cloudy", "1.0.0", cloudTypes=["aws"]),
        pack_files("clash", "1.0.0", constraints={"dependencies": [clash]}),
        strict,
    ):
        push_pack(server, files)


def values(text: str, name: str = "demo") -> dict[str, Any]:
    return {"packs": [pack(name, "1.0.0", values=text)]}


def cluster(*names: str) -> dict[str, Any]:
    layers = [pack(name, "1.0.0") for name in names]
    return {"type": "cluster", "cloudType": "gcp", "packs": layers}


CYCLE = """\
a: '{{ .spectro.pack.demo.b }}'
b: '{{ .spectro.pack.demo.c }}'
c: '{{ .spectro.pack.demo.a }}'
"""
REFUSED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "an unknown pack": (
        {"packs": [pack("demos", "1.0.0"), pack("demo", "2.0.0")]},
        ["layer.pack-unknown", "layer.tag-unknown"],
        "Did you mean 'demo'?",
    ),
    "two layers of one name": (
        {"packs": [pack("demo", "1.0.0"), pack("demo", "1.0.0")]},
        ["layer.name-repeated"],
        "<display name>--demo",
    ),
    "broken YAML": (values("a: 1\nb: [1\nc: 2\n"), ["yaml.syntax"], "(line 3)"),
    "a key twice": (values("a: 1\nb: 2\na: 3\n"), ["yaml.duplicate-key"], "line 1"),
    "an unknown macro": (
        values("a: '{{ .spectro.macro.nothing }}'\n"),
        ["macro.unknown"],
        "neither in the project nor in the tenant",
    ),
    "no quotes": (values("a: {{ .spectro.system.user.name }}\n"), ["macro.unquoted"], "quotes"),
    "an unknown function": (
        values("a: '{{ .spectro.pack.demo.b | uper }}'\n"),
        ["macro.syntax"],
        "(line 1)",
    ),
    "10 MB of values": (values(f"a: {'x' * 10_000_000}\n"), ["yaml.too-large"], "[demo"),
    "values that are a list": (values("- a\n"), ["yaml.root"], "[demo"),
}
BLOCKED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "no layers": ({"packs": []}, ["profile.empty"], "Add one."),
    "missing layers": (
        cluster("system", "demo"),
        ["profile.layer-missing"] * 3,
        "The profile has no Kubernetes layer.",
    ),
    "two layers of one kind": (
        cluster("system", "another"),
        ["profile.layer-repeated", *["profile.layer-missing"] * 3],
        "both the operating system layer",
    ),
    "an alien layer": (
        {"packs": [pack("system", "1.0.0")]},
        ["profile.layer-alien"],
        "has no operating system layer",
    ),
    "another cloud": (
        {**cluster("cloudy"), "type": "add-on"},
        ["layer.cloud"],
        "not made for gcp",
    ),
    "an unknown cloud": (
        {**cluster("demo"), "type": "add-on", "cloudType": "gcpp"},
        ["profile.cloud-unknown"],
        "Did you mean 'gcp'?",
    ),
    "values against the schema": (
        values("token: short\nsize: 7\n", "strict"),
        ["parameter.format", "parameter.format"],
        "size is '7', which is not within 1 to 3.",
    ),
    "a required value": (values("size: 2\n", "strict"), ["parameter.required"], "token"),
    "constraints": (
        {"packs": [pack("demo", "1.0.0"), pack("clash", "1.0.0")]},
        ["dependency.version"],
        "2.0.0",
    ),
    "a circle": (values(CYCLE), ["macro.cycle"], "demo: a → demo: b → demo: c → demo: a"),
    "an unknown system value": (
        values("a: '{{ .spectro.system.kunernetes.version }}'\n"),
        ["macro.system-unknown"],
        "kubernetes.version",
    ),
    "an undefined variable": (
        values("a: '{{ .spectro.var.size }}'\n"),
        ["variable.undefined"],
        "'size' is not defined",
    ),
    "a forbidden function": (
        values("a: '{{ .spectro.system.user.name | bcrypt }}'\n"),
        ["macro.function"],
        "bcrypt",
    ),
    "an endless template": (
        values("a: '{{ .spectro.pack.demo.pack | toJson | repeat 2000000000 }}'\n"),
        ["macro.failed"],
        "(line 1)",
    ),
}


def _rules(findings: list[dict[str, Any]], *severities: str) -> list[str]:
    return [one["rule"] for one in findings if one["severity"] in severities]


def _body(what: str, template: dict[str, Any]) -> dict[str, Any]:
    made = body(what)
    made["spec"]["template"] |= template
    return made


@pytest.mark.parametrize("what", REFUSED)
def test_what_refuses_leaves_nothing(admin: Caller, what: str) -> None:
    template, rules, told = REFUSED[what]
    started = time.monotonic()
    answer = admin("POST", PATH, _body(what, template))
    assert time.monotonic() - started < 20
    assert (answer.status_code, answer.json()["code"]) == (422, "InvalidClusterProfile")
    assert _rules(answer.json()["details"]["findings"], "refuse") == rules
    assert told in answer.json()["message"]
    assert len(answer.content) < 20_000
    assert admin("GET", f"{PATH}/validate/name?name={what}").status_code == 204


@pytest.mark.parametrize("what", BLOCKED)
def test_what_blocks_is_kept_and_not_published(admin: Caller, what: str) -> None:
    template, rules, told = BLOCKED[what]
    answer = admin("POST", f"{PATH}?publish=true", _body(what, template))
    assert (answer.status_code, answer.json()["code"]) == (422, "InvalidClusterProfile")
    assert sorted(_rules(answer.json()["details"]["findings"], "refuse", "block")) == sorted(rules)
    assert told in answer.json()["message"]
    assert "short" not in answer.text  # a password
    uid = done(admin("POST", PATH, _body(what, template)), 201).json()["uid"]
    assert admin("PATCH", f"{PATH}/{uid}/publish").json()["message"] == answer.json()["message"]
    found = done(admin("GET", f"{PATH}/{uid}/findings"), 200).json()
    assert sorted(_rules(found["items"], "refuse", "block")) == sorted(rules)
    assert not admin("GET", f"{PATH}/{uid}").json()["status"]["isPublished"]
    done(admin("DELETE", f"{PATH}/{uid}"))


def test_a_secret_does_not_become_asterisks(admin: Caller) -> None:
    secret = {"name": "s", "displayName": "S", "defaultValue": "topsecret", "isSensitive": True}
    uid = create(admin, "secret", pack("demo", "1.0.0", values="a: 1\n"), variables=[secret])
    path = f"{PATH}/{uid}/variables"
    (shown,) = done(admin("GET", path), 200).json()["variables"]
    answer = admin("PUT", path, {"variables": [{**shown, "isSensitive": False}]})
    assert answer.status_code == 400
    assert "give the default anew" in answer.json()["message"]
    done(admin("PUT", path, {"variables": [{**shown, "displayName": "T"}]}))
    anew = {**shown, "isSensitive": False, "defaultValue": "known"}
    done(admin("PUT", path, {"variables": [anew]}))
    assert done(admin("GET", path), 200).json()["variables"][0]["defaultValue"] == "known"


def test_a_registry_that_is_not_there_is_named(admin: Caller) -> None:
    given = body("nowhere", pack("demo", "1.0.0", registryUid="f" * 24))
    found = done(admin("POST", f"{PATH}/findings", given), 200).json()["items"]
    assert [one["message"] for one in found if one["rule"] == "layer.pack-unknown"] == [
        f"There is no registry '{'f' * 24}', which the layer names."
    ]


def test_many_at_once_put_one_profile_and_the_last_stands(admin: Caller) -> None:
    uid = create(admin, "busy", pack("demo", "1.0.0", values="a: 0\n"))

    def put(number: int) -> int:
        given = body("busy", pack("demo", "1.0.0", values=f"a: {number}\n"))
        return httpx.put(
            f"{admin.server.url}{PATH}/{uid}",
            json=given,
            headers={"ApiKey": admin.key},
            timeout=60,
        ).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(put, range(24))) == {204}


def test_a_clone_tells_nothing_of_projects_that_are_hidden(admin: Caller) -> None:
    own, other = make(admin, "own"), make(admin, "other")
    eda = make_user(admin, "eda", None, projectRoles=[{"projectUid": own, "role": "editor"}])
    made = admin("POST", PATH, body("of-own", pack("demo", "1.0.0")), headers={"ProjectUid": own})
    for path in ("clone", "clone/validate"):
        for project, status in ((other, 404), ("f" * 24, 404)):
            target = {"name": "x", "target": {"scope": "project", "projectUid": project}}
            given = target if path.endswith("validate") else {"metadata": target}
            answer = eda("POST", f"{PATH}/{made.json()['uid']}/{path}", given)
            assert (answer.status_code, answer.json()["code"]) == (status, "ResourceNotFound")


def test_a_message_names_the_first_of_many_findings(admin: Caller) -> None:
    text = "".join(f"k{n}: '{{{{ .spectro.macro.none{n} }}}}'\n" for n in range(50))
    answer = admin("POST", PATH, _body("many", {"packs": [pack("demo", "1.0.0", values=text)]}))
    assert answer.status_code == 422
    assert answer.json()["message"].endswith("There are 40 more.")
    assert len(answer.json()["details"]["findings"]) == 50


def test_equal_faults_of_equal_layers_are_told_once(admin: Caller) -> None:
    """As the published API has it: both lists hold nothing twice."""
    nameless = {"name": "", "content": "a: 1"}
    layer = {**pack("demo", "1.0.0"), "manifests": [nameless, nameless]}
    draft = {"type": "add-on", "packs": [layer, layer]}
    validated = done(admin("POST", f"{PATH}/validate/packs", draft), 200).json()
    results = validated["packs"]["results"]
    assert [result["name"] for result in results] == ["demo"]
    codes = [fault["code"] for fault in results[0]["errors"]]
    assert codes.count("manifest.name-missing") == 1
