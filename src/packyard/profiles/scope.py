"""What references stand for in one profile: system values, the macros in force, variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from packyard.packs.model import Layer
from packyard.profiles.laid import LaidLayer
from packyard.profiles.model import Profile
from packyard.profiles.system import known_values
from packyard.profiles.variables import MASK, is_masked


@dataclass(frozen=True, slots=True)
class Scope:
    """Each by name; what is absent is not known, and the expressions that need it stay.

    The variables in `secrets` are given to no function, whose complaint might tell them.
    """

    system: Mapping[str, str] = field(default_factory=dict)
    macros: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()


def macros_in_force(
    project: Mapping[str, str], tenant: Mapping[str, str], system: Mapping[str, str] | None = None
) -> dict[str, str]:
    """User macros by name: the project's shadow the tenant's, those shadow the system's."""
    return {**(system or {}), **tenant, **project}


def scope_of(
    profile: Profile,
    layers: Sequence[LaidLayer],
    macros: Mapping[str, str],
    system: Mapping[str, str] | None = None,
    *,
    shown: bool = True,
) -> Scope:
    """What is known of a profile by itself: its variables have their defaults, where they have any.

    `shown` is for people: secrets are asterisks, and variables that need no value are empty without
    one. `system` are values besides those that the profile decides.
    """
    variables = {
        one.name: MASK if shown and one.sensitive and one.preset else one.preset
        for one in profile.variables
        if (one.preset or (shown and not one.required)) and not is_masked(one.preset)
    }
    known = known_values(profile, kubernetes_version(layers))
    secrets = frozenset(one.name for one in profile.variables if one.sensitive and not shown)
    return Scope({**known, **(system or {})}, macros, variables, secrets)


def kubernetes_version(layers: Sequence[LaidLayer]) -> str:
    """That of the Kubernetes layer; "" where the profile has none."""
    for layer in layers:
        if layer.kind is Layer.K8S:
            return layer.known.pack.version if layer.known else layer.layer.version
    return ""
