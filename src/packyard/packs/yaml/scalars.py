"""The types of YAML scalars as Helm reads them (spec "values.yaml").

Helm goes from YAML 1.1, as Go's second YAML package reads it, to JSON: `yes`, `on`, `y` are true,
`0777` and `0o777` are 511, `1e3` is 1000, while dates and base-60 numbers stay texts. What JSON has
no form for (infinity, "not a number") is returned all the same; the caller refuses it.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from decimal import Decimal
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Plain: TypeAlias = bool | int | float | str | None

_TAG = "tag:yaml.org,2002:"
MERGE_TAG = f"{_TAG}merge"
_TYPES: dict[str, tuple[type, ...]] = {
    f"{_TAG}null": (type(None),),
    f"{_TAG}bool": (bool,),
    f"{_TAG}int": (int,),
    f"{_TAG}float": (int, float),
}

_TRUE = ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE")
_FALSE = ("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE")
_WORDS: dict[str, Plain] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_LONGEST_WORD = max(map(len, _WORDS))
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)"
    r"|(?P<dec>0|[1-9][0-9]{0,19}))"
)
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINT_FIRST = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")


def plain(text: str) -> Plain:
    """What a scalar without quotes and tag is."""
    if len(text) <= _LONGEST_WORD and text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first in "0123456789+-":
        return _number(text.replace("_", ""), text)
    if first == "." and _POINT_FIRST.fullmatch(text):
        return _float(text.replace("_", ""), text)
    return text


def tagged(tag: str, text: str) -> Plain:
    """What a scalar with a tag is; ValueError with a sentence where the tag does not fit."""
    if tag == f"{_TAG}binary":
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            raise ValueError("is marked !!binary, but is not base64") from None
    if tag not in _TYPES:
        return text
    value = plain(text)
    fits = isinstance(value, _TYPES[tag]) and (isinstance(value, bool) == tag.endswith("bool"))
    if not fits:
        raise ValueError(f"is marked !!{tag.removeprefix(_TAG)}, but is none")
    return value


def as_key(value: Plain) -> str | None:
    """The text that a key becomes in JSON; None where Helm takes no such key."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if -(2**63) <= value < 2**63 else None
        case float():
            return str(value) if math.isfinite(value) else None
        case _:
            return None


def _number(digits: str, text: str) -> Plain:
    if form := _INTEGER.fullmatch(digits):
        base = str(form.lastgroup)
        value = int(f"{form['sign']}{form[base]}", _BASES[base])
        if -(2**63) <= value < 2 ** (63 if form["sign"] else 64):
            return value
    return _float(digits, text) if _FLOAT.fullmatch(digits) else text


def _float(digits: str, text: str) -> Plain:
    """A number that JSON writes without point and exponent is an int, one too large a text."""
    value = float(digits)
    if math.isinf(value):
        return text
    return int(Decimal(repr(value))) if value.is_integer() and abs(value) < 1e21 else value
