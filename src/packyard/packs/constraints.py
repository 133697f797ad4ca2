"""Dependency constraints between the packs of one profile (spec "Dependency constraints").

Pure checks. A dependency of type `upgrade` is information and never a finding; one without a type
counts as `optional`.
"""

from __future__ import annotations

from collections.abc import Iterable

from packyard.findings import Finding
from packyard.packs.model import PACK_JSON, Dependency, Pack
from packyard.packs.rules import found
from packyard.packs.version import within


def check_dependencies(pack: Pack, others: Iterable[Pack]) -> list[Finding]:
    """What `pack` asks of the other packs of its profile and does not get."""
    present = list(others)
    findings = (_check(pack, wanted, present) for wanted in pack.constraints.dependencies)
    return [finding for finding in findings if finding]


def _check(pack: Pack, wanted: Dependency, present: list[Pack]) -> Finding | None:
    named = [
        other
        for other in present
        if other.name == wanted.pack_name and (not wanted.layer or other.layer == wanted.layer)
    ]
    fitting = [
        other for other in named if within(other.version, wanted.min_version, wanted.max_version)
    ]
    bounds = f"{wanted.min_version or 'any'} to {wanted.max_version or 'any'}"
    match wanted.type:
        case "upgrade":
            return None
        case "notSupported":
            bounded = wanted.min_version or wanted.max_version
            if not (bounded and fitting):
                return None
            message = f"{pack.name} does not work with {wanted.pack_name} {fitting[0].version}."
            return _found("dependency.unsupported", message)
        case "required" if not named:
            message = f"{pack.name} needs {wanted.pack_name} ({bounds}), which is not there."
            return _found("dependency.missing", message)
    if named and not fitting:
        message = (
            f"{pack.name} needs {wanted.pack_name} from {bounds}, but {named[0].version} is there."
        )
        return _found("dependency.version", message)
    return None


def _found(rule: str, message: str) -> Finding:
    mend = "Choose another version of one of the two."
    return found(rule, message, mend=mend, file=PACK_JSON, path="constraints")
