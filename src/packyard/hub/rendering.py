"""A kept profile as Kubernetes manifests: its add-on layers with the files of their packs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from packyard.charts.engine import Engine
from packyard.delivery.part import Part
from packyard.delivery.profile import Deployment, render_profile
from packyard.delivery.render import Cluster
from packyard.findings import Severity
from packyard.hub.archives import Archives
from packyard.hub.composing import Profiles, refused
from packyard.packs.files import Files
from packyard.packs.model import Layer
from packyard.profiles.content import Content
from packyard.profiles.model import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is known of one deployment besides the profile."""

    variables: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    cluster: Cluster = field(default_factory=Cluster)


def rendered(
    kept: Profiles,
    archives: Archives,
    engine: Engine,
    profile: Profile,
    project: str,
    given: Given,
    *,
    uid: str = "",
) -> tuple[Part, ...]:
    """The manifests in order of installation.

    Raises `ProfileRefused` with everything that is in the way, and what registries do wrong.
    """
    materials = kept.materials(profile, project, uid)
    contents: list[Content] = list(materials.contents)
    files: list[Files | None] = [None] * len(contents)
    for index, one in enumerate(materials.resolved):
        is_addon = one.layer.layer in (None, Layer.ADDON)
        if one.layer.registry.uid and one.missing is None and is_addon:
            contents[index], files[index] = archives.read(one.layer.uid)
    layers = tuple(one.layer for one in materials.resolved)
    deployment = Deployment(
        variables=given.variables,
        system={**materials.around.system, **given.system},
        macros=materials.around.macros,
        cluster=given.cluster,
    )
    parts, findings = render_profile(
        replace(profile, layers=layers), contents, files, deployment, engine
    )
    if parts is None:
        serious = (Severity.REFUSE, Severity.BLOCK)
        raise refused("The cluster profile cannot be rendered", findings, serious)
    return parts
