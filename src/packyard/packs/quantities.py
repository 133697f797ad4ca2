"""Kubernetes quantities: `100m`, `200Mi`, `1e3` (API machinery, "Quantity")."""

from __future__ import annotations

import re
from fractions import Fraction

_FORM = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,3}))?"
)
_LENGTH_LIMIT = 64
_SUFFIXES = {
    **{suffix: Fraction(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Fraction(1000) ** (power + 1) for power, suffix in enumerate("kMGTPE")},
    **{f"{suffix}i": Fraction(1024) ** (power + 1) for power, suffix in enumerate("KMGTPE")},
}
_ONE_OF = {"cpu": Fraction(1, 1000), "memory": Fraction(1024**2), "diskSize": Fraction(1000**3)}
RESOURCE_TYPES = tuple(_ONE_OF)
UNITS = {"cpu": "millicores", "memory": "Mi", "diskSize": "GB"}


def parse_quantity(text: str) -> Fraction | None:
    """The amount in cores, bytes or pieces; None where `text` is no quantity."""
    form = _FORM.fullmatch(text.strip()) if len(text) <= _LENGTH_LIMIT else None
    if form is None:
        return None
    number = Fraction(form["number"])
    if form["exponent"]:
        return number * Fraction(10) ** int(form["exponent"])
    return number * _SUFFIXES.get(form["suffix"] or "", Fraction(1))


def in_unit_of(resource: str, amount: Fraction) -> Fraction:
    """An amount in the unit that constraints use: millicores, Mi, GB."""
    return amount / _ONE_OF[resource]
