"""Bringing a database to this version's tables (alembic, driven from here, no alembic.ini).

`HEAD` is the newest revision in `versions/`; it is repeated here so that asking whether a store is
ready does not load alembic.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from packyard.errors import ConfigurationInvalid
from packyard.storage.db import Database


def upgrade(database: Database, to: str = "head") -> None:
    """Run what is missing up to that revision, in one transaction of the only writer.

    Raises `ConfigurationInvalid` for a database that a newer version has written.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with database.write() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise ConfigurationInvalid(
                f"The data folder was written by a newer version of Packyard (its tables are at "
                f"{current!r}): start that version or a later one."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, to)
