"""A full profile of starter packs and real add-ons, composed from what is offered, out and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from packyard.charts.engine import Engine
from packyard.delivery.profile import Deployment, render_profile
from packyard.packs.archive import read_archive
from packyard.packs.files import Files
from packyard.packs.folder import read_folder
from packyard.packs.model import Layer
from packyard.packs.values import Document, parse_path
from packyard.profiles.check import check, publishable
from packyard.profiles.content import PackContent
from packyard.profiles.exchange import as_yaml, export, read_export
from packyard.profiles.model import Profile
from packyard.profiles.options import candidate_of, options, packs_of
from tests.profiles.samples import of

ROOT = Path(__file__).parent.parent.parent
CLOUD = "edge-native"
SYSTEM = {"cluster.name": "edge-7", "cluster.uid": "0123456789abcdef01234567"}
# A chart that is missing, a template that is broken, a chart that refuses its own defaults.
LEFT_OUT = {"haproxy-unified-gateway", "external-snapshotter", "gridlight"}


def held_packs(real_packs: Path) -> dict[tuple[str, str], tuple[PackContent, Files]]:
    """Every pack by name and tag."""
    every: list[Files] = [read_folder(folder) for folder in sorted((ROOT / "packs").iterdir())]
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            every.append(read_archive(stream))
    held = {}
    for files in every:
        content = PackContent.of(files)
        assert content
        held[str(content.pack.name), str(content.pack.label)] = content, files
    return held


def test_a_full_profile_goes_out_and_in_and_renders_to_the_same(
    engine: Engine, real_packs: Path
) -> None:
    held = held_packs(real_packs)
    rows = [candidate_of(content.pack) for content, _ in held.values()]
    chosen: list[tuple[PackContent, Files]] = []
    for layer in (Layer.OS, Layer.K8S, Layer.CNI, Layer.CSI, Layer.ADDON):
        beside = [candidate_of(content.pack) for content, _ in chosen]
        of_layer = [row for row in rows if row.layer == layer]
        offered = options(packs_of(of_layer), beside, CLOUD)
        fitting = [option for option in offered if option.fits and option.name not in LEFT_OUT]
        for option in fitting if layer is Layer.ADDON else fitting[-1:]:
            offer = next(offer for offer in option.offers() if offer.fits)
            if not offer.needs:
                chosen.append(held[offer.candidate.name, offer.candidate.tag])
    packs, files = [content for content, _ in chosen], [files for _, files in chosen]
    profile = Profile(name="full", cloud_type=CLOUD, layers=tuple(map(of, packs)))
    findings = check(profile, packs, macros={}, engine=engine.fill, system=SYSTEM)
    layers = []
    for layer_of_profile in profile.layers:
        values, _ = Document.parse(layer_of_profile.values)
        assert values
        for finding in findings:  # what authors leave to be filled in
            if finding.rule == "parameter.required" and finding.layer == layer_of_profile.name:
                values = values.set(parse_path(finding.path), "filled")
        layers.append(replace(layer_of_profile, values=values.text))
    profile = replace(profile, layers=tuple(layers))
    findings = check(profile, packs, macros={}, engine=engine.fill, system=SYSTEM)
    assert publishable(findings), findings
    assert len(packs) > 20

    again, faults = read_export(as_yaml(export(profile)).encode())
    assert faults == []
    assert again == profile
    deployment = Deployment(system=SYSTEM)
    before, faults = render_profile(profile, packs, files, deployment, engine)
    assert before is not None, faults
    twice, _ = render_profile(profile, packs, files, deployment, engine)
    after, _ = render_profile(again, packs, files, deployment, engine)
    assert twice is not None
    assert after is not None
    # Certificates and passwords are others each time, whoever renders them.
    repeatable = [one == other for one, other in zip(before, twice, strict=True)]
    assert [p for p, same in zip(after, repeatable, strict=True) if same] == [
        p for p, same in zip(before, repeatable, strict=True) if same
    ]
    assert repeatable.count(False) < 10
    assert len(before) > 100
    assert not any("{{ .spectro." in part.text for part in before)
