"""Options for the next layer of a profile (profiles.md, "Creating one")."""

from __future__ import annotations

from packyard.packs.model import Dependency
from packyard.packs.version import sort_key
from packyard.profiles.options import Candidate, candidate_of, options, packs_of
from tests.profiles.samples import content, rules


def candidate(
    name: str, version: str = "1.0.0", layer: str = "addon", *needs: Dependency, clouds: str = "all"
) -> Candidate:
    return Candidate(
        name=name,
        version=version,
        tag=version,
        layer=layer,
        order=sort_key(version),
        clouds=clouds.split(","),
        dependencies=needs,
    )


OLD_K8S = candidate("kubernetes", "1.27.3", "k8s")
OS = candidate("ubuntu", "22.4", "os")


def test_packs_for_the_cloud_are_offered_the_others_say_why() -> None:
    rows = [
        candidate("b"),
        candidate("a", clouds="aws"),
        candidate("c", clouds="edge-native,aws"),
    ]
    found = options(packs_of(rows), [OS], "edge-native")
    assert [(option.name, option.fits) for option in found] == [
        ("b", True),
        ("c", True),
        ("a", False),
    ]
    (against,) = found[2].offers()[0].against
    assert against.message == "a 1.0.0 is not made for edge-native, but for aws."
    assert all(option.fits for option in options(packs_of(rows), [], "all"))


def test_versions_stand_under_their_pack_newest_first_with_parent_tags() -> None:
    rows = [candidate("a", version) for version in ("1.9.0", "1.10.0", "2.0.0-rc.1", "1.9.1")]
    (option,) = options(packs_of(rows), [], "")
    versions = [offer.candidate.version for offer in option.offers()]
    assert versions == ["2.0.0-rc.1", "1.10.0", "1.9.1", "1.9.0"]
    assert option.parent_tags() == ["2.0.x", "2.x", "1.10.x", "1.x", "1.9.x"]


def test_constraints_count_in_both_directions() -> None:
    newer = Dependency(pack_name="kubernetes", layer="k8s", min_version="1.28", type="required")
    optional = Dependency(pack_name="kubernetes", layer="k8s", max_version="1.26", type="optional")
    hated = Dependency(pack_name="bad", layer="addon", max_version="2.0", type="notSupported")
    other = Dependency(pack_name="rke2", layer="k8s", type="required")
    vault = Dependency(pack_name="vault", layer="addon", type="required")
    rows = [
        candidate("new", "1.0.0", "addon", newer),
        candidate("opt", "1.0.0", "addon", optional),
        candidate("for-rke2", "1.0.0", "addon", other),
        candidate("with-vault", "1.0.0", "addon", vault),
        candidate("bad", "1.5.0"),
        candidate("bad", "2.5.0"),
    ]
    chosen = [OS, OLD_K8S, candidate("x", "1.0.0", "addon", hated)]
    offers = {
        (offer.candidate.name, offer.candidate.version): offer
        for option in options(packs_of(rows), chosen, "all")
        for offer in option.offers()
    }
    for option in options(packs_of(rows), chosen, "all"):
        assert option.fits == any(offer.fits for offer in option.offers())
    reasons = {key: rules(offer.against) for key, offer in offers.items()}
    assert reasons == {
        ("new", "1.0.0"): ["dependency.version"],
        ("opt", "1.0.0"): ["dependency.version"],
        ("for-rke2", "1.0.0"): ["dependency.missing"],
        ("with-vault", "1.0.0"): [],
        ("bad", "1.5.0"): ["dependency.unsupported"],
        ("bad", "2.5.0"): [],
    }
    assert offers["for-rke2", "1.0.0"].against[0].message.endswith("The layer k8s is kubernetes.")
    assert rules(offers["with-vault", "1.0.0"].needs) == ["dependency.missing"]


def test_a_candidate_is_made_of_a_pack() -> None:
    pack = content("a", clouds=["aws"], annotations={"system_state": "deprecated"}).pack
    made = candidate_of(pack, "R", "u")
    assert (made.name, made.tag, made.layer, made.clouds) == ("a", "1.0.0", "addon", ("aws",))
    assert (made.state, made.registry, made.uid) == ("deprecated", "R", "u")
