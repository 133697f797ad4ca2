"""Variables of the environment as values of keys: `http.addr` is `REGISTRY_HTTP_ADDR`.

Names begin with `PACKYARD_` or `REGISTRY_`; the former counts where both are set. Variables that
name no key only warn, because others set such names too: Kubernetes gives every container
`REGISTRY_PORT=tcp://…` once there is a service called registry.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packyard.config import foreign
from packyard.config.keys import PREFIXES, Path, all_keys, words

INITIAL_PASSWORD = "PACKYARD_ADMIN_PASSWORD"  # noqa: S105 - the variable's name
_OTHERS = frozenset(  # ours, but for other programs than the server
    {
        INITIAL_PASSWORD,
        "PACKYARD_CLIENTS",
        "PACKYARD_DEBUG",
        "PACKYARD_PACKS",
        "PACKYARD_REQUIRE_CLIENTS",
    }
)


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables by the path of what they set: a key, an entry of a map, or a section's word."""

    variables: Mapping[Path, Variable]
    warnings: tuple[str, ...]
    faults: tuple[str, ...]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Environment:
        variables: dict[Path, Variable] = {}
        unknown: list[str] = []
        faults: list[str] = []
        for variable, bare in _ours(environ):
            path = _path(bare)
            refusal = _foreign(bare, foreign.REFUSED)
            if path:
                variables[path] = variable
            elif refusal:
                faults.append(f"{variable.name}: {foreign.REFUSED[refusal]}")
            elif not _foreign(bare, foreign.IGNORED):
                unknown.append(variable.name + _hint(bare))
        warnings: tuple[str, ...] = ()
        if unknown:
            warnings = (f"These variables set no key and are ignored: {', '.join(unknown)}",)
        return cls(variables, warnings, tuple(faults))

    def entries(self, path: Path) -> dict[str, Variable]:
        """Those that set one entry of the map at `path`, by the entry's key."""
        return {
            place[-1]: variable for place, variable in self.variables.items() if place[:-1] == path
        }

    def below(self, path: Path) -> bool:
        """Whether a variable sets anything inside the section at `path`."""
        return any(place[: len(path)] == path and place != path for place in self.variables)


def _ours(environ: Mapping[str, str]) -> Iterator[tuple[Variable, str]]:
    """Variables with our prefixes and their bare names, the prefix that counts last."""
    for prefix in reversed(PREFIXES):
        for name, text in sorted(environ.items()):
            if name.startswith(prefix) and name not in _OTHERS:
                yield Variable(name, text), name.removeprefix(prefix).upper()


def _path(bare: str) -> Path | None:
    for path in words():
        if bare == "_".join(path).upper():
            return path
    for key in all_keys().values():
        if bare == key.variable:
            return key.path
        if key.shape.many.startswith("map") and bare.startswith(f"{key.variable}_"):
            return (*key.path, bare.removeprefix(f"{key.variable}_").lower())
    return None


def _foreign(bare: str, names: Mapping[str, str] | frozenset[str]) -> str | None:
    """Which of other programs' keys the variable sets, or sets something in."""
    for name in names:
        variable = name.replace(".", "_").upper()
        if bare == variable or bare.startswith(f"{variable}_"):
            return name
    return None


def _hint(bare: str) -> str:
    near = difflib.get_close_matches(bare, [key.variable for key in all_keys().values()], 1, 0.85)
    return f" (did you mean …_{near[0]}?)" if near else ""
