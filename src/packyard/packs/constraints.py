"""What packs ask of each other and of the nodes they run on, as pure checks (spec "Dependency
constraints", "Resource constraints").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from packyard.errors import ParameterInvalid
from packyard.findings import Finding
from packyard.packs.model import PACK_JSON, Component, Dependency, Pack, Resource
from packyard.packs.paths import parse_path
from packyard.packs.quantities import RESOURCE_TYPES, UNITS, in_unit_of, parse_quantity
from packyard.packs.rules import found
from packyard.packs.schema import holds_macro
from packyard.packs.values import Document
from packyard.packs.version import within

_WORKER, _CONTROL_PLANE = "worker", "control-plane"
_ROLES = {
    "": {_WORKER},
    _WORKER: {_WORKER},
    _CONTROL_PLANE: {_CONTROL_PLANE},
    "master": {_CONTROL_PLANE},
    "all": {_WORKER, _CONTROL_PLANE},
}
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Nodes of one kind, and what all of them have together; None for what is not known."""

    name: str
    control_plane: bool = False
    cpu: float | None = None  # millicores
    memory: float | None = None  # Mi
    disk_size: float | None = None  # GB

    def capacity(self, resource: str) -> float | None:
        return {"cpu": self.cpu, "memory": self.memory, "diskSize": self.disk_size}[resource]


class Present(Protocol):
    """A pack as others see it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def layer(self) -> str: ...


def check_dependencies(pack: Pack, others: Iterable[Pack]) -> list[Finding]:
    """What `pack` asks and `others`, the packs beside it, break.

    `upgrade` says what may be updated to what, and is never broken.
    """
    beside = list(others)
    findings = []
    for index, dependency in enumerate(pack.constraints.dependencies):
        fault = dependency_fault(pack, dependency, beside)
        if fault:
            rule, message, mend = fault
            path = f"constraints.dependencies[{index}]"
            findings.append(found(rule, message, mend=mend, file=PACK_JSON, path=path))
    return findings


def check_resources(pack: Pack, values: Document, pools: Iterable[Pool]) -> list[Finding]:
    """Which pools have less than `pack` needs with these values; what is not known is not checked.

    Without components each worker pool needs `min_limit`. With them, each pool needs the requests
    of what is scheduled there, times their replicas.
    """
    known = list(pools)
    findings = []
    for index, resource in enumerate(pack.constraints.resources):
        if resource.type not in RESOURCE_TYPES:
            continue
        path = f"constraints.resources[{index}]"
        needs, unread = _needs(resource, values)
        findings += [
            found("resource.unreadable", message, file=values.file, path=place)
            for place, message in unread
        ]
        findings += [
            found("resource.insufficient", message, mend=mend, file=PACK_JSON, path=path)
            for message, mend in _shortages(pack, resource, needs, known)
        ]
    return findings


def dependency_fault(
    pack: Present, dependency: Dependency, beside: Iterable[Present]
) -> tuple[str, str, str] | None:
    """How `beside` breaks what `pack` asks: rule, message, mend."""
    name, layer = dependency.pack_name, dependency.layer
    if not name:
        return None
    bounds = dependency.min_version.strip(), dependency.max_version.strip()
    wanted = f"{name} {_span(*bounds)}".strip()
    present = [other for other in beside if other.name == name and layer in ("", other.layer)]
    fitting = [other for other in present if within(other.version, *bounds)]
    versions = ", ".join(other.version for other in present)
    match dependency.type:
        case "required" if not present:
            there = f" in the layer {layer}" if layer else ""
            message = f"{pack.name} {pack.version} requires {wanted}{there}, which is not there."
            return "dependency.missing", message, f"Add {wanted}."
        case "required" if not fitting:
            message = f"{pack.name} {pack.version} requires {wanted}; there is {versions}."
            return "dependency.version", message, f"Choose {wanted}."
        case "" | "optional" if len(fitting) < len(present):
            message = f"{pack.name} {pack.version} goes with {wanted}; there is {versions}."
            return "dependency.version", message, f"Choose {wanted}."
        case "notSupported" if any(bounds) and fitting:
            message = f"{pack.name} {pack.version} does not go with {wanted}; there is {versions}."
            return "dependency.unsupported", message, f"Remove {name} or choose another version."
    return None


def _span(minimum: str, maximum: str) -> str:
    if minimum and maximum:
        return f"{minimum} to {maximum}"
    return f"{minimum} or later" if minimum else f"up to {maximum}" if maximum else ""


def _needs(
    resource: Resource, values: Document
) -> tuple[dict[str, Fraction], list[tuple[str, str]]]:
    """What each role of pool needs, in the constraint's unit; and paths that cannot be read."""
    if not resource.components:
        limit = resource.min_limit
        return ({_WORKER: Fraction(limit)} if limit is not None else {}), []
    needs: dict[str, Fraction] = {}
    unread: list[tuple[str, str]] = []
    for component in resource.components:
        need = _need(resource.type, component, values, unread)
        for role in _ROLES.get(component.schedule_type, ()):
            needs[role] = needs.get(role, Fraction(0)) + need
    return needs, unread


def _need(
    kind: str, component: Component, values: Document, unread: list[tuple[str, str]]
) -> Fraction:
    """The request times the replicas of one component."""
    request = _number_at(component.resource_request_param_ref, values, unread, default=0)
    replicas = _number_at(component.replica_count_param_ref, values, unread, default=1, whole=True)
    return in_unit_of(kind, request) * replicas


def _number_at(
    reference: str,
    values: Document,
    unread: list[tuple[str, str]],
    *,
    default: int,
    whole: bool = False,
) -> Fraction:
    """`default` where nothing is there, or it is known only at deployment, or it is no quantity."""
    text = _text_at(reference, values)
    if not text or holds_macro(text):
        return Fraction(default)
    number = parse_quantity(text) if not whole or _COUNT.fullmatch(text) else None
    if number is None or number < 0:
        kind = "number of replicas" if whole else "quantity"
        unread.append((reference, f"{reference} is {text[:80]!r}, which is no {kind}."))
        return Fraction(default)
    return number


def _text_at(reference: str, values: Document) -> str:
    try:
        value = values.get(parse_path(reference)) if reference else None
    except ParameterInvalid:  # lint says so
        return ""
    return "" if value is None else str(value).strip()


def _shortages(
    pack: Pack, resource: Resource, needs: dict[str, Fraction], pools: list[Pool]
) -> Iterator[tuple[str, str]]:
    """Message and mend for each pool."""
    unit = UNITS[resource.type]
    for pool in pools:
        need = needs.get(_CONTROL_PLANE if pool.control_plane else _WORKER)
        capacity = pool.capacity(resource.type)
        if need is not None and capacity is not None and capacity < need:
            amount = f"{float(need):g} {unit} of {resource.type}"
            message = f"{pack.name} {pack.version} needs {amount}; the pool {pool.name} has "
            yield f"{message}{capacity:g}.", "Add nodes to the pool, or take larger ones."
