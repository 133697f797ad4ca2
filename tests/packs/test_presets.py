"""presets.yaml and the note of what was chosen, as authors write them."""

from __future__ import annotations

import pytest

from packyard.packs.presets import Preset, active, choose, enabled, parse_presets
from packyard.packs.values import Document

NOTE = "# spectrocloud.com/enabled-presets:"
PRESETS = """\
presets:
  - name: compactor-on
    displayName: Enable
    group: Compactor
    remove: []
    add: |
      charts:
        thanos:
          # How many of them.
          compactor:
            enabled: true \t# tabs stay
  - name: compactor-off
    displayName: Disable
    group: Compactor
    remove: ["charts.thanos.compactor", "charts.elsewhere.nothing"]
    add: |
      charts:
        thanos:
          compactor:
            enabled: false
  - name: s3
    displayName: Enable
    group: VMO - Object Store
    remove: []
    add: |
      charts: {thanos: {store: s3}}
"""
DEFAULTS = "# The values.\ncharts:\n  thanos: # the chart\n    compactor:\n      enabled: false\n"


@pytest.fixture
def presets() -> tuple[Preset, ...]:
    found, findings = parse_presets(PRESETS)
    assert findings == []
    return found


def read(text: str) -> Document:
    document, _ = Document.parse(text)
    assert document
    return document


def chosen(text: str, presets: tuple[Preset, ...], *names: str) -> str:
    values = read(text)
    for name in names:
        preset = next(preset for preset in presets if preset.name == name)
        values = choose(values, read(DEFAULTS), presets, preset)
    return values.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (f"{NOTE}\n", {}),
        (f"{NOTE} A:a,B:b\n", {"A": "a", "B": "b"}),
        (f"{NOTE} A:a, Object Store:none ,\n", {"A": "a", "Object Store": "none"}),
        (f"\n{NOTE} VMO - Bridge interface:x:y\na: 1\n", {"VMO - Bridge interface": "x:y"}),
        (f"\ufeff# other\r\n---\r\n  {NOTE}A:a\r\n", {"A": "a"}),
        (f"{NOTE} A:,B:b,c\n", {"B": "b"}),
        (f"a: 1\n{NOTE} A:a\n", {}),
        (f"a: 1 {NOTE} A:a\n", {}),
    ],
)  # fmt: skip
def test_the_note_is_read_as_people_write_it(text: str, expected: dict[str, str]) -> None:
    assert enabled(text) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{NOTE} Compactor:compactor-on\n"),
        (f"{NOTE}\n\n", f"{NOTE} Compactor:compactor-on\n\n"),
        (f"\n{NOTE} Compactor:compactor-off, B:b\n", f"\n{NOTE} Compactor:compactor-on,B:b\n"),
        (f"# a\r\n{NOTE} B: b\r\n", f"# a\r\n{NOTE} B: b,Compactor:compactor-on\r\n"),
        (f"{NOTE} Unknown:gone\n", f"{NOTE} Unknown:gone,Compactor:compactor-on\n"),
    ],
)
def test_the_note_says_what_was_chosen_in_its_groups_place(
    before: str, after: str, presets: tuple[Preset, ...]
) -> None:
    end = "\r\n" if "\r" in before else "\n"
    assert chosen(f"{before}a: 1{end}", presets, "compactor-on").startswith(f"{after}a: 1{end}")


def test_what_is_added_brings_its_comments_and_leaves_all_others(
    presets: tuple[Preset, ...],
) -> None:
    assert chosen(DEFAULTS.rstrip("\n"), presets, "compactor-on", "s3") == (
        f"{NOTE} Compactor:compactor-on,VMO - Object Store:s3\n"
        "# The values.\ncharts:\n  thanos: # the chart\n"
        "    # How many of them.\n    compactor:\n      enabled: true \t# tabs stay\n    store: s3"
    )


def test_the_note_is_never_a_command_and_may_contradict_the_values(
    presets: tuple[Preset, ...],
) -> None:
    said = read(f"{NOTE} Compactor:compactor-on,Other:none\n{DEFAULTS}")
    assert active(said, presets) == {}
    assert list(active(read(chosen(DEFAULTS, presets, "compactor-on")), presets)) == ["Compactor"]
    off = chosen(DEFAULTS, presets, "compactor-off")
    walked = chosen(DEFAULTS, presets, "compactor-on", "s3", "compactor-off")
    assert read(walked).data == read(chosen(off, presets, "s3")).data
    assert read(chosen(said.text, presets, "compactor-off")).data == read(off).data


@pytest.mark.parametrize("text", ["", "# none\n", "presets:\n", "presets: []\n"])
def test_presets_may_be_none(text: str) -> None:
    assert parse_presets(text) == ((), [])


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("a: 1\n", "presets.form", 0),
        ("presets: {a: 1}\n", "presets.form", 1),
        ("presets:\n- {group: a}\n", "presets.form", 2),
        ("presets:\n- {name: a}\n- {name: a}\n", "presets.name-repeated", 3),
        ("presets:\n- {name: a, add: {b: 1}}\n", "presets.add-form", 2),
        ("presets:\n- {name: a, add: 'b: ['}\n", "presets.add-form", 2),
        ("presets:\n- {name: a, add: '- b'}\n", "presets.add-form", 2),
        ("presets:\n- {name: a, remove: b}\n", "presets.remove-form", 2),
        ("presets:\n- name: a\n  remove:\n  - b\n  - 1\n  - 'c[x]'\n", "presets.remove-form", 5),
    ],
)
def test_a_preset_that_cannot_be_chosen_is_found_at_its_place(
    text: str, rule: str, line: int
) -> None:
    _, findings = parse_presets(text)
    assert (findings[0].rule, findings[0].line) == (rule, line)
    assert {finding.rule for finding in findings} == {rule}
