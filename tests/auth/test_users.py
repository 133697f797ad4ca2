from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from packyard.auth import passwords, users
from packyard.auth.principal import Role
from packyard.auth.users import User
from packyard.errors import Conflict, ParameterInvalid, ProjectUnknown, UserUnknown
from packyard.hub.tables import projects
from packyard.storage.migrations import upgrade
from packyard.storage.store import Store
from packyard.storage.tables import audits


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


def test_a_given_initial_password_is_set_and_not_repeated(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    assert users.ensure_admin(store, "given") is None
    assert opens(store, "admin", "given")
    assert "less than 8 characters" in caplog.text


def test_no_admin_is_made_where_there_are_users(store: Store) -> None:
    users.create(store, User(name="ann", role=Role.VIEWER), "a secret")
    assert users.ensure_admin(store, None) is None
    with store.read() as connection:
        assert users.find(connection, "admin") is None


def test_a_user_has_name_role_and_password(store: Store) -> None:
    users.create(store, User(name="ann", role=Role.EDITOR), "a secret")
    with store.read() as connection:
        user = users.find(connection, "ann")
        assert user
        assert (user.name, user.role) == ("ann", Role.EDITOR)
        assert users.find(connection, "Ann") is None


def test_a_name_is_taken_once(store: Store) -> None:
    users.create(store, User(name="ann", role=Role.VIEWER), "a secret")
    with pytest.raises(Conflict, match="a user ann already"):
        users.create(store, User(name="ann", role=Role.ADMIN), "other word")


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "x" * 256])
def test_names_that_could_not_sign_in_are_refused(store: Store, name: str) -> None:
    with pytest.raises(ParameterInvalid, match="not a user name"):
        users.create(store, User(name=name, role=Role.VIEWER), "a secret")


def test_a_password_can_be_reset(store: Store) -> None:
    users.create(store, User(name="ann", role=Role.VIEWER), "a secret")
    generated = users.reset_password(store, "ann")
    assert opens(store, "ann", generated)
    assert not opens(store, "ann", "a secret")
    assert users.reset_password(store, "ann", "chosen word") == "chosen word"
    assert opens(store, "ann", "chosen word")


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


def find(store: Store, name: str) -> User | None:
    with store.read() as connection:
        return users.find(connection, name)


def recorded(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(select(audits.c.message).order_by(audits.c.uid)))


def test_people_are_found_by_name_or_address_in_any_case(store: Store) -> None:
    made = users.create(store, User(name="ann", email="Ann@Example.com"), "a secret")
    assert find(store, "ann") == find(store, "ANN@example.com") == made
    assert find(store, "ANN") is None
    assert find(store, "x" * 1_000_000) is None


@pytest.mark.parametrize(
    "other",
    [
        User(name="ann"),
        User(name="bob", email="ANN@example.com"),
        User(name="Ann@Example.com"),
        User(name="bob", email="carl@example.com"),
    ],
)
def test_nobody_can_be_taken_for_somebody_else(store: Store, other: User) -> None:
    users.create(store, User(name="ann", email="ann@example.com"))
    users.create(store, User(name="Carl@example.com"))
    with pytest.raises(Conflict):
        users.create(store, other)
    with store.read() as connection:
        assert len(users.everybody(connection)) == 2


def test_everything_wrong_is_said_at_once(store: Store) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        users.create(store, User(name="a:b", email="nowhere", first_name="\0", last_name="x" * 300))
    for said in ("not a user name", "not an e-mail address", "'\\x00' is not a name"):
        assert said in refused.value.message


def test_two_equal_names_at_the_same_moment_make_one_user(store: Store) -> None:
    refused: list[Conflict] = []

    def make() -> None:
        try:
            users.create(store, User(name="ann"))
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    assert len([message for message in recorded(store) if "ann" in message]) == 1


def test_roles_are_those_of_projects_that_exist(store: Store) -> None:
    with store.read() as connection:
        project = connection.scalar(select(projects.c.uid)) or ""
    ann = users.create(store, User(name="ann", projects={project: Role.EDITOR}))
    assert find(store, "ann") == ann
    with pytest.raises(ProjectUnknown, match="0000"):
        users.change(store, ann.uid, lambda user: replace(user, projects={"0" * 24: Role.VIEWER}))
    with store.write() as tx:
        tx.connection.execute(projects.delete())
    assert find(store, "ann") == replace(ann, projects={})


def test_a_change_is_recorded_with_the_rights_in_full(store: Store) -> None:
    ann = users.create(store, User(name="ann", role=Role.VIEWER), "a secret")
    more = replace(ann, role=Role.EDITOR, email="ann@example.com")
    for _ in range(2):  # the second time nothing changes
        users.change(store, ann.uid, lambda _: more)
    users.set_password(store, ann.uid, "another secret")
    users.remove(store, ann.uid)
    assert recorded(store) == [
        "Created the user ann",
        "Changed the user ann: the e-mail address, the role to editor",
        "Set a new password for ann",
        "Deleted the user ann",
    ]
    assert find(store, "ann") is None
    with pytest.raises(UserUnknown):
        users.remove(store, ann.uid)


def test_a_change_keeps_the_password_and_when_the_user_was_made(store: Store) -> None:
    ann = users.create(store, User(name="ann"), "a secret")
    users.change(
        store, ann.uid, lambda user: replace(user, first_name="Ann", password_hash="", created_at=0)
    )
    changed = find(store, "ann")
    assert changed
    assert (changed.created_at, changed.first_name) == (ann.created_at, "Ann")
    assert opens(store, "ann", "a secret")


def test_one_administrator_stays(store: Store) -> None:
    admin = users.create(store, User(name="root", role=Role.ADMIN), "a secret")

    def demoted(user: User) -> User:
        return replace(user, role=Role.EDITOR)

    def disabled(user: User) -> User:
        return replace(user, disabled=True)

    for away in (demoted, disabled):
        with pytest.raises(Conflict, match="last administrator"):
            users.change(store, admin.uid, away)
    with pytest.raises(Conflict, match="last administrator"):
        users.remove(store, admin.uid)
    users.create(store, User(name="other", role=Role.ADMIN))
    users.change(store, admin.uid, disabled)
    users.remove(store, admin.uid)


def test_users_of_the_first_tables_are_kept(tmp_path: Path) -> None:
    former = Store.open(tmp_path)
    upgrade(former.database, "0003")
    with former.write() as tx:
        tx.connection.exec_driver_sql(
            "INSERT INTO users (name, password_hash, role, changed_at)"
            " VALUES ('ann', 'hash', 'editor', 7)"
        )
    former.migrate()
    ann = find(former, "ann")
    former.close()
    assert ann
    assert (ann.role, ann.password_hash, ann.created_at) == (Role.EDITOR, "hash", 7)
    assert len(ann.uid) == 24
