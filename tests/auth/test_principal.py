from __future__ import annotations

import pytest

from packyard.auth.principal import ANONYMOUS, Action, Principal, Role

PULL, PUSH, DELETE, ADMIN = Action.PULL, Action.PUSH, Action.DELETE, Action.ADMIN


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        (ANONYMOUS, {PULL}),
        (Principal("ann", Role.VIEWER), {PULL}),
        (Principal("ann", Role.EDITOR), {PULL, PUSH}),
        (Principal("ann", Role.EDITOR, deletes=True), {PULL, PUSH, DELETE}),
        (Principal("ann", Role.ADMIN), {PULL, PUSH, DELETE, ADMIN}),
    ],
)
def test_what_each_may_do(principal: Principal, allowed: set[Action]) -> None:
    assert {action for action in Action if principal.may(action)} == allowed


def test_only_who_did_not_sign_in_is_anonymous() -> None:
    assert ANONYMOUS.anonymous
    assert not Principal("ann", Role.VIEWER).anonymous
