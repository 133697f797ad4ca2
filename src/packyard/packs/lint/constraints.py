"""What is unwise in the constraints of pack.json (spec "Dependency constraints", "Resource …")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from packyard.findings import Finding, Position
from packyard.packs.lint.metadata import unknown_keys
from packyard.packs.members import Members
from packyard.packs.model import PACK_JSON, Layer
from packyard.packs.rules import found, near
from packyard.packs.version import Version, within

_DEPENDENCY_KEYS = ("packName", "layer", "minVersion", "maxVersion", "type")
_DEPENDENCY_TYPES = ("required", "optional", "notSupported", "upgrade")
_RESOURCE_KEYS = ("type", "minLimit", "components")
_RESOURCE_TYPES = ("cpu", "memory", "diskSize")
_COMPONENT_KEYS = ("resourceRequestParamRef", "replicaCountParamRef", "scheduleType")
_SCHEDULE_TYPES = ("worker", "control-plane", "master", "all")

_found = partial(found, file=PACK_JSON)


def constraints(members: Members) -> Iterator[Finding]:
    """Every rule about the constraints that pack.json states; `members` is the whole document."""
    inner = members.object("constraints")
    if inner is None:
        return
    yield from unknown_keys(inner, ("dependencies", "resources"))
    for dependency in inner.objects("dependencies"):
        yield from unknown_keys(dependency, _DEPENDENCY_KEYS)
        yield from _dependency(dependency, own_name=members.text("name"))
        yield from _bounds(dependency)
    for resource in inner.objects("resources"):
        yield from unknown_keys(resource, _RESOURCE_KEYS)
        yield from _resource(resource)
        for component in resource.objects("components"):
            yield from unknown_keys(component, _COMPONENT_KEYS)
            yield from _component(component)


def _dependency(members: Members, own_name: str) -> Iterator[Finding]:
    name, kind = members.text("packName"), members.text("type")
    if not name:
        yield _incomplete(members, "packName", "The constraint names no pack, so it binds nothing.")
    elif name == own_name and kind != "upgrade":
        yield _found(
            "constraints.itself",
            f"The pack constrains itself; one profile holds {name!r} once.",
            mend="Name another pack, or use the type 'upgrade'.",
            path=members.path("packName"),
            at=_at(members, "packName"),
        )
    if not kind:
        yield _found(
            "constraints.type-missing",
            "The constraint has no type and is treated as 'optional'.",
            mend=f"Choose one of {', '.join(_DEPENDENCY_TYPES)}.",
            path=members.path("type"),
            at=members.at,
        )
    yield from _one_of(members, "type", _DEPENDENCY_TYPES)
    yield from _one_of(members, "layer", [layer.value for layer in Layer])


def _bounds(members: Members) -> Iterator[Finding]:
    bounds = {key: members.text(key).strip() for key in ("minVersion", "maxVersion")}
    for key, bound in bounds.items():
        if bound and Version.parse(bound) is None:
            yield _found(
                "constraints.bound-form",
                f"{key} is {bound[:80]!r}, which is no version and is not checked.",
                mend="Write a version or the beginning of one: 1.21.",
                path=members.path(key),
                at=_at(members, key),
            )
    if not any(bounds.values()) and members.text("type") == "notSupported":
        yield _found(
            "constraints.without-bounds",
            "A constraint of type 'notSupported' without bounds is skipped.",
            mend="Give minVersion or maxVersion.",
            path=members.path("type"),
            at=members.at,
        )
    low, high = bounds["minVersion"], bounds["maxVersion"]
    if Version.parse(low) and not within(low, "", high):
        yield _found(
            "constraints.bounds-crossed",
            f"No version lies between {low!r} and {high!r}.",
            mend="Exchange the bounds.",
            path=members.path("minVersion"),
            at=_at(members, "minVersion"),
        )


def _resource(members: Members) -> Iterator[Finding]:
    if not members.text("type"):
        yield _incomplete(
            members, "type", "The constraint does not say which resource it is about."
        )
    yield from _one_of(members, "type", _RESOURCE_TYPES)
    limit = members.number("minLimit")
    if limit is None and not members.objects("components"):
        yield _incomplete(
            members, "minLimit", "The constraint has no minLimit, so it asks nothing."
        )
    elif limit is not None and limit < 0:
        message = f"minLimit is {limit}, less than nothing."
        yield _incomplete(members, "minLimit", message)


def _component(members: Members) -> Iterator[Finding]:
    if not members.text("resourceRequestParamRef"):
        message = "The component does not say where in the values its request stands."
        yield _incomplete(members, "resourceRequestParamRef", message)
    yield from _one_of(members, "scheduleType", _SCHEDULE_TYPES)


def _one_of(members: Members, key: str, known: Sequence[str]) -> Iterator[Finding]:
    text = members.text(key)
    if text and text not in known:
        meant = near(text, known)
        yield _found(
            "constraints.word-unknown",
            f"{key} is {text[:80]!r}, which has no meaning.",
            mend=f"Did you mean {meant!r}?" if meant else f"It can be {', '.join(known)}.",
            path=members.path(key),
            at=_at(members, key),
        )


def _incomplete(members: Members, key: str, message: str) -> Finding:
    mend = f'Give "{key}".'
    path, at = members.path(key), _at(members, key)
    return _found("constraints.incomplete", message, mend=mend, path=path, at=at)


def _at(members: Members, key: str) -> Position:
    node = members.node(key)
    return node.at if node else members.at
