"""Choosing among random presets: whichever stood before, the values come out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from hypothesis import strategies as st

from packyard.packs import edits
from packyard.packs.archive import read_archive
from packyard.packs.presets import Preset, choose, enabled, parse_presets
from packyard.packs.values import Document, format_path
from packyard.packs.yaml.nodes import same
from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.writer import Style, entry
from tests.packs.properties import holds_for

KEYS = st.sampled_from(["a", "b", "c", "d"])
LEAVES: st.SearchStrategy[Any] = st.sampled_from(
    [1, 2, "x", True, None, [], [1], [{"a": 1}, 2], {}]
)
DATA = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda below: st.dictionaries(KEYS, below, max_size=3), max_leaves=8),
    max_size=3,
)
PATHS = st.lists(KEYS, min_size=1, max_size=3).map(tuple)
INDEXES = st.tuples(KEYS, st.integers(0, 1))
COMMENTS = st.sampled_from(["", "", "", "above", "behind", "both"])


@st.composite
def documents(draw: st.DrawFn, name: str) -> str:
    """A map in block style, with comments that name the document."""

    def lines(data: dict[str, Any], depth: int) -> list[str]:
        written = []
        for key, value in data.items():
            comments = draw(COMMENTS)
            if comments in ("above", "both"):
                written.append(f"# {name}: {key}")
            if isinstance(value, dict) and value:
                written += [f"{key}:", *(f"  {line}" for line in lines(value, depth + 1))]
            else:
                head, *rest = entry(key, value, Style())
                behind = comments in ("behind", "both") and not rest
                written += [f"{head} # {name}, behind" if behind else head, *rest]
        return written

    return "".join(f"{line}\n" for line in lines(draw(DATA), 0))


@st.composite
def packs(draw: st.DrawFn) -> tuple[Document, tuple[Preset, ...]]:
    """The values of a pack, and two or three presets in each of two groups."""
    defaults = read("# The values.\n\n" + draw(documents("default")))
    listed = []
    for group in ("One", "Two"):
        for name in ("first", "second", "third")[: draw(st.integers(2, 3))]:
            removed = draw(st.lists(PATHS | INDEXES, max_size=2))
            preset = {
                "name": f"{group}-{name}",
                "group": group,
                "remove": [format_path(path) for path in removed],
                "add": draw(documents(f"{group}-{name}")),
            }
            listed.append(preset)
    text = "".join(f"{line}\n" for line in entry("presets", cast("Value", listed), Style()))
    presets, findings = parse_presets(text)
    assert findings == []
    return defaults, presets


def read(text: str) -> Document:
    document, findings = Document.parse(text)
    assert findings == [], text
    assert document is not None
    return document


def named(presets: tuple[Preset, ...], group: str) -> list[Preset]:
    return [preset for preset in presets if preset.group == group]


@holds_for(150, packs(), st.data())
def test_the_values_are_the_same_whichever_preset_stood_before(
    pack: tuple[Document, tuple[Preset, ...]], data: st.DataObject
) -> None:
    defaults, presets = pack
    group = named(presets, "One")
    chosen = data.draw(st.sampled_from(group))
    alone = choose(defaults, defaults, presets, chosen)
    expected: Value = defaults.data
    for path in chosen.remove:
        expected = edits.drop(expected, path)
    assert same(alone.data, edits.deep_merge(expected, chosen.added().data))
    values = defaults
    for former in data.draw(st.lists(st.sampled_from(group), max_size=3)):
        values = choose(values, defaults, presets, former)
    after = choose(values, defaults, presets, chosen)
    assert same(after.data, alone.data), (values.text, after.text, alone.text)
    assert same(read(after.text).data, after.data)
    assert enabled(after.text) == {"One": chosen.name}


def test_a_preset_that_is_chosen_again_changes_no_byte() -> None:
    """Not even where it puts back what it removes, which would come to stand last."""
    added = '"one:\\n  two:\\n    x: 1\\n  three: 3\\n"'
    presets, _ = parse_presets(
        f"presets:\n- {{name: a, group: G, remove: [one.two], add: {added}}}\n"
    )
    defaults = read("one:\n  two: {}\n")
    chosen = choose(defaults, defaults, presets, presets[0])
    edited = chosen.with_text(chosen.text.replace("three: 3", "three: 3  # mine"))
    assert edited.text != chosen.text
    assert choose(edited, defaults, presets, presets[0]).text == edited.text
    changed = chosen.set(("one", "three"), 4)
    assert choose(changed, defaults, presets, presets[0]).data == chosen.data


def test_each_preset_of_real_packs_gives_the_same_bytes_after_each_other_of_its_group(
    real_packs: Path,
) -> None:
    switched = 0
    for path in sorted(real_packs.glob("*.tar.gz")):
        with path.open("rb") as archive:
            files = read_archive(archive)
        presets, _ = parse_presets(files["presets.yaml"].data if "presets.yaml" in files else b"")
        defaults, _ = Document.parse(files["values.yaml"].data if presets else b"")
        assert defaults
        for chosen in presets:
            alone = choose(defaults, defaults, presets, chosen)
            for former in named(presets, chosen.group):
                before = choose(defaults, defaults, presets, former)
                after = choose(before, defaults, presets, chosen)
                assert after.text == alone.text, (path.name, former.name, chosen.name)
                switched += former is not chosen
    assert switched > 20
