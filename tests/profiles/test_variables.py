"""Variables of a profile: definitions and values (macros.md, section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from packyard.profiles.model import Format, InputType, Option, Variable
from packyard.profiles.variables import check_variables, given_values, value_fault
from tests.profiles.samples import one, variable, variable_rules

DROPDOWN: dict[str, Any] = {
    "input_type": InputType.DROPDOWN,
    "options": (Option(value="1", label="small"), Option(value="3", label="large")),
}

FORMS = {
    Format.STRING: (["", "any thing"], []),
    Format.NUMBER: (["3", "-1", "2.5", "1e3"], ["x", "1,5", "0x1", "", "1 "]),
    Format.BOOLEAN: (["true", "false"], ["1", "0", "True", "yes"]),
    Format.VERSION: (["1.2.3", "1.2.3-rc.1"], ["1.2", "b0.0.1", "2.2.2.develop", "01.2.3"]),
    Format.IPV4: (["10.0.0.1"], ["10.0.0.256", "10.0.0", "::1", "010.0.0.1"]),
    Format.IPV4CIDR: (
        ["10.42.0.0/16", "10.0.0.1/8"],
        ["10.0.0.1", "10.0.0.0/33", "10.0.0.1/255.0.0.0", "::/8"],
    ),
    Format.IPV6: (["::1", "fe80::1"], ["10.0.0.1", "g::1", "fe80::1%eth0"]),
    Format.BASE64: (["YQ==", "YWJj", "YW\nJj"], ["a", "YQ", "!!!!"]),
}


def test_a_value_has_the_form_that_its_format_asks_for() -> None:
    for form, (good, bad) in FORMS.items():
        defined = variable(format=form)
        assert [value for value in good if value_fault(defined, value)] == [], form
        assert [value for value in bad if not value_fault(defined, value)] == [], form


DEFINITIONS: list[tuple[Variable, list[str]]] = [
    (variable("pod_cidr"), []),
    (variable("ui-image-pull-policy"), []),
    (variable(""), ["variable.name-form"]),
    (variable("a b"), ["variable.name-form"]),
    (variable(format=Format.NUMBER, default="many"), ["variable.default-form"]),
    (variable(regex="^a+$", default="aaa"), []),
    (variable(regex="^a+$", default="b"), ["variable.default-form"]),
    (variable(regex="*.*", default="anything"), ["variable.regex"]),
    (variable(required=True), []),
    (variable(hidden=True), []),
    (variable(hidden=True, required=True), ["variable.default-missing"]),
    (variable(hidden=True, required=True, default="x"), []),
    (variable(immutable=True), ["variable.default-missing"]),
    (variable(sensitive=True, default="*******"), ["variable.masked"]),
    (variable(default="*******"), ["variable.masked"]),
    (
        variable(
            input_type=InputType.DROPDOWN, options=(Option(value="", label="a"),), default="a"
        ),
        ["variable.option-empty", "variable.default-missing"],
    ),
    (variable(default="{{ .spectro.system.user.name }}"), ["variable.nested"]),
    (variable(input_type=InputType.DROPDOWN), ["variable.options-missing"]),
    (variable(**DROPDOWN), ["variable.default-missing"]),
    (variable(**DROPDOWN, default="3"), []),
    (variable(**DROPDOWN, default="large"), []),
    (variable(**DROPDOWN, default="huge"), ["variable.default-option"]),
    (
        variable(
            input_type=InputType.DROPDOWN,
            options=(Option(value="1"), Option(value="1", default=True)),
        ),
        ["variable.option-repeated"],
    ),
    (variable(**DROPDOWN, default="large", format=Format.NUMBER), []),
]


def test_definitions_hold_to_what_they_say() -> None:
    assert [variable_rules(defined) for defined, _ in DEFINITIONS] == [
        expected for _, expected in DEFINITIONS
    ]


def test_names_and_what_is_shown_are_unique() -> None:
    twice = [variable("a", display_name="A"), variable("a"), variable("b", display_name="A")]
    findings = check_variables(twice)
    assert one(findings, "variable.name-repeated").path == "variables[1]"
    assert one(findings, "variable.display-name-repeated").path == "variables[2]"


def test_no_finding_shows_a_secret() -> None:
    secret = variable(sensitive=True, format=Format.NUMBER, default="s3cret")
    assert "s3cret" not in str(check_variables([secret]))
    assert "s3cret" not in str(given_values([secret], {"x": "s3cret2"})[1])


MASKED = variable(sensitive=True, required=True, default="****")
FIXED = variable(immutable=True, default="d")
FLAG = variable(format=Format.BOOLEAN)
CHOICE = variable(**DROPDOWN, default="1")


@pytest.mark.parametrize(
    ("defined", "given", "value", "fault"),
    [
        (variable(), {}, "", ""),
        (variable(default="d"), {}, "d", ""),
        (variable(default="d"), {"x": "g"}, "g", ""),
        (variable(**DROPDOWN, default="large"), {}, "3", ""),
        (variable(required=True), {}, "", "The variable 'x' needs a value."),
        (MASKED, {}, "", "The variable 'x' needs a value."),
        (FIXED, {"x": "g"}, "g", "The variable 'x' may not be given another value."),
        (FLAG, {"x": "1"}, "1", "The value '1' of the variable 'x' is neither true nor false."),
        (variable(), {"y": "1"}, "", "There is no variable 'y'."),
        (CHOICE, {"x": "2"}, "2", "The value '2' of the variable 'x' is none of 1, 3."),
    ],
    ids=str,
)  # fmt: skip
def test_values_are_what_is_given_else_the_defaults(
    defined: Variable, given: dict[str, str], value: str, fault: str
) -> None:
    values, faults = given_values([defined], given)
    assert (values, faults) == ({"x": value}, [fault] if fault else [])
