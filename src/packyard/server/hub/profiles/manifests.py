"""The manifests attached to a layer. A layer is named by its name, or by the uid of its pack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from packyard.errors import ProfileUnknown
from packyard.hub.profiles import Kept
from packyard.profiles.model import Manifest, ProfileLayer
from packyard.server.hub.forms import Uid
from packyard.server.hub.profiles.access import (
    Changeable,
    LayerName,
    ManifestUid,
    Readable,
    router_at,
)
from packyard.server.hub.profiles.answers import ManifestModel, Manifests
from packyard.server.hub.profiles.bodies import ManifestBody
from packyard.server.packs import Wired

router = router_at("/v1/clusterprofiles/{uid}/packs/{packName}/manifests")


@router.get("", response_model_exclude_none=True)
def list_manifests(kept: Readable, pack_name: LayerName) -> Manifests:
    """Those attached to a layer, without the pack's own."""
    layer = layer_of(kept, pack_name)
    return Manifests.of(kept, layer, published_of(kept, layer))


@router.post("", status_code=201)
def add_manifest(
    parts: Wired,
    kept: Changeable,
    pack_name: LayerName,
    body: ManifestBody,
) -> Uid:
    """Attach one, behind the others."""
    given = replace(body.manifest(), uid="")
    change = _changing(pack_name, lambda layer: (*layer.manifests, given))
    changed = parts.profiles.change_layers(kept.uid, change)
    return Uid(uid=layer_of(changed, pack_name).manifests[-1].uid)


@router.get("/{manifestUid}", response_model_exclude_none=True)
def get_manifest(kept: Readable, pack_name: LayerName, manifest_uid: ManifestUid) -> ManifestModel:
    layer = layer_of(kept, pack_name)
    found = Manifests.of(kept, layer, published_of(kept, layer)).items
    for manifest in found:
        if manifest.metadata.uid == manifest_uid:
            return manifest
    raise _unknown(manifest_uid)


@router.put("/{manifestUid}", status_code=204)
def put_manifest(
    parts: Wired,
    kept: Changeable,
    pack_name: LayerName,
    manifest_uid: ManifestUid,
    body: ManifestBody,
) -> None:
    """Another name or content; what is absent stays."""

    def changed(layer: ProfileLayer) -> tuple[Manifest, ...]:
        _require(layer, manifest_uid)
        return tuple(
            replace(
                one,
                name=body.name or one.name,
                content=one.content if body.content is None else body.content,
            )
            if one.uid == manifest_uid
            else one
            for one in layer.manifests
        )

    parts.profiles.change_layers(kept.uid, _changing(pack_name, changed))


@router.delete("/{manifestUid}", status_code=204)
def remove_manifest(
    parts: Wired, kept: Changeable, pack_name: LayerName, manifest_uid: ManifestUid
) -> None:
    def changed(layer: ProfileLayer) -> tuple[Manifest, ...]:
        _require(layer, manifest_uid)
        return tuple(one for one in layer.manifests if one.uid != manifest_uid)

    parts.profiles.change_layers(kept.uid, _changing(pack_name, changed))


def layer_of(kept: Kept, name: str) -> ProfileLayer:
    """The layer in work of that name or pack's uid; raises `ProfileUnknown`."""
    layers = kept.profile.layers
    found = [one for one in layers if one.name == name] or [
        one for one in layers if one.uid == name
    ]
    if not found:
        raise ProfileUnknown(f"The cluster profile has no layer {name[:100]!r}.")
    return found[0]


def published_of(kept: Kept, layer: ProfileLayer) -> ProfileLayer | None:
    """What was published of a layer."""
    return next((one for one in kept.published or () if one.name == layer.name), None)


def _changing(
    name: str, change: Callable[[ProfileLayer], tuple[Manifest, ...]]
) -> Callable[[Kept], Kept]:
    def changed(former: Kept) -> Kept:
        chosen = layer_of(former, name)
        manifests = change(chosen)
        return former.with_layers(
            replace(one, manifests=manifests) if one is chosen else one
            for one in former.profile.layers
        )

    return changed


def _require(layer: ProfileLayer, uid: str) -> None:
    if uid not in {one.uid for one in layer.manifests}:
        raise _unknown(uid)


def _unknown(uid: str) -> ProfileUnknown:
    return ProfileUnknown(f"The layer has no manifest {uid[:100]!r}.")
