"""The order of system calls (strace): write, fsync, rename, fsync of the folder, commit, answer."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PUSH = """
import os, sys
from pathlib import Path
from packyard.digests import digest_of
from packyard.storage.store import Store
from tests.storage.examples import LARGE, REPO, SMALL

store = Store.open(Path(sys.argv[1]))
store.migrate()
data = {"large": LARGE, "small": SMALL}[sys.argv[2]]
os.write(1, b"begin")
if sys.argv[3] == "whole":
    store.put_blob(REPO, digest_of(data), data)
else:
    upload = store.uploads.begin(REPO)
    with store.uploads.append(REPO, upload) as writer:
        writer.write(data)
    store.uploads.finish(REPO, upload, digest_of(data))
os.write(1, b"answer")
store.close()
"""


def calls(folder: Path, *arguments: str) -> list[str]:
    """What was asked of the system between begin and answer, as `call path` (relative)."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    data, log = folder / "data", folder / "log"
    traced = "trace=write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink"
    command = [strace, "-f", "-y", "-s", "16", "-e", traced, "-o", str(log)]
    done = subprocess.run(
        [*command, sys.executable, "-c", PUSH, str(data), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    text = log.read_text()
    between = text[text.index('"begin"') : text.index('"answer"')]
    found = re.findall(rf"(\w+)\([^\n]*?{re.escape(str(data))}(?:/([^>\"]*))?", between)
    return [f"{call} {path or '.'}" for call, path in found]


def in_order(found: list[str], *patterns: str) -> None:
    """Each pattern matches a call behind the one before it."""
    remaining = iter(found)
    for pattern in patterns:
        if not any(re.fullmatch(pattern, call) for call in remaining):
            pytest.fail(f"no {pattern} where it should be in:\n" + "\n".join(found))


FOLDER = r"blobs/sha256/[0-9a-f]{2}"
WAL = r"packyard\.db-wal"


@pytest.mark.parametrize("way", ["whole", "upload"])
def test_a_large_blob_is_flushed_before_its_row(tmp_path: Path, way: str) -> None:
    found = calls(tmp_path, "large", way)
    in_order(
        found,
        r"p?write(64)? uploads/\w+\.\w+",
        r"fsync uploads/\w+\.\w+",
        r"rename\w* uploads/\w+\.\w+",
        rf"fsync {FOLDER}",
        rf"pwrite64 {WAL}",
        rf"f(data)?sync {WAL}",
    )
    new_folders = [call for call in found if call in ("fsync blobs/sha256", "fsync blobs")]
    assert len(new_folders) >= 2, "the folders made on the way are flushed too"
    assert re.fullmatch(rf"f(data)?sync {WAL}", [call for call in found if "sync" in call][-1])


@pytest.mark.parametrize("way", ["whole", "upload"])
def test_a_small_blob_needs_one_flush(tmp_path: Path, way: str) -> None:
    found = calls(tmp_path, "small", way)
    in_order(found, rf"pwrite64 {WAL}", rf"f(data)?sync {WAL}")
    flushes = [call for call in found if "sync" in call and "db" not in call]
    assert flushes == []
    assert sum("sync" in call for call in found) <= 2
