"""The packs of all sources as candidates for a layer of a profile.

Thousands are looked through while a person waits. So a layer's are remembered as they are offered:
nothing is asked while nobody has committed anything, and afterwards only which of them are others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from packyard.catalog import statements
from packyard.catalog.entries import clouds_of
from packyard.catalog.tables import pack_contents, packs, sources
from packyard.packs.model import Dependency, parse_pack_json
from packyard.profiles.options import Candidate, Packs, packs_of
from packyard.storage.batches import batches
from packyard.storage.store import Store

_Key = tuple[str, str, str]
"""What a candidate is made of does not change while its uid, digest and state do not."""
_KEY = packs.c.uid, packs.c.digest, packs.c.system_state


@dataclass(frozen=True, slots=True)
class _Known:
    """A layer at one generation of the store. `sources` are in the order of their candidates."""

    generation: int
    keys: Sequence[_Key]
    sources: Sequence[str]
    candidates: Sequence[Candidate]
    packs: Packs


class Offers:
    """Serves several threads; the worst that two at once do is the same work twice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, _Known] = {}

    def packs(self, layer: str) -> Packs:
        """Of equal versions of one pack those of the own registry first, then by source."""
        generation = self._store.generation()  # before anything is read, so never too new
        known = self._known.get(layer, _Known(-1, (), (), (), ()))
        if known.generation != generation:
            with self._store.read() as connection:
                known = self._known[layer] = _read(connection, layer, generation, known)
        return known.packs


def candidates(connection: Connection, uids: Sequence[str]) -> list[Candidate]:
    """Those of these uids, in that order; what is not there is left out."""
    found = _made(connection, list(dict.fromkeys(uids)))
    return [found[uid] for uid in uids if uid in found]


def _read(connection: Connection, layer: str, generation: int, former: _Known) -> _Known:
    of_layer = select(*_KEY).where(statements.of_layer(layer), packs.c.gone_at == 0)
    in_order = of_layer.order_by(packs.c.name, packs.c.version_key.desc(), packs.c.uid)
    keys = [(uid, digest, state) for uid, digest, state in connection.execute(in_order).all()]
    by_name = select(sources.c.uid).order_by(sources.c.kind != "default", sources.c.name)
    order = connection.scalars(by_name).all()
    if (keys, order) == (former.keys, former.sources):
        return _Known(generation, former.keys, order, former.candidates, former.packs)
    known = dict(zip(former.keys, former.candidates, strict=True))
    made = _made(connection, [key[0] for key in keys if key not in known])
    found = [known[key] if key in known else made[key[0]] for key in keys]
    ranks = {uid: rank for rank, uid in enumerate(order)}
    ranked = sorted(found, key=lambda one: ranks[one.registry])
    return _Known(generation, keys, order, found, packs_of(ranked))


def _made(connection: Connection, uids: Sequence[str]) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    for batch in batches(uids):
        dependencies = _dependencies(connection, batch)
        of_batch = packs.c.uid.in_(batch), packs.c.gone_at == 0
        for row in connection.execute(select(packs).where(*of_batch)):
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
