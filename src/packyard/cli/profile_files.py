"""A profile on this machine: its document, and the files of values and manifests beside it."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from packyard.errors import Conflict, ContentRefused
from packyard.findings import Finding, refusals
from packyard.packs.files import path_fault
from packyard.profiles.file import ProfileFile, read_file

_LIMIT = 32 * 2**20


def read(path: Path) -> tuple[ProfileFile | None, list[Finding]]:
    """The profile of a file; findings name files relative to its folder."""
    return read_file(path.read_bytes(), path.name, lambda name: _text(path.parent, name))


def opened(path: Path) -> ProfileFile:
    """The profile, where it can be worked with; raises `ContentRefused`."""
    file, findings = read(path)
    if file is None or refusals(findings):
        raise ContentRefused(f"{path} is no profile that could be read.", findings)
    return file


def write(path: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write a new profile, the document under ""; every file that was written, in order.

    Raises `Conflict` where any of them is there already, and then writes nothing.
    """
    files = {path if not name else path.parent / name: text for name, text in texts.items()}
    taken = [str(file) for file in files if file.exists() or file.is_symlink()]
    if taken:
        raise Conflict(f"{', '.join(taken)} is there already: name another file, or move it away.")
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
    return list(files)


def rewrite(path: Path, texts: Mapping[str, str]) -> list[Path]:
    """The same in the place of what stands there; the files that are another now, in order."""
    files = {path if not name else path.parent / name: text for name, text in texts.items()}
    changed = []
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_bytes() != text.encode():
            replace(file, text)
            changed.append(file)
    return changed


def replace(path: Path, text: str) -> None:
    """Put another text in the place of a file's, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _text(folder: Path, name: str) -> str:
    """A file beside the profile; one that is named by a path out of its folder is not read."""
    relative = PurePosixPath(name).as_posix()
    if fault := path_fault(relative):
        raise OSError(errno.EPERM, f"its path {fault}", name)
    with (folder / relative).open("rb") as stream:
        data = stream.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        raise OSError(errno.EFBIG, f"it has more than {_LIMIT:,} bytes", name)
    return data.decode("utf-8")
