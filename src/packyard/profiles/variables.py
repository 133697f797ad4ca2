"""Variables of a profile: what their definitions must hold to, and the values given to them
(macros.md, section 5; terraform-contract.md, section 7).

Definitions that contradict themselves block; what real profiles get wrong without harm, such as a
regular expression that is none, is a warning and binds nothing. A secret is never shown.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from packyard.errors import several
from packyard.findings import Finding
from packyard.packs.regexes import RegexRefused, is_found
from packyard.packs.version import is_semver
from packyard.profiles.actions import MARK
from packyard.profiles.model import Format, InputType, Variable
from packyard.profiles.rules import found

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names of variables, and of macros that people define."""
MASK = "********"
_MASKED = re.compile(r"\*{3,}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def is_masked(value: str) -> bool:
    """Whether a value consists of asterisks: a secret that was hidden in an export."""
    return _MASKED.fullmatch(value.strip()) is not None


def check_variables(variables: Iterable[Variable], file: str = "") -> list[Finding]:
    """Everything that is wrong with the definitions; `path` is `variables[n]` with its field."""
    findings: list[Finding] = []
    names: dict[str, int] = {}
    shown: dict[str, str] = {}
    for index, variable in enumerate(variables):
        place = f"variables[{index}]"
        about = partial(found, file=file)
        if not NAME.fullmatch(variable.name):
            message = f"{variable.name[:80]!r} is no name of a variable."
            mend = "Use letters, digits, '_' and '-', as in pod_cidr."
            findings.append(about("variable.name-form", message, mend=mend, path=f"{place}.name"))
        elif names.setdefault(variable.name, index) != index:
            message = f"The variable {variable.name!r} is defined twice."
            mend = "Remove one, or rename it."
            findings.append(about("variable.name-repeated", message, mend=mend, path=place))
        label = variable.display_name or variable.name
        if label and shown.setdefault(label, variable.name) != variable.name:
            message = f"{shown[label]!r} and {variable.name!r} are both shown as {label!r}."
            mend = "Give one of them another displayName."
            findings.append(about("variable.display-name-repeated", message, mend=mend, path=place))
        findings += [
            about(rule, message, mend=mend, path=f"{place}.{field}")
            for rule, field, message, mend in _faults(variable)
        ]
    return findings


def value_fault(variable: Variable, value: str) -> str:
    """What keeps a value from being the variable's, as the end of a sentence; "" for nothing."""
    options = [option.value for option in variable.options]
    if variable.input_type is InputType.DROPDOWN and options and value not in options:
        return f"is none of {several(options)}"
    if fault := _FORMS[variable.format](value):
        return fault
    try:
        matches = not variable.regex or is_found(variable.regex, value)
    except RegexRefused:  # said where it is defined
        return ""
    return "" if matches else f"does not match {variable.regex}"


def given_values(
    variables: Iterable[Variable], given: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The value of each variable, and sentences about what was given wrongly or not at all.

    Those that have no value and need none are empty.
    """
    defined = {variable.name: variable for variable in variables}
    faults = [f"There is no variable {name[:80]!r}." for name in given if name not in defined]
    values = {}
    for name, variable in defined.items():
        default = "" if is_masked(variable.preset) else variable.preset
        value = given.get(name, default)
        values[name] = value
        if variable.immutable and name in given and value != default:
            faults.append(f"The variable {name!r} may not be given another value.")
        elif not value and variable.required:
            faults.append(f"The variable {name!r} needs a value.")
        elif value and (fault := value_fault(variable, value)):
            shown = "" if variable.sensitive else f" {value[:80]!r}"
            faults.append(f"The value{shown} of the variable {name!r} {fault}.")
    return values, faults


def _faults(variable: Variable) -> Iterator[tuple[str, str, str, str]]:
    """Rule, field, message, mend."""
    name, default = variable.name, variable.preset
    yield from _option_faults(variable)
    if variable.regex:
        try:
            is_found(variable.regex, "")
        except RegexRefused as error:
            message = (
                f"The regular expression {variable.regex[:80]!r} of {name!r} is none: {error}."
            )
            yield "variable.regex", "regex", message, "Write it as RE2 does, or remove it."
    if not default:
        needs = ("read-only" if variable.immutable else "") or (
            "hidden and required" if variable.hidden and variable.required else ""
        )
        if needs:
            message = f"The variable {name!r} is {needs}, so nobody can give it a value."
            yield "variable.default-missing", "defaultValue", message, "Give it a defaultValue."
    elif is_masked(default):
        message = f"The default of {name!r} was masked: it is asterisks, as a secret is shown."
        yield "variable.masked", "defaultValue", message, "Fill in the secret."
    elif MARK in default:
        message = f"The default of {name!r} holds a macro, which is not resolved there."
        yield "variable.nested", "defaultValue", message, "Write the value itself."
    elif fault := value_fault(variable, default):
        rule = "variable.default-form"
        if variable.input_type is InputType.DROPDOWN and fault.startswith("is none of"):
            rule = "variable.default-option"
        shown = "" if variable.sensitive else f" {default[:80]!r}"
        yield rule, "defaultValue", f"The default{shown} of {name!r} {fault}.", "Correct it."


def _option_faults(variable: Variable) -> Iterator[tuple[str, str, str, str]]:
    if variable.input_type is not InputType.DROPDOWN:
        return
    name, values = variable.name, [option.value for option in variable.options]
    if not values:
        message = f"The dropdown {name!r} has no options."
        yield "variable.options-missing", "options", message, "Add options, or take inputType text."
    if "" in values:
        message = f"An option of {name!r} has no value."
        yield "variable.option-empty", "options", message, "Give it one; a label is only shown."
    for value in (value for value, count in Counter(filter(None, values)).items() if count > 1):
        message = f"Two options of {name!r} have the value {value[:80]!r}."
        yield "variable.option-repeated", "options", message, "Remove one of them."
    if values and not variable.preset:
        message = f"The dropdown {name!r} has no default."
        yield "variable.default-missing", "defaultValue", message, "Name one of its options."


# The forms that values have.


def _is_number(value: str) -> str:
    return "" if _NUMBER.fullmatch(value) else "is no number"


def _is_boolean(value: str) -> str:
    return "" if value in ("true", "false") else "is neither true nor false"


def _is_version(value: str) -> str:
    return "" if is_semver(value.removeprefix("v")) else "is no semantic version"


def _is_base64(value: str) -> str:
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return "is not base64"
    return ""


def _is(parse: Callable[[str], object], complaint: str) -> Callable[[str], str]:
    def fault(value: str) -> str:
        try:
            parse(value)
        except ValueError:
            return complaint
        return ""

    return fault


def _network(value: str) -> object:
    address, _, length = value.partition("/")
    if not length.isdecimal():
        raise ValueError(value)
    return ipaddress.IPv4Interface(f"{address}/{length}")


def _ipv6(value: str) -> object:
    """A zone is of one host."""
    if "%" in value:
        raise ValueError(value)
    return ipaddress.IPv6Address(value)


_FORMS: Mapping[Format, Callable[[str], str]] = {
    Format.STRING: lambda _: "",
    Format.NUMBER: _is_number,
    Format.BOOLEAN: _is_boolean,
    Format.VERSION: _is_version,
    Format.IPV4: _is(ipaddress.IPv4Address, "is no IPv4 address"),
    Format.IPV4CIDR: _is(_network, "is no IPv4 network, such as 10.42.0.0/16"),
    Format.IPV6: _is(_ipv6, "is no IPv6 address"),
    Format.BASE64: _is_base64,
}
