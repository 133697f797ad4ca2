"""What is asked of the catalog, whoever asks: conditions joined by "and" and by "or".

Every way of asking becomes this one form: the `filters` of the published API, its search object and
the parameters of our own paths. What a condition means to the tables is in `statements`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from packyard.errors import ParameterInvalid

WORDS_LIMIT = 20

# What the published product lists; every other one counts as none of these (`ADDON_GROUP`).
ADDON_TYPES = (
    "load balancer", "ingress", "logging", "monitoring", "security", "authentication",
    "servicemesh", "system app", "app services", "registry", "csi", "cni", "integration",
)  # fmt: skip


class Field(Enum):
    UID = "uid"
    NAME = "name"
    DISPLAY_NAME = "display name"
    VERSION = "version"
    GROUP = "group"
    LAYER = "layer"
    TYPE = "type"  # by the kind of its registry
    ADDON_TYPE = "add-on type"  # blanks, hyphens and case do not count
    ADDON_GROUP = "group of add-on types"  # the same, but "" is every type that is not listed
    ADDON_SUB_TYPE = "add-on sub-type"
    CLOUD = "cloud type"  # as the pack says, `all` like any other
    ENVIRONMENT = "environment"  # a cloud type that the pack can be used with
    REGISTRY = "registry"
    DIGEST = "digest"
    STATE = "state"  # "", "deprecated", "deleted", "disabled"
    ORIGIN = "source"  # the annotation of that name
    FIPS = "FIPS"  # the annotation `isFips`
    TEXT = "text"  # a word of name, display name, description or README


class Op(StrEnum):
    """Lists: `IS` where they hold one of the values. Versions have an order, nothing else."""

    IS = "="
    IS_NOT = "!="
    ABOVE = ">"
    FROM = ">="
    BELOW = "<"
    UP_TO = "<="
    BEGINS = "begins with"
    HOLDS = "holds"


@dataclass(frozen=True, slots=True)
class Condition:
    """`IS` any of the values, `IS_NOT` any of them; the other operators take one."""

    field: Field
    op: Op
    values: tuple[str, ...]
    ignore_case: bool = False


Query = tuple[tuple[Condition, ...], ...]
"""One of these, and of it every condition; a single empty one asks for nothing."""
EVERYTHING: Query = ((),)


def both(one: Query, other: Query) -> Query:
    return tuple((*left, *right) for left in one for right in other)


def words(text: str) -> Query:
    """Every word of a text is to be found; raises `ParameterInvalid` for too many."""
    asked = list(dict.fromkeys(text.split()))
    if len(asked) > WORDS_LIMIT:
        raise ParameterInvalid(f"q has {len(asked)} words, more than {WORDS_LIMIT}.")
    return (tuple(Condition(Field.TEXT, Op.IS, (word,)) for word in asked),)
