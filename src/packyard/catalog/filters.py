"""The grammar of `filters` (hub.md, "API"; terraform-contract.md, 5 "F").

`field OP value`, joined by `AND` and `OR`, of which `AND` binds closer; there are no parentheses
and no quotes. Values may hold these words, so one splits only where a field's path stands behind
it. Blanks around a value do not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from packyard.catalog.query import EVERYTHING, Condition, Field, Op, Query
from packyard.errors import ParameterInvalid
from packyard.packs.version import Version

LENGTH_LIMIT = 8192
CONDITIONS_LIMIT = 64
FIELDS = {
    "metadata.uid": Field.UID,
    "metadata.name": Field.NAME,
    "spec.name": Field.NAME,
    "spec.displayName": Field.DISPLAY_NAME,
    "spec.version": Field.VERSION,
    "spec.group": Field.GROUP,
    "spec.layer": Field.LAYER,
    "spec.type": Field.TYPE,
    "spec.addonType": Field.ADDON_TYPE,
    "spec.addonSubType": Field.ADDON_SUB_TYPE,
    "spec.cloudTypes": Field.CLOUD,
    "spec.cloudType": Field.CLOUD,
    "spec.registryUid": Field.REGISTRY,
    "spec.digest": Field.DIGEST,
}
ORDERS = (Op.ABOVE, Op.FROM, Op.BELOW, Op.UP_TO)
_OPERATORS = {"_in_": Op.IS} | {str(op): op for op in (Op.IS, Op.IS_NOT, *ORDERS)}
_PATH = r"(?:metadata|spec|status)(?:\.[A-Za-z][A-Za-z0-9]*)+"
_OPERATOR = "|".join(sorted(map(re.escape, _OPERATORS), key=len, reverse=True))
_JOINT = re.compile(rf"(AND|OR)(?=\s*{_PATH}\s*(?:{_OPERATOR}))")
_FORM = re.compile(rf"\s*({_PATH})\s*({_OPERATOR})(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition as it is written; `values` are several with `_in_` alone."""

    path: str
    sign: str
    values: tuple[str, ...]


def parse(text: str) -> Query:
    """Raises `ParameterInvalid` with every fault; an empty text asks for everything."""
    faults: list[str] = []
    alternatives = split(text, faults)
    found = [[_condition(term, faults) for term in terms] for terms in alternatives]
    if faults:
        raise ParameterInvalid(f"filters: {' '.join(faults)}")
    return tuple(tuple(filter(None, terms)) for terms in found) if found else EVERYTHING


def split(text: str, faults: list[str]) -> list[list[Term]]:
    """The alternatives of a text, each of them terms that all have to hold; none for an empty text.

    What is no term goes to `faults`. Raises `ParameterInvalid` for a text that is too long.
    """
    if not text.strip():
        return []
    if len(text) > LENGTH_LIMIT:
        raise ParameterInvalid(f"filters has more than {LENGTH_LIMIT} characters.")
    first, *rest = _JOINT.split(text)
    joined = [("OR", first), *zip(rest[::2], rest[1::2], strict=True)]
    if len(joined) > CONDITIONS_LIMIT:
        raise ParameterInvalid(
            f"filters has {len(joined)} conditions, more than {CONDITIONS_LIMIT}."
        )
    alternatives: list[list[Term]] = []
    for joint, part in joined:
        if joint == "OR":
            alternatives.append([])
        form = _FORM.fullmatch(part)
        if form is None:
            faults.append(
                f"{_cited(part)} is no condition: write FIELD OPERATOR VALUE, such as "
                "spec.name=nginx or spec.version>=1.2.3."
            )
            continue
        path, sign, given = form.groups()
        several = given.split(",") if sign == "_in_" else [given]
        alternatives[-1].append(Term(path, sign, tuple(value.strip() for value in several)))
    return alternatives


def _condition(term: Term, faults: list[str]) -> Condition | None:
    path, sign, values = term.path, term.sign, term.values
    field, op = FIELDS.get(path), _OPERATORS[sign]
    if field is None:
        near = get_close_matches(path, FIELDS, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        faults.append(f"{path[:80]} is no field to ask for: {meant}They are {', '.join(FIELDS)}.")
        return None
    if op in ORDERS and field is not Field.VERSION:
        faults.append(f"{path} has no order, so {sign} does not go with it: use =, != or _in_.")
        return None
    if op in ORDERS and Version.parse(values[0]) is None:
        faults.append(f"{_cited(values[0])} in {path}{sign} is no version such as 1.2.3.")
        return None
    return Condition(field, op, values)


def _cited(text: str) -> str:
    return repr(text.strip()[:80])
