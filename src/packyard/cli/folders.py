"""Packs on this machine: folders and archives, read and written."""

from __future__ import annotations

from pathlib import Path

from packyard.digests import Digest
from packyard.errors import Conflict, ContentRefused
from packyard.packs.archive import content_digest, read_archive
from packyard.packs.files import Files
from packyard.packs.folder import read_folder, write_folder


def read_pack(path: Path) -> Files:
    """The files of a pack's folder or archive; raise `ContentRefused` where they are no pack's."""
    if path.is_dir():
        return read_folder(path)
    with path.open("rb") as archive:
        return read_archive(archive)


def write_pack(files: Files, digest: Digest, folder: Path) -> bool:
    """Write `files` as `folder`, whole or not at all; False where the same content stands there.

    Raise `Conflict` where something else does. `digest` is the content digest of `files`.
    """
    try:
        write_folder(files, folder)
    except FileExistsError:
        if _holds(folder, digest):
            return False
        raise Conflict(
            f"{folder} is there already and holds something else: move it away, or pull into "
            "another folder."
        ) from None
    return True


def _holds(folder: Path, digest: Digest) -> bool:
    try:
        return folder.is_dir() and content_digest(read_folder(folder)) == digest
    except ContentRefused:
        return False
