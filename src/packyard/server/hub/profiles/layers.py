"""The layers of a profile, one by one and all at once, with what their packs say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection

from packyard.errors import Denied, ProfileTaken, ProfileUnknown
from packyard.hub import layer_contents
from packyard.hub.places import holders
from packyard.hub.profiles import Kept
from packyard.hub.resolution import Standing
from packyard.packs.model import Layer
from packyard.profiles.content import PackContent
from packyard.profiles.model import ProfileLayer, ProfileType
from packyard.server.hub.forms import Uid
from packyard.server.hub.profiles import views
from packyard.server.hub.profiles.access import Changeable, LayerName, Readable, router_at
from packyard.server.hub.profiles.bodies import PackBody, PackInput, PackRefsBody
from packyard.server.hub.profiles.layer_answers import (
    ConfigItem,
    ConfigSpec,
    LayerItem,
    LayerMeta,
    LayerSpec,
    PackConfigs,
    PackManifests,
    PackSummary,
    PackSummarySpec,
    ProfileLayers,
    ProfileManifests,
    RegistryMeta,
    Resolved,
)
from packyard.server.hub.profiles.manifests import layer_of
from packyard.server.hub.profiles.whole import PackMeta
from packyard.server.packs import Wired

router = router_at("/v1/clusterprofiles/{uid}")


@router.get("/packs", response_model_exclude_none=True)
def list_layers(parts: Wired, kept: Readable, meta: PackMeta = "") -> ProfileLayers:
    """Every layer in work, in order."""
    with parts.store.read() as connection:
        rows = _known(connection, kept.profile.layers)
    return ProfileLayers(items=[LayerItem.of(kept, now, pack, meta) for now, pack in rows])


@router.post("/packs", status_code=201)
def add_layer(parts: Wired, kept: Changeable, body: PackInput) -> Uid:
    """Add one behind the others; the uid is that of its pack."""
    given = (body.pack or PackBody(name="")).read()

    def changed(former: Kept) -> Kept:
        layers = former.profile.layers
        if any(one.name == given.name for one in layers):
            raise ProfileTaken(f"The cluster profile has a layer {given.name[:100]!r} already.")
        return former.with_layers([*layers, given])

    made = parts.profiles.change_layers(kept.uid, changed)
    return Uid(uid=made.profile.layers[-1].uid)


@router.get("/packs/manifests", response_model_exclude_none=True)
def list_manifests(parts: Wired, kept: Readable, meta: PackMeta = "") -> ProfileManifests:
    """Every layer with the manifests attached to it, and their contents."""
    with parts.store.read() as connection:
        rows = _known(connection, kept.profile.layers)
    return ProfileManifests.of(kept, [PackManifests.of(kept, *row, meta) for row in rows])


@router.patch("/packRefs", status_code=204)
def patch_pack_refs(parts: Wired, kept: Changeable, body: PackRefsBody) -> None:
    """Other tags, values or manifests of some layers; what is absent stays."""
    given = list(body.packs or ())

    def changed(former: Kept) -> Kept:
        layers = list(former.profile.layers)
        for pack in given:
            chosen = layer_of(former, pack.name)
            place = next(i for i, one in enumerate(layers) if one.name == chosen.name)
            layers[place] = _patched(layers[place], pack)
        return former.with_layers(layers)

    parts.profiles.change_layers(kept.uid, changed)


@router.get("/packs/{packName}", response_model_exclude_none=True)
def get_layer(parts: Wired, kept: Readable, pack_name: LayerName) -> PackSummary:
    """A layer, what its pack says of itself, its registry, and its values resolved."""
    layer = layer_of(kept, pack_name)
    with parts.store.read() as connection:
        ((now, pack),) = _known(connection, [layer])
        registries = holders(connection)
    texts, _ = parts.profiles.resolved_values(kept.profile, kept.project, {}, kept.uid)
    text = texts[kept.profile.layers.index(layer)]
    holder = registries.get(layer.registry.uid)
    return PackSummary(
        metadata=LayerMeta.of(kept, now.layer),
        spec=LayerSpec(
            pack=PackSummarySpec.of(now, pack, "schema,presets"),
            registry=RegistryMeta.of(holder) if holder else None,
            macros=Resolved(resolved={layer.name: text}),
        ),
    )


@router.put("/packs/{packName}", status_code=204)
def put_layer(parts: Wired, kept: Changeable, pack_name: LayerName, body: PackInput) -> None:
    """Another tag, values or pack in its place; what is absent stays."""
    given = body.pack

    def changed(former: Kept) -> Kept:
        chosen = layer_of(former, pack_name)
        patched = _patched(chosen, given) if given else chosen
        return former.with_layers(_instead(former.profile.layers, chosen, [patched]))

    parts.profiles.change_layers(kept.uid, changed)


@router.delete("/packs/{packName}", status_code=204)
def remove_layer(parts: Wired, kept: Changeable, pack_name: LayerName) -> None:
    """Remove an add-on layer; those of the infrastructure can be changed, not removed."""

    def changed(former: Kept) -> Kept:
        chosen = layer_of(former, pack_name)
        of_infrastructure = chosen.layer not in (None, Layer.ADDON)
        if of_infrastructure and former.profile.type is not ProfileType.ADDON:
            raise Denied(
                f"{chosen.name} is the {chosen.layer} layer of the profile: it can be changed, not "
                "removed. Put another pack in its place."
            )
        return former.with_layers(_instead(former.profile.layers, chosen, []))

    parts.profiles.change_layers(kept.uid, changed)


@router.get("/packs/{packName}/config", response_model_exclude_none=True)
def get_config(
    parts: Wired,
    kept: Readable,
    pack_name: LayerName,
    pack_uid: Annotated[str, Query(alias="packUid")] = "",
) -> PackConfigs:
    """The values and manifests of a layer, as its profile has them."""
    layer = layer_of(kept, pack_name)
    with parts.store.read() as connection:
        ((now, pack),) = _known(connection, [layer])
    if pack_uid and pack_uid not in (layer.uid, now.layer.uid):
        raise ProfileUnknown(f"The layer {layer.name} has no pack of uid {pack_uid[:100]!r}.")
    return PackConfigs(items=[ConfigItem(spec=ConfigSpec.of(kept, now, pack))])


def _known(
    connection: Connection, layers: Sequence[ProfileLayer]
) -> list[tuple[Standing, PackContent | None]]:
    now = views.standings(connection, layers)
    contents: Mapping[str, PackContent] = layer_contents.contents(
        connection, [one.layer.uid for one in now]
    )
    return [(one, contents.get(one.layer.uid)) for one in now]


def _instead(
    layers: Iterable[ProfileLayer], chosen: ProfileLayer, others: Sequence[ProfileLayer]
) -> list[ProfileLayer]:
    return [new for one in layers for new in (others if one is chosen else [one])]


def _patched(layer: ProfileLayer, body: PackBody) -> ProfileLayer:
    """With what a body says; of another tag only the uid that comes along may be another."""
    given = body.read()
    registry = given.registry if given.registry.uid or given.registry.name else layer.registry
    return replace(
        layer,
        name=body.name or layer.name,
        type=layer.type if body.type is None else given.type,
        tag=given.tag or given.version or layer.tag,
        uid=given.uid or layer.uid,
        registry=registry,
        values=layer.values if body.values is None else given.values,
        manifests=layer.manifests if body.manifests is None else given.manifests,
    )
