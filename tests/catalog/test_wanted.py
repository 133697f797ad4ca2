"""The search object: what its sets and texts ask for."""

from __future__ import annotations

import pytest

from packyard.catalog.query import EVERYTHING, Condition, Field, Op
from packyard.catalog.wanted import Text, Wanted


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), ()),
        (Wanted(environments=["all"]), ()),
        (Wanted(environments=["aws", "all"]), ()),
        (Wanted(environments=["aws"]), (Condition(Field.ENVIRONMENT, Op.IS, ("aws",)),)),
        (
            Wanted(addon_types=["logging", ""]),
            (Condition(Field.ADDON_GROUP, Op.IS, ("logging", "")),),
        ),
        (
            Wanted(name=Text(eq="Nginx")),
            (Condition(Field.NAME, Op.IS, ("Nginx",), ignore_case=True),),
        ),
        (
            Wanted(display_name=Text(begins_with="A", ne="AB", contains="c", ignore_case=False)),
            (
                Condition(Field.DISPLAY_NAME, Op.IS_NOT, ("AB",)),
                Condition(Field.DISPLAY_NAME, Op.BEGINS, ("A",)),
                Condition(Field.DISPLAY_NAME, Op.HOLDS, ("c",)),
            ),
        ),
        (
            Wanted(layers=["os", "k8s"], types=["helm"], registries=["u"], fips=True),
            (
                Condition(Field.LAYER, Op.IS, ("os", "k8s")),
                Condition(Field.TYPE, Op.IS, ("helm",)),
                Condition(Field.REGISTRY, Op.IS, ("u",)),
                Condition(Field.FIPS, Op.IS, ("true",)),
            ),
        ),
    ],
)
def test_what_is_asked(wanted: Wanted, expected: tuple[Condition, ...]) -> None:
    assert wanted.query() == (expected,)


def test_nothing_asked_is_everything() -> None:
    assert Wanted().query() == EVERYTHING
