"""What pack.json says, as values (spec "pack.json").

Keys are matched without regard to case, null counts as absent, a text of blanks as an empty one.
`parse_pack_json` refuses what cannot be taken, everything at once; what is merely unwise is lint.
The version and the other texts stay as written.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import NewType

from packyard.errors import NameInvalid, TagInvalid
from packyard.findings import Finding, refusals
from packyard.packs import jsontext
from packyard.packs.files import path_fault
from packyard.packs.jsontext import Node
from packyard.packs.members import Members
from packyard.packs.rules import found
from packyard.packs.tags import is_parent_form, tag_of
from packyard.references import Tag, parse_repo

PACK_JSON = "pack.json"
PATH_KEYS = ("charts", "kubeManifests", "ansibleRoles")
NAME_LIMIT = 200  # leaves room for the path before it in a repository's name of 255

CLOUD_TYPES = (
    "all", "aws", "azure", "gcp", "vsphere", "openstack", "baremetal", "maas", "aks", "eks", "gke",
    "tencent", "tke", "edge", "edge-native", "coxedge", "libvirt", "nested", "apache-cloudstack",
    "generic", "custom",
)  # fmt: skip

PackName = NewType("PackName", str)


class Layer(StrEnum):
    KERNEL = "kernel"
    OS = "os"
    K8S = "k8s"
    CNI = "cni"
    CSI = "csi"
    ADDON = "addon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Another pack that this one asks for; "" for what is absent."""

    pack_name: str
    layer: str = ""
    min_version: str = ""
    max_version: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Where the values hold a request, and how many replicas ask for it; dotted paths."""

    resource_request_param_ref: str
    replica_count_param_ref: str = ""
    schedule_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """`min_limit` is in millicores for `cpu`, Mi for `memory`, GB for `diskSize`."""

    type: str
    min_limit: float | None = None
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    dependencies: tuple[Dependency, ...] = ()
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One version of a pack. Paths are relative to its folder; `extra` is every other key."""

    name: PackName
    display_name: str
    version: str
    layer: Layer
    addon_type: str = ""
    addon_sub_type: str = ""
    cloud_types: tuple[str, ...] = ()
    group: str = ""
    eol: str = ""
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    charts: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    ansible_roles: tuple[str, ...] = ()
    constraints: Constraints = Constraints()
    extra: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def label(self) -> Tag:
        """`[group__]version`, the pack's first tag."""
        return tag_of(self.group, self.version)


def is_for(cloud_types: Collection[str], cloud: str) -> bool:
    """Whether a pack of these cloud types can be used in a cloud; `all` and none name every one."""
    return cloud in ("", "all") or not cloud_types or "all" in cloud_types or cloud in cloud_types


def parse_pack_name(text: str) -> PackName:
    """Raise `NameInvalid` unless `text` is one part of a repository's name."""
    if "/" in text or len(text) > NAME_LIMIT:
        raise NameInvalid(
            f"{text[:300]!r} is not a pack's name: one part without '/', "
            f"at most {NAME_LIMIT} characters."
        )
    return PackName(parse_repo(text))


def parse_pack_json(data: bytes) -> tuple[Pack | None, list[Finding]]:
    """The pack, or None where `refuse` is among the findings; each has its line and column."""
    root, findings = jsontext.parse(data, PACK_JSON)
    members = Members.of(root, PACK_JSON, "", findings) if root else None
    if members is None:
        return None, findings
    name, layer = _name(members, findings), _layer(members, findings)
    group, version = _label(members, findings)
    charts, manifests, roles = (_paths(members, key, findings) for key in PATH_KEYS)
    read = partial(
        Pack,
        display_name=members.required_text("displayName"),
        version=version,
        addon_type=members.text("addonType"),
        addon_sub_type=members.text("addonSubType"),
        cloud_types=_cloud_types(members),
        group=group,
        eol=members.text("eol"),
        annotations=members.text_map("annotations"),
        charts=charts,
        manifests=manifests,
        ansible_roles=roles,
        constraints=_constraints(members),
        extra=MappingProxyType(members.rest()),
    )
    if name is None or layer is None or refusals(findings):
        return None, findings
    return read(name=name, layer=layer), findings


