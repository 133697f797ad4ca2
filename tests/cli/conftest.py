"""The program, and registries for it to work with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Inside, Program
from tests.remotes.distribution import PASSWORD, USER, running

# Modules of very many commands.
INSIDE = {
    "test_build",
    "test_charts",
    "test_lint",
    "test_profile",
    "test_pull",
    "test_push",
    "test_render",
    "test_tags_and_lists",
}


@pytest.fixture
def packyard(tmp_path: Path, request: pytest.FixtureRequest) -> Program:
    home = tmp_path / "home"
    home.mkdir()
    return (Inside if request.module.__name__.rpartition(".")[2] in INSIDE else Program)(home)


@pytest.fixture(scope="module")
def closed_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A foreign registry that lets `USER` in; its host:port."""
    with running(tmp_path_factory.mktemp("closed"), login=True) as host:
        yield host


@pytest.fixture
def foreign(packyard: Program, closed_registry: str, tmp_path: Path) -> str:
    """`oci://…` of a foreign registry with a base of its own, logged in to."""
    done = packyard(
        "registry", "login", closed_registry, "-u", USER, "--password-stdin", stdin=PASSWORD
    )
    assert done.code == 0, done.err
    base = "".join(c if c.isascii() and c.isalnum() else "-" for c in tmp_path.name.lower())
    return f"oci://{closed_registry}/{base.strip('-')}"
