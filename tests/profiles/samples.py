"""Small profiles of our own making, as builders: a test says only what is special about its."""

from __future__ import annotations

from collections.abc import Sequence

from packyard.findings import Finding
from packyard.packs.model import Constraints, Layer, Pack, PackName
from packyard.packs.presets import parse_presets
from packyard.packs.schema import Schema, parse_schema
from packyard.profiles.content import Content, PackContent
from packyard.profiles.laid import LaidLayer, lay_out
from packyard.profiles.model import PackType, Profile, ProfileLayer, Variable
from packyard.profiles.variables import check_variables

SYSTEM = {"kubernetes.version": "1.28.3", "user.name": "ann", "cluster.name": "edge-7"}


def content(
    name: str = "sample",
    layer: str = "addon",
    version: str = "1.0.0",
    *,
    values: str = "",
    schema: str = "",
    presets: str = "",
    clouds: Sequence[str] = ("all",),
    constraints: Constraints | None = None,
    annotations: dict[str, str] | None = None,
) -> PackContent:
    pack = Pack(
        name=PackName(name),
        display_name=name.title(),
        version=version,
        layer=Layer(layer),
        cloud_types=tuple(clouds),
        constraints=constraints or Constraints(),
        annotations=annotations or {},
    )
    return PackContent(
        pack=pack,
        values=values,
        schema=parse_schema(schema)[0] or Schema(),
        presets=parse_presets(presets)[0],
    )


def of(held: PackContent, **changes: object) -> ProfileLayer:
    """The layer of a pack, with its values as they are."""
    given: dict[str, object] = {
        "name": str(held.pack.name),
        "layer": held.pack.layer,
        "tag": str(held.pack.label),
        "version": held.pack.version,
        "values": held.values,
    }
    return ProfileLayer(**(given | changes))  # type: ignore[arg-type]


def layers(**values: str) -> list[LaidLayer]:
    """A layer for each name, `_` read as `-`, with those values."""
    made = tuple(
        ProfileLayer(name=name.replace("_", "-"), layer=Layer.ADDON, tag="1.0.0", values=text)
        for name, text in values.items()
    )
    profile = Profile(name="p", layers=made)
    return lay_out(profile, [None] * len(made))


def variable(name: str = "x", **changes: object) -> Variable:
    return Variable(name=name, **changes)  # type: ignore[arg-type]


def variable_rules(*variables: Variable) -> list[str]:
    return [finding.rule for finding in check_variables(variables)]


def rules(findings: Sequence[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


def one(findings: Sequence[Finding], rule: str) -> Finding:
    (found,) = [finding for finding in findings if finding.rule == rule]
    return found


__all__ = ["Content", "PackType"]
