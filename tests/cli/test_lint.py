"""`pack lint`: every finding, in the form that was asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from packyard.charts.rules import RULES as CHART_RULES
from packyard.packs.rules import RULES
from packyard.profiles.rules import RULES as PROFILE_RULES
from tests.cli.program import Program, make_pack
from tests.cli.test_terminal import at_terminal


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return make_pack(tmp_path / "good", "good", "1.0.0")


@pytest.fixture
def unwise(tmp_path: Path) -> Path:
    """A warning: nobody knows what an add-on without a type is."""
    return make_pack(tmp_path / "unwise", "unwise", "1.0.0", addonType=None)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Two refusals in pack.json and one in values.yaml."""
    folder = make_pack(tmp_path / "bro ken", "broken", "1.0.0", layer="floor", displayName=7)
    (folder / "values.yaml").write_text("a: [1\n")
    return folder


def test_a_good_pack_has_nothing_to_mend(good: Path, packyard: Program) -> None:
    done = packyard("pack", "lint", "--strict", good)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{good}  ok\n1 pack: nothing to mend\n"


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--strict"], 1)])
def test_warnings_fail_only_where_that_is_asked_for(
    words: list[str], code: int, unwise: Path, packyard: Program
) -> None:
    done = packyard("pack", "lint", *words, unwise)
    assert done.code == code
    assert "warning" in done.out
    assert "\x1b" not in done.out


def test_text_names_pack_file_line_rule_and_mend(
    good: Path, broken: Path, packyard: Program
) -> None:
    done = packyard("pack", "lint", good, broken)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[:3] == [f"{good}  ok", str(broken), "  pack.json"]
    assert "  values.yaml" in lines
    found = [line for line in lines if re.match(r" +\d+:\d+ +refuse ", line)]
    assert len(found) == 3
    assert all(re.search(r" \[[a-z-]+\.[a-z-]+\]$", line) for line in found)
    assert re.match(r"2 packs: 3 errors", lines[-1])


def test_json_is_a_list_with_the_findings_of_each_pack(
    good: Path, broken: Path, packyard: Program
) -> None:
    done = packyard("pack", "lint", "--format", "json", good, broken)
    assert done.code == 1
    first, second = json.loads(done.out)
    assert first == {"path": str(good), "findings": []}
    assert second["path"] == str(broken)
    refused = [finding for finding in second["findings"] if finding["severity"] == "refuse"]
    assert {finding["file"] for finding in refused} == {"pack.json", "values.yaml"}
    assert all(finding["rule"] in RULES and finding["line"] > 0 for finding in refused)


def test_sarif_has_the_form_of_its_specification(
    unwise: Path, broken: Path, packyard: Program
) -> None:
    """SARIF 2.1.0, sections 3.13 (log), 3.14 (run), 3.18 (tool), 3.27 (result), 3.29 (location)."""
    done = packyard("pack", "lint", "--format", "sarif", unwise, broken)
    log: dict[str, Any] = json.loads(done.out)
    assert (done.code, log["version"]) == (1, "2.1.0")
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "results"}
    driver = run["tool"]["driver"]
    assert driver["name"] == "Packyard"
    assert driver["version"]
    assert [rule["id"] for rule in driver["rules"]] == [*RULES, *CHART_RULES, *PROFILE_RULES]
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}
    files = set()
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        assert not re.search(r"[\s\\]", uri)
        files.add(unquote(uri))
        region = place.get("region", {"startLine": 1})
        assert region["startLine"] >= 1
        assert region.get("startColumn", 1) >= 1
    assert {str(unwise / "pack.json"), str(broken / "values.yaml")} <= files


def test_an_archive_that_cannot_be_read_is_a_finding(tmp_path: Path, packyard: Program) -> None:
    archive = tmp_path / "bad.tar.gz"
    archive.write_bytes(b"no archive")
    done = packyard("pack", "lint", "--format", "json", archive)
    assert done.code == 1
    (checked,) = json.loads(done.out)
    assert checked["findings"]


def test_a_terminal_gets_colours(broken: Path, packyard: Program) -> None:
    code, shown = at_terminal(packyard, "pack", "lint", broken)
    assert code == 1
    assert "\x1b[31m" in shown
