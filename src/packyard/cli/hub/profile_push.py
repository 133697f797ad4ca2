"""A profile on this machine, put into a hub: made new, or changed where it is there already.

The hub checks it first, with its own packs and macros; what would be refused is listed with its
places in the files here, and then nothing is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packyard.cli import profile_files
from packyard.cli.accounts import bare
from packyard.cli.hub import profile_forms as forms
from packyard.cli.hub.registry_rows import every, is_own
from packyard.cli.profile_packs import ProfilePacks
from packyard.errors import Conflict
from packyard.findings import Finding, Severity, refusals
from packyard.packs.values import VALUES
from packyard.profiles.content import PackContent
from packyard.profiles.file import ProfileFile
from packyard.profiles.model import Profile, ProfileLayer
from packyard.profiles.variables import is_masked
from packyard.remotes.items import REGISTRY, Item, at, maps, pick, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub


@dataclass(frozen=True, slots=True)
class Pushed:
    """`done` is "created", "updated" or "unchanged", "" where `findings` were in the way.

    `published` says whether what was pushed is what is published there.
    """

    findings: tuple[Finding, ...]
    label: str = ""
    done: str = ""
    uid: str = ""
    published: bool = False


def push(
    hub: Hub, path: Path, registries: Mapping[str, str], home: Path, *, publish: bool
) -> Pushed:
    """`registries` are those of the hub by the names that the profile's layers use."""
    file = profile_files.opened(path)
    profile = _tagged(path, file, home)
    uids = _registries(hub, file, registries)

    def registry(layer: ProfileLayer) -> str:
        return uids.get(layer.registry.name, "")

    label = f"{profile.name}:{profile.version}"
    former = forms.standing(hub, profile)
    body = forms.body_of(profile, registry)
    findings = _findings(hub, file, body)
    blocked = any(one.severity is Severity.BLOCK for one in findings)
    if refusals(findings) or (publish and blocked):
        return Pushed(findings)
    if former is None:
        made = hub.create(forms.PATH, body, {"publish": publish})
        return Pushed(findings, label, "created", uid_of(made), publish)
    changed = _change(hub, former, profile, registry)
    drafted = changed or at(former, "spec.draft") is not None
    unpublished = at(former, "status.isPublished") is not True
    needed = publish and (drafted or unpublished)
    if needed:
        hub.send("PATCH", f"{forms.PATH}/{uid_of(former)}/publish")
    done = "updated" if changed or needed else "unchanged"
    published = needed or not (drafted or unpublished)
    return Pushed(findings, label, done, uid_of(former), published)


def _change(hub: Hub, former: Item, profile: Profile, registry: forms.RegistryUid) -> bool:
    """Send what is another there; whether anything is."""
    there, place = forms.read(hub, former), f"{forms.PATH}/{uid_of(former)}"
    if profile.cloud_type != there.cloud_type:
        raise Conflict(
            f"{profile.name} {profile.version} is for {there.cloud_type or 'all clouds'} in the "
            f"hub, which cannot be changed: give the profile another version."
        )
    changed = False
    if _variables_differ(profile, there):
        hub.send("PUT", f"{place}/variables", {"variables": forms.variables_of(profile)})
        changed = True
    if not _same_layers(profile, there, registry):
        template = forms.template_of(profile, registry)
        body = {"metadata": {"name": profile.name}, "spec": {"template": template}}
        hub.send("PUT", place, body)
        changed = True
    if (dict(profile.labels), profile.description) != (dict(there.labels), there.description):
        body = {"metadata": forms.metadata_of(profile), "spec": {"version": profile.version}}
        hub.send("PATCH", f"{place}/metadata", body)
        changed = True
    return changed


def _variables_differ(profile: Profile, there: Profile) -> bool:
    """A secret that is given in clear counts as another one: the hub's is not told."""
    secrets = [one.default for one in profile.variables if one.sensitive and one.default]
    if not all(map(is_masked, secrets)):
        return True
    plain = [
        [replace(one, default="" if one.sensitive else one.default) for one in each.variables]
        for each in (profile, there)
    ]
    return plain[0] != plain[1]


def _same_layers(profile: Profile, there: Profile, registry: forms.RegistryUid) -> bool:
    """A registry that nobody named here may be any there."""

    def told(layer: ProfileLayer, uid: str) -> tuple[object, ...]:
        manifests = [(one.name, one.content) for one in layer.manifests]
        return layer.name, layer.type, layer.tag, layer.values, manifests, uid

    if profile.type is not there.type or len(profile.layers) != len(there.layers):
        return False
    for mine, its in zip(profile.layers, there.layers, strict=True):
        uid = registry(mine)
        if told(mine, uid) != told(its, its.registry.uid if uid else ""):
            return False
    return True


def _findings(hub: Hub, file: ProfileFile, body: Item) -> tuple[Finding, ...]:
    """Of the hub, with their places in the files here."""
    from packyard.remotes.failures import finding_of

    found = map(finding_of, maps(hub.create(f"{forms.PATH}/findings", body), "items"))
    return tuple(dict.fromkeys(file.placed(_of_file(file, one)) for one in found))


def _of_file(file: ProfileFile, finding: Finding) -> Finding:
    """The hub knows texts, not files: values by one name, manifests by their own."""
    layer = next((one for one in file.profile.layers if one.name == finding.layer), None)
    if layer is None or not finding.file:
        return finding
    files = {VALUES: layer.file, **{one.name: one.file for one in layer.manifests}}
    return replace(finding, file=files.get(finding.file, ""))


def _tagged(path: Path, file: ProfileFile, home: Path) -> Profile:
    """With the versions of charts that are named by their files or addresses alone."""
    layers = []
    with ProfilePacks(path.parent, file.registries, "", home) as packs:
        for layer in file.profile.layers:
            content = packs.held(layer)[0] if layer.chart and not layer.tag else None
            tag = content.pack.version if isinstance(content, PackContent) else layer.tag
            layers.append(replace(layer, tag=tag))
    return replace(file.profile, layers=tuple(layers))


def _registries(hub: Hub, file: ProfileFile, given: Mapping[str, str]) -> dict[str, str]:
    """Uids of the hub's registries by the names that layers use here.

    One is what was said, else the hub's of the same name, else the hub's at the same address, the
    hub itself among them. Packs of a folder, or of an address that the hub does not know, are the
    hub's to find.
    """
    names = {layer.registry.name for layer in file.profile.layers} - {""}
    if not names:
        return {}
    rows = every(hub)
    by_name = {text(row, "metadata.name"): uid_of(row) for row in rows}
    by_host = {bare(text(row, "spec.endpoint")): uid_of(row) for row in reversed(rows)}
    by_host[hub.host] = next(uid_of(row) for row in rows if is_own(row))
    found = {}
    for name in names:
        if name in given:
            found[name] = uid_of(pick(rows, REGISTRY, given[name], hub.host))
        else:
            address = file.registries.get(name, name)
            found[name] = by_name.get(name) or by_host.get(bare(address), "")
    return found
