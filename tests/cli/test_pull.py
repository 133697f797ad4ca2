"""Pulling: verified, whole or not at all, and never over something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from packyard.digests import digest_of
from packyard.packs.folder import read_folder
from tests.cli.program import Program, make_pack


@pytest.fixture
def pushed(foreign: str, packyard: Program, tmp_path: Path) -> Path:
    """demo:1.0.0, 1.10.0 and 1.9.0 are there; the folder of 1.10.0."""
    folders = [make_pack(tmp_path / v, "demo", v) for v in ("1.0.0", "1.10.0", "1.9.0")]
    done = packyard("pack", "push", "-r", foreign, *folders)
    assert done.code == 0, done.err
    return folders[1]


def test_a_pulled_folder_equals_the_pushed_one(
    foreign: str, pushed: Path, packyard: Program, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = packyard("pack", "pull", "-r", foreign, "demo:1.10.0", out)
    assert done.code == 0, done.err
    assert done.out.split()[:2] == ["pulled", str(out / "demo-1.10.0")]
    assert read_folder(out / "demo-1.10.0") == read_folder(pushed)
    assert [entry.name for entry in out.iterdir()] == ["demo-1.10.0"]


def test_a_version_may_be_named_as_pack_json_spells_it(
    foreign: str, packyard: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "plus", "demo", "1.0.0+b.1")
    assert packyard("pack", "push", "-r", foreign, folder).code == 0
    done = packyard("pack", "pull", "-r", foreign, "demo:1.0.0+b.1", tmp_path / "out")
    assert done.code == 0, done.err
    assert read_folder(next((tmp_path / "out").iterdir())) == read_folder(folder)


def test_without_a_tag_the_newest_version_comes(
    foreign: str, pushed: Path, packyard: Program, tmp_path: Path
) -> None:
    packyard("pack", "tag", "add", "-r", foreign, "demo:1.0.0", "stable")
    packyard("pack", "pull", "-r", foreign, "demo", tmp_path / "out")
    assert (tmp_path / "out" / "demo-1.10.0").is_dir()


def test_a_digest_names_the_manifest(
    foreign: str, pushed: Path, packyard: Program, tmp_path: Path
) -> None:
    digest = packyard("pack", "push", "-r", foreign, pushed).out.split()[2]
    done = packyard("pack", "pull", "-r", foreign, f"demo@{digest}", tmp_path / "out")
    assert done.out.split()[2] == digest
    other = digest_of(b"another")
    assert packyard("pack", "pull", "-r", foreign, f"demo@{other}", tmp_path / "out").code == 1


def test_a_folder_is_left_alone_unless_it_is_empty_or_the_same(
    foreign: str, pushed: Path, packyard: Program, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "demo-1.10.0"
    target.mkdir(parents=True)
    words = ["pack", "pull", "-r", foreign, "demo", str(tmp_path / "out")]
    assert packyard(*words).out.startswith("pulled ")
    assert packyard(*words).out.startswith("unchanged ")
    (target / "mine.txt").write_text("mine")
    refused = packyard(*words)
    assert refused.code == 1
    assert str(target) in refused.err
    assert (target / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("demo:2.0.0", 1),
        ("nothing", 1),
        ("Demo:1.0.0", 2),
        ("demo:-x", 2),
        ("demo@sha256:1", 2),
        ("base/demo:1.0.0", 2),
    ],
)
def test_what_is_not_there_or_not_a_name_is_told(
    reference: str, code: int, foreign: str, packyard: Program, tmp_path: Path
) -> None:
    done = packyard("pack", "pull", "-r", foreign, reference, tmp_path / "out")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("Error: ")
    assert not (tmp_path / "out").exists()
