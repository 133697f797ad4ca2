"""The files of packs and charts, from our own store or from the registry that holds them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from packyard.auth.secrets import Secrets
from packyard.catalog import entries
from packyard.catalog.entries import Entry
from packyard.catalog.tables import sources
from packyard.errors import PackUnknown
from packyard.hub import opening, registries
from packyard.hub.description import Kind, Provider, Registry
from packyard.packs.archive import read_archive
from packyard.packs.files import Files, Limits
from packyard.profiles.chart import chart_as_pack
from packyard.profiles.content import Content, PackContent
from packyard.remotes.chart import PulledChart
from packyard.remotes.source import Kind as OfferKind
from packyard.remotes.source import Offer, Source
from packyard.storage.store import Store


class Archives:
    """Reads them anew each time; nothing is kept."""

    def __init__(
        self, store: Store, vault: Secrets, settings: opening.Settings, limits: Limits
    ) -> None:
        self._store = store
        self._vault = vault
        self._settings = settings
        self._limits = limits

    def read(self, uid: str) -> tuple[Content, Files]:
        """What a pack or chart holds, by its uid in the catalog, and its files.

        Raises `PackUnknown`, `ContentRefused`, and what its registry does wrong.
        """
        with self._store.read() as connection:
            entry = entries.by_uid(connection, uid)
            if entry is None:
                raise PackUnknown(f"There is no pack of uid {uid[:100]!r}.")
            registry = self._registry(connection, entry)
        if registry is None:
            with self._store.open_blob(entry.archive_digest) as stream:
                files = read_archive(stream, self._limits)
            return PackContent.of(files), files
        with opening.opened(registry, self._settings) as source:
            pulled = source.read(_offer(source, registry, entry))
        if isinstance(pulled, PulledChart):
            return chart_as_pack(pulled.archive)
        return PackContent.of(pulled.files), pulled.files

    def _registry(self, connection: Connection, entry: Entry) -> Registry | None:
        """None for our own."""
        kind = connection.scalar(select(sources.c.kind).where(sources.c.uid == entry.source))
        if kind == Kind.DEFAULT:
            return None
        return registries.get(connection, self._vault, entry.source)


def _offer(source: Source, registry: Registry, entry: Entry) -> Offer:
    """Where its source has it; one that was named by hand is looked for."""
    if not entry.place:
        listing = source.listing({})
        for page in listing.pages if listing else ():
            for offer in page.offers:
                if (offer.name, offer.tag) == (entry.name, entry.version):
                    return offer
        raise PackUnknown(f"{registry.name} holds no chart {entry.name} {entry.version}.")
    is_pack = registry.provider is Provider.PACK
    return Offer(
        kind=OfferKind.PACK if is_pack else OfferKind.CHART,
        name=entry.name,
        tag=entry.label if is_pack else entry.version,
        tags=(entry.label,),
        place=entry.place,
        validator=entry.validator,
    )
