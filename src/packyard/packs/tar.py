"""Tar files: the forms that packs come in (POSIX.1-2001 "pax", ustar, GNU long names, version 7).

Reading is strict and forward only. A member is a file, a folder or something that no pack holds;
sizes are checked before anything is read, extension headers are small, and after the end nothing
but zeros follows. Writing depends on its input alone: no times, owners or names of people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from packyard.packs.files import Limits
from packyard.packs.inflate import Breach, Unpacked

BLOCK = 512
END = bytes(2 * BLOCK)
_ZEROS = bytes(BLOCK)
_DRAIN = 64 * BLOCK
_EXTENSION_LIMIT = 1024 * 1024
_EXTENSIONS_PER_MEMBER = 4
_RECORDS_LIMIT = 100
_NAME_LENGTH = 100

_OCTAL = re.compile(rb"[0-7]*")
_DECIMAL = re.compile(rb"[0-9]{1,20}")


class Kind(StrEnum):
    """The values read as words of a sentence."""

    FILE = "file"
    FOLDER = "folder"
    HARD_LINK = "hard link"
    SYMBOLIC_LINK = "symbolic link"
    CHARACTER_DEVICE = "character device"
    BLOCK_DEVICE = "block device"
    PIPE = "named pipe"


_KINDS = {
    b"\0": Kind.FILE,
    b"0": Kind.FILE,
    b"7": Kind.FILE,
    b"5": Kind.FOLDER,
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMBOLIC_LINK,
    b"3": Kind.CHARACTER_DEVICE,
    b"4": Kind.BLOCK_DEVICE,
    b"6": Kind.PIPE,
}
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = b"x", b"g", b"L", b"K"
_EXTENSIONS = (_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK)

_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip file",
    b"\xfd7zXZ\0": "an xz file",
    b"BZh": "a bzip2 file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
}


@dataclass(frozen=True, slots=True)
class Member:
    """`name` as the archive spells it; bytes that are no UTF-8 are lone surrogates in it."""

    name: str
    kind: Kind
    executable: bool = False
    data: bytes = b""


def read(source: Unpacked, limits: Limits) -> Iterator[Member]:
    """Every member in order; raises `Breach` where the archive must not be read any further."""
    count = 0
    while (header := _header(source, first=not count)) is not None:
        count += 1
        if count > limits.max_files:
            raise Breach(
                "archive.too-large",
                f"The archive holds more than {limits.max_files:,} files and folders.",
                "Leave out what is no part of the pack, or raise the limit.",
            )
        yield _member(header, source, limits)
    while rest := source.read(_DRAIN):
        if rest.strip(b"\0"):
            raise Breach("archive.trailing", "Something follows the end of the tar file.")


@dataclass(frozen=True, slots=True)
class _Header:
    name: bytes
    mode: int
    size: int
    type: bytes


def _header(source: Unpacked, *, first: bool) -> _Header | None:
    """The next member's header with its extensions applied; None at the end of the archive."""
    name, size = b"", None
    for extensions in range(_EXTENSIONS_PER_MEMBER + 1):
        header = _plain_header(source, first=first and not extensions)
        if header is None:
            if extensions:
                raise Breach("archive.truncated", "The tar file ends after an extension header.")
            return None
        if header.type not in _EXTENSIONS:
            whole = header.size if size is None else size
            return _Header(name or header.name, header.mode, whole, header.type)
        if header.size > _EXTENSION_LIMIT:
            limit = f"{_EXTENSION_LIMIT:,} bytes"
            raise Breach("archive.damaged", f"An extension header of the tar exceeds {limit}.")
        data = _data(source, header.size)
        if header.type == _GNU_NAME:
            name = name or data.partition(b"\0")[0]
        elif header.type in (_PAX, _PAX_GLOBAL):
            records = _pax_records(data)
            _refuse_tricks(records, everywhere=header.type == _PAX_GLOBAL)
            name = records.get(b"path", name)
            size = _pax_size(records, size)
    raise Breach("archive.damaged", "Too many extension headers follow each other in the tar.")


def _plain_header(source: Unpacked, *, first: bool) -> _Header | None:
    block = source.read(BLOCK)
    if first:
        _refuse_other_formats(block)
    if not block and source.gzipped and not first:
        return None  # some writers leave the end mark out, and gzip has proved that all came
    if len(block) < BLOCK:
        raise Breach("archive.truncated", "The tar file ends in the middle.")
    if block == _ZEROS:
        return None
    if not _is_sound(block):
        if first:
            raise Breach("archive.format", "It is neither a gzipped nor a plain tar file.")
        raise Breach("archive.damaged", "A header of the tar file has a wrong checksum.")
    name = block[:_NAME_LENGTH].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and prefix:
        name = prefix + b"/" + name
    return _Header(name, _number(block[100:108]), _number(block[124:136]), block[156:157])


