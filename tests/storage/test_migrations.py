"""The migrations make exactly the tables that the code works with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

import packyard.catalog.words  # whose table is made beside another one
import packyard.storage.migrations
from packyard.errors import ConfigurationInvalid
from packyard.storage.store import Store
from packyard.storage.tables import REVISION, metadata

MIGRATE = """
import sys
from pathlib import Path
from packyard.storage.store import Store

store = Store.open(Path(sys.argv[1]))
store.migrate()
store.check_ready()
"""


def statements(connection: Connection) -> set[str]:
    """All but those of the full-text index, which SQLAlchemy does not know."""
    others = "sql IS NOT NULL AND name NOT LIKE 'pack_words%' AND name != 'alembic_version'"
    found = connection.exec_driver_sql(f"SELECT sql FROM sqlite_master WHERE {others}")  # noqa: S608
    return {" ".join(sql.split()) for sql in found.scalars()}


def test_the_migrated_tables_are_those_of_the_code(disk: Store) -> None:
    def is_ours(name: str | None, type_: str, _: object) -> bool:
        return type_ != "table" or not str(name).startswith("pack_words")

    with disk.read() as migrated:
        context = MigrationContext.configure(migrated, opts={"include_name": is_ours})
        assert compare_metadata(context, metadata) == []


def test_the_migrated_tables_are_those_of_the_code_to_the_word(disk: Store) -> None:
    with disk.read() as migrated, create_engine("sqlite://").connect() as made:
        metadata.create_all(made)
        assert statements(migrated) == statements(made)


def test_the_last_migration_is_the_one_that_readiness_asks_for() -> None:
    folder = Path(packyard.storage.migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_heads() == [REVISION]


def test_migrating_again_changes_nothing(disk: Store) -> None:
    disk.migrate()
    disk.check_ready()


def test_several_processes_migrate_one_folder_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MIGRATE, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors


def test_a_database_of_a_newer_version_is_refused(disk: Store) -> None:
    with disk.write() as transaction:
        transaction.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationInvalid, match=r"newer version of Packyard.*'9999'"):
        disk.migrate()


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.write() as transaction:
        transaction.connection.exec_driver_sql("CREATE TABLE users (something_else)")
    with pytest.raises(Exception, match="users already exists"):
        store.migrate()
    with store.write() as transaction:
        transaction.connection.exec_driver_sql("DROP TABLE users")
    store.migrate()
    store.check_ready()
    store.close()
