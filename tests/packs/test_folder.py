"""Packs as folders on the disk, and charts that lie there only unpacked."""

from __future__ import annotations

import os
import socket
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from packyard.errors import ContentRefused
from packyard.packs.archive import read_archive
from packyard.packs.files import STANDARD, File, Files, Limits
from packyard.packs.folder import (
    package_missing_charts,
    read_folder,
    unpacked_chart,
    write_folder,
)
from packyard.packs.model import Pack, parse_pack_json
from tests.packs.samples import chart_pack, pack, write


def refusals(folder: Path, limits: Limits = STANDARD) -> list[tuple[str, str]]:
    with pytest.raises(ContentRefused) as refused:
        read_folder(folder, limits)
    return sorted((finding.rule, finding.file) for finding in refused.value.findings)


def parsed(files: Files) -> Pack:
    found, findings = parse_pack_json(files["pack.json"].data)
    assert found is not None, findings
    return found


def test_a_folder_that_was_written_is_read_back(tmp_path: Path) -> None:
    files = {**pack(), "charts/a/run.sh": File(b"#!", executable=True), ".DS_Store": File(b"")}
    write_folder(files, tmp_path / "new" / "sample-1.2.3")
    assert read_folder(tmp_path / "new" / "sample-1.2.3") == files
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sample-1.2.3"]
    assert (tmp_path / "new/sample-1.2.3/charts/a/run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "new/sample-1.2.3/values.yaml").stat().st_mode & 0o777 == 0o644


def test_files_come_sorted_with_run_bits_and_without_empty_folders(tmp_path: Path) -> None:
    write({"b/c": File(b"1"), "b.txt": File(b"2", executable=True), "a": File(b"")}, tmp_path)
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    files = read_folder(tmp_path)
    assert list(files) == ["a", "b.txt", "b/c"]
    assert [path for path, file in files.items() if file.executable] == ["b.txt"]


def test_links_and_devices_are_refused_all_at_once(tmp_path: Path) -> None:
    write(pack(), tmp_path)
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "charts").symlink_to(tmp_path / "manifests")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert refusals(tmp_path) == [
            ("files.link", "charts"),
            ("files.link", "link"),
            ("files.special", "pipe"),
            ("files.special", "socket"),
        ]


def test_a_link_to_the_folder_itself_is_followed(tmp_path: Path) -> None:
    write(pack(), tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    assert read_folder(tmp_path / "link") == pack()


def test_names_that_others_could_not_write_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a\nb").write_text("")
    (tmp_path / "a\\b").write_text("")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_text("")
    assert [rule for rule, _ in refusals(tmp_path)] == ["files.path"] * 3


def test_folders_above_the_limits_are_refused(tmp_path: Path) -> None:
    write({f"{number}": File(b"12345") for number in range(4)}, tmp_path)
    limits = Limits(max_files=3, max_bytes=14, max_file_bytes=4)
    assert {rule for rule, _ in refusals(tmp_path, limits)} == {"files.too-large"}
    assert len(refusals(tmp_path, Limits(max_files=3))) == 1
    assert len(refusals(tmp_path, Limits(max_bytes=19))) == 1
    assert len(refusals(tmp_path, Limits(max_file_bytes=4))) == 4
    assert len(read_folder(tmp_path, Limits(max_files=4, max_bytes=20, max_file_bytes=5))) == 4


def test_what_is_no_folder_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        read_folder(tmp_path / "file")


def test_a_folder_that_holds_something_is_not_overwritten(tmp_path: Path) -> None:
    write({"mine": File(b"1")}, tmp_path / "taken")
    (tmp_path / "link").symlink_to(tmp_path / "taken")
    (tmp_path / "file").write_text("")
    for name in ("taken", "link", "file"):
        with pytest.raises(FileExistsError):
            write_folder(pack(), tmp_path / name)
    assert list(read_folder(tmp_path / "taken")) == ["mine"]
    (tmp_path / "empty").mkdir()
    write_folder(pack(), tmp_path / "empty")
    assert read_folder(tmp_path / "empty") == pack()


@pytest.mark.parametrize("path", ["../outside", "/outside", "a/../../outside", "a\\b"])
def test_nothing_is_written_outside_the_folder_and_no_half_of_it_stays(
    tmp_path: Path, path: str
) -> None:
    with pytest.raises(ValueError, match="the path"):
        write_folder({"a": File(b""), path: File(b"")}, tmp_path / "deep" / "pack")
    assert list((tmp_path / "deep").iterdir()) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize(
    ("chart", "folders", "expected"),
    [
        ("charts/gateway-crds-1.4.0.tgz", ["charts/gateway-crds"], "charts/gateway-crds"),
        ("charts/engine.tgz", ["charts/engine"], "charts/engine"),
        ("charts/engine-1.0.tgz", ["charts/engine", "charts/engine-1.0"], "charts/engine-1.0"),
        ("charts/engine-v1.0.0-rc.1.tar.gz", ["charts/engine"], "charts/engine"),
        ("charts/engine-ui-1.0.0.tgz", ["charts/engine"], ""),
        ("charts/engine-1.0.0.tgz", ["other/engine"], ""),
        ("charts/engine-1.0.0.zip", ["charts/engine"], ""),
        ("charts/engine", ["charts/engine"], ""),
    ],
)
def test_the_unpacked_chart_beside_an_archive_is_found(
    chart: str, folders: list[str], expected: str
) -> None:
    files = {f"{folder}/Chart.yaml": File(b"name: engine\n") for folder in folders}
    assert unpacked_chart(chart, files) == expected


def test_a_missing_chart_is_packaged_from_its_folder() -> None:
    files = chart_pack(
        {
            "charts/engine-1.0.0.tgz": None,
            "charts/engine/Chart.yaml": "name: engine\nversion: 1.0.0\n",
            "charts/engine/templates/a.yaml": "a: 1\n",
            "charts/engine-extra/Chart.yaml": "name: engine-extra\n",
        }
    )
    packaged = package_missing_charts(files, parsed(files))
    assert set(packaged) == {*files, "charts/engine-1.0.0.tgz"}
    assert list(packaged) == sorted(packaged)
    backwards = dict(sorted(files.items(), reverse=True))
    assert packaged == package_missing_charts(backwards, parsed(files))
    with tarfile.open(fileobj=BytesIO(packaged["charts/engine-1.0.0.tgz"].data)) as archive:
        assert archive.getnames() == ["engine/Chart.yaml", "engine/templates/a.yaml"]


def test_a_chart_that_is_there_or_nowhere_is_left_alone() -> None:
    there = chart_pack({"charts/engine/Chart.yaml": "name: engine\n"})
    nowhere = chart_pack({"charts/engine-1.0.0.tgz": None})
    for files in (there, nowhere):
        assert package_missing_charts(files, parsed(files)) == files


def test_every_real_pack_is_the_same_on_the_disk(real_packs: Path, tmp_path: Path) -> None:
    for archive in sorted(real_packs.glob("*.tar.gz"))[::6]:
        with archive.open("rb") as stream:
            files = read_archive(stream)
        write_folder(files, tmp_path / archive.name)
        assert read_folder(tmp_path / archive.name) == files, archive.name
