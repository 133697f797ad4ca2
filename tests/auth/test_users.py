from __future__ import annotations

import pytest

from packyard.auth import passwords, users
from packyard.auth.principal import Role
from packyard.errors import Conflict, ParameterInvalid, UserUnknown
from packyard.storage.store import Store


def opens(store: Store, name: str, password: str) -> bool:
    with store.read() as connection:
        user = users.find(connection, name)
    return user is not None and passwords.opens(password.encode(), user.password_hash)


def test_the_first_admin_gets_a_generated_password_once(store: Store) -> None:
    password = users.ensure_admin(store, None)
    assert password
    assert opens(store, "admin", password)
    assert users.ensure_admin(store, None) is None
    assert users.ensure_admin(store, "another") is None
    assert opens(store, "admin", password)


def test_a_given_initial_password_is_set_and_not_repeated(store: Store) -> None:
    assert users.ensure_admin(store, "given") is None
    assert opens(store, "admin", "given")


def test_no_admin_is_made_where_there_are_users(store: Store) -> None:
    users.create(store, "ann", "secret", Role.VIEWER)
    assert users.ensure_admin(store, None) is None
    with store.read() as connection:
        assert users.find(connection, "admin") is None


def test_a_user_has_name_role_and_password(store: Store) -> None:
    users.create(store, "ann", "secret", Role.EDITOR)
    with store.read() as connection:
        user = users.find(connection, "ann")
        assert user
        assert (user.name, user.role) == ("ann", Role.EDITOR)
        assert users.find(connection, "Ann") is None


def test_a_name_is_taken_once(store: Store) -> None:
    users.create(store, "ann", "secret", Role.VIEWER)
    with pytest.raises(Conflict, match="a user ann already"):
        users.create(store, "ann", "other", Role.ADMIN)


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "x" * 256])
def test_names_that_could_not_sign_in_are_refused(store: Store, name: str) -> None:
    with pytest.raises(ParameterInvalid, match="not a user name"):
        users.create(store, name, "secret", Role.VIEWER)


def test_a_password_can_be_reset(store: Store) -> None:
    users.create(store, "ann", "secret", Role.VIEWER)
    generated = users.reset_password(store, "ann")
    assert opens(store, "ann", generated)
    assert not opens(store, "ann", "secret")
    assert users.reset_password(store, "ann", "chosen") == "chosen"
    assert opens(store, "ann", "chosen")


def test_resetting_makes_the_admin_where_there_is_none(store: Store) -> None:
    password = users.reset_password(store, "admin")
    assert opens(store, "admin", password)
    with store.read() as connection:
        user = users.find(connection, "admin")
    assert user
    assert user.role is Role.ADMIN


def test_resetting_makes_nobody_else(store: Store) -> None:
    with pytest.raises(UserUnknown, match="no user ann"):
        users.reset_password(store, "ann")
