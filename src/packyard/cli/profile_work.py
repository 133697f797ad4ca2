"""What the commands on profiles do, between files on this machine and the packs of their layers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from packyard.charts.engine import Engine
from packyard.cli import profile_files, screen
from packyard.cli.output import Row
from packyard.cli.profile_packs import ProfilePacks
from packyard.cli.report import Checked
from packyard.delivery.part import Part
from packyard.delivery.profile import Deployment, render_profile
from packyard.errors import ContentRefused, PackUnknown, ParameterInvalid
from packyard.findings import Finding
from packyard.packs.files import Files
from packyard.packs.model import Layer
from packyard.packs.presets import active
from packyard.packs.values import Document
from packyard.profiles.check import check
from packyard.profiles.content import Content, PackContent, with_preset
from packyard.profiles.exchange import as_json, as_yaml, export, read_export
from packyard.profiles.file import ProfileFile, write_file
from packyard.profiles.laid import values_in_force
from packyard.profiles.model import (
    PackType,
    Profile,
    ProfileLayer,
    ProfileType,
    RegistryReference,
)
from packyard.profiles.options import candidate_of, options, packs_of
from packyard.profiles.terraform import terraform


def begin(
    path: Path,
    name: str,
    kind: ProfileType,
    cloud: str,
    registries: Sequence[str],
    packs: Sequence[str],
    home: Path,
) -> list[Path]:
    """A new profile of these packs, with their values beside it."""
    addresses = _named(registries, path.parent)
    layers = []
    with ProfilePacks(path.parent, addresses, "", home) as known:
        for given in packs:
            pack, _, tag = given.partition(":")
            newest = known.newest(pack)
            if newest is None:
                raise PackUnknown(f"No registry holds a pack {pack}.")
            label, tag = newest[0], tag or newest[1]
            layer = ProfileLayer(name=pack, tag=tag, registry=RegistryReference(name=label))
            content, _ = known.held(layer)
            if not isinstance(content, PackContent):
                raise PackUnknown(f"{pack} has no tag {tag}.")
            layers.append(replace(layer, layer=content.pack.layer, values=content.values))
    name = name or path.absolute().parent.name
    profile = Profile(name=name, type=kind, cloud_type=cloud, layers=tuple(layers))
    return profile_files.write(path, write_file(profile, addresses))


def check_file(
    path: Path, system: Mapping[str, str], macros: Mapping[str, str], registry: str, home: Path
) -> Checked:
    """Everything that is wrong with a profile and the files beside it."""
    file, findings = profile_files.read(path)
    if file is None:
        return Checked(path, tuple(findings), path.parent)
    contents = [content for content, _ in _held(path, file, registry, home)]
    given = {**file.macros, **macros}
    with Engine(size=1) as engine:
        found = check(file.profile, contents, macros=given, system=system, engine=engine.fill)
    placed = [file.placed(finding) for finding in found]
    everything = dict.fromkeys([*findings, *placed])
    own = [finding for finding in everything if finding.file == path.name]
    others = [finding for finding in everything if finding.file != path.name]
    return Checked(path, (*sorted(own, key=_place), *others), path.parent)


def option_rows(path: Path, layer: Layer, registry: str, home: Path, *, every: bool) -> list[Row]:
    """A row for each version of each pack that fits, or for all of them."""
    file = profile_files.opened(path)
    with _packs(path, file, registry, home) as packs:
        held = [packs.held(one)[0] for one in file.profile.layers]
        candidates = packs.candidates(layer)
    chosen = [candidate_of(one.pack) for one in held if isinstance(one, PackContent)]
    return [
        {
            "name": option.name,
            "displayName": option.display_name,
            "version": offer.candidate.version,
            "tag": offer.candidate.tag,
            "registry": offer.candidate.registry,
            "fits": offer.fits,
            "reasons": [finding.message for finding in offer.against],
            "needs": [finding.message for finding in offer.needs],
        }
        for option in options(packs_of(candidates), chosen, file.profile.cloud_type)
        for offer in option.offers()
        if offer.fits or every
    ]


def option_table(rows: Sequence[Row]) -> list[str]:
    def remark(row: Row) -> str:
        told = row["needs"] if row["fits"] else row["reasons"]
        return " ".join(map(str, told)) if isinstance(told, list) else ""

    head = ["NAME", "TAG", "REGISTRY", "", "REMARK"]
    marked = [
        [
            str(row["name"]),
            str(row["tag"]),
            str(row["registry"]),
            "" if row["fits"] else "does not fit",
            remark(row),
        ]
        for row in rows
    ]
    shown = [i for i in range(len(head)) if i == 0 or any(cells[i] for cells in marked)]
    return screen.table([head[i] for i in shown], [[cells[i] for i in shown] for cells in marked])


def preset_rows(path: Path, layer: str, registry: str, home: Path) -> list[list[str]]:
    """Group, name, title, and whether it is chosen, of each preset."""
    _, chosen, content = _layer(path, layer, registry, home)
    values, _ = Document.parse(values_in_force(chosen, content))
    on = active(values, content.presets) if values else {}
    return [
        [one.group, one.name, one.display_name, "yes" if on.get(one.group) is one else ""]
        for one in content.presets
    ]


def choose_preset(path: Path, layer: str, name: str, registry: str, home: Path) -> Path:
    """Write the values of a layer with a preset chosen; the file that was written."""
    _, chosen, content = _layer(path, layer, registry, home)
    if not chosen.file:
        raise ParameterInvalid(
            f"The layer {layer} has no values of its own: name a file for them in {path}, "
            "`values: FILE`, which may be empty."
        )
    written = path.parent / chosen.file
    profile_files.replace(written, with_preset(chosen, content, name).values)
    return written


def rendered(path: Path, deployment: Deployment, registry: str, home: Path) -> list[Part]:
    """The manifests; raises `ContentRefused` with everything that is in the way."""
    file = profile_files.opened(path)
    held = _held(path, file, registry, home)
    given = replace(deployment, macros={**file.macros, **deployment.macros})
    contents, files = [content for content, _ in held], [files for _, files in held]
    with Engine() as engine:
        parts, findings = render_profile(file.profile, contents, files, given, engine)
    if parts is None:
        placed = [file.placed(finding) for finding in findings]
        raise ContentRefused(f"{path} does not render.", placed)
    return list(parts)


def exported(path: Path, form: str, registry: str, home: Path) -> str:
    file = profile_files.opened(path)
    contents = [content for content, _ in _held(path, file, registry, home)]
    if form == "terraform":
        return terraform(file.profile, contents)
    data = export(file.profile, contents)
    return as_yaml(data) if form == "yaml" else as_json(data)


def imported(exported_path: Path, path: Path, registries: Mapping[str, str]) -> list[Path]:
    """A profile of an exported one; registries that nobody explains keep their name alone."""
    profile, findings = read_export(exported_path.read_bytes(), str(exported_path))
    if profile is None:
        raise ContentRefused(f"{exported_path} is not taken.", findings)
    names = {layer.registry.name: "" for layer in profile.layers if layer.registry.name}
    layers = tuple(replace(layer, type=_type(layer)) for layer in profile.layers)
    known = replace(profile, layers=layers)
    return profile_files.write(path, write_file(known, {**names, **registries}))


def _type(layer: ProfileLayer) -> PackType:
    """Real files call a layer of a Helm registry by another type."""
    return PackType.HELM if layer.registry.kind == "helm" else layer.type


def _packs(path: Path, file: ProfileFile, registry: str, home: Path) -> ProfilePacks:
    return ProfilePacks(path.parent, file.registries, registry, home)


def _held(
    path: Path, file: ProfileFile, registry: str, home: Path
) -> list[tuple[Content, Files | None]]:
    """What the pack of each layer holds, and its files."""
    with _packs(path, file, registry, home) as packs:
        return [packs.held(layer) for layer in file.profile.layers]


def _layer(
    path: Path, name: str, registry: str, home: Path
) -> tuple[ProfileFile, ProfileLayer, PackContent]:
    file = profile_files.opened(path)
    layer = next((one for one in file.profile.layers if one.name == name), None)
    if layer is None:
        names = ", ".join(one.name for one in file.profile.layers)
        raise ParameterInvalid(f"The profile has no layer {name!r}; it has {names}.")
    with _packs(path, file, registry, home) as packs:
        content, _ = packs.held(layer)
    if not isinstance(content, PackContent):
        raise PackUnknown(f"The pack of {name} cannot be found, so its presets are not known.")
    return file, layer, content


def _named(registries: Sequence[str], folder: Path) -> dict[str, str]:
    """`NAME=ADDRESS`, or an address alone, which is called by its last part.

    A folder of the working directory is named as it is seen from that of the profile.
    """
    named: dict[str, str] = {}
    for given in registries:
        name, equals, address = given.partition("=")
        if not equals:
            name, address = given.rstrip("/").rpartition("/")[2].partition(":")[0], given
        if Path(address).is_dir() and not Path(address).is_absolute():
            address = Path(os.path.relpath(address, folder)).as_posix()
        named[name.strip(".") or "packs"] = address
    return named


def _place(finding: Finding) -> tuple[int, int]:
    return finding.line, finding.column
