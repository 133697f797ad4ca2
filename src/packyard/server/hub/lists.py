"""Lists of the API: pages of at most 50, their order, and the members that are asked for
(terraform-contract.md, 4).

`page` cuts one out of what a handler has whole; what a query cuts by itself answers with `told`.
Paths that the contract wants answered whole answer with `whole`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from packyard.catalog import filters
from packyard.errors import ParameterInvalid
from packyard.server.hub.forms import Form

T = TypeVar("T")
Shape = TypeVar("Shape", bound=BaseModel)

LIMIT = 50  # items of a page, unless fewer are asked for
_TOKEN = re.compile(r"offset=([0-9]{1,16})(?:&after=([0-9a-f]{24}))?")
_FURTHEST = 2**53  # items; more are no whole number to every client


class ListMeta(Form):
    continue_: str = Field(alias="continue", description="For the next page; empty at the end.")
    count: int = Field(description="Of all items there are.")
    limit: int = Field(description="Of the items here.")
    offset: int = Field(description="Of the next page.")


@dataclass(frozen=True, slots=True)
class Paging:
    """Which items are asked for: so many at most, from that one on.

    `after` is the uid that the page before ended with, for lists that tell it.
    """

    limit: int = LIMIT
    offset: int = 0
    after: str = ""

    def told(self, given: int, count: int, last: str = "") -> ListMeta:
        """What to say of a page with that many items, of so many in all. With the uid of its
        `last` item the next page begins after that, whatever comes in between."""
        following = min(self.offset + given, count)
        ended = following >= count or not given
        text = f"offset={following}" + (f"&after={last}" if last else "")
        token = "" if ended else urlsafe_b64encode(text.encode()).decode()
        data = {"continue": token, "count": count, "limit": given, "offset": following}
        return ListMeta.model_validate(data)


async def _paging(
    limit: Annotated[int, Query(description="1 to 50.")] = LIMIT,
    offset: Annotated[int, Query(description="Items to leave out.")] = 0,
    token: Annotated[
        str, Query(alias="continue", description="`listmeta.continue` of the page before.")
    ] = "",
) -> Paging:
    start, after = _start(token) if token else (offset, "")
    if start > _FURTHEST:
        raise ParameterInvalid(f"offset is more than {_FURTHEST}.")
    return Paging(min(limit, LIMIT) if limit > 0 else LIMIT, max(start, 0), after)


Paged = Annotated[Paging, Depends(_paging)]
"""A `limit` over 50 or under 1 is one of 50; `continue` wins over `offset`."""
OrderBy = Annotated[
    str,
    Query(
        alias="orderBy",
        description="Members of the items with commas between: 1 rising, -1 falling.",
        examples=["metadata.name=1,metadata.creationTimestamp=-1"],
    ),
]
Filters = Annotated[
    str,
    Query(
        description="Conditions that items have to meet, joined by AND and OR.",
        examples=["metadata.name=chartsANDspec.isPrivate=false"],
    ),
]
Fields = Annotated[
    str,
    Query(
        description="Members of the items to answer, with commas between; empty for all.",
        examples=["metadata.name,metadata.uid"],
    ),
]


def page(items: Sequence[T], paging: Paging) -> tuple[list[T], ListMeta]:
    """The items of that page, and what to say of it."""
    found = list(items[paging.offset : paging.offset + paging.limit])
    return found, paging.told(len(found), len(items))


def rest(items: Sequence[T], paging: Paging) -> tuple[list[T], ListMeta]:
    """All of them from the offset on, for clients that ask for `LIMIT` and read no further page;
    fewer where fewer were asked for."""
    limit = paging.limit if paging.limit < LIMIT else len(items)
    return page(items, Paging(limit, paging.offset))


def whole(items: Sequence[T]) -> tuple[list[T], ListMeta]:
    """All of them, as one page."""
    return page(items, Paging(limit=len(items)))


def ordered(items: Sequence[Shape], order_by: str) -> list[Shape]:
    """In the order of an `orderBy`; items without a member go before those with it.

    Raises `ParameterInvalid` for what is no member of these items.
    """
    found = list(items)
    for name, direction in reversed(directions(order_by)):
        keys = {id(item): _key(item, name) for item in found}
        found.sort(key=lambda item: keys[id(item)], reverse=direction < 0)
    return found


def matching(items: Sequence[Shape], text: str) -> list[Shape]:
    """The items that a `filters` lets through, by its grammar for packs (`catalog.filters`); a list
    is met by any of its values. Raises `ParameterInvalid` with every fault."""
    faults: list[str] = []
    alternatives = filters.split(text, faults)
    terms = [term for several in alternatives for term in several]
    faults += [
        f"{term.path} has no order here, so {term.sign} does not go with it: use =, != or _in_."
        for term in terms
        if term.sign not in ("=", "!=", "_in_")
    ]
    if faults:
        raise ParameterInvalid(f"filters: {' '.join(faults)}")
    if not terms:
        return list(items)
    return [
        item
        for item in items
        if any(all(_meets(item, term) for term in several) for several in alternatives)
    ]


def trimmed(answer: Shape, fields: str) -> Shape:
    """The answer with these members of its items alone, and what an item is known by."""
    wanted = {name.strip() for name in fields.split(",")} - {""}
    if not wanted:
        return answer
    data = answer.model_dump(by_alias=True, mode="json", exclude_none=True)
    paths = [name.split(".") for name in sorted({*wanted, "metadata.uid"})]
    data["items"] = [_chosen(item, paths) for item in data["items"]]
    return cast(Shape, JSONResponse(data))  # which FastAPI sends as it is


def _start(token: str) -> tuple[int, str]:
    try:
        text = urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        text = ""
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise ParameterInvalid(
            "continue is not what listmeta.continue of a page before held; leave it out to begin "
            "anew."
        )
    return int(found[1]), found[2] or ""


def directions(order_by: str) -> list[tuple[str, int]]:
    """Members and 1 or -1, of an `orderBy`; raises `ParameterInvalid`."""
    found = []
    for word in filter(None, (part.strip() for part in order_by.split(","))):
        name, _, sign = word.partition("=")
        if sign not in ("", "1", "-1"):
            raise ParameterInvalid(
                f"orderBy holds {word[:100]!r}: a member is followed by =1 for rising or =-1 for "
                "falling, such as metadata.name=1."
            )
        found.append((name, -1 if sign == "-1" else 1))
    return found


def _member(item: BaseModel, name: str, parameter: str) -> Any:
    """What an item has there, None where it has nothing; raises `ParameterInvalid` where none of
    its kind can have."""
    value: Any = item
    for word in name.split("."):
        if value is None:
            break
        members = type(value).model_fields.items() if isinstance(value, BaseModel) else ()
        known = [field for field, info in members if word in (info.alias, field)]
        if not known:
            raise ParameterInvalid(
                f"{parameter} names {name[:100]!r}, which these items do not have."
            )
        value = getattr(value, known[0])
    return value


def _meets(item: BaseModel, term: filters.Term) -> bool:
    value = _member(item, term.path, "filters")
    there = {_text(one) for one in (value if isinstance(value, list) else [value])}
    return there.isdisjoint(term.values) == (term.sign == "!=")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _key(item: BaseModel, name: str) -> tuple[int, Any]:
    value = _member(item, name, "orderBy")
    if value is None:
        return (0, 0)
    if isinstance(value, bool | int | float):
        return (1, value)
    if isinstance(value, str):
        return (2, value.casefold())
    raise ParameterInvalid(f"orderBy names {name[:100]!r}, by which nothing is ordered.")


def _chosen(item: dict[str, Any], paths: Sequence[Sequence[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in paths:
        value: Any = item
        for word in path:
            value = value.get(word) if isinstance(value, dict) else None
        if value is None:
            continue
        place = found
        for word in path[:-1]:
            place = place.setdefault(word, {})
        place[path[-1]] = value
    return found
