"""A pack as one gzipped tar file: its layer in a registry (spec "OCI form of a pack").

Reading is safe on anything that anybody sends: it goes forwards once, keeps no more than `Limits`
allow, writes nothing, and either gives the pack's files or raises `ContentRefused`. Writing is
deterministic: the same files give the same bytes (with the same zlib), whatever their times and
owners were. `content_digest` names the files themselves, whatever packed them.
"""

from __future__ import annotations

import hashlib
import zlib
from itertools import chain
from typing import BinaryIO

from packyard.digests import Digest, finish, hasher
from packyard.errors import ContentRefused
from packyard.findings import Finding
from packyard.packs import tar
from packyard.packs.files import STANDARD, File, Files, Limits, parents, path_fault
from packyard.packs.inflate import Breach, Unpacked
from packyard.packs.model import PACK_JSON
from packyard.packs.rules import found

_LEVEL = 6
_GZIP_HEADER = bytes.fromhex("1f8b08000000000000ff")  # no name, no time, no system
_FINDINGS_LIMIT = 100


def read_archive(stream: BinaryIO, limits: Limits = STANDARD) -> Files:
    """The pack in a tar file, gzipped or not, by path relative to the folder that is the pack.

    That folder is the archive's root or its one top folder, whichever holds pack.json. Raises
    `ContentRefused` with everything that is wrong as far as the archive could be read.
    """
    contents = _Contents()
    files: Files = {}
    try:
        for member in tar.read(Unpacked(stream, limits), limits):
            contents.add(member)
        files = contents.pack()
    except Breach as breach:
        contents.findings.append(breach.finding)
    if contents.findings:
        raise ContentRefused("The archive is not taken as a pack.", contents.findings)
    return files


def write_archive(files: Files, top: str, out: BinaryIO) -> None:
    """Write `files` below the folder `top`, sorted by path, as a gzipped tar file."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    checksum = size = 0
    out.write(_GZIP_HEADER)
    members = (
        tar.write(f"{top}/{path}", files[path].data, executable=files[path].executable)
        for path in sorted(files)
    )
    for part in chain(members, [tar.END]):
        checksum = zlib.crc32(part, checksum)
        size += len(part)
        out.write(compressor.compress(part))
    out.write(compressor.flush())
    out.write(checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little"))


def content_digest(files: Files) -> Digest:
    """The pack's identity: over each path, run bit and sha256 of the bytes, sorted by path."""
    running = hasher("sha256")
    for path in sorted(files):
        file = files[path]
        running.update(path.encode() + (b"\0x" if file.executable else b"\0-"))
        running.update(hashlib.sha256(file.data).digest())
    return finish(running)


class _Contents:
    """What was found in an archive so far, and what is wrong with it."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.folders: set[str] = set()
        self.findings: list[Finding] = []

    def add(self, member: tar.Member) -> None:
        path = _relative(member.name)
        if member.kind is tar.Kind.FOLDER and not path:
            return  # the root itself, written `./`
        if fault := path_fault(path):
            self._refuse("files.path", f"The path {member.name[:200]!r} {fault}.")
        elif member.kind is tar.Kind.FOLDER:
            self.folders.add(path)
        elif member.kind is not tar.Kind.FILE:
            rule = "files.link" if "link" in member.kind else "files.special"
            self._refuse(rule, f"{path!r} is a {member.kind}; a pack holds files only.", path)
        elif path in self.files:
            self._refuse("files.duplicate", f"The archive holds {path!r} twice.", path)
        else:
            self.files[path] = File(member.data, member.executable)

    def pack(self) -> Files:
        """The files below the folder that is the pack; empty where something is wrong."""
        above = (up for path in chain(self.files, self.folders) for up in parents(path))
        for path in sorted(self.files.keys() & chain(above, self.folders)):
            self._refuse("files.duplicate", f"{path!r} is both a file and a folder.", path)
        top = None if self.findings else self._top()
        if top is None:
            return {}
        return {path.removeprefix(top): self.files[path] for path in sorted(self.files)}

    def _top(self) -> str | None:
        """ "" where the root is the pack, else the one top folder with its slash."""
        if PACK_JSON in self.files:
            return ""
        tops = sorted(
            path.removesuffix(PACK_JSON)
            for path in self.files
            if path.count("/") == 1 and path.endswith(f"/{PACK_JSON}")
        )
        if not tops:
            message = f"There is no {PACK_JSON} at the archive's root or in its one top folder."
            self._refuse("pack-json.missing", message)
            return None
        outside = [path for path in self.files if not path.startswith(tops[0])]
        strange = sorted(path for path in outside if not _is_left_by_systems(path))
        if strange:
            message = f"{strange[0]!r} lies beside the pack's folder {tops[0]!r}."
            self._refuse("archive.root", message, strange[0])
            return None
        for path in outside:
            del self.files[path]
        return tops[0]

    def _refuse(self, rule: str, message: str, path: str = "") -> None:
        self.findings.append(found(rule, message, file=path))
        if len(self.findings) >= _FINDINGS_LIMIT:
            raise Breach("archive.damaged", "The archive has too many faults to list them all.")


def _relative(name: str) -> str:
    """The path without `.` and empty parts; absolute where `name` is."""
    parts = "/".join(part for part in name.split("/") if part not in ("", "."))
    return f"/{parts}" if name.startswith("/") else parts


def _is_left_by_systems(path: str) -> bool:
    """Whether a desktop put the file beside the folder that a person packed."""
    return "/" not in path and (path.startswith("._") or path == ".DS_Store")
