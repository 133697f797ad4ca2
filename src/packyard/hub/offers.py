"""The packs of all sources as candidates for a layer of a profile.

Thousands are looked through while a person waits, so what is asked of a pack's own files (its
clouds, what it depends on) is read once for each content and remembered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from packyard.catalog.entries import clouds_of
from packyard.catalog.tables import pack_contents, packs, sources
from packyard.packs.model import Dependency, parse_pack_json
from packyard.profiles.options import Candidate

_REMEMBERED = 50_000  # contents
_BATCH = 500


class _Traits(NamedTuple):
    clouds: tuple[str, ...]
    dependencies: tuple[Dependency, ...]


class Offers:
    """Serves several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traits: OrderedDict[tuple[str, str], _Traits] = OrderedDict()

    def candidates(self, connection: Connection, layer: str) -> list[Candidate]:
        """Every version of a layer; of one pack those of the own registry first, then by source."""
        return self._read(connection, packs.c.layer == layer)

    def of(self, connection: Connection, uids: Sequence[str]) -> list[Candidate]:
        """Those of these uids, in that order; what is not there is left out."""
        found: dict[str, Candidate] = {}
        for batch in _batches(list(dict.fromkeys(uids))):
            of_batch = self._read(connection, packs.c.uid.in_(batch))
            found |= {one.uid: one for one in of_batch}
        return [found[uid] for uid in uids if uid in found]

    def _read(self, connection: Connection, condition: object) -> list[Candidate]:
        rows = connection.execute(
            select(
                packs.c.uid,
                packs.c.digest,
                packs.c.name,
                packs.c.version,
                packs.c.label,
                packs.c.layer,
                packs.c.version_key,
                packs.c.display_name,
                packs.c.system_state,
                packs.c.source,
            )
            .join_from(packs, sources)
            .where(condition, packs.c.gone_at == 0)  # type: ignore[arg-type]
            .order_by(sources.c.kind != "default", sources.c.name)
        ).all()
        traits = self._known(connection, [(row.uid, row.digest) for row in rows])
        return [
            Candidate(
                name=row.name,
                version=row.version,
                tag=row.label,
                layer=row.layer,
                order=row.version_key,
                display_name=row.display_name,
                clouds=known.clouds,
                dependencies=known.dependencies,
                state=row.system_state,
                registry=row.source,
                uid=row.uid,
            )
            for row, known in zip(rows, traits, strict=True)
        ]

    def _known(self, connection: Connection, keys: list[tuple[str, str]]) -> list[_Traits]:
        with self._lock:
            known = {key: self._traits[key] for key in keys if key in self._traits}
        fresh = [key for key in keys if key not in known]
        if fresh:
            read = _read_traits(connection, [uid for uid, _ in fresh])
            known |= {key: read[key[0]] for key in fresh}
            with self._lock:
                self._traits.update({key: known[key] for key in fresh})
                while len(self._traits) > _REMEMBERED:
                    self._traits.popitem(last=False)
        return [known[key] for key in keys]


def _read_traits(connection: Connection, uids: Sequence[str]) -> dict[str, _Traits]:
    clouds: dict[str, tuple[str, ...]] = dict.fromkeys(uids, ())
    dependencies: dict[str, tuple[Dependency, ...]] = {}
    for batch in _batches(uids):
        of_batch = select(packs.c.uid, packs.c.clouds).where(packs.c.uid.in_(batch))
        for uid, column in connection.execute(of_batch):
            clouds[uid] = clouds_of(column)
        texts = select(pack_contents.c.pack, pack_contents.c.pack_json).where(
            pack_contents.c.pack.in_(batch), pack_contents.c.pack_json.contains("onstraints")
        )
        for uid, text in connection.execute(texts):
            pack, _ = parse_pack_json(text.encode())
            if pack:
                dependencies[uid] = pack.constraints.dependencies
    return {uid: _Traits(clouds[uid], dependencies.get(uid, ())) for uid in uids}


def _batches(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
