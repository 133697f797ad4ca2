"""Packs of the catalog as the hub tells of them: all versions of a name in one registry, or one.

A name may come as `<anything>--<pack>`. What layers of profiles have beside the catalog, manifests
and charts that people name, is known by the uid that their layer has (terraform-contract.md, 7).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, select

from packyard.catalog import entries
from packyard.catalog.entries import ON_ITS_WAY, Entry
from packyard.catalog.tables import pack_contents, packs, sources
from packyard.errors import PackUnknown
from packyard.hub.tables import profile_layers, profiles
from packyard.packs.model import is_for
from packyard.packs.tags import parent_tags
from packyard.profiles.model import NAME_SEPARATOR
from packyard.references import Tag
from packyard.storage.batches import batches

MANIFEST_PACK = "spectro-manifest-pack"
"""The uid that clients give a layer of manifests alone before it has one."""
DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag: of a version itself with all its `parents`, or one that leads to it."""

    tag: str
    version: str
    leads: bool
    parents: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Versions:
    """Of one pack in one registry, oldest first; by uid every tag that leads to one."""

    entries: tuple[Entry, ...]
    tags: Mapping[str, Sequence[Tag]]

    @property
    def newest(self) -> Entry:
        return self.entries[-1]

    def led_to(self, tag: str) -> tuple[Entry, ...]:
        """The one that a tag leads to, "" for the newest; empty where it leads to none."""
        if not tag:
            return (self.newest,)
        chosen = (one for one in self.entries if tag in (one.label, *self.tags.get(one.uid, ())))
        return tuple(islice(chosen, 1))

    def rows(self) -> list[tuple[Entry, Tagged]]:
        """What else leads to a version first, the versions themselves last, the newest at the end:
        clients compare what people write with `version`, and take the highest, or the last."""
        others, own = [], []
        for entry in self.entries:
            others += [
                (entry, Tagged(tag, tag, leads=True))
                for tag in self.tags.get(entry.uid, ())
                if tag != entry.label or entry.label != entry.version
            ]
            parents = parent_tags(entry.label)
            own.append((entry, Tagged(entry.label, entry.version, leads=False, parents=parents)))
        return others + own


@dataclass(frozen=True, slots=True, kw_only=True)
class Layered:
    """A pack that only layers of profiles have."""

    uid: str
    name: str
    type: str
    layer: str
    tag: str
    registry: str


def versions(
    connection: Connection,
    name: str,
    registry: str = "",
    *,
    cloud: str = "",
    layer: str = "",
    states: Collection[str] = (),
) -> Versions:
    """Those that are there for a cloud, of a layer; without `states` all but disabled ones.

    Without a registry it is the own one, else of pack registries, else of all the first by name
    that has the pack. Raises `PackUnknown`.
    """
    for spelt in dict.fromkeys((name, name.rpartition(NAME_SEPARATOR)[2])):
        for source in [registry] if registry else _holding(connection, spelt):
            chosen = [
                entry
                for entry in reversed(entries.versions(connection, source, spelt))
                if is_for(entry.clouds, cloud)
                and layer in ("", entry.layer)
                and _is_shown(entry, states)
            ]
            if chosen:
                return Versions(tuple(chosen), _leading(connection, source, spelt))
    where = f"in the registry {registry[:100]!r}" if registry else "in any registry"
    raise PackUnknown(f"There is no pack {name[:255]!r} {where}.")


def version(connection: Connection, uid: str) -> Versions:
    """The one of that uid, also where its registry holds it no longer; raises `PackUnknown`."""
    entry = entries.by_uid(connection, uid)
    if entry is None:
        raise unknown(uid)
    return Versions((entry,), _leading(connection, entry.source, entry.name))


def unknown(uid: str) -> PackUnknown:
    return PackUnknown(f"There is no pack with the uid {uid[:255]}.")


def layered(connection: Connection, uid: str) -> list[tuple[str, Layered]]:
    """What layers of profiles have under that uid, with the project of each profile."""
    found = (
        select(profile_layers, profiles.c.project)
        .join_from(profile_layers, profiles)
        .where(profile_layers.c.pack == uid)
        .order_by(profile_layers.c.published.desc(), profile_layers.c.profile)
    )
    return [
        (
            row["project"],
            Layered(
                uid=uid,
                name=row["pack_name"] or row["name"],
                type=row["type"],
                layer=row["layer"] or "addon",
                tag=row["tag"],
                registry=row["registry"],
            ),
        )
        for row in connection.execute(found).mappings()
    ]


def unread(connection: Connection, uids: Sequence[str]) -> list[Entry]:
    """Those whose contents a synchronization left out, and nobody looked at yet; in this order."""
    found: dict[str, Entry] = {}
    for batch in batches(dict.fromkeys(uids)):
        rows = connection.execute(
            select(packs)
            .outerjoin(pack_contents, pack_contents.c.pack == packs.c.uid)
            .where(
                packs.c.uid.in_(batch),
                packs.c.gone_at != ON_ITS_WAY,
                pack_contents.c.pack.is_(None),
            )
        )
        found |= {row["uid"]: entries.of_row(row) for row in rows.mappings()}
    return [found[uid] for uid in uids if uid in found]


def state_of(entry: Entry) -> str:
    """What searches call `state`: "deprecated", "deleted", "disabled", "" for none."""
    return DISABLED if entry.annotations.get("disabled") == "true" else entry.system_state


def _is_shown(entry: Entry, states: Collection[str]) -> bool:
    state = state_of(entry)
    return state in states if states else state != DISABLED


def _holding(connection: Connection, name: str) -> list[str]:
    found = (
        select(sources.c.uid)
        .where(
            sources.c.uid.in_(
                select(packs.c.source).where(packs.c.name == name, packs.c.gone_at == 0)
            )
        )
        .order_by(sources.c.kind != "default", sources.c.kind != "pack", sources.c.name)
    )
    return list(connection.scalars(found))


def _leading(connection: Connection, source: str, name: str) -> Mapping[str, Sequence[Tag]]:
    found: dict[str, list[Tag]] = {}
    for tag, (uid, _) in entries.tags(connection, source, name).items():
        found.setdefault(uid, []).append(tag)
    return found
