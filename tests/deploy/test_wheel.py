"""The wheel holds all of Packyard: installed where nothing of the source tree is, it serves."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer.main
from typer.core import TyperGroup

from packyard import __version__
from packyard.cli.app import app
from packyard.storage.db import Database
from packyard.storage.migrations import upgrade
from packyard.storage.tables import REVISION
from tests.cli.program import Done
from tests.live import free_port, start
from tests.typed import Desk

ROOT = Path(__file__).parents[2]
STARTERS = sorted(path.name for path in (ROOT / "packs").iterdir())
ELSEWHERE = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}


def build(kind: str, source: Path, folder: Path) -> Path:
    """A distribution of that kind from the source tree, by the back end that pyproject names."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, env=ELSEWHERE, capture_output=True, check=True)
    (built,) = folder.iterdir()
    return built


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def run(*words: str | Path, cwd: Path) -> Done:
    """As somebody runs it to whom this source tree is nothing."""
    command = [str(word) for word in words]
    done = subprocess.run(
        command, cwd=cwd, env=ELSEWHERE, capture_output=True, text=True, timeout=90, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def beside(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed; what it depends on is taken from this environment."""
    folder = tmp_path_factory.mktemp("beside")
    venv.create(folder)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", folder]
    done = run(*pip, "install", "--no-index", "--no-deps", wheel, cwd=folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip alone installed the wheel and what its metadata asks for."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=True)
    done = run(folder / "bin/pip", "install", wheel, cwd=folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture(params=["beside", pytest.param("empty", marks=pytest.mark.soak)])
def installed(request: pytest.FixtureRequest) -> Path:
    """The environment; in an empty one only under soak: it loads 100 MB from the network."""
    folder: Path = request.getfixturevalue(request.param)
    return folder


def test_the_wheel_has_the_starter_packs_and_every_module(wheel: Path) -> None:
    names = contents(wheel).keys()
    source = ROOT / "src"
    modules = {path.relative_to(source).as_posix() for path in source.rglob("*.py")}
    packs = {path for path in (ROOT / "packs").rglob("*") if path.is_file()}
    starters = {f"packyard/starter/{path.relative_to(ROOT / 'packs')}" for path in packs}
    assert modules | starters | {"packyard/py.typed"} <= names
    assert not [name for name in names if name.startswith("tests") or name.endswith(".pyc")]


def test_a_source_distribution_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    again = build("wheel", tmp_path / f"packyard-{__version__}", tmp_path / "wheel")
    assert contents(again) == contents(wheel)


def words(command: object, *before: str) -> Iterator[tuple[str, ...]]:
    """Every group of commands, by the words that lead to it."""
    if isinstance(command, TyperGroup):
        yield before
        for name, inner in command.commands.items():
            yield from words(inner, *before, name)


@pytest.mark.timeout(600)
def test_installed_it_shows_every_command(installed: Path, tmp_path: Path) -> None:
    program = installed / "bin/packyard"
    assert f"Packyard CLI Version {__version__}" in run(program, "--version", cwd=tmp_path).out
    tree = typer.main.get_command(app)
    for group in words(tree):
        command: object = tree
        for word in group:
            assert isinstance(command, TyperGroup)
            command = command.commands[word]
        assert isinstance(command, TyperGroup)
        shown = run(program, *group, "--help", cwd=tmp_path)
        assert shown.code == 0, shown.err
        for name in command.commands:
            assert re.search(rf"^\s+{name}\s", shown.out, re.MULTILINE), (group, name)


@pytest.mark.timeout(600)
def test_installed_it_serves_the_starter_packs(installed: Path, tmp_path: Path) -> None:
    config = {"starterpacks": {"enabled": True}}
    program = installed / "bin/packyard"
    live = start(tmp_path, config=config, env={"PYTHONPATH": ""}, program=[program])
    with live:
        auth = ("admin", live.admin_password)
        repositories = httpx.get(f"{live.url}/v2/_catalog", auth=auth).json()["repositories"]
        names = {name.rpartition("-")[0] for name in STARTERS}
        assert {f"spectro-packs/archive/{name}" for name in names} == set(repositories)
    lint = run(program, "pack", "lint", *(ROOT / "packs").iterdir(), cwd=tmp_path)
    assert (lint.code, lint.err) == (0, "")


def test_the_page_on_upgrades_and_the_wheel_in_a_closed_network(
    wheel: Path, beside: Path, tmp_path: Path
) -> None:
    """From data as the first version's tables have it, by the wheel; pip looks nowhere else."""
    server = f"127.0.0.1:{free_port()}"
    desk = Desk(
        tmp_path,
        server,
        places={
            "/opt/packyard/": f"{beside}/",
            "/var/lib/packyard": f"{tmp_path}/data",
            "/backup": str(tmp_path),
        },
        environment={
            "PACKYARD_HTTP_ADDR": server,
            "PACKYARD_STORAGE_FILESYSTEM_ROOTDIRECTORY": f"{tmp_path}/data",
            "PACKYARD_STARTERPACKS_ENABLED": "false",
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            "PYTHONPATH": "",
            "SERVED": f"{beside}/bin/packyard",
        },
    )
    shutil.copy(wheel, tmp_path)
    (tmp_path / "data").mkdir()
    database = Database(tmp_path / "data")
    upgrade(database, "0001")
    database.close()
    pip = beside / "bin/pip"
    pip.write_text(f'#!/bin/sh\nexec {sys.executable} -m pip --python {beside} "$@"\n')
    pip.chmod(0o755)
    desk.put("bin/pip", f'#!/bin/sh\nexec {sys.executable} -m pip "$@"\n', 0o755)
    desk.type("air-gap.md", lambda command: "pip" in command.partition(" ")[0])
    desk.type("upgrades.md", lambda command: not command.startswith("docker "))
    for folder, revision in (("before-upgrade", "0001"), ("data", REVISION)):
        with sqlite3.connect(tmp_path / folder / "packyard.db") as rows:
            assert rows.execute("SELECT version_num FROM alembic_version").fetchall() == [
                (revision,)
            ]
