"""A profile of a hub as files on this machine, to be kept in Git and pushed again.

Each layer names its registry as the hub does, and the profile explains those names by addresses
that work from here: the hub itself, pack registries, OCI registries of packs. Charts are named as
for Helm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packyard.cli import profile_files
from packyard.cli.hub import profile_forms as forms
from packyard.cli.hub.registry_form import Kind
from packyard.cli.hub.registry_rows import every, is_own, kind_of
from packyard.profiles.file import write_file
from packyard.profiles.model import Profile, ProfileLayer, RegistryReference
from packyard.remotes.items import Item, name_of, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub


def pull(hub: Hub, named: str, path: Path, *, published: bool, force: bool) -> list[Path]:
    """Every file that was written. Raise `Conflict` where one is there already, unless `force`."""
    profile = forms.read(hub, forms.find(hub, named), published=published)
    used = {layer.registry.uid for layer in profile.layers}
    rows = {uid_of(row): _whole(hub, row) for row in every(hub) if uid_of(row) in used}
    layers = tuple(_layer(layer, rows.get(layer.registry.uid)) for layer in profile.layers)
    known = replace(profile, layers=layers)
    texts = write_file(known, _addresses(hub, profile, rows))
    return profile_files.rewrite(path, texts) if force else profile_files.write(path, texts)


def _whole(hub: Hub, row: Item) -> Item:
    """With the paths of content in an OCI registry, which no list says."""
    if kind_of(row) not in (Kind.OCI, Kind.ECR):
        return row
    return {**row, "spec": hub.get(kind_of(row).place(uid_of(row)))["spec"]}


def _layer(layer: ProfileLayer, registry: Item | None) -> ProfileLayer:
    if registry is None:
        return replace(layer, registry=RegistryReference())
    named = replace(layer, registry=RegistryReference(name=name_of(registry)))
    if _holds_charts(registry):
        return replace(named, chart=_chart(layer, registry))
    return named


def _holds_charts(registry: Item) -> bool:
    """Whatever layers of it call themselves: `helm` or `oci`."""
    if kind_of(registry) in (Kind.OCI, Kind.ECR):
        return text(registry, "spec.providerType") != "pack"
    return kind_of(registry) is Kind.HELM and not is_own(registry)


def _chart(layer: ProfileLayer, registry: Item) -> str:
    """`oci://…/name`, or as `helm repo add` would know it."""
    if kind_of(registry) in (Kind.OCI, Kind.ECR):
        return f"oci://{_place(registry)}/{layer.pack}"
    return f"{name_of(registry)}/{layer.pack}"


def _addresses(hub: Hub, profile: Profile, rows: Mapping[str, Item]) -> dict[str, str]:
    """Where the packs of the profile's registries are read from here, by their names."""
    used = dict.fromkeys(layer.registry.uid for layer in profile.layers)
    known = [rows[uid] for uid in used if uid in rows]
    found = {name_of(row): _address(row, hub) for row in known}
    return {name: address for name, address in found.items() if address}


def _address(registry: Item, hub: Hub) -> str:
    if is_own(registry):
        return hub.host
    endpoint = text(registry, "spec.endpoint")
    if kind_of(registry) is Kind.PACK:
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        return f"http://{parts.netloc}" if parts.scheme == "http" else parts.netloc
    if kind_of(registry) is Kind.OCI and text(registry, "spec.providerType") == "pack":
        return f"oci://{_place(registry)}"
    return ""


def _place(registry: Item) -> str:
    """Host and path of an OCI registry, without a scheme; of several content paths the first."""
    endpoint = text(registry, "spec.endpoint")
    content, _, _ = text(registry, "spec.baseContentPath").partition(",")
    parts = (endpoint.partition("://")[2] or endpoint, text(registry, "spec.basePath"), content)
    return "/".join(filter(None, (part.strip("/ ") for part in parts)))
