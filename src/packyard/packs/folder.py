"""A pack as a folder on the disk: read, written, and its missing charts packaged.

Links and devices are refused, not followed. Empty folders are no part of a pack. A folder is
written beside its place and renamed into it, so half a pack never stands there.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from packyard.errors import ContentRefused
from packyard.findings import Finding
from packyard.packs.archive import write_archive
from packyard.packs.files import STANDARD, File, Files, Limits, path_fault
from packyard.packs.model import Pack
from packyard.packs.rules import found
from packyard.packs.version import Version

__all__ = [
    "File",
    "Files",
    "Limits",
    "package_missing_charts",
    "read_folder",
    "unpacked_chart",
    "write_folder",
]

_CHART_ARCHIVE = re.compile(r"\.(?:tgz|tar\.gz)$")


def read_folder(path: Path, limits: Limits = STANDARD) -> Files:
    """Every file below `path`, sorted; `OSError` where the system does not let us read.

    Raises `ContentRefused` with everything in the folder that no pack can hold.
    """
    findings: list[Finding] = []
    entries = dict(islice(_entries(path, "", findings), limits.max_files + 1))
    sizes = {name: entry.stat().st_size for name, entry in entries.items()}
    if len(entries) > limits.max_files:
        findings.append(_too_large(f"holds more than {limits.max_files:,} files"))
    if sum(sizes.values()) > limits.max_bytes:
        findings.append(_too_large(f"holds more than {limits.max_bytes:,} bytes"))
    findings.extend(
        _too_large(f"holds a file of more than {limits.max_file_bytes:,} bytes", name)
        for name, size in sizes.items()
        if size > limits.max_file_bytes
    )
    if findings:
        raise ContentRefused(f"{path} is not taken as a pack.", findings)
    return {name: _file(Path(entry.path)) for name, entry in sorted(entries.items())}


def write_folder(files: Files, path: Path) -> None:
    """Write `files` as the new folder `path`; `FileExistsError` where that holds something."""
    if path.is_symlink() or (path.exists() and not _is_empty_folder(path)):
        raise FileExistsError(errno.EEXIST, "There is something already", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name[:60]}-", dir=path.parent))
    try:
        for name, file in files.items():
            _write(file, draft, name)
        draft.chmod(0o755)
        draft.replace(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def package_missing_charts(files: Files, pack: Pack) -> Files:
    """`files` with every chart that pack.json names and that lies there only unpacked.

    The chart's archive has the folder's name at its top; the same folder gives the same bytes.
    """
    packaged = dict(files)
    for chart in pack.charts:
        folder = unpacked_chart(chart, files)
        if chart not in files and folder:
            out = io.BytesIO()
            inside = {
                name.removeprefix(f"{folder}/"): file
                for name, file in files.items()
                if name.startswith(f"{folder}/")
            }
            write_archive(inside, PurePosixPath(folder).name, out)
            packaged[chart] = File(out.getvalue())
    return dict(sorted(packaged.items()))


def unpacked_chart(chart: str, files: Files) -> str:
    """The folder beside `chart` that is the same chart unpacked: `a-1.2.tgz` is `a-1.2` or `a`.

    "" where there is none.
    """
    stem, is_archive = _CHART_ARCHIVE.subn("", chart)
    if not is_archive:
        return ""
    dashes = [match.start() for match in re.finditer("-", stem)]
    for folder in (stem, *(stem[:dash] for dash in reversed(dashes))):
        version = stem[len(folder) + 1 :]
        if f"{folder}/Chart.yaml" in files and (not version or Version.parse(version)):
            return folder
    return ""


def _entries(
    folder: Path, prefix: str, findings: list[Finding]
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file below, by its path; what is neither file nor folder goes to `findings`."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if fault := path_fault(name):
                findings.append(found("files.path", f"The path {name[:200]!r} {fault}."))
            elif entry.is_symlink():
                message = f"{name!r} is a symbolic link; a pack holds files only."
                mend = "Put the file itself in its place."
                findings.append(found("files.link", message, mend=mend, file=name))
            elif entry.is_dir():
                yield from _entries(Path(entry.path), f"{name}/", findings)
            elif entry.is_file():
                yield name, entry
            else:
                message = f"{name!r} is a device, pipe or socket; a pack holds files only."
                findings.append(found("files.special", message, mend="Remove it.", file=name))


def _file(path: Path) -> File:
    with path.open("rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        return File(stream.read(), bool(mode & stat.S_IXUSR))


def _write(file: File, folder: Path, name: str) -> None:
    if fault := path_fault(name):
        raise ValueError(f"the path {name!r} {fault}")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(file.data)
    target.chmod(0o755 if file.executable else 0o644)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _too_large(what: str, name: str = "") -> Finding:
    mend = "Check that this is the folder of one pack."
    return found("files.too-large", f"The folder {what}.", mend=mend, file=name)
