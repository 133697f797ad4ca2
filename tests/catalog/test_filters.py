"""The grammar of `filters`: what it reads, what it refuses and how it says so."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packyard.catalog.filters import FIELDS, LENGTH_LIMIT, ORDERS, parse
from packyard.catalog.query import EVERYTHING, Condition, Field, Op, Query, both
from packyard.errors import ParameterInvalid


def one(field: Field, op: Op, *values: str) -> Query:
    return ((Condition(field, op, values),),)


NGINX = one(Field.NAME, Op.IS, "nginx")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EVERYTHING),
        ("  ", EVERYTHING),
        ("spec.name=nginx", NGINX),
        ("metadata.name=nginx", NGINX),
        (" spec.name = nginx ", NGINX),
        ("spec.name!=nginx", one(Field.NAME, Op.IS_NOT, "nginx")),
        ("metadata.uid=0123", one(Field.UID, Op.IS, "0123")),
        ("spec.version>3.26.9", one(Field.VERSION, Op.ABOVE, "3.26.9")),
        ("spec.version>=1.16", one(Field.VERSION, Op.FROM, "1.16")),
        ("spec.version<2.0.2-up.3", one(Field.VERSION, Op.BELOW, "2.0.2-up.3")),
        ("spec.version<=26.04.4", one(Field.VERSION, Op.UP_TO, "26.04.4")),
        ("spec.version=not a version", one(Field.VERSION, Op.IS, "not a version")),
        ("spec.cloudTypes_in_aws,all", one(Field.CLOUD, Op.IS, "aws", "all")),
        ("spec.cloudTypes_in_ aws , all", one(Field.CLOUD, Op.IS, "aws", "all")),
        ("spec.cloudType=aws", one(Field.CLOUD, Op.IS, "aws")),
        ("spec.addonType=", one(Field.ADDON_TYPE, Op.IS, "")),
        ("spec.displayName=a=b>c_in_d", one(Field.DISPLAY_NAME, Op.IS, "a=b>c_in_d")),
        ("spec.name=nginxANDspec.version=1.2.3", both(NGINX, parse("spec.version=1.2.3"))),
        ("spec.name=nginx AND spec.version=1.2.3", both(NGINX, parse("spec.version=1.2.3"))),
        ("spec.name=nginxORspec.layer=cni", (*NGINX, *parse("spec.layer=cni"))),
        (
            "spec.layer=osORspec.name=nginxANDspec.version>1",
            (*parse("spec.layer=os"), *both(NGINX, parse("spec.version>1"))),
        ),
        # Values may hold the words.
        ("spec.name=SANDBOXANDspec.name=FORD", both(*map(parse, ("spec.name=SANDBOX",
                                                                 "spec.name=FORD")))),
        ("spec.displayName=AND OR spec.", one(Field.DISPLAY_NAME, Op.IS, "AND OR spec.")),
        ("spec.displayName=thisANDthat=1", one(Field.DISPLAY_NAME, Op.IS, "thisANDthat=1")),
    ],
)  # fmt: skip
def test_what_is_read(text: str, expected: Query) -> None:
    assert parse(text) == expected


def test_the_documented_text() -> None:
    text = (
        "spec.cloudTypes=edge-nativeANDspec.layer=cniANDspec.displayName=CalicoAND"
        "spec.version>3.26.9ANDspec.registryUid=5eecc89d0b150045ae661cef"
    )
    assert parse(text) == (
        (
            Condition(Field.CLOUD, Op.IS, ("edge-native",)),
            Condition(Field.LAYER, Op.IS, ("cni",)),
            Condition(Field.DISPLAY_NAME, Op.IS, ("Calico",)),
            Condition(Field.VERSION, Op.ABOVE, ("3.26.9",)),
            Condition(Field.REGISTRY, Op.IS, ("5eecc89d0b150045ae661cef",)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nginx", r"'nginx' is no condition: write FIELD OPERATOR VALUE"),
        ("=nginx", r"'=nginx' is no condition"),
        ("name=nginx", r"'name=nginx' is no condition"),
        ("spec.name", r"'spec\.name' is no condition"),
        ("spec.name~nginx", r"'spec\.name~nginx' is no condition"),
        ("ANDspec.name=nginx", r"'' is no condition"),
        ("spec.nam=nginx", r"spec\.nam is no field to ask for: did you mean spec\.name\?"),
        ("status.phase=ok", r"status\.phase is no field to ask for: They are metadata\.uid, "),
        ("spec.layer>os", r"spec\.layer has no order, so > does not go with it: use =, != or _in_"),
        ("spec.version>new", r"'new' in spec\.version> is no version such as 1\.2\.3"),
        ("spec.version>=", r"'' in spec\.version>= is no version"),
        ("spec.name=" + "x" * LENGTH_LIMIT, r"more than 8192 characters"),
        ("AND".join(["spec.name=x"] * 65), r"65 conditions, more than 64"),
    ],
    ids=lambda text: text[:30],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(ParameterInvalid, match=said):
        parse(text)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(ParameterInvalid) as refused:
        parse("spec.nam=xANDspec.layer>osORspec.version<y")
    for part in ("spec.nam is no field", "spec.layer has no order", "'y' in spec.version<"):
        assert part in refused.value.message


VALUE = st.text(st.characters(categories=("L", "N"), include_characters=" -./=ANDOR"), max_size=12)


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, Condition]:
    path = draw(st.sampled_from([path for path in FIELDS if path != "spec.cloudType"]))
    field = FIELDS[path]
    sign = draw(st.sampled_from(["=", "!=", "_in_", *(ORDERS if field is Field.VERSION else ())]))
    if sign in ORDERS:
        value = draw(st.sampled_from(["1", "1.2.3", "v2", "26.04.4"]))
        return f"{path}{sign}{value}", Condition(field, Op(sign), (value,))
    # What begins with `=` behind `>` or `!` would be another operator; behind `=` it is a value.
    value = draw(VALUE)
    if sign == "_in_":
        return f"{path}{sign}{value}", Condition(field, Op.IS, (value.strip(),))
    return f"{path}{sign}{value}", Condition(field, Op(sign), (value.strip(),))


@given(st.lists(st.lists(conditions(), min_size=1, max_size=3), min_size=1, max_size=3))
def test_what_is_joined_comes_apart_again(parts: list[list[tuple[str, Condition]]]) -> None:
    text = "OR".join("AND".join(text for text, _ in each) for each in parts)
    assert parse(text) == tuple(tuple(test for _, test in each) for each in parts)


@given(st.text(max_size=60) | st.text("specmtadt.nouANDOR=<>!_in, ", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ParameterInvalid):
        assert parse(text)
