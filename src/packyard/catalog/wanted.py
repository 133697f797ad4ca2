"""The search object of the published API as a query (terraform-contract.md, 5 "S1" and "S2").

An empty set asks for nothing. `all` among the environments is no restriction; "" among the add-on
types stands for packs without a type and for those of a type that is not listed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from packyard.catalog.query import Condition, Field, Op, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a text has to be, each empty for what is not asked; for queries, and for texts that
    are at hand."""

    eq: str = ""
    ne: str = ""
    begins_with: str = ""
    contains: str = ""
    ignore_case: bool = True

    def fits(self, text: str) -> bool:
        fold = str.casefold if self.ignore_case else str
        text = fold(text)
        return (
            (not self.eq or text == fold(self.eq))
            and (not self.ne or text != fold(self.ne))
            and text.startswith(fold(self.begins_with))
            and fold(self.contains) in text
        )

    def conditions(self, field: Field) -> list[Condition]:
        asked = {
            Op.IS: self.eq,
            Op.IS_NOT: self.ne,
            Op.BEGINS: self.begins_with,
            Op.HOLDS: self.contains,
        }
        return [
            Condition(field, op, (value,), self.ignore_case) for op, value in asked.items() if value
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    name: Text = Text()
    display_name: Text = Text()
    layers: Collection[str] = ()
    types: Collection[str] = ()
    addon_types: Collection[str] = ()
    addon_sub_types: Collection[str] = ()
    environments: Collection[str] = ()
    registries: Collection[str] = ()
    origins: Collection[str] = ()
    states: Collection[str] = ()
    fips: bool = False

    def query(self) -> Query:
        environments = () if "all" in self.environments else self.environments
        sets = {
            Field.LAYER: self.layers,
            Field.TYPE: self.types,
            Field.ADDON_GROUP: self.addon_types,
            Field.ADDON_SUB_TYPE: self.addon_sub_types,
            Field.ENVIRONMENT: environments,
            Field.REGISTRY: self.registries,
            Field.ORIGIN: self.origins,
            Field.STATE: self.states,
            Field.FIPS: ("true",) if self.fips else (),
        }
        return (
            (
                *self.name.conditions(Field.NAME),
                *self.display_name.conditions(Field.DISPLAY_NAME),
                *(
                    Condition(field, Op.IS, tuple(values))
                    for field, values in sets.items()
                    if values
                ),
            ),
        )