def _name(members: Members, findings: list[Finding]) -> PackName | None:
    text, node = members.required_text("name"), members.node("name")
    if not text or node is None:
        return None
    try:
        return parse_pack_name(text)
    except NameInvalid as error:
        findings.append(_refuse("pack-json.name-form", error.message, "name", node))
        return None


def _layer(members: Members, findings: list[Finding]) -> Layer | None:
    text, node = members.required_text("layer"), members.node("layer")
    if not text or node is None:
        return None
    layers = [layer.value for layer in Layer]
    if text in layers:
        return Layer(text)
    message = f"{text[:80]!r} is no layer; the layers are {', '.join(layers)}."
    near = get_close_matches(text.strip().lower(), layers, n=1)
    mend = f"Did you mean {near[0]!r}?" if near else ""
    findings.append(_refuse("pack-json.layer-unknown", message, "layer", node, mend))
    return None


def _label(members: Members, findings: list[Finding]) -> tuple[str, str]:
    """Group and version as written; a finding where they make no tag of a pack."""
    group, group_node = members.text("group"), members.node("group")
    version, node = members.required_text("version"), members.node("version")
    if group and group_node and not _makes_tag(group, "0"):
        message = f"The group {group[:160]!r} cannot stand at the front of a tag."
        mend = "Use letters, digits, '_', '.' and '-', beginning with a letter or digit."
        findings.append(_refuse("pack-json.group-form", message, "group", group_node, mend))
        group = ""
    if version and node and not _makes_tag(group, version):
        message = f"The version {version[:160]!r} cannot be a tag."
        mend = "Write it as semantic versioning does: 1.2.3, 1.2.3-rc.1."
        findings.append(_refuse("pack-json.version-form", message, "version", node, mend))
    elif version and node and is_parent_form(version):
        message = f"The version {version!r} is spelt as a parent tag, which the registry sets."
        mend = "Write the whole version: 1.2.3."
        findings.append(_refuse("pack-json.version-form", message, "version", node, mend))
    return group, version


def _makes_tag(group: str, version: str) -> bool:
    try:
        tag_of(group, version)
    except TagInvalid:
        return False
    return True


def _cloud_types(members: Members) -> tuple[str, ...]:
    """Those of the array, then the one of `cloudType`."""
    several = [text.strip() for text, _ in members.texts("cloudTypes")]
    one = members.text("cloudType").strip()
    return tuple(dict.fromkeys(text for text in [*several, one] if text))


def _paths(members: Members, key: str, findings: list[Finding]) -> tuple[str, ...]:
    """The paths of an array without `./`; a finding for each that could not be a file's here."""
    paths = [(posixpath.normpath(text) if text else "", node) for text, node in members.texts(key)]
    for place, (path, node) in enumerate(paths):
        if fault := path_fault(path):
            message = f"The path {node.value!r} {fault}."
            mend = "Name a file of this folder: charts/name.tgz."
            findings.append(_refuse("pack-json.path", message, f"{key}[{place}]", node, mend))
    return tuple(path for path, _ in paths)


def _constraints(members: Members) -> Constraints:
    inner = members.object("constraints")
    if inner is None:
        return Constraints()
    return Constraints(
        dependencies=tuple(map(_dependency, inner.objects("dependencies"))),
        resources=tuple(map(_resource, inner.objects("resources"))),
    )


def _dependency(members: Members) -> Dependency:
    return Dependency(
        pack_name=members.text("packName"),
        layer=members.text("layer"),
        min_version=members.text("minVersion"),
        max_version=members.text("maxVersion"),
        type=members.text("type"),
    )


def _resource(members: Members) -> Resource:
    return Resource(
        type=members.text("type"),
        min_limit=members.number("minLimit"),
        components=tuple(map(_component, members.objects("components"))),
    )


def _component(members: Members) -> Component:
    return Component(
        resource_request_param_ref=members.text("resourceRequestParamRef"),
        replica_count_param_ref=members.text("replicaCountParamRef"),
        schedule_type=members.text("scheduleType"),
    )


def _refuse(rule: str, message: str, path: str, node: Node, mend: str = "") -> Finding:
    return found(rule, message, mend=mend, file=PACK_JSON, path=path, at=node.at)
