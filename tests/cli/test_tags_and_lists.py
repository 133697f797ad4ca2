"""`pack tag` and `pack ls` at a foreign registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.program import Program, make_pack


@pytest.fixture
def pushed(foreign: str, packyard: Program, tmp_path: Path) -> str:
    packs = [("one", "1.0.0"), ("one", "1.10.0"), ("one", "1.9.0"), ("two", "0.1")]
    folders = [make_pack(tmp_path / f"{name}{v}", name, v) for name, v in packs]
    assert packyard("pack", "push", "-r", foreign, *folders).code == 0
    return foreign


def test_a_list_has_a_line_for_each_version_the_newest_first(
    pushed: str, packyard: Program
) -> None:
    done = packyard("pack", "ls", pushed)
    assert done.out.splitlines() == [
        "NAME   TAG",
        "one    1.10.0",
        "one    1.9.0",
        "one    1.0.0",
        "two    0.1",
    ]


def test_a_list_of_one_name_as_json_and_yaml(pushed: str, packyard: Program) -> None:
    expected = [{"name": "two", "tag": "0.1"}]
    words = ["pack", "ls", "-r", pushed, "-n", "two", "-o"]
    assert json.loads(packyard(*words, "json").out) == expected
    assert yaml.safe_load(packyard(*words, "yaml").out) == expected


def test_a_name_that_is_not_there_is_told(pushed: str, packyard: Program) -> None:
    done = packyard("pack", "ls", "-r", pushed, "--name", "three")
    assert (done.code, done.out) == (1, "")
    assert "holds no pack three" in done.err


def test_two_servers_are_a_usage_error(packyard: Program) -> None:
    assert packyard("pack", "ls", "one.example.com", "-r", "two.example.com").code == 2


def test_a_tag_leads_to_what_the_other_leads_to(pushed: str, packyard: Program) -> None:
    digest = packyard("pack", "tag", "add", "-r", pushed, "two:0.1", "stable").out.split()[2]
    grouped = packyard("pack", "tag", "add", "-r", pushed, "two:stable", "0.1+x", "-g", "LTS")
    assert grouped.out == f"tagged     two:LTS__0.1_x  {digest}\n"
    listed = packyard("pack", "ls", "-r", pushed, "-n", "two", "-o", "json").out
    assert {row["tag"] for row in json.loads(listed)} == {"0.1", "stable", "LTS__0.1_x"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add", "two:9.9", "stable"], 1),
        (["add", "two", "stable"], 2),
        (["add", "two:0.1", "not a tag"], 2),
        (["delete", "two"], 2),
        (["delete", "two:-"], 2),
    ],
)
def test_tags_that_are_not_there_or_no_tags_are_told(
    words: list[str], code: int, pushed: str, packyard: Program
) -> None:
    done = packyard("pack", "tag", *words, "-r", pushed)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("Error: ")
