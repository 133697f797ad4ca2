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
from packyard.catalog import names
from packyard.errors import ConfigurationInvalid
from packyard.storage.db import Database
from packyard.storage.migrations import upgrade
from packyard.storage.store import Store
from packyard.storage.tables import REVISION, metadata

MIGRATE = """
import sys
from pathlib import Path
from packyard.storage.db import Database
from packyard.storage.migrations import upgrade
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


FORMER = """
INSERT INTO sources (uid, kind, name)
VALUES ('s', 'default', 'Public Repo'), ('h', 'helm', 'charts');
INSERT INTO packs (uid, source, name, label, "group", version, version_key, display_name, layer,
    addon_type, addon_key, addon_sub_type, system_state, annotations, search_text, digest,
    content_digest, archive_digest, size, message, pushed_by, pushed_at, gone_at)
SELECT column1, column2, column3, column4, '', column4, column5, column6, 'addon', 'system app',
    'systemapp', '', column7, column8, '', '', '', '', 1, '', '', 1, column9
FROM (VALUES
    ('a', 's', 'nginx', '1.9.0', '1001100119.~', 'Nginx', '', '{"description": "old"}', 0),
    ('b', 's', 'nginx', '1.10.0', '10011002210.~', 'NGINX', 'deprecated',
        '{"description": "new", "source": "community", "isFips": "true"}', 0),
    ('c', 's', 'gone', '1.0.0', '10011.~', 'Gone', '', '{}', 5),
    ('d', 'h', 'web', '1.0.0', '10011.~', 'web', '', '{"disabled": "true"}', 0)
);
INSERT INTO pack_clouds (pack, cloud) VALUES ('a', 'all'), ('b', 'aws'), ('b', 'maas');
INSERT INTO pack_contents (pack, pack_json, "values", readme, schema, presets, logo, files)
VALUES ('b', '{}', '', 'Routes traffic', '', '', x'', '[]');
"""


def test_what_was_there_is_searched_as_what_comes(tmp_path: Path) -> None:
    database = Database(tmp_path)
    upgrade(database, "0007")
    with database.write() as connection:
        for statement in filter(str.strip, FORMER.split(";\n")):
            connection.exec_driver_sql(statement)
    upgrade(database)

    def searched(connection: Connection) -> list[tuple[object, ...]]:
        found = connection.exec_driver_sql(
            "SELECT n.*, w.text FROM pack_names n JOIN pack_words w ON w.rowid = n.id "
            "ORDER BY n.source, n.name"
        )
        return [tuple(row)[1:] for row in found]

    with database.write() as connection:
        clouds = connection.exec_driver_sql("SELECT uid, clouds FROM packs ORDER BY uid").all()
        assert [tuple(row) for row in clouds] == [
            ("a", ",all,"), ("b", ",aws,maas,"), ("c", ""), ("d", ""),
        ]  # fmt: skip
        alike = connection.exec_driver_sql(
            "SELECT p.uid, f.source, f.addon_key, f.clouds FROM packs p JOIN facets f "
            "ON f.id = p.facet ORDER BY p.uid"
        )
        assert [tuple(row) for row in alike] == [
            ("a", "s", "systemapp", ",all,"), ("b", "s", "systemapp", ",aws,maas,"),
            ("c", "s", "systemapp", ""), ("d", "h", "systemapp", ""),
        ]  # fmt: skip
        filled = searched(connection)
        assert len(filled) == 2
        for source in ("s", "h"):
            names.forget(connection, source)
            names.describe(connection, source, ["nginx", "gone", "web"])
        assert searched(connection) == filled
    database.close()
