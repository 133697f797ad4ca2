"""What no tracked file may hold: paths of one machine, hosts of package registries, binaries."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# With "[.]" and "[/]", so that this file does not hold what it looks for.
HOSTS = [
    "pypi[.]org",
    "pythonhosted[.]org",
    "npmjs[.](?:org|com)",
    "proxy[.]golang[.]org",
    "crates[.]io",
    "repo1?[.]maven",
    "deb[.]debian[.]org",
]
MACHINE_PATHS = ["/work[/]", "[/]tmp/(?:w|bash_jobs)[/.]", "/farm[/]", "/home[/]", "/root[/]"]
FORBIDDEN = re.compile("|".join(HOSTS + MACHINE_PATHS))
BINARIES = {".png", ".ico", ".woff2"}
LARGEST_BINARY = 256 * 1024


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name.decode() for name in listing.split(b"\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        if path.suffix in BINARIES:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := FORBIDDEN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    assert not found, "\n".join(found)


def test_every_binary_file_is_a_small_picture_or_font() -> None:
    for path in tracked():
        data = path.read_bytes()
        if path.suffix in BINARIES:
            assert len(data) <= LARGEST_BINARY, path
        else:
            assert b"\0" not in data, f"{path} is binary: build it instead of keeping it"
