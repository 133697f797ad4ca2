"""References to images: their parts, their full form, when two are the same."""

from __future__ import annotations

import pytest

from packyard.packs.images import Image

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32


def image(text: str) -> Image:
    parsed = Image.parse(text)
    assert parsed, text
    return parsed


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("web", "docker.io/library/web:latest"),
        ("web:1.2", "docker.io/library/web:1.2"),
        ("team/web:1.2", "docker.io/team/web:1.2"),
        ("docker.io/web:1.2", "docker.io/library/web:1.2"),
        ("ghcr.io/team/web:1.2", "ghcr.io/team/web:1.2"),
        ("localhost:5000/web", "localhost:5000/web:latest"),
        ("host:5000/a/b/c:v1", "host:5000/a/b/c:v1"),
        (f"quay.io/team/web@{DIGEST}", f"quay.io/team/web@{DIGEST}"),
        (f" quay.io/team/web:1@{DIGEST} ", f"quay.io/team/web:1@{DIGEST}"),
    ],
)
def test_the_full_form_is_what_programs_read(written: str, full: str) -> None:
    assert image(written).full == full


@pytest.mark.parametrize(
    "text", ["", "Web:1", "a b", "ghcr.io/", "web:", "{{ .x }}", "a/b:1@sha256:z"]
)
def test_what_no_registry_takes_is_no_image(text: str) -> None:
    assert Image.parse(text) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("web:1", "docker.io/library/web:1", True),
        ("web", "web:latest", True),
        ("web:1", "web:2", False),
        ("a.io/web:1", "b.io/web:1", False),
        ("a.io/web:1", f"a.io/web:1@{DIGEST}", True),
        (f"a.io/web:1@{OTHER}", f"a.io/web:1@{DIGEST}", False),
        (f"a.io/web@{DIGEST}", f"a.io/web:9@{DIGEST}", True),
        (f"a.io/web@{DIGEST}", "a.io/web:1", False),
    ],
)
def test_two_references_to_one_image(one: str, other: str, same: bool) -> None:
    assert image(one).is_same(image(other)) is same
    assert image(other).is_same(image(one)) is same
