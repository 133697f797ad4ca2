"""The program with our own server: what packs go through from a folder and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from packyard.packs.archive import read_archive
from packyard.packs.folder import package_missing_charts, read_folder
from packyard.packs.model import parse_pack_json
from tests import live
from tests.cli.program import Program, make_pack
from tests.live import Live

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live.start(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def admin(server: Live, packyard: Program) -> Program:
    login(packyard, server, "admin", server.admin_password)
    return packyard


def login(program: Program, server: Live, name: str, password: str) -> None:
    words = ["registry", "login", server.host, "-u", name, "--password-stdin"]
    done = program(*words, stdin=password)
    assert done.code == 0, done.err


def tags(program: Program, name: str, *words: str) -> list[str]:
    listed = program("pack", "ls", "-n", name, "-o", "json", *words)
    return [row["tag"] for row in json.loads(listed.out or "[]")]


def test_the_first_pack_of_the_readme_comes_out_as_it_says(admin: Program, tmp_path: Path) -> None:
    """Its files are made, its commands typed, and what is shown below each is what comes."""
    page = README.read_text(encoding="utf-8").partition("## A first pack")[2]
    made = re.findall(
        r"`(quiet-nights[^`\n]+)`:\n\n```\w+\n(.*?)^```", page, re.MULTILINE | re.DOTALL
    )
    assert len(made) == 3
    for path, text in made:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    typed = re.findall(
        r"^\$ packyard (pack (?:lint|push|pull) .*)\n((?:[^$`].*\n|\n)+)", page, re.MULTILINE
    )
    assert len(typed) == 3
    for words, shown in typed:
        done = admin(*words.split(), cwd=tmp_path)
        assert (done.code, done.err + done.out) == (0, shown), words


def test_all_real_packs_are_pushed_listed_and_pulled_as_they_were(
    admin: Program, real_packs: Path, tmp_path: Path
) -> None:
    archives = sorted(real_packs.glob("*.tar.gz"))
    pushed = admin("pack", "push", *archives)
    assert pushed.code == 0, pushed.err
    lines = [line.split() for line in pushed.out.splitlines()]
    assert [line[0] for line in lines] == ["pushed"] * len(archives)
    again = admin("pack", "push", "-f", "-m", "again", *archives)
    assert again.code == 0, again.err
    assert [line.split()[1:] for line in again.out.splitlines()] == [line[1:] for line in lines]
    assert {line.split()[0] for line in again.out.splitlines()} == {"unchanged"}
    listed = json.loads(admin("pack", "ls", "-o", "json").out)
    assert {(f"{row['name']}:{row['tag']}", row["digest"]) for row in listed} >= {
        (name, digest) for _, name, digest in lines
    }
    for archive, (_, reference, _) in list(zip(archives, lines, strict=True))[::10]:
        with archive.open("rb") as stream:
            files = read_archive(stream)
        pack, _ = parse_pack_json(files["pack.json"].data)
        assert pack
        assert admin("pack", "pull", reference, tmp_path).code == 0
        pulled = read_folder(tmp_path / f"{pack.name}-{pack.version}")
        assert pulled == package_missing_charts(files, pack)


def test_a_chart_that_is_only_unpacked_is_packaged_and_told(admin: Program, tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "demo", "unpacked", "1.0.0", charts=["charts/engine-1.0.0.tgz"])
    (folder / "charts" / "engine").mkdir(parents=True)
    chart = "apiVersion: v2\nname: engine\nversion: 1.0.0\n"
    (folder / "charts" / "engine" / "Chart.yaml").write_text(chart)
    done = admin("pack", "push", folder)
    assert done.code == 0, done.err
    assert "charts/engine-1.0.0.tgz" in done.err
    admin("pack", "pull", "unpacked", tmp_path / "out")
    assert (tmp_path / "out" / "unpacked-1.0.0" / "charts" / "engine-1.0.0.tgz").is_file()


def test_files_may_be_missing_where_that_is_allowed(admin: Program, tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "demo", "missing", "1.0.0", charts=["charts/none-1.0.0.tgz"])
    refused = admin("pack", "push", folder)
    assert refused.code == 1
    assert "charts/none-1.0.0.tgz" in refused.err
    allowed = admin("pack", "push", "--allow-missing", folder)
    assert allowed.code == 0
    assert re.search(r"\d warnings?, told by packyard pack lint", allowed.err)


def test_other_content_is_refused_with_both_digests_and_replaced_by_force(
    admin: Program, tmp_path: Path
) -> None:
    one = make_pack(tmp_path / "one", "forced", "1.0.0")
    two = make_pack(tmp_path / "two", "forced", "1.0.0", displayName="Changed")
    assert admin("pack", "push", one).code == 0
    assert admin("pack", "push", two).code == 1
    done = admin("pack", "push", "-f", "-m", "better", two)
    assert done.out.startswith("replaced "), done.err
    (row,) = json.loads(admin("pack", "ls", "-n", "forced", "-o", "json").out)
    assert (row["displayName"], row["message"], row["pushedBy"]) == ("Changed", "better", "admin")


def test_parent_tags_are_listed_and_cannot_be_deleted(admin: Program, tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "demo", "tagged", "14.4.3")
    admin("pack", "push", folder)
    assert tags(admin, "tagged") == ["14.4.3"]
    assert set(tags(admin, "tagged", "--all-tags")) == {"14.4.3", "14.4.x", "14.x"}
    refused = admin("pack", "tag", "delete", "tagged:14.x")
    assert refused.code == 1
    assert "parent tag" in refused.err
    assert admin("pack", "tag", "add", "tagged:14.4.3", "stable").code == 0
    assert "stable" in tags(admin, "tagged", "--all-tags")
    assert admin("pack", "tag", "delete", "tagged:stable").code == 0
    assert admin("pack", "tag", "delete", "tagged:14.4.3").code == 0
    assert tags(admin, "tagged") == []


def test_the_table_shows_what_people_choose_by(admin: Program, tmp_path: Path) -> None:
    admin("pack", "push", make_pack(tmp_path / "demo", "shown", "2.0.0", group="LTS"))
    head, row = admin("pack", "ls", "-n", "shown").out.splitlines()
    assert head.split() == ["NAME", "TAG", "LAYER", "TYPE", "SIZE", "PUSHED"]
    assert row.split()[:5] == ["shown", "LTS__2.0.0", "addon", "system", "app"]


def test_a_reader_lists_and_pulls_and_may_not_push(
    server: Live, admin: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "demo", "guarded", "1.0.0")
    assert admin("pack", "push", folder).code == 0
    reader = Program(tmp_path / "reader")
    login(reader, server, server.reader, server.reader_password)
    assert tags(reader, "guarded") == ["1.0.0"]
    assert reader("pack", "pull", "guarded", tmp_path / "out").code == 0
    changed = make_pack(tmp_path / "changed", "guarded", "1.0.1")
    refused = reader("pack", "push", changed)
    assert refused.code == 1
    assert f"{server.host}: {server.reader} may" in refused.err
    assert tags(reader, "guarded") == ["1.0.0"]


def test_the_store_is_looked_after_while_the_server_runs(server: Live, admin: Program) -> None:
    beside = Program(admin.home)
    dry = beside("gc", server.config, "--dry-run", "--untagged", "--grace", "0")
    assert dry.code == 0, dry.err
    assert "would be" in dry.out
    assert beside("gc", server.config).code == 0
    assert beside("gc", server.config, "--grace", "soon").code == 2


def test_a_new_password_is_printed_alone_and_opens(server: Live, packyard: Program) -> None:
    done = packyard("user", "reset-password", "--config", server.config)
    assert (done.code, done.err) == (0, "")
    (password,) = done.out.split()
    login(packyard, server, "admin", password)
    server.admin_password = password
    assert packyard("user", "reset-password", "nobody", "--config", server.config).code == 1


def test_work_on_a_store_that_is_not_there_is_told(packyard: Program, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    root = tmp_path / "none"
    config.write_text(f"storage: {{filesystem: {{rootdirectory: {root}}}}}\n")
    done = packyard("gc", config)
    assert done.code == 1
    assert str(root) in done.err
    assert not root.exists()
