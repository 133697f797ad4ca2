"""The starter packs: loaded at the first start, and those that are new after an upgrade.

What was ever loaded, or met under the same name and version, has a row in `starter_packs`. So
nothing that people pushed is touched, and nothing that they deleted comes back.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, insert, select

import packyard
from packyard.digests import Digest
from packyard.errors import ContentRefused, PackyardError, PreconditionFailed
from packyard.findings import refusals
from packyard.packs.archive import write_archive
from packyard.packs.files import Files
from packyard.packs.folder import read_folder
from packyard.packs.lint import check
from packyard.packs.model import PACK_JSON, Pack
from packyard.references import Tag
from packyard.registry.registry import Registry
from packyard.registry.tables import starter_packs
from packyard.storage.store import Store

_log = logging.getLogger(__name__)

ACTOR = "packyard"
Progress = Callable[[str, int, int], None]
"""Called with the name of the pack whose turn it is, its number from 1, and how many there are."""


def folder() -> Path | None:
    """Where the starter packs are: in the wheel beside the code, in a source tree at its root."""
    package = Path(packyard.__file__).parent
    places = (package / "starter", package.parent.parent / "packs")
    return next((place for place in places if any(place.glob(f"*/{PACK_JSON}"))), None)


def loaded(store: Store) -> bool:
    """Whether any were ever loaded."""
    with store.read() as connection:
        return bool(connection.scalar(select(func.count()).select_from(starter_packs)))


def load_starter(store: Store, registry: Registry, progress: Progress) -> int:
    """Load those that were never loaded; how many that were. One that is refused is logged."""
    source = folder()
    places = sorted(path.parent for path in source.glob(f"*/{PACK_JSON}")) if source else []
    done = _rows(store)
    count = 0
    for number, place in enumerate(places, start=1):
        try:
            pack, files = _read(place)
            if (pack.name, pack.label) not in done:
                progress(place.name, number, len(places))
                count += _load(store, registry, pack, files)
        except PackyardError as error:
            findings = error.findings if isinstance(error, ContentRefused) else ()
            lines = [error.message, *map(str, findings)]
            _log.error("the starter pack %s was not loaded: %s", place.name, " ".join(lines))
    return count


def _read(place: Path) -> tuple[Pack, Files]:
    files = read_folder(place)
    pack, findings = check(files)
    refused = refusals(findings)
    if pack is None or refused:
        raise ContentRefused("It breaks the rules of packs.", refused)
    return pack, files


def _load(store: Store, registry: Registry, pack: Pack, files: Files) -> bool:
    """Commit the pack unless somebody pushed that version; remember it in either case."""
    archive = io.BytesIO()
    write_archive(files, f"{pack.name}-{pack.version}", archive)
    try:
        committed = registry.push_archive(
            pack,
            files,
            archive.getvalue(),
            actor=ACTOR,
            message="starter pack",
            if_none_match=True,
        )
    except PreconditionFailed as error:
        _remember(store, pack.name, pack.label, Digest(str(error.detail["digest"])))
        return False
    _remember(store, pack.name, pack.label, committed.digest)
    return True


def _rows(store: Store) -> set[tuple[str, str]]:
    with store.read() as connection:
        rows = connection.execute(select(starter_packs.c.name, starter_packs.c.tag))
        return {(row.name, row.tag) for row in rows}


def _remember(store: Store, name: str, tag: Tag, digest: Digest) -> None:
    with store.write() as tx:
        tx.connection.execute(
            insert(starter_packs).values(
                name=name, tag=tag, digest=digest, loaded_at=time.time_ns() // 1000
            )
        )
