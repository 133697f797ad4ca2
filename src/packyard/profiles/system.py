"""System values: the names that the product defines, and those that a profile itself knows.

The list is that of the specification (macros.md, section 2). What only a cluster knows is given to
a render, or stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from packyard.profiles.model import Profile

SYSTEM_VALUES: Mapping[str, str] = MappingProxyType(
    {
        "user.name": "name of the user who is signed in",
        "user.uid": "id of that user",
        "user.email": "e-mail address of that user",
        "tenant.uid": "id of the tenant",
        "project.name": "name of the project",
        "project.uid": "id of the project",
        "clusterprofile.name": "name of the profile",
        "clusterprofile.uid": "id of the profile",
        "clusterprofile.version": "version of the profile",
        "clusterprofile.infra.name": "name of the cluster's infrastructure profile",
        "clusterprofile.infra.uid": "its id",
        "clusterprofile.infra.version": "its version",
        "cluster.name": "name of the cluster",
        "cluster.uid": "id of the cluster",
        "cluster.kubevip": "virtual address of the control plane",
        "cloudaccount.name": "name of the cloud account",
        "cloudaccount.uid": "id of the cloud account",
        "cloud.type": "the cloud that the profile is for",
        "cloud.region": "region of the cluster",
        "kubernetes.version": "version of Kubernetes, without a leading v",
        "reverseproxy.server": "host of the reverse proxy, empty without one",
        "reverseproxy.port": "port of the reverse proxy",
        "reverseproxy.protocol": "http or https",
        "reverseproxy.vhostport": "port of the reverse proxy's virtual host",
    }
)

RESERVED = frozenset({"aws.region", "cloud.image.id"})
"""Names seen in old texts, which some deployment may fill."""
_APPLICATION = ("apptier.", "appprofile.", "appdeployment.")


def is_of_applications(name: str) -> bool:
    """Whether a system value exists in application profiles only."""
    return name.startswith(_APPLICATION)


def known_values(profile: Profile, kubernetes: str = "") -> dict[str, str]:
    """The system values that a profile decides; `kubernetes` is the version of its k8s layer."""
    values = {
        "clusterprofile.name": profile.name,
        "clusterprofile.version": profile.version,
        "cloud.type": "" if profile.cloud_type == "all" else profile.cloud_type,
        "kubernetes.version": kubernetes.removeprefix("v"),
    }
    if kubernetes:  # else another profile of the cluster is the infrastructure's
        values["clusterprofile.infra.name"] = profile.name
        values["clusterprofile.infra.version"] = profile.version
    return {name: value for name, value in values.items() if value}
