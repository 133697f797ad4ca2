"""A pack from this machine or a registry, with values as people give them, rendered."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packyard.charts.engine import Engine
from packyard.cli import screen
from packyard.cli.folders import read_pack
from packyard.cli.pull import pull_pack
from packyard.delivery.part import Part, files_of, stream
from packyard.delivery.render import Cluster, render
from packyard.errors import Conflict, ContentRefused, ParameterInvalid
from packyard.packs.files import Files
from packyard.packs.folder import write_folder
from packyard.packs.model import PACK_JSON, Pack, parse_pack_json
from packyard.packs.rules import found
from packyard.packs.values import VALUES, Document, parse_path
from packyard.packs.yaml.scalars import Value

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values besides the pack's own: files in order, then assignments `path=value`."""

    files: Sequence[Path] = ()
    assignments: Sequence[str] = ()


def rendered(named: str, given: Given, cluster: Cluster, server: str, home: Path) -> list[Part]:
    """The manifests of a pack; raises `ContentRefused` with everything that is in the way."""
    files = _files(named, server, home)
    pack, values = _read(named, files)
    for path in given.files:
        values = values.merge(_text(path))
    for assignment in given.assignments:
        values = _assigned(values, assignment)
    with Engine() as engine:
        parts, findings = render(files, pack, values, engine, cluster)
    if parts is None:
        raise ContentRefused(f"{named} does not render with these values.", findings)
    return list(parts)


def show(parts: Sequence[Part], folder: Path | None) -> None:
    """Print the parts as one stream, or write a file for each into a new folder."""
    if folder is not None:
        written = screen.amount(_write(parts, folder), "file")
        screen.result(f"{'rendered':<9}  {folder}  {written}")
        return
    text = stream(parts).removesuffix("\n")
    screen.result(screen.plain(text) if screen.is_terminal(sys.stdout) else text)


def _write(parts: Sequence[Part], folder: Path) -> int:
    files = files_of(parts)
    try:
        write_folder(files, folder)
    except FileExistsError:
        raise Conflict(f"{folder} is there already: name a new folder.") from None
    return len(files)


def _files(named: str, server: str, home: Path) -> Files:
    """A folder or archive where there is one of that name, else a pack of a registry."""
    path = Path(named)
    if not server and path.exists():
        return read_pack(path)
    if not server and (named.startswith((".", "/", "~")) or named.endswith(".gz")):
        raise ParameterInvalid(f"There is no folder or archive {named}.")
    return pull_pack(named, server, home).files


def _read(named: str, files: Files) -> tuple[Pack, Document]:
    if PACK_JSON not in files:
        missing = found("pack-json.missing", f"There is no {PACK_JSON}.", file=PACK_JSON)
        raise ContentRefused(f"{named} is no pack.", [missing])
    pack, findings = parse_pack_json(files[PACK_JSON].data)
    values, faults = Document.parse(files[VALUES].data if VALUES in files else "")
    if pack is None or values is None:
        raise ContentRefused(f"{named} is no pack that could be rendered.", [*findings, *faults])
    return pack, values


def _text(path: Path) -> str:
    """A file of values, which has to be a map in YAML."""
    document, findings = Document.parse(path.read_bytes(), str(path))
    if document is None:
        raise ContentRefused(f"{path} holds no values.", findings)
    return document.text


def _assigned(values: Document, assignment: str) -> Document:
    path, equals, text = assignment.partition("=")
    if not equals:
        raise ParameterInvalid(f"{assignment!r} assigns nothing: write path.to.key=value.")
    return values.set(parse_path(path.strip()), _value(text))


def _value(text: str) -> Value:
    """As `helm --set` reads it: whole numbers, true, false and null; `{a,b}` is a list."""
    if text.startswith("{") and text.endswith("}"):
        return [_value(item.strip()) for item in text[1:-1].split(",")] if text[1:-1] else []
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    return int(text) if _WHOLE.fullmatch(text) else text
