"""Which layers a profile holds, in which order, and whether each can be there (profiles.md).

The order is checked and never changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from packyard.errors import several
from packyard.findings import Finding
from packyard.packs.model import CLOUD_TYPES, Layer, is_for
from packyard.packs.paths import format_path
from packyard.packs.rules import near
from packyard.packs.schema import holds_macro
from packyard.packs.version import is_semver, sort_key
from packyard.profiles.content import Missing
from packyard.profiles.laid import LaidLayer
from packyard.profiles.model import INFRASTRUCTURE, PackType, Profile, ProfileType
from packyard.profiles.rules import found

WITHOUT_STORAGE = frozenset(
    {"baremetal", "coxedge", "custom", "edge", "edge-native", "generic", "libvirt", "nested"}
)
"""Clouds that bring no storage of their own, so that a profile for them may do without."""
_RANKS = {layer: rank for rank, layer in enumerate((Layer.KERNEL, *INFRASTRUCTURE, Layer.ADDON))}
_TITLES = {
    Layer.KERNEL: "kernel",
    Layer.OS: "operating system",
    Layer.K8S: "Kubernetes",
    Layer.CNI: "network",
    Layer.CSI: "storage",
    Layer.ADDON: "add-on",
}
_GONE = ("deprecated", "deleted")
_NAMED = 5
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_RELEASE_LIMIT = 53
_NAME_LIMIT = 255


def check_structure(profile: Profile, layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    """Everything about the profile as a whole and its layers, but for their values."""
    return chain(
        _metadata(profile),
        _kinds(profile, layers),
        _order(layers),
        _names(layers),
        _display_names(layers),
        _release_names(layers),
        _releases(layers),
        _manifests(layers),
        *(check_pack(profile, layer) for layer in layers),
    )


def needed(profile: Profile) -> tuple[Layer, ...]:
    """The layers that a profile of its type must have."""
    if profile.type not in (ProfileType.INFRA, ProfileType.CLUSTER):
        return ()
    optional = {Layer.CSI} if profile.cloud_type in WITHOUT_STORAGE else set()
    return tuple(layer for layer in INFRASTRUCTURE if layer not in optional)


def admits(profile_type: ProfileType, layer: Layer) -> bool:
    """Whether a profile of a type may have a layer at all."""
    match profile_type:
        case ProfileType.ADDON:
            return layer is Layer.ADDON
        case ProfileType.INFRA:
            return layer is not Layer.ADDON
    return True


def _metadata(profile: Profile) -> Iterator[Finding]:
    if not profile.name.strip():
        message, mend = "The profile has no name.", "Give it a name."
        yield found("profile.name-missing", message, mend=mend, path="name")
    elif fault := _name_fault(profile.name):
        message, mend = f"The profile's name {fault}.", "Give it a name that people can read."
        yield found("profile.name-form", message, mend=mend, path="name")
    if not is_semver(profile.version):
        message = f"The version {profile.version[:80]!r} is not semantic versioning."
        mend = "Write three numbers, as in 1.0.0 or 1.1.0-rc.1."
        yield found("profile.version-form", message, mend=mend, path="version")
    cloud = profile.cloud_type
    if cloud and cloud not in CLOUD_TYPES:
        meant = near(cloud, CLOUD_TYPES)
        message = f"There is no cloud type {cloud[:80]!r}."
        mend = f"Did you mean {meant!r}?" if meant else f"Known: {', '.join(CLOUD_TYPES)}."
        yield found("profile.cloud-unknown", message, mend=mend, path="cloudType")
    elif not cloud and profile.type in (ProfileType.INFRA, ProfileType.CLUSTER):
        message = "The profile does not say for which cloud it is."
        yield found("profile.cloud-missing", message, mend="Give it a cloudType.", path="cloudType")
    if not profile.layers:
        message = "The profile has no layers."
        yield found("profile.empty", message, mend="Add one.", path="layers")


def _kinds(profile: Profile, layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    """Which layers are missing, there twice, or not admitted."""
    by_kind: dict[Layer, LaidLayer] = {}
    told = [layer.kind_is_known for layer in layers]
    for index, layer in enumerate(layers):
        kind, path = layer.kind, f"layers[{index}]"
        if not told[index]:
            continue
        if not admits(profile.type, kind):
            message = (
                f"A profile of type {profile.type} has no {_TITLES[kind]} layer: {layer.name}."
            )
            mend = "Remove the layer, or make it a profile of type cluster."
            yield found("profile.layer-alien", message, mend=mend, layer=layer.name, path=path)
        elif kind is not Layer.ADDON:
            first = by_kind.setdefault(kind, layer)
            if first is not layer:
                message = f"{first.name} and {layer.name} are both the {_TITLES[kind]} layer."
                mend = "Keep one of them."
                yield found(
                    "profile.layer-repeated", message, mend=mend, layer=layer.name, path=path
                )
    for kind in needed(profile) if layers and all(told) else ():
        if kind not in by_kind:
            message = f"The profile has no {_TITLES[kind]} layer."
            mend = f"Add a pack of the layer {kind}."
            yield found("profile.layer-missing", message, mend=mend, path="layers")


def _order(layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    highest: LaidLayer | None = None
    for index, layer in enumerate(layers):
        if not layer.kind_is_known:
            continue
        if highest and _RANKS[layer.kind] < _RANKS[highest.kind]:
            message = (
                f"{layer.name} ({_TITLES[layer.kind]}) stands behind {highest.name} "
                f"({_TITLES[highest.kind]}), which is built upon it."
            )
            path, mend = f"layers[{index}]", f"Put it before {highest.name}."
            yield found("profile.layer-order", message, mend=mend, layer=layer.name, path=path)
        else:
            highest = layer


def _names(layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, layer in enumerate(layers):
        path = f"layers[{index}].name"
        if not layer.name.strip():
            message, mend = f"Layer {index + 1} has no name.", "Name its pack."
            yield found("layer.name-missing", message, mend=mend, path=path)
        elif first.setdefault(layer.name, index) != index:
            message = f"Two layers are called {layer.name!r}."
            mend = f"Call the second one <display name>--{layer.layer.pack or layer.name}."
            yield found("layer.name-repeated", message, mend=mend, layer=layer.name, path=path)
        elif fault := _name_fault(layer.name):
            message, mend = f"The name of layer {index + 1} {fault}.", "Give it another one."
            yield found("layer.name-form", message, mend=mend, path=path)
        manifests: dict[str, int] = {}
        for place, manifest in enumerate(layer.layer.manifests):
            at = f"layers[{index}].manifests[{place}].name"
            if not manifest.name.strip():
                message, mend = f"A manifest of {layer.name} has no name.", "Give it one."
                yield found("manifest.name-missing", message, mend=mend, layer=layer.name, path=at)
            elif manifests.setdefault(manifest.name, place) != place:
                message = f"Two manifests of {layer.name} are called {manifest.name!r}."
                mend = "Rename one of them."
                yield found("manifest.name-repeated", message, mend=mend, layer=layer.name, path=at)
            elif fault := _name_fault(manifest.name):
                message, mend = f"The name of a manifest {fault}.", "Give it another one."
                yield found("manifest.name-form", message, mend=mend, layer=layer.name, path=at)


def _name_fault(name: str) -> str:
    """What keeps a name from being shown and written down, as the end of a sentence."""
    if len(name) > _NAME_LIMIT:
        return f"has {len(name)} characters; {_NAME_LIMIT} are allowed"
    if not name.isprintable():
        return "holds characters that nobody sees"
    return "begins or ends with a blank" if name != name.strip() else ""


def _manifests(layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    """Documents that Kubernetes would not know what to do with."""
    for layer in layers:
        for part in layer.manifests:
            data = part.document.data
            metadata = data.get("metadata")
            named = isinstance(metadata, Mapping) and metadata.keys() & {"name", "generateName"}
            lacking = [key for key in ("apiVersion", "kind") if not data.get(key)]
            if not named and not str(data.get("kind")).endswith("List"):
                lacking.append("metadata.name")
            if lacking:
                message = f"A document of the manifest {part.manifest!r} has no {several(lacking)}."
                yield found(
                    "manifest.kind",
                    message,
                    mend="Write what it is and its name.",
                    layer=layer.name,
                    file=part.file,
                    path=part.manifest,
                    at=part.at((1, 1)),
                )


def _display_names(layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    shown: dict[str, LaidLayer] = {}
    for layer in layers:
        own, said = layer.layer.display_name, layer.section.display_name
        name = said or own
        if name and shown.setdefault(name, layer) is not layer:
            message = f"{shown[name].name} and {layer.name} are both shown as {name!r}."
            mend = "Give one of them another display name."
            yield found("layer.display-name-repeated", message, mend=mend, layer=layer.name)
        if own and layer.values and own != said:
            message = (
                f"The values of {layer.name} do not carry its display name: "
                f"pack.spectrocloud.com/display-name is {said[:80]!r}."
            )
            mend = f"Write {own!r} there."
            path = 'pack."spectrocloud.com/display-name"'
            yield found(
                "layer.display-name",
                message,
                mend=mend,
                layer=layer.name,
                file=layer.values.file,
                path=path,
                at=layer.values.document.at(("pack", "spectrocloud.com/display-name")),
            )


def _release_names(layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    """The names of releases that people choose."""
    for layer in layers:
        for chart, release in layer.section.release_name_override.items():
            wrong = len(release) > _RELEASE_LIMIT or not _RELEASE.fullmatch(release)
            if layer.values and wrong and not holds_macro(release):
                path = ("pack", "releaseNameOverride", chart)
                yield found(
                    "layer.release-form",
                    f"{release[:80]!r} is no name under which Helm installs {chart[:80]}.",
                    mend=f"Use lower-case letters, digits, '-' and '.', {_RELEASE_LIMIT} at most.",
                    layer=layer.name,
                    file=layer.values.file,
                    path=format_path(path),
                    at=layer.values.document.at(path),
                )


def _releases(layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    """Charts of layers of one pack, each by the name that Helm installs it under."""
    installed: dict[tuple[str, str], LaidLayer] = {}
    for layer in layers:
        charts = layer.values.document.get(("charts",)) if layer.values else None
        for chart in charts if isinstance(charts, Mapping) and layer.layer.pack else ():
            default = f"{layer.layer.pack}-{chart}"
            release = layer.section.release_name_override.get(chart, default)
            key = layer.section.namespace, release
            if installed.setdefault(key, layer) is not layer and layer.values:
                message = (
                    f"{installed[key].name} and {layer.name} both install the chart {chart} as "
                    f"{release!r} in the namespace {key[0] or 'default'}."
                )
                mend = f"Give it another name in pack.releaseNameOverride.{chart}."
                yield found(
                    "layer.release-name",
                    message,
                    mend=mend,
                    layer=layer.name,
                    file=layer.values.file,
                    path=f"charts.{chart}",
                    at=layer.values.document.at(("charts", chart)),
                )


def check_pack(profile: Profile, layer: LaidLayer) -> Iterator[Finding]:
    """Whether the pack of a layer is there, and is one for this profile."""
    if isinstance(layer.content, Missing):
        yield _missing(layer, layer.content)
        return
    if layer.known is None:
        return
    pack, declared = layer.known.pack, layer.layer.layer
    if declared and declared is not pack.layer:
        message = f"The profile calls {layer.name} a layer {declared}; its pack says {pack.layer}."
        mend = f"Write {pack.layer}."
        yield found("layer.kind-differs", message, mend=mend, layer=layer.name, path="layer")
    if not is_for(pack.cloud_types, profile.cloud_type):
        message = (
            f"{pack.name} {pack.version} is not made for {profile.cloud_type}, but for "
            f"{several(pack.cloud_types)}."
        )
        mend = f"Choose a pack for {profile.cloud_type}."
        yield found("layer.cloud", message, mend=mend, layer=layer.name)
    state = pack.annotations.get("system_state", "")
    if state in _GONE or pack.annotations.get("disabled") == "true":
        message = f"{pack.name} {pack.version} is marked {state or 'disabled'} by its authors."
        mend = "Choose another version or pack."
        yield found("layer.deprecated", message, mend=mend, layer=layer.name)


def _missing(layer: LaidLayer, missing: Missing) -> Finding:
    name, tag = layer.layer.pack, layer.layer.tag or layer.layer.version
    if not missing.there:
        message = f"There is no registry {missing.registry[:100]!r}, which the layer names."
        mend = "Name one that is there, or none."
        return found("layer.pack-unknown", message, mend=mend, layer=layer.name, path="name")
    where = f"The registry {missing.registry}" if missing.registry else "No registry"
    if not missing.tags:
        meant = near(name, missing.names)
        message = f"{where} holds {'no' if missing.registry else 'a'} pack {name[:200]!r}."
        mend = f"Did you mean {meant!r}?" if meant else "Check its name, or add its registry."
        return found("layer.pack-unknown", message, mend=mend, layer=layer.name, path="name")
    newest = sorted(missing.tags, key=sort_key, reverse=True)[:_NAMED]
    if layer.layer.type is PackType.MANIFEST or not tag:
        message = f"The layer does not say which tag of {name} it is."
    else:
        message = f"{name} has no tag {tag[:128]!r}."
    mend = f"There are {', '.join(newest)}{', …' if len(missing.tags) > _NAMED else ''}."
    return found("layer.tag-unknown", message, mend=mend, layer=layer.name, path="tag")