def _is_sound(block: bytes) -> bool:
    checked = block[:148] + b" " * 8 + block[156:]
    stored = block[148:156].partition(b"\0")[0].strip()
    if not _OCTAL.fullmatch(stored):
        return False
    plain, told = sum(checked), int(stored or b"0", 8)
    # Some old writers counted bytes with a sign.
    return told == plain or told == plain - 256 * sum(byte > 127 for byte in checked)


def _refuse_other_formats(start: bytes) -> None:
    if start.startswith(b"\x1f\x8b"):
        raise Breach("archive.nested", "Inside the gzip file is another gzip file.", "Gzip once.")
    for magic, kind in _OTHER_FORMATS.items():
        if start.startswith(magic):
            mend = "Pack the folder as a gzipped tar file."
            raise Breach("archive.format", f"It is {kind}, not a gzipped tar file.", mend)
    if not start:
        raise Breach("archive.format", "It is empty, not a gzipped tar file.")


def _member(header: _Header, source: Unpacked, limits: Limits) -> Member:
    name = header.name.decode(errors="surrogateescape")
    kind = _KINDS.get(header.type)
    if kind is None:
        message = f"The member {name[:200]!r} has the type {header.type!r}, which no pack holds."
        raise Breach("archive.special", message)
    if kind is Kind.FILE and name.endswith("/"):
        kind = Kind.FOLDER  # as version 7 wrote folders
    elif kind is Kind.FILE and header.size > limits.max_file_bytes:
        raise Breach(
            "archive.too-large",
            f"The file {name[:200]!r} has {header.size:,} bytes, more than the "
            f"{limits.max_file_bytes:,} allowed.",
        )
    data = _data(source, header.size) if kind is Kind.FILE else b""
    return Member(name, kind, bool(header.mode & 0o100), data)


def _data(source: Unpacked, size: int) -> bytes:
    data = source.read(size)
    padding = -size % BLOCK
    if len(data) < size or len(source.read(padding)) < padding:
        raise Breach("archive.truncated", "The tar file ends in the middle of a member.")
    return data


def _number(text: bytes) -> int:
    """A numeric field: octal digits, or for large ones base 256 with the first bit set."""
    if text[0] == 0x80:
        return int.from_bytes(text[1:])
    digits = text.partition(b"\0")[0].strip()
    if not _OCTAL.fullmatch(digits):
        raise Breach("archive.damaged", "A header of the tar file holds no number where it must.")
    return int(digits or b"0", 8)


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """The records `<length> <key>=<value>\\n` of a pax header."""
    records: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(data):
        digits = data[at : at + 20].partition(b" ")[0]
        end = at + int(digits) if _DECIMAL.fullmatch(digits) else at
        record = data[at + len(digits) + 1 : end]
        key, separator, value = record.partition(b"=")
        if end > len(data) or not separator or not value.endswith(b"\n"):
            raise Breach("archive.damaged", "A pax header of the tar file is not well-formed.")
        if len(records) >= _RECORDS_LIMIT:
            raise Breach("archive.damaged", "A pax header of the tar file has too many records.")
        records.append((key, value[:-1]))
        at = end
    return dict(records)


def _refuse_tricks(records: dict[bytes, bytes], *, everywhere: bool) -> None:
    if any(key.startswith(b"GNU.sparse.") for key in records):
        raise Breach("archive.special", "The tar file holds a sparse file, which no pack holds.")
    if everywhere and {b"path", b"size", b"linkpath"} & records.keys():
        message = "A global pax header gives all members one path or size."
        raise Breach("archive.damaged", message)


def _pax_size(records: dict[bytes, bytes], otherwise: int | None) -> int | None:
    text = records.get(b"size")
    if text is None:
        return otherwise
    if not _DECIMAL.fullmatch(text):
        raise Breach("archive.damaged", "A pax header of the tar file holds no number as size.")
    return int(text)


def write(path: str, data: bytes, *, executable: bool) -> bytes:
    """One file as a member: its headers, its bytes, its padding."""
    name = path.encode()
    mode = 0o755 if executable else 0o644
    extension = b""
    if len(name) > _NAME_LENGTH or not path.isascii():
        records = _pax_record(b"path", name)
        extension = _written(b"PaxHeaders/path", _PAX, records, 0o644)
        name = path.encode("ascii", "replace")[:_NAME_LENGTH]
    return extension + _written(name, b"0", data, mode)


def _written(name: bytes, kind: bytes, data: bytes, mode: int) -> bytes:
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, 0, 0, len(data), 0)
    front = name.ljust(_NAME_LENGTH, b"\0") + numbers
    back = kind + bytes(100) + b"ustar\x0000" + bytes(BLOCK - 265)
    checksum = sum(front) + 8 * ord(" ") + sum(back)
    return b"".join((front, b"%06o\0 " % checksum, back, data, bytes(-len(data) % BLOCK)))


def _pax_record(key: bytes, value: bytes) -> bytes:
    """`<length> <key>=<value>\\n`, where the length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)
