"""Real packs as layers of profiles: their defaults checked, their presets switched."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from packyard.errors import ParameterInvalid
from packyard.packs.archive import read_archive
from packyard.packs.presets import enabled
from packyard.profiles.check import check
from packyard.profiles.content import PackContent, parents_of, resolved_tag, with_preset
from packyard.profiles.filling import Engine
from packyard.profiles.model import Profile, ProfileLayer, ProfileType
from tests.profiles.samples import content, of, rules

# What authors leave to whoever uses a pack, and what is wrong with a few.
EXPECTED = {
    "argocd-3.26.7": ["layer.deprecated"],
    "argocd-3.3.5": ["layer.deprecated"],
    "avi-1.5.2": ["macro.deployment"],
    "ceph-rbd-3.11.0": ["macro.deployment"],
    "crossplane-1.7.0": ["layer.deprecated"],
    "external-snapshotter-4.0.1": ["parameter.required"],
    "karpenter-1.0.5": ["parameter.required", "macro.deployment", "macro.deployment"],
    "spegel-0.0.18": ["macro.deployment"],
    "sr-iov-3.4.0": ["dependency.missing"],
    "stormforge-optimize-live-0.7.8": ["parameter.required"] * 4,
    "twistlock-20.09.0": ["parameter.required"] * 2,
    "vsphere_noprovisioner_csi_1.0.0": ["macro.deployment"],
    "wordpress-5.4.1": ["layer.deprecated"],
}


@pytest.fixture(scope="module")
def real(real_packs: Path) -> dict[str, PackContent]:
    found = {}
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            held = PackContent.of(read_archive(stream))
        assert held, archive.name
        found[archive.name.removesuffix(".tar.gz")] = held
    return found


def profile(*layers: ProfileLayer) -> Profile:
    return Profile(name="p", type=ProfileType.SYSTEM, layers=layers)


def test_the_defaults_of_each_pack_are_checked(
    real: dict[str, PackContent], engine: Engine
) -> None:
    found = {
        name: rules(check(profile(of(held)), [held], macros={}, engine=engine))
        for name, held in real.items()
    }
    assert {name: of_pack for name, of_pack in found.items() if of_pack} == EXPECTED
    assert len(found) == 53


def test_a_preset_gives_the_same_whichever_stood_before(
    real: dict[str, PackContent], engine: Engine
) -> None:
    """Each preset of each pack, directly and from each other one of its group."""
    switched = 0
    for name, held in real.items():
        layer = of(held)
        direct = {one.name: with_preset(layer, held, one.name) for one in held.presets}
        before = check(profile(layer), [held], macros={}, engine=engine)
        for former, chosen in product(held.presets, repeat=2):
            if former.group != chosen.group:
                continue
            switched += 1
            values = with_preset(direct[former.name], held, chosen.name).values
            assert values == direct[chosen.name].values, (name, former.name, chosen.name)
            assert enabled(values)[chosen.group] == chosen.name
        for layer in direct.values():
            after = check(profile(layer), [held], macros={}, engine=engine)
            assert set(rules(after)) <= set(rules(before)), (name, layer.values)
    assert switched == 46


def test_a_preset_that_is_not_there_is_said_with_the_nearest() -> None:
    held = content(values="a: 1\n", presets="presets:\n  - {name: large, group: G, add: 'a: 2'}\n")
    assert with_preset(of(held), held, "large").values.endswith("a: 2\n")
    assert with_preset(of(held, values=""), held, "large").values.endswith("a: 2\n")
    with pytest.raises(ParameterInvalid, match="did you mean 'large'"):
        with_preset(of(held), held, "lage")
    with pytest.raises(ParameterInvalid, match="cannot be read"):
        with_preset(of(held, values="a: [\n"), held, "large")


def test_parent_tags_follow_the_newest_version() -> None:
    tags = ["LTS__22.04.4", "LTS__22.4.10", "1.28.3", "1.28.10", "stable", "1.28.11-rc.1"]
    assert resolved_tag("1.28.x", tags) == "1.28.11-rc.1"
    assert resolved_tag("LTS__22.x", tags) == "LTS__22.4.10"
    assert resolved_tag("stable", tags) == "stable"
    assert resolved_tag("1.29.x", tags) is None
    assert resolved_tag("1.29.0", tags) is None
    assert parents_of(tags[:3]) == ["LTS__22.4.x", "LTS__22.x", "1.28.x", "1.x"]
