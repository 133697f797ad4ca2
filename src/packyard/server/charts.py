"""Our own path about charts: `/v1/_charts/clashes`. All else about them is below `/helm`."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from packyard.catalog import charts as rows
from packyard.server.pack_models import Model, refusals, timestamp
from packyard.server.packs import Reader, Wired

router = APIRouter(tags=["charts"], responses=refusals(401, 403))


class PlaceModel(Model):
    """Where a chart stands."""

    repository: str
    tag: str
    pack: str = Field(description="name:tag of the pack that carries it; empty for its own.")
    path: str = Field(description="Of its archive inside that pack.")
    digest: str = Field(description="Of the archive.")
    created_at: str

    @classmethod
    def of(cls, entry: rows.ChartEntry) -> PlaceModel:
        return cls(
            repository=entry.repository,
            tag=entry.tag,
            pack=entry.pack,
            path=entry.path,
            digest=entry.digest,
            created_at=timestamp(entry.created_at),
        )


class ClashModel(Model):
    name: str
    version: str
    listed: PlaceModel = Field(description="The one that the index has.")
    hidden: list[PlaceModel] = Field(description="Those with other bytes, best first.")


class Clashes(Model):
    items: list[ClashModel]


@router.get("/v1/_charts/clashes")
def clashes(parts: Wired, reader: Reader) -> Clashes:
    """Charts of one name and version that stand in several places with other bytes; by an API key,
    in those that it is for."""
    with parts.store.read() as connection:
        found = rows.clashes(connection, parts.registry.source, reader.reaches)
    return Clashes(
        items=[
            ClashModel(
                name=clash.listed.name,
                version=clash.listed.version,
                listed=PlaceModel.of(clash.listed),
                hidden=[PlaceModel.of(entry) for entry in clash.hidden],
            )
            for clash in found
        ]
    )
