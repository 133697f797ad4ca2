"""What is unwise in the files of a pack, whatever they say (spec "Folder")."""

from __future__ import annotations

import codecs
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

from packyard.findings import Finding
from packyard.packs.files import Files
from packyard.packs.model import PACK_JSON
from packyard.packs.rules import found

_EXPECTED = {
    "values.yaml": (
        "files.values-missing",
        "There is no values.yaml.",
        "Add one; it may be empty.",
    ),
    "README.md": (
        "files.readme-missing",
        "There is no README.md, which catalogs show.",
        "Add one that says what the pack does and what it needs.",
    ),
    "logo.png": (
        "files.logo-missing",
        "There is no logo.png, which catalogs show.",
        "Add a small square picture.",
    ),
}
_PNG = b"\x89PNG\r\n\x1a\n"
_PICTURES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"RIFF": "a WebP picture",
    b"<svg": "an SVG drawing",
    b"<?xml": "an SVG drawing",
}
_STRAY = re.compile(
    r"(?:^|/)(?:\.DS_Store|\._[^/]+|Thumbs\.db|[^/]+(?:~|\.orig|\.orig\.tgz|\.rej|\.bak|\.sw[op]))$"
)
_REPOSITORY = re.compile(r"((?:^|.*/)\.git)/")


def files(pack_files: Files) -> Iterator[Finding]:
    """Every rule about which files there are and what kind of bytes they hold."""
    return chain(
        _expected(pack_files),
        _byte_order_mark(pack_files),
        _logo(pack_files),
        _stray(pack_files),
        _collisions(pack_files),
    )


def _expected(pack_files: Files) -> Iterator[Finding]:
    for path, (rule, message, mend) in _EXPECTED.items():
        if path not in pack_files:
            yield found(rule, message, mend=mend)


def _byte_order_mark(pack_files: Files) -> Iterator[Finding]:
    if PACK_JSON in pack_files and pack_files[PACK_JSON].data.startswith(codecs.BOM_UTF8):
        yield found(
            "pack-json.bom",
            f"{PACK_JSON} begins with a byte order mark, which some readers refuse.",
            mend="Save it as UTF-8 without a mark.",
            file=PACK_JSON,
            at=(1, 1),
        )


def _logo(pack_files: Files) -> Iterator[Finding]:
    logo = pack_files.get("logo.png")
    if logo and not logo.data.startswith(_PNG):
        start = logo.data[:64].lstrip()
        kinds = (kind for magic, kind in _PICTURES.items() if start.startswith(magic))
        yield found(
            "files.logo-form",
            f"logo.png is {next(kinds, 'no PNG picture')}.",
            mend="Convert it to PNG.",
            file="logo.png",
        )


def _stray(pack_files: Files) -> Iterator[Finding]:
    repositories = {match[1] for path in pack_files if (match := _REPOSITORY.match(path))}
    strays = [path for path in pack_files if _STRAY.search(path) and not _REPOSITORY.match(path)]
    for path in sorted([*repositories, *strays]):
        yield found(
            "files.stray",
            f"{path!r} was left by a program and is pushed with the pack.",
            mend="Remove it.",
            file=path,
        )


def _collisions(pack_files: Files) -> Iterator[Finding]:
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(pack_files):
        alike[path.casefold()].append(path)
    for paths in alike.values():
        for path in paths[1:]:
            yield found(
                "files.case",
                f"{path!r} and {paths[0]!r} differ in case only; some systems keep one of them.",
                mend="Rename one.",
                file=path,
            )
