"""What a pack is made of: files by path, and the paths and sizes that are allowed.

A path is relative, in parts separated by `/`, without `.` and `..`, in characters that every
system can write. Of a file's mode only the owner's run bit counts. Whoever makes `Files` checks
paths with `path_fault`, so that whoever writes them down stays inside the folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_PATH_LIMIT = 1024
_PART_LIMIT = 255
_DEPTH_LIMIT = 64
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class File:
    data: bytes
    executable: bool = False


Files = Mapping[str, File]
"""By path relative to the pack's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a pack may hold, unpacked; sizes in bytes. `max_files` counts folders as well.

    `max_ratio` bounds how many bytes one byte of an archive may become; it binds from
    `ratio_floor` unpacked bytes on, since a few megabytes of blanks are harmless.
    """

    max_bytes: int = 128 * 1024 * 1024
    max_files: int = 10_000
    max_file_bytes: int = 64 * 1024 * 1024
    max_ratio: int = 200
    ratio_floor: int = 32 * 1024 * 1024


STANDARD = Limits()


def path_fault(path: str) -> str:
    """What is wrong with a path, to follow its name in a sentence; "" where nothing is."""
    parts = path.split("/")
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is absolute"
    if _DRIVE.match(path):
        return f"begins as a drive does, with {path[:2]!r}"
    if ".." in parts:
        return "leaves the folder by '..'"
    if "" in parts or "." in parts:
        return "has an empty part or '.'"
    if "\\" in path:
        return "has a backslash, which some systems read as a separator"
    if _CONTROL.search(path):
        return "has a control character"
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "is not UTF-8"
    if len(parts) > _DEPTH_LIMIT:
        return f"is deeper than {_DEPTH_LIMIT} folders"
    if max(sizes) > _PART_LIMIT or sum(sizes) + len(sizes) - 1 > _PATH_LIMIT:
        return f"is longer than {_PART_LIMIT} bytes a part or {_PATH_LIMIT} in all"
    return ""


def parents(path: str) -> Iterator[str]:
    """The folders above a path, the outermost first."""
    slash = path.find("/")
    while slash >= 0:
        yield path[:slash]
        slash = path.find("/", slash + 1)
