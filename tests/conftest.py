"""What tests need from outside: real client programs, and the folder of real packs.

A test marked `@pytest.mark.clients("oras", "crane")` runs those programs. Where one is absent the
test is skipped and says so; with PACKYARD_REQUIRE_CLIENTS=1 (as in .ci/run) it fails instead, but
for the programs in BROUGHT, which nothing here can install: they are required by the value `all`.

Properties are tried on the same examples in every run, and on others in those marked `soak`.
"""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

# Where `go install` and .ci/run put programs; people rarely have these on their PATH.
CLIENT_FOLDERS = [
    os.environ.get("PACKYARD_CLIENTS", "~/.cache/packyard/clients"),
    os.environ.get("GOBIN", "~/go/bin"),
]
# Not served where .ci/run asks for programs: they are tried where somebody has them on the PATH.
BROUGHT = {"terraform", "terraform-provider-spectrocloud"}

# How long httpx waits by default, in seconds: a server on a machine with much to do answers late.
inspect.signature(httpx.Client).parameters["timeout"].default.read = 60

settings.register_profile("packyard", deadline=None, derandomize=True)
settings.load_profile("packyard")


# Where temporary folders cost no flushing of a disk, a third of the time of many tests; a TMPDIR in
# the environment is kept. Not below so many bytes, and not where no program may be run.
MEMORY = Path("/dev/shm")  # noqa: S108 - of which each run takes a folder of its own
ROOM = 4 << 30


def pytest_configure() -> None:
    if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK):
        place = os.statvfs(MEMORY)
        if place.f_bavail * place.f_frsize >= ROOM and not place.f_flag & os.ST_NOEXEC:
            os.environ["TMPDIR"] = str(MEMORY)
            tempfile.tempdir = None  # which may be known by now
    folders = [str(Path(folder).expanduser()) for folder in CLIENT_FOLDERS]
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *folders])


def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = {name for mark in item.iter_markers("clients") for name in mark.args}
    missing = sorted(name for name in wanted if shutil.which(name) is None)
    if missing:
        absent(*missing)


def absent(*programs: str) -> NoReturn:
    """Skip the test for want of these; fail where none may be wanting."""
    brought = bool(BROUGHT & set(programs))
    hint = "bring your own" if brought else ".ci/run installs every client"
    message = f"not installed: {', '.join(programs)} ({hint})"
    required = os.environ.get("PACKYARD_REQUIRE_CLIENTS")
    if required == "all" or (required == "1" and not brought):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def real_packs() -> Path:
    """The folder of packs as their authors published them: `*.tar.gz`, read only."""
    folder = Path(os.environ.get("PACKYARD_PACKS", ROOT.parent / "shared" / "packs"))
    if not folder.is_dir():
        pytest.skip(f"no real packs at {folder}: set PACKYARD_PACKS to their folder")
    return folder
