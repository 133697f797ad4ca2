"""`packyard hub search` and `hub show`, over the packs of a hub and of a registry that it reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import live
from tests.cli.hub.conftest import Commands, login, typed
from tests.live import ADMIN_PASSWORD, READER, READER_PASSWORD, Live
from tests.packs.samples import pack, write
from tests.test_docs import ROOT, console_lines

README = b"# Web\n\nServes whatever a zebra asks for.\n"


@pytest.fixture(scope="module")
def hub(admin: Commands, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """With packs of its own, and those of another Packyard as the registry `team`."""
    folder = tmp_path_factory.mktemp("packs")

    def made(
        path: str, name: str, version: str, readme: bytes | None = README, **about: object
    ) -> Path:
        files = pack({"README.md": readme}, name=name, version=version, **about)
        return write(files, folder / path)

    about = {"source": "community", "description": "Serves webs"}
    monitoring: dict[str, Any] = {"layer": "addon", "addonType": "monitoring", "annotations": about}
    own = [
        made("a", "web", "1.0.0", displayName="Web", **monitoring),
        made("b", "web", "1.10.0", displayName="Web", **monitoring),
        made("c", "flannel", "0.9.0", None, layer="cni", addonType=None, cloudTypes=["edge"]),
    ]
    Commands(admin.home, ("pack",))("push", *own)
    other = folder / "other"
    other.mkdir()
    with live.start(other) as running:
        login(running, other / "home", "admin", ADMIN_PASSWORD)
        theirs = [
            made("d", "web", "1.0.0", displayName="Another", **monitoring),
            made("e", "only", "2.0.0"),
        ]
        Commands(other / "home", ("pack",))("push", *theirs)
        words = ("pack", "team", running.url, "-u", READER, "--secret-stdin", "--watch")
        admin("registry", "add", *words, stdin=READER_PASSWORD)
        yield admin


def lines(hub: Commands, *words: str) -> list[list[str]]:
    return [line.split()[:2] for line in hub("search", *words).out.splitlines()[1:]]


def test_packs_are_found_by_what_they_say_and_where_they_are(hub: Commands) -> None:
    everything = [["flannel", "0.9.0"], ["only", "2.0.0"], ["web", "1.10.0"], ["web", "1.0.0"]]
    assert lines(hub) == everything
    webs = everything[2:]
    assert lines(hub, "zebra", "--name", "we") == webs
    assert lines(hub, "--layer", "cni") == everything[:1]
    assert lines(hub, "--addon-type", "monitoring") == webs
    assert lines(hub, "--registry", "team", "--type", "spectro") == [["only", "2.0.0"], webs[1]]
    assert "flannel" not in hub("search", "--cloud", "aws").out
    assert lines(hub, "--filter", "spec.name=webANDspec.version>1.2") == [webs[0]]
    assert lines(hub, "--limit", "2") == everything[:2]
    assert "more than these 2:" in hub("search", "--limit", "2").err
    assert "more than this one:" in hub("search", "--limit", "1").err
    found = json.loads(hub("search", "--name", "web", "-o", "json").out)
    assert [len(one["spec"]["registries"]) for one in found] == [2]
    assert "no such packs" in hub.says("search", "giraffe", code=0)


def test_equal_versions_that_differ_are_marked(hub: Commands) -> None:
    table = hub("search", "--name", "web").out
    versions = hub("search", "--filter", "spec.name=webANDspec.version=1.0.0").out
    assert len(versions.splitlines()) == 3
    assert "other content than in Public Repo" in table
    _, clash = hub("search", "--clashes").out.splitlines()
    assert clash.split()[:2] == ["web", "1.0.0"]
    assert "Public Repo" in clash
    assert "team" in clash
    assert "stands alone" in hub.says("search", "web", "--clashes", code=2)


def test_a_pack_is_shown_with_its_tags_values_and_readme(hub: Commands) -> None:
    shown = hub("show", "web").out
    assert "REGISTRY       Public Repo" in shown
    assert "TAG            1.10.0" in shown
    assert shown.index("1.10.0  (") < shown.index("1.0.0  (")
    assert "1.0.x" in shown
    assert "DISPLAY NAME   Another" in hub("show", "web", "--registry", "team").out
    assert "team" in hub("show", "only").out
    assert hub("show", "web:1.0.0", "--readme").out == README.decode()
    assert hub("show", "web:1.0.x", "--values").out
    assert "flannel 0.9.0 has no README." in hub.says("show", "flannel", "--readme", code=0)
    assert "DESCRIPTION    Serves webs" in shown
    data = json.loads(hub("show", "web", "-o", "json").out)
    assert {"1.0.0", "1.10.0"} <= {tag["tag"] for tag in data["tags"]}
    for words, code, said in (
        (("wob",), 1, "has no pack wob."),
        (("webb",), 1, "Did you mean 'web'?"),
        (("web:1.0.1",), 1, "has no pack web of the tag 1.0.1. Did you mean '1.0.x'?"),
        (("flannel", "--registry", "team"), 1, "team has no pack flannel; it is in: Public Repo."),
        (("webb", "--registry", "team"), 1, "Did you mean 'web'?"),
        ((":1.0.0",), 2, "Name a pack"),
        (("web", "--registry", "teem"), 1, "Did you mean 'team'?"),
        (("web", "--values", "--readme"), 2, "exclude"),
    ):
        assert said in hub.says("show", *words, code=code)


def test_what_stands_in_several_other_registries_is_not_guessed(
    hub: Commands, server: Live
) -> None:
    (row,) = [
        row
        for row in json.loads(hub("registry", "ls", "-o", "json").out)
        if row["metadata"]["name"] == "team"
    ]
    words = ("pack", "twin", row["spec"]["endpoint"], "-u", READER, "--secret-stdin", "--watch")
    hub("registry", "add", *words, stdin=READER_PASSWORD)
    assert "name one by --registry: team, twin." in hub.says("show", "only")
    assert "twin" in hub("show", "only", "--registry", "twin").out


def test_every_command_on_searching_does_what_it_says(
    hub: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = list(console_lines(ROOT / "docs/search.md"))
    for line in lines:
        typed(hub.home, line.replace("nginx", "web").replace("1.2.0", "1.0.0"))
    assert len(lines) > 5
    assert (tmp_path / "values.yaml").read_text()
