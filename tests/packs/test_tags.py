"""Tags of packs and their parents (spec "Tags")."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packyard.errors import TagInvalid
from packyard.packs.tags import is_parent_form, newest_under, parent_tags, split_tag, tag_of
from packyard.references import Tag, parse_tag


@pytest.mark.parametrize(
    ("group", "version", "tag"),
    [
        ("", "14.4.3", "14.4.3"),
        ("LTS", "22.04.4", "LTS__22.04.4"),
        ("", "1.0.0+build.5", "1.0.0_build.5"),
        ("", "2.0.2-up.3", "2.0.2-up.3"),
    ],
)
def test_a_tag_is_group_and_version_with_plus_written_as_underscore(
    group: str, version: str, tag: str
) -> None:
    assert tag_of(group, version) == tag


@pytest.mark.parametrize("version", ["", "1.0/2", "1 0", "é", "-1", ".1", "1" * 129])
def test_what_a_tag_cannot_hold_is_refused(version: str) -> None:
    with pytest.raises(TagInvalid):
        tag_of("", version)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("LTS__22.04.4", ("LTS", "22.04.4")),
        ("14.4.3", ("", "14.4.3")),
        ("1.0_5", ("", "1.0_5")),
        ("LTS__1.0_b", ("LTS", "1.0_b")),
        ("__1.0", ("", "__1.0")),
        ("LTS__", ("", "LTS__")),
    ],
)
def test_a_tag_splits_at_the_first_double_underscore(tag: str, expected: tuple[str, str]) -> None:
    assert split_tag(tag) == expected


@pytest.mark.parametrize(
    ("tag", "parents"),
    [
        ("14.4.3", ["14.4.x", "14.x"]),
        ("LTS__22.04.4", ["LTS__22.4.x", "LTS__22.x"]),
        ("1.5", ["1.5.x", "1.x"]),
        ("7", ["7.0.x", "7.x"]),
        ("1.2.3.4", ["1.2.3.x", "1.2.x", "1.x"]),
        ("v1.12.0", ["1.12.x", "1.x"]),
        ("2.0.2-up.3", ["2.0.x", "2.x"]),
        ("1.0.0_build.5", ["1.0.x", "1.x"]),
        ("14.4.3-beta", ["14.4.x", "14.x"]),
        ("stable", []),
        ("14.4.x", []),
        ("1.0_a_b", []),
        ("g" * 124 + "__7", []),
    ],
)
def test_parent_tags_drop_leading_zeros_and_keep_the_group(tag: str, parents: list[str]) -> None:
    assert list(parent_tags(parse_tag(tag))) == parents


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("14.4.x", True),
        ("LTS__22.x", True),
        ("1.2.3.x", True),
        ("0.x", True),
        ("22.04.x", False),
        ("x", False),
        ("14.x.x", False),
        ("14.4.X", False),
        ("14.4.3", False),
        ("stable", False),
    ],
)
def test_a_parent_tag_is_known_by_its_form(tag: str, expected: bool) -> None:
    assert is_parent_form(tag) is expected


@pytest.mark.parametrize(
    ("parent", "tags", "newest"),
    [
        ("14.x", ["14.4.3", "14.10.0", "15.0.0", "14.9.9"], "14.10.0"),
        ("14.4.x", ["14.4.3", "14.10.0"], "14.4.3"),
        ("LTS__22.x", ["LTS__22.04.4", "22.9.9", "ESM__22.5.0"], "LTS__22.04.4"),
        ("22.x", ["LTS__22.04.4"], None),
        ("1.x", ["1.0.0-rc.1", "1.0.0", "1.0.0-rc.2"], "1.0.0"),
        ("1.x", ["stable", "1.x"], None),
        ("26.x", ["26.4.4", "26.04.4"], "26.4.4"),
        ("26.x", ["26.04.4", "26.4.4"], "26.4.4"),
    ],
)
def test_a_parent_points_at_the_highest_version_below_it(
    parent: str, tags: list[str], newest: str | None
) -> None:
    assert newest_under(Tag(parent), [parse_tag(tag) for tag in tags]) == newest


labels = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", fullmatch=True)


@given(labels)
def test_parents_of_any_tag_are_tags_of_parent_form_in_the_same_group(text: str) -> None:
    for parent in parent_tags(parse_tag(text)):
        assert parse_tag(parent) == parent
        assert is_parent_form(parent)
        assert split_tag(parent)[0] == split_tag(text)[0]
        assert not parent_tags(parent)


@given(st.lists(labels, max_size=8))
def test_the_newest_below_a_parent_does_not_hang_on_the_order_asked_in(texts: list[str]) -> None:
    tags = [parse_tag(text) for text in texts]
    for parent in {parent for tag in tags for parent in parent_tags(tag)}:
        newest = newest_under(parent, tags)
        assert newest in tags
        assert newest == newest_under(parent, tags[::-1])
