"""Wrong profiles over HTTP: everything that is wrong is told at once; what refuses leaves nothing,
what blocks is kept as a draft and not published (issue 7, "Bad input")."""

from __future__ import annotations

import time
from typing import Any

import pytest

from packyard.packs.files import File, Files
from tests.live import Live
from tests.registry.conftest import pack_files
from tests.server.hub.conftest import Caller
from tests.server.hub.profile_calls import PATH, body, done, pack, push_pack

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
    "broken YAML": (values("a: 1\nb: [1\nc: 2\n"), ["yaml.syntax"], "[demo, line 3]"),
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
        "[demo, line 1]",
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
        "[demo, line 1]",
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
