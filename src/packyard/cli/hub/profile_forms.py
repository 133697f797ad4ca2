"""Profiles of a hub's API as values, and values as its bodies (terraform-contract.md, 7)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from packyard.errors import ContentRefused, RemoteFailed
from packyard.profiles.exchange import read_export, variable_data
from packyard.profiles.model import Profile, ProfileLayer
from packyard.remotes.items import PROFILE, Item, at, name_of, pick, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

PATH = "/v1/clusterprofiles"
LIST = "/v1/dashboard/clusterprofiles/metadata"
RegistryUid = Callable[[ProfileLayer], str]
"""The uid of a layer's registry in the hub, "" where the hub is to find it."""


def body_of(profile: Profile, registry: RegistryUid) -> dict[str, object]:
    """The whole profile, secrets in clear."""
    return {
        "metadata": metadata_of(profile),
        "spec": {
            "version": profile.version,
            "template": {"cloudType": profile.cloud_type, **template_of(profile, registry)},
            "variables": variables_of(profile),
        },
    }


def metadata_of(profile: Profile) -> dict[str, object]:
    annotations = {"description": profile.description} if profile.description else {}
    return {"name": profile.name, "labels": dict(profile.labels), "annotations": annotations}


def template_of(profile: Profile, registry: RegistryUid) -> dict[str, object]:
    layers = [_pack(layer, registry(layer)) for layer in profile.layers]
    return {"type": profile.type.value, "packs": layers}


def variables_of(profile: Profile) -> list[dict[str, object]]:
    return [variable_data(variable, reveal=True) for variable in profile.variables]


def _pack(layer: ProfileLayer, registry: str) -> dict[str, object]:
    data: dict[str, object] = {"name": layer.name, "type": layer.type.value, "tag": layer.tag}
    if layer.layer:
        data["layer"] = layer.layer.value
    if registry:
        data["registryUid"] = registry
    manifests = [{"name": one.name, "content": one.content} for one in layer.manifests]
    return {**data, "values": layer.values, "manifests": manifests}


def read(hub: Hub, found: Item, *, published: bool = False) -> Profile:
    """What stands in work, or what was published; secrets of variables are masked.

    Layers have the uids of their registries.
    """
    place = f"{PATH}/{uid_of(found)}"
    whole = hub.get(place)
    template = at(whole, "spec.published") if published else at(whole, "spec.draft")
    template = template or at(whole, "spec.published")
    listed = at(template, "packs") if isinstance(template, Mapping) else None
    if not isinstance(template, Mapping) or not isinstance(listed, list):
        raise RemoteFailed(f"{hub.host} gave no layers of the profile {name_of(found)}.")
    document = {
        "metadata": {
            "name": name_of(whole),
            "description": text(whole, "metadata.annotations.description"),
            "labels": at(whole, "metadata.labels") or {},
        },
        "spec": {
            "version": text(whole, "spec.version"),
            "template": {
                "type": text(template, "type"),
                "cloudType": text(template, "cloudType"),
                "packs": [_layer(hub, place, pack, published=published) for pack in listed],
            },
            "variables": hub.items(f"{place}/variables", key="variables"),
        },
    }
    profile, findings = read_export(json.dumps(document).encode(), name_of(whole))
    if profile is None:
        raise ContentRefused(f"{hub.host} gave a profile that cannot be read.", findings)
    return profile


def _layer(hub: Hub, place: str, pack: Item, *, published: bool) -> dict[str, object]:
    from packyard.remotes.hub import segment

    told = {key: pack.get(key) or "" for key in ("name", "type", "layer", "tag", "version")}
    manifests: list[dict[str, str]] = []
    if pack.get("manifests"):
        for one in hub.items(f"{place}/packs/{segment(text(pack, 'name'))}/manifests"):
            content = text(one, "spec.published.content")
            if not published and at(one, "spec.draft") is not None:
                content = text(one, "spec.draft.content")
            manifests.append({"name": name_of(one), "content": content})
    return {
        **told,
        "values": pack.get("values") or "",
        "manifests": manifests,
        "registry": {"metadata": {"uid": text(pack, "registryUid")}},
    }


def find(hub: Hub, named: str) -> Item:
    """The profile of a uid, of `NAME:VERSION`, or the newest version of a name.

    In a project its own come before the tenant's.
    """
    rows = hub.items(LIST)
    found = [row for row in rows if named in (uid_of(row), label(row))]
    found = found or [row for row in rows if name_of(row) == named]
    if not found:
        labels = [{"uid": uid_of(row), "name": label(row)} for row in rows]
        return pick([*labels, *rows], PROFILE, named, hub.host)
    return found[0]


def standing(hub: Hub, profile: Profile) -> Item | None:
    """The profile of that name and version in just the hub's project or tenant."""
    for row in hub.items(LIST):
        if name_of(row) == profile.name and text(row, "spec.version") == profile.version:
            whole = hub.get(f"{PATH}/{uid_of(row)}")
            if text(whole, "metadata.annotations.projectUid") == hub.project:
                return whole
    return None


def label(row: Item) -> str:
    """`NAME:VERSION`."""
    return f"{name_of(row)}:{text(row, 'spec.version') or '1.0.0'}"
