"""A cluster profile as values: layers in the order given, never re-sorted (spec "profiles.md").

Texts stay as written: values with their comments and macros, versions, tags, parent tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from packyard.packs.model import Layer
from packyard.packs.values import VALUES

MANIFEST_PACK = "spectro-manifest-pack"
"""The uid that stands for a pack where a layer consists of manifests alone."""
NAME_SEPARATOR = "--"
TAG_VALUE = "spectro__tag"
INFRASTRUCTURE = (Layer.OS, Layer.K8S, Layer.CNI, Layer.CSI)
"""In the order in which they are built upon each other."""


class ProfileType(StrEnum):
    INFRA = "infra"
    ADDON = "add-on"
    CLUSTER = "cluster"
    SYSTEM = "system"


class PackType(StrEnum):
    """What kind of registry a layer's pack comes from; a manifest layer has none."""

    SPECTRO = "spectro"
    OCI = "oci"
    HELM = "helm"
    MANIFEST = "manifest"


class Format(StrEnum):
    """Of the value of a variable."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    VERSION = "version"
    IPV4 = "ipv4"
    IPV4CIDR = "ipv4cidr"
    IPV6 = "ipv6"
    BASE64 = "base64"


class InputType(StrEnum):
    TEXT = "text"
    MULTILINE = "multiline"
    DROPDOWN = "dropdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryReference:
    """The registry of a layer's pack, by uid, name or both; "" for what is not given.

    `kind` is `pack`, `helm` or `oci`, the latter with a `provider`: `helm`, `pack` or `zarf`.
    """

    uid: str = ""
    name: str = ""
    kind: str = ""
    provider: str = ""
    private: bool = False
    synchronized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """YAML documents attached to a layer; `file` is what findings call them, `uid` what the hub."""

    name: str
    content: str
    file: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLayer:
    """`name` is the pack's, or `<display name>--<pack>` where a pack stands several times.

    `tag` is what was chosen, perhaps a parent tag, `version` and `digest` what it stood for then.
    `layer` is None where only the pack knows. Without `values` those of the pack are in force.
    `chart` is where the chart of a Helm layer is read, as people name it for Helm. `file` is what
    findings call the values.
    """

    name: str
    type: PackType = PackType.SPECTRO
    layer: Layer | None = None
    tag: str = ""
    version: str = ""
    digest: str = ""
    uid: str = ""
    registry: RegistryReference = RegistryReference()
    chart: str = ""
    values: str = ""
    manifests: tuple[Manifest, ...] = ()
    file: str = VALUES

    @property
    def pack(self) -> str:
        """The pack's name; "" for a manifest layer."""
        if self.type is PackType.MANIFEST:
            return ""
        return self.name.rpartition(NAME_SEPARATOR)[2]

    @property
    def display_name(self) -> str:
        """What stands before the pack's name; "" where nothing does."""
        return self.name.rpartition(NAME_SEPARATOR)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One of the values that a dropdown offers."""

    value: str
    label: str = ""
    description: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What whoever deploys a profile is asked for; `default` is "" where there is none."""

    name: str
    display_name: str = ""
    description: str = ""
    format: Format = Format.STRING
    input_type: InputType = InputType.TEXT
    options: tuple[Option, ...] = ()
    regex: str = ""
    required: bool = False
    default: str = ""
    sensitive: bool = False
    hidden: bool = False
    immutable: bool = False

    @property
    def preset(self) -> str:
        """The value where nobody gives another: of a dropdown the value, not the label."""
        chosen = self.default or next((one.value for one in self.options if one.default), "")
        values = {one.value for one in self.options}
        labelled = {one.label: one.value for one in self.options if one.label}
        return chosen if chosen in values else labelled.get(chosen, chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`cloud_type` is "" or `all` where it is for every cloud.

    A tag that is no pair is a label whose value is `TAG_VALUE`.
    """

    name: str
    version: str = "1.0.0"
    description: str = ""
    type: ProfileType = ProfileType.CLUSTER
    cloud_type: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    layers: tuple[ProfileLayer, ...] = ()
    variables: tuple[Variable, ...] = ()
