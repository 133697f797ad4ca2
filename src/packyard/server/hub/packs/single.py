"""One pack: by its uid, or all its versions in a registry (terraform-contract.md, 5, 7 and 9).

A version is told together with its values. What is not there is `ResourceNotFound`, whatever stands
in the place of a name or uid.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Annotated

from anyio import to_thread
from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from packyard.auth.principal import Action
from packyard.catalog import entries
from packyard.catalog.entries import Entry
from packyard.errors import PackUnknown
from packyard.hub import packs
from packyard.hub.contents import Look
from packyard.hub.packs import MANIFEST_PACK, Layered, Versions
from packyard.server.hub.forms import private_router
from packyard.server.hub.packs import reading
from packyard.server.hub.packs.forms import PackTags, Readme
from packyard.server.hub.scope import Caller, Reading
from packyard.server.logos import image_type
from packyard.server.packs import Wired
from packyard.server.parts import Parts

router = private_router("/v1/packs", "packs of all registries")

_LOGO_LIFE = timedelta(days=1)
_PICTURES = ("image/png", "image/gif", "image/jpeg")


class _Picture(Response):
    media_type = "image/png"


@router.get("/{name}/registries/{uid:maybe}", response_model=PackTags)
async def in_registry(
    parts: Wired,
    _reader: Reading,
    name: str,
    uid: str,
    cloud_type: Annotated[str, Query(alias="cloudType")] = "all",
    layer: str = "",
    states: Annotated[
        str, Query(description="With commas between; without, all but disabled ones.")
    ] = "",
    tag: Annotated[
        str | None,
        Query(
            description="Values of the version that it leads to alone, of the newest where it is "
            "empty; without it of all."
        ),
    ] = None,
) -> Response:
    """Every version of a pack in one registry with its values; without a registry in the own one,
    else in the first that has it. `tags` ends with the newest."""
    chosen = [state.strip() for state in states.split(",") if state.strip()]

    def find() -> tuple[Versions, Sequence[Entry], Look]:
        with parts.store.read() as connection:
            found = packs.versions(
                connection, name, uid, cloud=cloud_type, layer=layer, states=chosen
            )
            those = found.entries if tag is None else found.led_to(tag)
            return found, those, reading.look(parts, connection, those)

    found, those, look = await to_thread.run_sync(find)
    faults = await reading.looked(look)
    head = await to_thread.run_sync(reading.heading, parts, found)
    told = reading.written(head, reading.values(parts, those, faults))
    return StreamingResponse(told, media_type="application/json")


@router.get("/{uid}")
async def by_uid(parts: Wired, reader: Reading, uid: str) -> PackTags:
    """One version, its values and its tags; also one that is gone, and what only layers of
    profiles have."""

    try:
        found, look = await to_thread.run_sync(_one, parts, uid)
    except PackUnknown:
        return PackTags.of_layer(await to_thread.run_sync(_layered, parts, reader, uid))
    faults = await reading.looked(look)

    def tell() -> PackTags:
        told = reading.heading(parts, found)
        told.pack_values = list(reading.values(parts, found.entries, faults, readme=True))
        return told

    return await to_thread.run_sync(tell)


@router.get("/{uid}/readme")
async def readme(parts: Wired, reader: Reading, uid: str) -> Readme:
    """Markdown; empty where the pack has none."""
    try:
        _, look = await to_thread.run_sync(_one, parts, uid)
    except PackUnknown:
        await to_thread.run_sync(_layered, parts, reader, uid)
        return Readme(readme="")
    for fault in (await reading.looked(look)).values():
        raise fault

    def read() -> Readme:
        with parts.store.read() as connection:
            return Readme(readme=entries.contents(connection, uid).readme)

    return await to_thread.run_sync(read)


@router.get(
    "/{uid}/logo",
    response_class=_Picture,
    responses={200: {"content": {name: {} for name in _PICTURES}}},
)
def logo(parts: Wired, _reader: Reading, uid: str) -> Response:
    """The picture of a pack; 404 where it has none."""
    with parts.store.read() as connection:
        if entries.by_uid(connection, uid) is None:
            raise packs.unknown(uid)
        data = entries.all_contents(connection, [uid]).get(uid)
    kind = image_type(data.logo) if data else ""
    if data is None or kind not in _PICTURES:
        raise PackUnknown(f"The pack with the uid {uid[:255]} has no logo.")
    headers = {
        "Cache-Control": f"private, max-age={round(_LOGO_LIFE.total_seconds())}",
        "Expires": format_datetime(datetime.now(UTC) + _LOGO_LIFE, usegmt=True),
    }
    return Response(data.logo, media_type=kind, headers=headers)


def _one(parts: Parts, uid: str) -> tuple[Versions, Look]:
    """Raises `PackUnknown`."""
    with parts.store.read() as connection:
        found = packs.version(connection, uid)
        return found, reading.look(parts, connection, found.entries)


def _layered(parts: Parts, reader: Caller, uid: str) -> Layered:
    if uid == MANIFEST_PACK:
        own = parts.registry.source
        return Layered(uid=uid, name=uid, type="manifest", layer="addon", tag="", registry=own)
    with parts.store.read() as connection:
        found = packs.layered(connection, uid)
    seen = (pack for project, pack in found if reader.person.may(Action.PULL, project))
    pack = next(seen, None)
    if pack is None:
        raise packs.unknown(uid)
    return pack
