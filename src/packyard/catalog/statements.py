"""What a query means to the tables: a condition on rows of `packs`, or on those of `pack_names`.

No operator is used that reads patterns or letters of its own into what people ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    false,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from packyard.catalog import words
from packyard.catalog.entries import addon_key
from packyard.catalog.names import SPECTRO, TYPES
from packyard.catalog.query import ADDON_TYPES, Condition, Field, Op, Query
from packyard.catalog.tables import facets, pack_names, packs, sources
from packyard.errors import ParameterInvalid
from packyard.packs.version import sort_key

VALUES_LIMIT = 200
_LISTED = tuple(map(addon_key, ADDON_TYPES))
_LOWEST_VERSION = "1"  # below it stands what is no version

Sql = ColumnElement[bool]


def of_versions(query: Query) -> Sql:
    """Of rows of `packs`, in words that lead to no index, so that they are read in the order that
    is wanted; versions that are gone are rows, too."""
    return or_(false(), *(_version_of(own, shared) for own, shared in _shared(query)))


def of_counted_versions(query: Query) -> Sql:
    """The same, in words that lead to the index by which versions are counted."""
    return or_(
        false(),
        *(
            _version_of(own, shared, is_counted=all(one.field is Field.VERSION for one in own))
            for own, shared in _shared(query)
        ),
    )


def of_layer(layer: str) -> Sql:
    """Of rows of `packs`."""
    return of_counted_versions(((Condition(Field.LAYER, Op.IS, (layer,)),),))


def of_names(query: Query) -> Sql:
    """Of rows of `pack_names`."""
    return or_(false(), *(_all(each, _NAMES) for each in query))


def _shared(query: Query) -> Iterable[tuple[tuple[Condition, ...], list[tuple[Condition, ...]]]]:
    """Conditions that are a version's own, and those beside them of what it shares with others, of
    which one is to be met."""
    found: dict[tuple[Condition, ...], list[tuple[Condition, ...]]] = {}
    for each in query:
        own = tuple(one for one in each if one.field not in _FACETS)
        found.setdefault(own, []).append(tuple(one for one in each if one.field in _FACETS))
    return found.items()


def _version_of(
    own: Iterable[Condition], shared: list[tuple[Condition, ...]], *, is_counted: bool = False
) -> Sql:
    meant = _all(own, _VERSIONS)
    if () in shared and not is_counted:
        return meant
    number = packs.c.facet if is_counted else packs.c.facet + 0
    alike = select(facets.c.id).where(or_(false(), *(_all(each, _FACETS) for each in shared)))
    return and_(number.in_(alike), meant)


def _all(
    conditions: Iterable[Condition], meanings: Mapping[Field, Callable[[Condition], Sql]]
) -> Sql:
    return and_(true(), *(_one(one, meanings) for one in conditions))


def _one(condition: Condition, meanings: Mapping[Field, Callable[[Condition], Sql]]) -> Sql:
    if len(condition.values) > VALUES_LIMIT:
        raise ParameterInvalid(
            f"{condition.field.value} is to be one of {len(condition.values)} values, more than "
            f"{VALUES_LIMIT}."
        )
    meaning = meanings.get(condition.field)
    if meaning is None:
        raise ParameterInvalid(f"Nothing is found here by its {condition.field.value}.")
    return meaning(condition)


def _text(column: ColumnElement[Any], lower: ColumnElement[Any] | None = None) -> Any:
    """`lower` is the column that has the same text in lower case."""

    def meaning(condition: Condition) -> Sql:
        values, compared = condition.values, column
        if condition.ignore_case:
            compared = func.lower(column) if lower is None else lower
            values = tuple(value.lower() for value in values)
        match condition.op:
            case Op.IS_NOT:
                return compared.not_in(values)
            case Op.BEGINS:
                return func.substr(compared, 1, len(values[0])) == values[0]
            case Op.HOLDS:
                return _holds(compared, values[0])
            case _:
                return compared.in_(values)

    return meaning


class _position(GenericFunction[int]):  # noqa: N801 - SQL's name
    """Where a part stands in a text, from 1; 0 for nowhere."""

    type = Integer()
    inherit_cache = True


@compiles(_position, "sqlite")
def _as_instr(element: _position, compiler: Any, **how: Any) -> str:
    return f"instr({compiler.process(element.clauses, **how)})"


@compiles(_position, "postgresql")
def _as_strpos(element: _position, compiler: Any, **how: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **how)})"


def _holds(column: ColumnElement[Any], part: str) -> Sql:
    return _position(column, part) > 0


def _list(column: ColumnElement[Any]) -> Any:
    """A list that is written `,one,other,`, or "" where it is empty."""

    def meaning(condition: Condition) -> Sql:
        likely = sorted(condition.values, key="all".__ne__)
        found = or_(false(), *(_holds(column, f",{value},") for value in likely))
        return not_(found) if condition.op is Op.IS_NOT else found

    return meaning


def _environment(column: ColumnElement[Any]) -> Any:
    """Packs of `all`, and those that name nothing, can be used everywhere."""
    named = _list(column)

    def meaning(condition: Condition) -> Sql:
        if "all" in condition.values:
            return true()
        wanted = Condition(condition.field, Op.IS, (*condition.values, "all"))
        return or_(column == "", named(wanted))

    return meaning


def _addon_type(column: ColumnElement[Any]) -> Any:
    def meaning(condition: Condition) -> Sql:
        keys = tuple(map(addon_key, condition.values))
        return column.not_in(keys) if condition.op is Op.IS_NOT else column.in_(keys)

    return meaning


def _addon_group(column: ColumnElement[Any]) -> Any:
    def meaning(condition: Condition) -> Sql:
        keys = tuple(map(addon_key, condition.values))
        return or_(column.in_(keys), column.not_in(_LISTED)) if "" in keys else column.in_(keys)

    return meaning


def _version(condition: Condition) -> Sql:
    keys, column = [sort_key(value) for value in condition.values], packs.c.version_key
    match condition.op:
        case Op.IS:  # equal versions have equal keys, which stand first in the index
            return and_(column.in_(keys), packs.c.version.in_(condition.values))
        case Op.IS_NOT:
            return packs.c.version.not_in(condition.values)
        case Op.ABOVE:
            return column > keys[0] if keys[0] >= _LOWEST_VERSION else column >= _LOWEST_VERSION
        case Op.FROM:
            return column >= max(keys[0], _LOWEST_VERSION)
        case Op.BELOW:
            return and_(column >= _LOWEST_VERSION, column < keys[0])
        case _:
            return and_(column >= _LOWEST_VERSION, column <= keys[0])


def _type_of_versions(condition: Condition) -> Sql:
    of_type = select(sources.c.uid).where(_is_type(condition.values))
    asked = facets.c.source.in_(of_type)
    return not_(asked) if condition.op is Op.IS_NOT else asked


def _is_type(types: Iterable[str]) -> Sql:
    wanted = set(types)
    kinds = [kind for kind, type_ in TYPES.items() if type_ in wanted]
    others = sources.c.kind.not_in(list(TYPES)) if SPECTRO in wanted else false()
    return or_(sources.c.kind.in_(kinds), others)


def _word_of_names(condition: Condition) -> Sql:
    word = condition.values[0].lower()
    return or_(
        words.begins(word),
        _holds(pack_names.c.name_key, word),
        _holds(pack_names.c.display_key, word),
    )


def _word_of_versions(condition: Condition) -> Sql:
    found = select(pack_names.c.source, pack_names.c.name).where(_word_of_names(condition))
    return tuple_(packs.c.source, packs.c.name).in_(found)


_VERSIONS: dict[Field, Callable[[Condition], Sql]] = {
    Field.UID: _text(packs.c.uid),
    Field.NAME: _text(packs.c.name),
    Field.DISPLAY_NAME: _text(packs.c.display_name),
    Field.VERSION: _version,
    Field.DIGEST: _text(packs.c.digest),
    Field.TEXT: _word_of_versions,
}
_FACETS: dict[Field, Callable[[Condition], Sql]] = {
    Field.GROUP: _text(facets.c.group),
    Field.LAYER: _text(facets.c.layer),
    Field.TYPE: _type_of_versions,
    Field.ADDON_TYPE: _addon_type(facets.c.addon_key),
    Field.ADDON_SUB_TYPE: _text(facets.c.addon_sub_type),
    Field.CLOUD: _list(facets.c.clouds),
    Field.ENVIRONMENT: _environment(facets.c.clouds),
    Field.REGISTRY: _text(facets.c.source),
}
_NAMES: dict[Field, Callable[[Condition], Sql]] = {
    Field.NAME: _text(pack_names.c.name, pack_names.c.name_key),
    Field.DISPLAY_NAME: _text(pack_names.c.display_name, pack_names.c.display_key),
    Field.LAYER: _text(pack_names.c.layer),
    Field.TYPE: _text(pack_names.c.type),
    Field.ADDON_TYPE: _addon_type(pack_names.c.addon_key),
    Field.ADDON_GROUP: _addon_group(pack_names.c.addon_key),
    Field.ADDON_SUB_TYPE: _text(pack_names.c.addon_sub_type),
    Field.CLOUD: _list(pack_names.c.clouds),
    Field.ENVIRONMENT: _environment(pack_names.c.clouds),
    Field.REGISTRY: _text(pack_names.c.source),
    Field.STATE: _text(pack_names.c.state),
    Field.ORIGIN: _text(pack_names.c.origin),
    Field.FIPS: _text(pack_names.c.fips),
    Field.TEXT: _word_of_names,
}
