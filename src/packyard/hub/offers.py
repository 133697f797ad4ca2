"""The packs of all sources as candidates for a layer of a profile.

Thousands are looked through while a person waits, so what is asked of a pack's own files (its
clouds, what it depends on) is read once for each content and remembered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, select

from packyard.catalog.entries import clouds_of
from packyard.catalog.tables import pack_contents, packs, sources
from packyard.packs.model import Dependency, parse_pack_json
from packyard.profiles.options import Candidate
from packyard.storage.batches import batches

_REMEMBERED = 50_000  # candidates

_Key = tuple[str, str, str]
"""What a candidate is made of does not change while its uid, digest and state do not."""
_KEY = packs.c.uid, packs.c.digest, packs.c.system_state


class Offers:
    """Serves several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, Candidate] = OrderedDict()

    def candidates(self, connection: Connection, layer: str) -> list[Candidate]:
        """Every version of a layer; of one pack those of the own registry first, then by source."""
        return self._read(connection, packs.c.layer == layer)

    def of(self, connection: Connection, uids: Sequence[str]) -> list[Candidate]:
        """Those of these uids, in that order; what is not there is left out."""
        found: dict[str, Candidate] = {}
        for batch in batches(dict.fromkeys(uids)):
            of_batch = self._read(connection, packs.c.uid.in_(batch))
            found |= {one.uid: one for one in of_batch}
        return [found[uid] for uid in uids if uid in found]

    def _read(self, connection: Connection, condition: ColumnElement[bool]) -> list[Candidate]:
        rows = connection.execute(
            select(*_KEY)
            .join_from(packs, sources)
            .where(condition, packs.c.gone_at == 0)
            .order_by(sources.c.kind != "default", sources.c.name)
        )
        keys = [(uid, digest, state) for uid, digest, state in rows]
        with self._lock:
            known = {key: self._known[key] for key in keys if key in self._known}
        fresh = [key for key in keys if key not in known]
        if fresh:
            made = _made(connection, [uid for uid, _, _ in fresh])
            known |= {key: made[key[0]] for key in fresh}
            with self._lock:
                self._known.update({key: known[key] for key in fresh})
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return [known[key] for key in keys]


def _made(connection: Connection, uids: Sequence[str]) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    for batch in batches(uids):
        dependencies = _dependencies(connection, batch)
        for row in connection.execute(select(packs).where(packs.c.uid.in_(batch))):
            found[row.uid] = Candidate(
                name=row.name,
                version=row.version,
                tag=row.label,
                layer=row.layer,
                order=row.version_key,
                display_name=row.display_name,
                clouds=clouds_of(row.clouds),
                dependencies=dependencies.get(row.uid, ()),
                state=row.system_state,
                registry=row.source,
                uid=row.uid,
            )
    return found


def _dependencies(connection: Connection, uids: Sequence[str]) -> dict[str, Sequence[Dependency]]:
    """Of those that have some."""
    texts = select(pack_contents.c.pack, pack_contents.c.pack_json).where(
        pack_contents.c.pack.in_(uids), pack_contents.c.pack_json.contains("onstraints")
    )
    found: dict[str, Sequence[Dependency]] = {}
    for uid, text in connection.execute(texts):
        pack, _ = parse_pack_json(text.encode())
        if pack:
            found[uid] = pack.constraints.dependencies
    return found
